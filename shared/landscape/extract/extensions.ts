import type { Place } from '../place.ts';
import type { Reference } from '../types.ts';
import { refersTo, type Extractor } from './extractor.ts';

/** What a definition defines, and the Service that converts between its versions. */
export const definitionExtractor: Extractor = (body) => {
  const spec = body.get('spec');
  const [group, kind] = [spec.get('group').text, spec.get('names.kind')];
  const references: Reference[] = [
    ...(kind.text === '' ? [] : [{ relation: 'serves', target: { to: 'kind', group, kind: kind.text }, field: kind.field } as const]), // prettier-ignore
    ...serviceReference(spec.get('conversion.webhook.clientConfig.service')),
  ];
  return {
    references,
    ...(kind.text === '' ? {} : { defines: { group, kind: kind.text, resource: spec.get('names.plural').text } }),
  };
};

/** Of a webhook that fails open, the absence of its Service stops nothing. */
export const webhooksExtractor: Extractor = (body) => ({
  references: body
    .get('webhooks')
    .items()
    .flatMap((webhook) =>
      // prettier-ignore
      serviceReference(webhook.get('clientConfig.service'), webhook.get('failurePolicy').text === 'Ignore'),
    ),
});

export const apiServiceExtractor: Extractor = (body) => ({ references: serviceReference(body.get('spec.service')) });

function serviceReference(service: Place, optional = false): Reference[] {
  const port = service.get('port').word;
  const more = { ...(port === '' ? {} : { key: port }), ...(optional ? { optional } : {}) };
  return refersTo('serves', service.get('name'), ['', 'Service', service.get('namespace').text], more);
}
