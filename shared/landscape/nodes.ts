import { BUILT_IN_TYPES } from '../built-in-types.ts';
import type { ObjectRef } from '../types.ts';
import { LabelIndex } from './label-index.ts';
import type { Facts, GraphNode, ObjectFacts } from './types.ts';

/** A thing that exists, or is only spoken of. */
type OtherKind = Exclude<GraphNode['is'], 'object'>;

const BUILT_IN = new Map(BUILT_IN_TYPES.map((type) => [`${type.group}/${type.kind}`, type]));

/** The nodes of a graph that is being resolved, and what they are found by. */
export class Nodes {
  readonly list: GraphNode[] = [];
  /** Of each node its facts; none of what is not seen. */
  readonly facts: (Facts | undefined)[] = [];
  readonly pods = new LabelIndex();
  readonly services = new LabelIndex();
  readonly clusterRoles = new LabelIndex();
  readonly namespaces = new LabelIndex();
  private readonly byUid = new Map<string, number>();
  private readonly byName = new Map<string, number>();
  private readonly byKind = new Map<string, number[]>();
  private lastKind: { group: string; kind: string; places: number[] } = { group: '', kind: '', places: [] };
  private readonly others = new Map<string, number>();
  private readonly claims = new Map<string, { ordinal: string; place: number }[]>();

  constructor(objects: Iterable<ObjectFacts>) {
    for (const { object, facts } of objects) this.add(object, facts);
    for (const [place, facts] of this.facts.entries()) if (facts !== undefined) this.label(place, facts);
  }

  private add(object: ObjectRef, facts: Facts): void {
    const place = this.list.length;
    this.list.push({ is: 'object', object, seen: true });
    this.facts.push(facts);
    this.byUid.set(object.uid, place);
    let name = NAMES.get(object);
    if (name === undefined) NAMES.set(object, (name = nameOf(object)));
    this.byName.set(name, place);
    // Objects mostly come one kind after another.
    if (object.kind !== this.lastKind.kind || object.group !== this.lastKind.group) {
      const kind = `${object.group}/${object.kind}`;
      const places = this.byKind.get(kind) ?? [];
      this.byKind.set(kind, places);
      this.lastKind = { group: object.group, kind: object.kind, places };
    }
    this.lastKind.places.push(place);
  }

  private label(place: number, facts: Facts): void {
    const { group, kind, namespace, name } = this.refAt(place);
    // What a workload controls has the labels of its template: the workload itself stands for it.
    if (facts.podLabels !== undefined && (kind === 'Pod' || this.controllerOf(place) === null))
      this.pods.add(namespace, place, facts.podLabels);
    if (group === '' && kind === 'Service') this.services.add(namespace, place, facts.labels);
    if (group === '' && kind === 'Namespace') this.namespaces.add('', place, facts.labels);
    if (group === '' && kind === 'PersistentVolumeClaim') this.addClaim(namespace, name, place);
    if (kind === 'ClusterRole') this.clusterRoles.add('', place, facts.labels);
  }

  private addClaim(namespace: string, name: string, place: number): void {
    const match = /^(.*)-(\d+)$/.exec(name);
    if (match === null) return;
    const key = `${namespace}/${match[1]}`;
    this.claims.set(key, [...(this.claims.get(key) ?? []), { ordinal: match[2] ?? '', place }]);
  }

  /** The object at a place. Throws where there is something else. */
  refAt(place: number): ObjectRef {
    const node = this.list[place];
    if (node?.is !== 'object') throw new Error(`there is no object at ${place}`);
    return node.object;
  }

  /** The node that controls another; null where none that is seen does. */
  controllerOf(place: number): number | null {
    const uid = this.facts[place]?.controller;
    return uid === undefined ? null : (this.byUid.get(uid) ?? null);
  }

  ofUid(uid: string): number | null {
    return this.byUid.get(uid) ?? null;
  }

  /** A seen object; null where there is none. */
  find(group: string, kind: string, namespace: string, name: string): number | null {
    return this.findBy(nameOf({ group, kind, namespace, name }));
  }

  /** The same by what nameOf() gives. */
  findBy(name: string): number | null {
    return this.byName.get(name) ?? null;
  }

  ofKind(group: string, kind: string): readonly number[] {
    return this.byKind.get(`${group}/${kind}`) ?? [];
  }

  /** Claims that a StatefulSet made, by number. */
  claimsOf(namespace: string, prefix: string): number[] {
    const found = this.claims.get(`${namespace}/${prefix}`) ?? [];
    return [...found].sort((a, b) => Number(a.ordinal) - Number(b.ordinal)).map(({ place }) => place);
  }

  /** An object that is only spoken of. */
  unseen(group: string, kind: string, namespace: string, name: string, uid = ''): number {
    const key = `object ${uid} ${nameOf({ group, kind, namespace, name })}`;
    return this.once(key, () => {
      const type = BUILT_IN.get(`${group}/${kind}`);
      const resource = type?.resource ?? this.resourceOf(group, kind);
      const inside = type?.namespaced === false ? '' : namespace;
      return { is: 'object', object: { group, resource, kind, namespace: inside, name, uid: '' }, seen: false };
    });
  }

  other(is: OtherKind, name: string): number {
    return this.once(`${is} ${name}`, () => ({ is, name }));
  }

  private once(key: string, make: () => GraphNode): number {
    const known = this.others.get(key);
    if (known !== undefined) return known;
    const place = this.list.length;
    this.list.push(make());
    this.facts.push(undefined);
    this.others.set(key, place);
    return place;
  }

  /** As a definition that is seen, or another object of the kind, tells it; '' where nothing does. */
  private resourceOf(group: string, kind: string): string {
    const [other] = this.ofKind(group, kind);
    if (other !== undefined) return this.refAt(other).resource;
    const definitions = this.ofKind('apiextensions.k8s.io', 'CustomResourceDefinition');
    const defined = definitions.map((place) => this.facts[place]?.defines);
    return defined.find((type) => type?.group === group && type.kind === kind)?.resource ?? '';
  }
}

/** Objects are the same at many moments. */
const NAMES = new WeakMap<ObjectRef, string>();

/** By what an object is found: its type and name. */
export function nameOf({
  group,
  kind,
  namespace,
  name,
}: Pick<ObjectRef, 'group' | 'kind' | 'namespace' | 'name'>): string {
  return `${group}/${kind}/${namespace}/${name}`;
}
