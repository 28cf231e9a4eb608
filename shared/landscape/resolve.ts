import { matchesSelector } from '../selector.ts';
import { GATEWAY_API } from './extract/gateway.ts';
import { namedBy } from './names.ts';
import { Nodes } from './nodes.ts';
import type { Address, Certainty, Edge, Facts, Graph, ObjectFacts, Reference, Target } from './types.ts';

/**
 * The dependency graph of the objects that exist at a moment. What the reader may not read is not among them: then it looks like what
 * does not exist.
 */
export function resolve(objects: Iterable<ObjectFacts>): Graph {
  return new Resolver(new Nodes(objects)).graph();
}

type Found = Pick<Edge, 'to' | 'certainty'> & Pick<Edge, 'missing'>;

class Resolver {
  private readonly edges: Edge[] = [];

  constructor(private readonly nodes: Nodes) {}

  graph(): Graph {
    // Nodes that are only spoken of are added on the way, and say nothing.
    const count = this.nodes.list.length;
    for (let place = 0; place < count; place++) {
      const facts = this.nodes.facts[place] ?? {};
      for (const reference of facts.references ?? []) this.refer(place, reference);
      this.names(place, facts);
      this.endpoints(place, facts);
    }
    return { nodes: this.nodes.list, edges: this.edges };
  }

  private refer(by: number, reference: Reference): void {
    const { relation, field, key, optional, onStart, reversed } = reference;
    for (const { to, certainty, missing } of this.targets(by, reference)) {
      const [from, end] = reversed === true ? [to, by] : [by, to];
      // Written out: there are tens of thousands.
      const edge: Edge = { relation, certainty, from, to: end, by, field };
      if (key !== undefined) edge.key = key;
      if (optional === true) edge.optional = true;
      if (onStart === true) edge.onStart = true;
      if (missing !== undefined) edge.missing = missing;
      this.edges.push(edge);
    }
  }

  private targets(by: number, reference: Reference): Found[] {
    const { target } = reference;
    const { nodes } = this;
    switch (target.to) {
      case 'object':
        return [this.object(by, reference, target)];
      case 'owner': {
        const owner = nodes.ofUid(target.uid);
        if (owner !== null) return [declared(owner)];
        const { group, kind, namespace, name, uid } = target;
        return [{ ...declared(nodes.unseen(group, kind, namespace, name, uid)), missing: 'object' }];
      }
      case 'labelled': {
        const index = { pods: nodes.pods, services: nodes.services, clusterroles: nodes.clusterRoles }[target.what];
        const found = index.find(target.namespaces, target.selector);
        return found.filter((place) => place !== by).map((to) => ({ to, certainty: 'selected' }));
      }
      case 'claims':
        return nodes.claimsOf(target.namespace, target.prefix).map(declared);
      case 'kind':
        return nodes.ofKind(target.group, target.kind).map(declared);
      case 'mesh':
        return [this.mesh(target)];
      case 'export': {
        const { namespace, name } = target;
        const found = nodes.find(MULTICLUSTER, 'ServiceExport', namespace, name);
        if (found !== null) return [declared(found)];
        const to = nodes.unseen(MULTICLUSTER, 'ServiceExport', namespace, name);
        return [{ to, certainty: 'unresolved', missing: 'object' }];
      }
      case 'host':
      case 'image':
        return [declared(nodes.other(target.to, target.name))];
      case 'subject':
        return [declared(nodes.other(target.kind === 'Group' ? 'group' : 'user', target.name))];
    }
  }

  private object(by: number, reference: Reference, target: Target & { to: 'object' }): Found {
    const { group, kind, namespace, name } = target;
    const place = this.nodes.find(group, kind, namespace, name);
    if (place === null) return { ...declared(this.nodes.unseen(group, kind, namespace, name)), missing: 'object' };
    if (reference.granted === true && !this.isGranted(by, place)) return { ...declared(place), missing: 'grant' };
    return hasKey(reference, this.nodes.facts[place]) ? declared(place) : { ...declared(place), missing: 'key' };
  }

  /** Whether an object may refer to one of another namespace (Gateway API). */
  private isGranted(by: number, place: number): boolean {
    const [self, other] = [this.nodes.refAt(by), this.nodes.refAt(place)];
    if (self.namespace === other.namespace) return true;
    const routes = this.nodes.facts[place]?.routesFrom;
    if (routes !== undefined) {
      if (routes.namespaces === null || routes.namespaces.includes(self.namespace)) return true;
      const namespace = this.nodes.find('', 'Namespace', '', self.namespace);
      const labels = namespace === null ? undefined : this.nodes.facts[namespace]?.labels;
      return labels !== undefined && routes.selectors.some((selector) => matchesSelector(selector, labels));
    }
    return this.nodes.ofKind(GATEWAY_API, 'ReferenceGrant').some((grant) => {
      const permits = this.nodes.facts[grant]?.permits;
      if (permits === undefined || this.nodes.refAt(grant).namespace !== other.namespace) return false;
      return (
        permits.from.some(({ group, kind, namespace }) => group === self.group && kind === self.kind && namespace === self.namespace) && // prettier-ignore
        permits.to.some(({ group, kind, name }) => group === other.group && kind === other.kind && ['', other.name].includes(name)) // prettier-ignore
      );
    });
  }

  private mesh({ namespace, host }: Target & { to: 'mesh' }): Found {
    const [name = '', inside = namespace, svc] = host.split('.');
    if (!host.includes('.') || svc === 'svc') {
      const service = this.nodes.find('', 'Service', inside, name);
      if (service !== null) return declared(service);
      return { ...declared(this.nodes.unseen('', 'Service', inside, name)), missing: 'object' };
    }
    const entry = this.nodes
      .ofKind('networking.istio.io', 'ServiceEntry')
      .find((place) => this.nodes.facts[place]?.hosts?.some((known) => coversHost(known, host)));
    return entry === undefined ? declared(this.nodes.other('host', host)) : declared(entry);
  }

  /** What texts of a pod or template name, and those of the ConfigMaps that it reads. */
  private names(place: number, facts: Facts): void {
    if (facts.podLabels === undefined) return;
    const { namespace } = this.nodes.refAt(place);
    for (const address of facts.addresses ?? []) this.name(place, place, address, namespace);
    for (const [config, keys] of this.configMaps(facts)) {
      for (const address of this.nodes.facts[config]?.addresses ?? []) {
        if (keys === null || keys.has(address.key ?? '')) this.name(place, config, address, namespace);
      }
    }
  }

  /** The ConfigMaps that a template reads, and of each which keys; null: all. */
  private configMaps({ references = [] }: Facts): Map<number, Set<string> | null> {
    const found = new Map<number, Set<string> | null>();
    for (const { target, key } of references) {
      if (target.to !== 'object' || target.kind !== 'ConfigMap' || target.group !== '') continue;
      const place = this.nodes.find('', 'ConfigMap', target.namespace, target.name);
      if (place === null) continue;
      const known = found.get(place);
      if (key === undefined || known === null) found.set(place, null);
      else found.set(place, (known ?? new Set()).add(key));
    }
    return found;
  }

  private name(from: number, by: number, address: Address, namespace: string): void {
    const named = namedBy(address, namespace, this.nodes);
    if (named === null) return;
    const missing = named.is === 'missing';
    const relation = named.is === 'import' || (missing && named.kind === 'ServiceImport') ? 'crosses' : 'names';
    const group = relation === 'crosses' ? MULTICLUSTER : '';
    const to = missing ? this.nodes.unseen(group, named.kind, named.namespace, named.name) : named.place;
    const certainty: Certainty = missing ? 'unresolved' : 'inferred';
    const key = address.port === 0 ? {} : { key: String(address.port) };
    this.edges.push({
      ...{ relation, certainty, from, to, by, field: address.field, ...key },
      ...(missing ? { missing: 'object' } : {}),
    });
  }

  /** A Service without a selector: its EndpointSlices say which pods are behind it. */
  private endpoints(by: number, { endpoints }: Facts): void {
    if (endpoints === undefined) return;
    const service = this.nodes.find('', 'Service', this.nodes.refAt(by).namespace, endpoints.service);
    if (service === null || this.nodes.facts[service]?.selective === true) return;
    for (const { namespace, name, field } of endpoints.pods) {
      const pod = this.nodes.find('', 'Pod', namespace, name);
      const missing = pod === null ? { missing: 'object' as const } : {};
      const to = pod ?? this.nodes.unseen('', 'Pod', namespace, name);
      this.edges.push({ relation: 'selects', certainty: 'selected', from: service, to, by, field, ...missing });
    }
  }
}

const MULTICLUSTER = 'multicluster.x-k8s.io';

function declared(to: number): Found {
  return { to, certainty: 'declared' };
}

/** Whether an object has the part that is referred to: a key of a ConfigMap or Secret, a port of a Service. */
function hasKey({ key, relation }: Reference, facts: Facts | undefined): boolean {
  if (key === undefined || facts === undefined) return true;
  if (facts.ports !== undefined) return facts.ports.some(({ port, name }) => String(port) === key || name === key);
  return relation !== 'uses' || facts.keys === undefined || facts.keys.includes(key);
}

/** `*.example.com` covers all below it. */
function coversHost(known: string, host: string): boolean {
  return known === host || (known.startsWith('*') && host.endsWith(known.slice(1)));
}
