import type { Place } from '../place.ts';
import type { Reference } from '../types.ts';
import { exposes, groupOf, refersTo, type Extractor } from './extractor.ts';
import { hostNames } from './services.ts';

export const ingressExtractor: Extractor = (body, self) => {
  const spec = body.get('spec');
  const rules = spec.get('rules').items();
  const backends = [
    spec.get('defaultBackend'),
    // extensions/v1beta1 and networking.k8s.io/v1beta1
    spec.get('backend'),
    ...rules.flatMap((rule) => rule.get('http.paths').items().map((path) => path.get('backend'))), // prettier-ignore
  ];
  const className = spec.get('ingressClassName');
  const annotated = body.get('metadata.annotations').member('kubernetes.io/ingress.class');
  return {
    references: [
      ...rules.flatMap((rule) => exposes(rule.get('host'))),
      ...hostNames(body),
      ...backends.flatMap((backend) => backendReferences(backend, self.namespace)),
      ...spec.get('tls').items().flatMap((tls) => refersTo('uses', tls.get('secretName'), ['', 'Secret', self.namespace])), // prettier-ignore
      ...refersTo('uses', className.text === '' ? annotated : className, ['networking.k8s.io', 'IngressClass', '']),
    ],
  };
};

function backendReferences(backend: Place, namespace: string): Reference[] {
  const service = backend.get('service');
  const port = service.get('port.name').text || service.get('port.number').word || backend.get('servicePort').word;
  const resource = backend.get('resource');
  const more = port === '' ? {} : { key: port };
  return [
    ...refersTo('routes', service.get('name'), ['', 'Service', namespace], more),
    ...refersTo('routes', backend.get('serviceName'), ['', 'Service', namespace], more),
    ...refersTo('routes', resource.get('name'), [resource.get('apiGroup').text, resource.get('kind').text, namespace]),
  ];
}

export const ingressClassExtractor: Extractor = (body) => {
  const parameters = body.get('spec.parameters');
  const namespace = parameters.get('namespace').text;
  const type = [groupOf(`${parameters.get('apiGroup').text}/`), parameters.get('kind').text, namespace] as const;
  return { references: refersTo('uses', parameters.get('name'), type) };
};
