import type { Place } from '../place.ts';
import type { AllowedRoutes, Facts, Reference } from '../types.ts';
import { exposes, refersTo, selectorAt, type Extractor, type Self } from './extractor.ts';
import { hostNames } from './services.ts';

/** The Gateway API's own group. */
export const GATEWAY_API = 'gateway.networking.k8s.io';

/** HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute. */
export const routeExtractor: Extractor = (body, self) => {
  const spec = body.get('spec');
  const rules = spec.get('rules').items();
  const mirrors = (place: Place): Place[] =>
    place.get('filters').items().map((filter) => filter.get('requestMirror.backendRef')); // prettier-ignore
  const backends = rules.flatMap((rule) => {
    const refs = rule.get('backendRefs').items();
    return [...refs, ...[rule, ...refs].flatMap(mirrors)];
  });
  return {
    references: [
      ...spec.get('parentRefs').items().flatMap((parent) => parentReferences(parent, self)), // prettier-ignore
      ...spec.get('hostnames').all().flatMap(exposes), // prettier-ignore
      ...hostNames(body),
      ...backends.flatMap((backend) => crossReferences('routes', backend, 'Service', self)),
    ],
  };
};

/** A parent that is a Service is the mesh's (GAMMA). */
function parentReferences(parent: Place, self: Self): Reference[] {
  const group = parent.get('group').exists ? parent.get('group').text : GATEWAY_API;
  const type = [group, parent.get('kind').text || 'Gateway', parent.get('namespace').text || self.namespace] as const;
  const section = parent.get('sectionName').text || parent.get('port').word;
  return refersTo('routes', parent.get('name'), type, { granted: true, ...(section === '' ? {} : { key: section }) });
}

/** A reference that may lead to another namespace, where a ReferenceGrant must permit it. */
function crossReferences(relation: Reference['relation'], place: Place, kind: string, self: Self): Reference[] {
  const type = [place.get('group').text, place.get('kind').text || kind, place.get('namespace').text || self.namespace] as const; // prettier-ignore
  const port = place.get('port').word;
  return refersTo(relation, place.get('name'), type, { granted: true, ...(port === '' ? {} : { key: port }) });
}

export const gatewayExtractor: Extractor = (body, self): Facts => {
  const listeners = body.get('spec.listeners').items();
  const routes = allowedRoutes(listeners, self.namespace);
  return {
    references: [
      ...refersTo('uses', body.get('spec.gatewayClassName'), [GATEWAY_API, 'GatewayClass', '']),
      ...listeners.flatMap((listener) => [
        ...exposes(listener.get('hostname')),
        ...listener.get('tls.certificateRefs').items().flatMap((ref) => crossReferences('uses', ref, 'Secret', self)), // prettier-ignore
      ]),
      ...hostNames(body),
    ],
    routesFrom: routes,
  };
};

function allowedRoutes(listeners: readonly Place[], own: string): AllowedRoutes {
  const allowed: AllowedRoutes = { namespaces: [own], selectors: [] };
  for (const listener of listeners) {
    const from = listener.get('allowedRoutes.namespaces');
    if (from.get('from').text === 'All') allowed.namespaces = null;
    const selector = from.get('from').text === 'Selector' ? selectorAt(from.get('selector')) : null;
    if (selector !== null) allowed.selectors.push(selector);
  }
  return allowed;
}

export const gatewayClassExtractor: Extractor = (body) => {
  const parameters = body.get('spec.parametersRef');
  const type = [parameters.get('group').text, parameters.get('kind').text, parameters.get('namespace').text] as const;
  return { references: refersTo('uses', parameters.get('name'), type) };
};

export const referenceGrantExtractor: Extractor = (body) => ({
  permits: {
    from: body
      .get('spec.from')
      .items()
      .map((from) => ({ group: from.get('group').text, kind: from.get('kind').text, namespace: from.get('namespace').text })), // prettier-ignore
    to: body
      .get('spec.to')
      .items()
      .map((to) => ({ group: to.get('group').text, kind: to.get('kind').text, name: to.get('name').text })),
  },
});
