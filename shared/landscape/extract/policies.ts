import type { Place } from '../place.ts';
import type { Policy, PolicyPeer, PolicyPort, PolicyRule } from '../types.ts';
import { selects, selectorAt, type Extractor } from './extractor.ts';

/** An empty selector is all pods of the namespace; none is no pod. */
export const disruptionBudgetExtractor: Extractor = (body, self) => {
  const place = body.get('spec.selector');
  const selector = selectorAt(place);
  return selector === null ? {} : { references: [selects(place, 'pods', [self.namespace], selector)] };
};

export const networkPolicyExtractor: Extractor = (body, self) => {
  const spec = body.get('spec');
  const place = spec.get('podSelector');
  const pods = selectorAt(place) ?? [];
  const types = spec.get('policyTypes').texts;
  // Without types: ingress always, egress where there is a rule (networking.k8s.io/v1).
  const restricts = (type: string, byDefault: boolean): boolean =>
    types.length === 0 ? byDefault : types.includes(type);
  const policy: Policy = {
    pods,
    ingress: restricts('Ingress', true) ? rulesAt(spec.get('ingress'), 'from') : null,
    egress: restricts('Egress', spec.get('egress').items().length > 0) ? rulesAt(spec.get('egress'), 'to') : null,
  };
  return { references: [selects(place, 'pods', [self.namespace], pods)], policy };
};

function rulesAt(place: Place, peers: 'from' | 'to'): PolicyRule[] {
  return place.items().map((rule) => ({
    peers: rule.member(peers).items().map(peerAt), // prettier-ignore
    ports: rule.get('ports').items().map(portAt), // prettier-ignore
  }));
}

function peerAt(peer: Place): PolicyPeer {
  return {
    pods: selectorAt(peer.get('podSelector')),
    namespaces: selectorAt(peer.get('namespaceSelector')),
    cidr: peer.get('ipBlock.cidr').text || null,
  };
}

function portAt(place: Place): PolicyPort {
  const { value } = place.get('port');
  return {
    protocol: place.get('protocol').text || 'TCP',
    port: typeof value === 'number' || typeof value === 'string' ? value : null,
    endPort: place.get('endPort').number || null,
  };
}
