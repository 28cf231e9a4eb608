import type { Extractor } from './extractor.ts';

/** Its Service is given to the other clusters. */
export const serviceExportExtractor: Extractor = (body, { namespace, name }) => ({
  references: [
    {
      relation: 'crosses',
      target: { to: 'object', group: '', kind: 'Service', namespace, name },
      field: body.get('metadata.name').field,
    },
  ],
});

/** A Service of other clusters, under the name that it has there. */
export const serviceImportExtractor: Extractor = (body, { namespace, name }) => ({
  references: [
    { relation: 'crosses', target: { to: 'export', namespace, name }, field: body.get('metadata.name').field },
  ],
  ports: body.get('spec.ports').items().map((port) => ({ port: port.get('port').number, name: port.get('name').text })), // prettier-ignore
});
