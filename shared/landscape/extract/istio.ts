import type { Place } from '../place.ts';
import type { Reference } from '../types.ts';
import { equal, exposes, labelsAt, refersTo, selects, tells, type Extractor, type Self } from './extractor.ts';

const ISTIO = 'networking.istio.io';

export const virtualServiceExtractor: Extractor = (body, self) => {
  const spec = body.get('spec');
  const routes = ['http', 'tls', 'tcp'].flatMap((list) => spec.member(list).items());
  const destinations = routes.flatMap((route) => [
    ...route.get('route').items().map((each) => each.get('destination')), // prettier-ignore
    ...route.get('mirrors').items().map((each) => each.get('destination')), // prettier-ignore
    route.get('mirror'),
  ]);
  const gateways = spec.get('gateways').all().filter(({ text }) => text !== 'mesh'); // prettier-ignore
  return {
    references: [
      ...(gateways.length > 0 ? spec.get('hosts').all().flatMap(exposes) : []),
      ...gateways.flatMap((gateway) => gatewayReference(gateway, self)),
      ...destinations.flatMap((destination) => meshReference(destination, self)),
      ...routes.flatMap((route) => {
        const namespace = route.get('delegate.namespace').text || self.namespace;
        return refersTo('routes', route.get('delegate.name'), [ISTIO, 'VirtualService', namespace]);
      }),
    ],
  };
};

/** `NAMESPACE/NAME`, or a name in the own namespace. */
function gatewayReference(place: Place, self: Self): Reference[] {
  const [namespace = '', name] = place.text.includes('/') ? place.text.split('/') : [self.namespace, place.text];
  const target = { to: 'object', group: ISTIO, kind: 'Gateway', namespace, name: name ?? '' } as const;
  return tells('routes', place, target);
}

function meshReference(destination: Place, self: Self): Reference[] {
  const host = destination.get('host');
  const port = destination.get('port.number').word;
  return tells('routes', host, { to: 'mesh', namespace: self.namespace, host: host.text }, port === '' ? {} : { key: port }); // prettier-ignore
}

/** What stands for something outside of the mesh. */
export const serviceEntryExtractor: Extractor = (body, self) => {
  const hosts = body.get('spec.hosts');
  const selector = equal(labelsAt(body.get('spec.workloadSelector.labels')));
  return {
    hosts: hosts.texts,
    references: [
      ...hosts.all().flatMap((host) => tells('crosses', host, { to: 'host', name: host.text })),
      ...(selector.length > 0
        ? [selects(body.get('spec.workloadSelector.labels'), 'pods', [self.namespace], selector)]
        : []),
    ],
  };
};

/** Its selector finds pods in all namespaces. */
export const istioGatewayExtractor: Extractor = (body, self) => {
  const servers = body.get('spec.servers').items();
  const selector = equal(labelsAt(body.get('spec.selector')));
  return {
    references: [
      ...servers.flatMap((server) => server.get('hosts').all().flatMap(exposes)), // prettier-ignore
      ...servers.flatMap((server) =>
        refersTo('uses', server.get('tls.credentialName'), ['', 'Secret', self.namespace]),
      ),
      ...(selector.length > 0 ? [selects(body.get('spec.selector'), 'pods', null, selector)] : []),
    ],
  };
};
