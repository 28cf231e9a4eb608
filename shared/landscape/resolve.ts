import { matchesSelector } from '../selector.ts';
import { GATEWAY_API } from './extract/gateway.ts';
import { namedBy } from './names.ts';
import { nameOf, Nodes } from './nodes.ts';
import type { Address, Certainty, Edge, Facts, Graph, ObjectFacts, Reference, Target } from './types.ts';

/**
 * The dependency graph of the objects that exist at a moment. What the reader may not read is not among them: then it looks like what
 * does not exist.
 */
export function resolve(objects: Iterable<ObjectFacts>): Graph {
  return new Resolver(new Nodes(objects)).graph();
}

/*
 * A cluster has tens of thousands of edges, and the same facts are resolved at many moments: what follows from facts alone is remembered
 * with them, and no list is made for the one edge that most references come to.
 */
class Resolver {
  private readonly edges: Edge[] = [];

  constructor(private readonly nodes: Nodes) {}

  graph(): Graph {
    // Nodes that are only spoken of are added on the way, and say nothing.
    const count = this.nodes.list.length;
    for (let place = 0; place < count; place++) {
      const facts = this.nodes.facts[place];
      if (facts === undefined) continue;
      const { references = [] } = facts;
      if (references.length > 0) {
        const { keys } = readyOf(facts);
        for (let index = 0; index < references.length; index++) {
          const reference = references[index];
          if (reference !== undefined) this.refer(place, reference, keys[index] ?? '');
        }
      }
      if (facts.podLabels !== undefined) this.names(place, facts);
      if (facts.endpoints !== undefined) this.endpoints(place, facts.endpoints);
    }
    return { nodes: this.nodes.list, edges: this.edges };
  }

  private add(by: number, reference: Reference, to: number, certainty: Certainty, missing?: Edge['missing']): void {
    const { relation, field, key, optional, onStart, reversed } = reference;
    const edge: Edge = reversed === true ? { relation, certainty, from: to, to: by, by, field } : { relation, certainty, from: by, to, by, field }; // prettier-ignore
    if (key !== undefined) edge.key = key;
    if (optional === true) edge.optional = true;
    if (onStart === true) edge.onStart = true;
    if (missing !== undefined) edge.missing = missing;
    this.edges.push(edge);
  }

  /** `key`: of the target, where it is an object by its name. */
  private refer(by: number, reference: Reference, key: string): void {
    const { target } = reference;
    const { nodes } = this;
    const declared = (to: number, missing?: Edge['missing']): void => this.add(by, reference, to, 'declared', missing);
    switch (target.to) {
      case 'object':
        return this.object(by, reference, target, key);
      case 'owner': {
        const owner = nodes.ofUid(target.uid);
        if (owner !== null) return declared(owner);
        const { group, kind, namespace, name, uid } = target;
        return declared(nodes.unseen(group, kind, namespace, name, uid), 'object');
      }
      case 'labelled': {
        const index = { pods: nodes.pods, services: nodes.services, clusterroles: nodes.clusterRoles }[target.what];
        for (const to of index.find(target.namespaces, target.selector)) if (to !== by) this.add(by, reference, to, 'selected'); // prettier-ignore
        return;
      }
      case 'claims':
        for (const to of nodes.claimsOf(target.namespace, target.prefix)) declared(to);
        return;
      case 'kind':
        for (const to of nodes.ofKind(target.group, target.kind)) declared(to);
        return;
      case 'mesh':
        return this.mesh(target, declared);
      case 'export': {
        const { namespace, name } = target;
        const found = nodes.find(MULTICLUSTER, 'ServiceExport', namespace, name);
        if (found !== null) return declared(found);
        return this.add(by, reference, nodes.unseen(MULTICLUSTER, 'ServiceExport', namespace, name), 'unresolved', 'object'); // prettier-ignore
      }
      case 'host':
      case 'image':
        return declared(nodes.other(target.to, target.name));
      case 'subject':
        return declared(nodes.other(target.kind === 'Group' ? 'group' : 'user', target.name));
    }
  }

  private object(by: number, reference: Reference, target: Target & { to: 'object' }, key: string): void {
    const place = this.nodes.findBy(key);
    if (place === null) {
      const { group, kind, namespace, name } = target;
      this.add(by, reference, this.nodes.unseen(group, kind, namespace, name), 'declared', 'object');
    } else if (reference.granted === true && !this.isGranted(by, place))
      this.add(by, reference, place, 'declared', 'grant');
    else this.add(by, reference, place, 'declared', hasKey(reference, this.nodes.facts[place]) ? undefined : 'key');
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

  private mesh({ namespace, host }: Target & { to: 'mesh' }, declared: (to: number, missing?: 'object') => void): void {
    const [name = '', inside = namespace, svc] = host.split('.');
    if (!host.includes('.') || svc === 'svc') {
      const service = this.nodes.find('', 'Service', inside, name);
      return service === null ? declared(this.nodes.unseen('', 'Service', inside, name), 'object') : declared(service);
    }
    const entry = this.nodes
      .ofKind('networking.istio.io', 'ServiceEntry')
      .find((place) => this.nodes.facts[place]?.hosts?.some((known) => coversHost(known, host)));
    return declared(entry ?? this.nodes.other('host', host));
  }

  /** What texts of a pod or template name, and those of the ConfigMaps that it reads. */
  private names(place: number, facts: Facts): void {
    const { namespace } = this.nodes.refAt(place);
    for (const address of facts.addresses ?? []) this.name(place, place, address, namespace);
    for (const [key, keys] of readyOf(facts).configMaps) {
      const config = this.nodes.findBy(key);
      if (config === null) continue;
      for (const address of this.nodes.facts[config]?.addresses ?? []) {
        if (keys === null || keys.has(address.key ?? '')) this.name(place, config, address, namespace);
      }
    }
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
  private endpoints(by: number, endpoints: NonNullable<Facts['endpoints']>): void {
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

/** What follows from facts alone. */
interface Ready {
  /** Of each reference that names an object what it is found by. */
  keys: (string | undefined)[];
  /** The ConfigMaps that a template reads, and of each which keys; null: all. */
  configMaps: Map<string, Set<string> | null>;
}

const READY = new WeakMap<Facts, Ready>();

function readyOf(facts: Facts): Ready {
  let ready = READY.get(facts);
  if (ready === undefined) READY.set(facts, (ready = makeReady(facts)));
  return ready;
}

function makeReady({ references = [] }: Facts): Ready {
  const ready: Ready = { keys: [], configMaps: new Map() };
  for (const { target, key } of references) {
    const name = target.to === 'object' ? nameOf(target) : undefined;
    ready.keys.push(name);
    if (name === undefined || target.to !== 'object' || target.kind !== 'ConfigMap' || target.group !== '') continue;
    const known = ready.configMaps.get(name);
    if (key === undefined || known === null) ready.configMaps.set(name, null);
    else ready.configMaps.set(name, (known ?? new Set()).add(key));
  }
  return ready;
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
