import type { Place } from '../place.ts';
import type { Facts, Reference } from '../types.ts';
import { equal, exposes, labelsAt, selects, selectorAt, tells, type Extractor, type Self } from './extractor.ts';

const EXTERNAL_DNS = 'external-dns.alpha.kubernetes.io/hostname';

export const serviceExtractor: Extractor = (body, self) => {
  const spec = body.get('spec');
  const type = spec.get('type').text;
  const selector = equal(labelsAt(spec.get('selector')));
  const selective = selector.length > 0 && type !== 'ExternalName';
  const external = spec.get('externalName');
  const references: Reference[] = [
    ...(selective ? [selects(spec.get('selector'), 'pods', [self.namespace], selector)] : []),
    ...(type === 'ExternalName' ? tells('crosses', external, { to: 'host', name: external.text }) : []),
    ...(type === 'LoadBalancer' || type === 'NodePort' ? exposed(body) : []),
    ...spec.get('externalIPs').all().flatMap(exposes), // prettier-ignore
    ...hostNames(body),
  ];
  const ports = spec.get('ports').items().map((port) => ({ port: port.get('port').number, name: port.get('name').text })); // prettier-ignore
  return {
    ...(references.length > 0 ? { references } : {}),
    ...(ports.length > 0 ? { ports } : {}),
    ...(spec.get('clusterIP').text === 'None' ? { headless: true } : {}),
    ...(selective ? { selective } : {}),
  };
};

/** The addresses that a load balancer has got; before, and of a NodePort, the ports of every node. */
function exposed(body: Place): Reference[] {
  const balancers = body.get('status.loadBalancer.ingress').items();
  const addresses = balancers.flatMap((balancer) => [
    ...exposes(balancer.get('hostname')),
    ...exposes(balancer.get('ip')),
  ]);
  if (addresses.length > 0) return addresses;
  return body
    .get('spec.ports')
    .items()
    .map((port) => port.get('nodePort'))
    .filter((port) => port.number > 0)
    .map((port) => ({ relation: 'exposes', target: { to: 'host', name: `nodes:${port.number}` }, field: port.field }));
}

/** Names that external-dns is told to make. */
export function hostNames(body: Place): Reference[] {
  const annotation = body.get('metadata.annotations').member(EXTERNAL_DNS);
  return annotation.text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => ({ relation: 'exposes', target: { to: 'host', name }, field: annotation.field }));
}

/** One that no selector stands behind says which pods the Service sends to; the others follow from the Service. */
export const endpointSliceExtractor: Extractor = (body, self) => {
  const labels = body.get('metadata.labels');
  const service = labels.member('kubernetes.io/service-name');
  const owned = tells(
    'owns',
    service,
    { to: 'object', group: '', kind: 'Service', namespace: self.namespace, name: service.text },
    { reversed: true },
  );
  const references = owned.length > 0 ? { references: owned } : {};
  const byController =
    labels.member('endpointslice.kubernetes.io/managed-by').text === 'endpointslice-controller.k8s.io';
  if (byController || service.text === '') return references;
  const pods = body
    .get('endpoints')
    .items()
    .map((endpoint) => endpoint.get('targetRef'))
    .filter((target) => target.get('kind').text === 'Pod')
    .map((target) => ({
      namespace: target.get('namespace').text || self.namespace,
      name: target.get('name').text,
      field: target.get('name').field,
    }));
  return { ...references, ...(pods.length > 0 ? { endpoints: { service: service.text, pods } } : {}) };
};

/** ServiceMonitor and PodMonitor of the Prometheus operator. */
export function monitorOf(what: 'pods' | 'services'): Extractor {
  return (body, self): Facts => {
    const selector = selectorAt(body.get('spec.selector'));
    if (selector === null) return {};
    return { references: [selects(body.get('spec.selector'), what, namespacesOf(body, self), selector)] };
  };
}

function namespacesOf(body: Place, self: Self): string[] | null {
  const among = body.get('spec.namespaceSelector');
  if (among.get('any').isTrue) return null;
  const named = among.get('matchNames').texts;
  return named.length > 0 ? named : [self.namespace];
}
