import { attach, type Attachment } from './attached.ts';
import { Belongings } from './belongings.ts';
import { applicationEvidence, believe, deliveriesOf, firstOf, NAME_LABELS, TIERS, type Delivery, type Said } from './evidence.ts'; // prettier-ignore
import { byPlace, compare, compareVersions, unique } from './order.ts';
import type { LandscapeRule } from './rule-for.ts';
import { productOf, teamNames, teamOf } from './teams.ts';
import type { Graph, ObjectFacts } from './types.ts';
import { isWorkload } from './units.ts';
import { contradictionOf, mainImage, versionTupleOf, type VersionTuple } from './version-tuple.ts';
import type { ObjectRef } from '../types.ts';

/** An object of an application, and why it is one. */
export interface Member {
  object: ObjectRef;
  application: Said;
  /** null where nothing tells. */
  team: Said | null;
  product: Said | null;
  manager: Delivery['manager'] | null;
  /** Of a workload that nothing controls: which version runs. */
  version?: VersionTuple;
  /** A label that says another version than the image. */
  contradiction?: { label: string; tag: string };
}

export interface Application {
  name: string;
  /** Sorted, as all of these. */
  products: string[];
  managers: Delivery['manager'][];
  teams: string[];
  /** By the labels of its workloads; where none has one, by the tags of their images. */
  releases: string[];
  releasesFrom: 'label' | 'tag';
  /** The names and addresses by which it is reached from outside. */
  exposed: string[];
  /** By namespace, kind and name. */
  members: Member[];
}

export interface Applications {
  /** By name. */
  applications: Application[];
  /** Objects in a namespace that belong to nothing; not what others of them control. */
  none: ObjectRef[];
  /** Objects that several applications use; likewise. */
  shared: { object: ObjectRef; applications: string[] }[];
}

/** Which applications exist, of what. `graph` is that of these objects: its first nodes are they, in their order. */
export function applicationsOf(
  objects: readonly ObjectFacts[],
  graph: Graph,
  rules: readonly LandscapeRule[],
): Applications {
  return new Landscape(objects, graph, rules).tell();
}

/** What an object belongs to, and of whom it is. */
export interface ObjectBelongings {
  object: ObjectRef;
  application: Said | null;
  team: Said | null;
}

/** The same of each object by itself, in the order of the objects. `graph` as for applicationsOf(). */
export function belongingsOf(
  objects: readonly ObjectFacts[],
  graph: Graph,
  rules: readonly LandscapeRule[],
): ObjectBelongings[] {
  return new Landscape(objects, graph, rules).each();
}

/** What an object says itself, and what its controller says: what is made from a template copies labels, so only stronger evidence is its own. */
export function withOwner(own: Said | null, owner: Declared | null, ref: ObjectRef | null): Declared | null {
  if (owner === null) return own === null ? null : { ...own, strength: own.tier };
  const byOwner = { value: owner.value, tier: TIERS.owner, by: ref === null ? 'owner' : ownerTitle(ref) };
  if (own === null || own.tier >= owner.strength) return { ...byOwner, conflicts: [], strength: owner.strength };
  const conflicts = owner.value === own.value ? own.conflicts : [...own.conflicts, byOwner];
  return { ...own, conflicts, strength: own.tier };
}

/** What is believed, and the tier that it rests on in the end: that of an owner. */
export type Declared = Said & { strength: number };

/**
 * The namespaces of an application's workloads that nothing but an equal name joins: there it may be several applications. What one rule,
 * one Application of Argo CD, or one Kustomization or HelmRelease of Flux brings is one, wherever it is.
 */
export function namespacesApart(members: readonly Member[]): string[] {
  const own = members.filter(({ version, object }) => version !== undefined && object.namespace !== '');
  const apart = own.filter(({ application }) => application.tier > TIERS.flux).map(({ object }) => object.namespace);
  const joined = own.filter(({ application }) => application.tier <= TIERS.flux).map(({ object }) => object.namespace);
  const rest = unique(apart).filter((namespace) => !joined.includes(namespace));
  return joined.length === 0 ? rest : rest.length === 0 ? unique(joined).slice(0, 1) : unique([...joined, ...rest]);
}

/** How an owner is named in evidence. */
export function ownerTitle({ kind, name }: ObjectRef): string {
  return `owner ${kind.toLowerCase()}/${name}`;
}

class Landscape {
  private readonly known: Belongings;
  private readonly places = new Map<string, number>();
  private readonly own: (Said | null)[];
  /** What has been told by declaredOf(). */
  private readonly declared: (Declared | null | undefined)[];
  /** How often owners were not followed to their end. */
  private cut = 0;
  private readonly said: (Said | null | undefined)[];
  private readonly attached: Map<number, Attachment>;
  /** Of places that are exposed the names and addresses. */
  private readonly hosts = new Map<number, string[]>();

  constructor(
    private readonly objects: readonly ObjectFacts[],
    private readonly graph: Graph,
    private readonly rules: readonly LandscapeRule[],
  ) {
    this.known = new Belongings(objects);
    for (const [place, { object }] of objects.entries()) this.places.set(object.uid, place);
    for (const { relation, from, to } of graph.edges) {
      const node = relation === 'exposes' ? graph.nodes[to] : undefined;
      if (node?.is === 'host') this.hosts.set(from, [...(this.hosts.get(from) ?? []), node.name]);
    }
    this.own = objects.map((each) => believe(applicationEvidence(each, this.known, rules)));
    this.said = objects.map(() => undefined);
    this.declared = objects.map(() => undefined);
    const declared = objects.map((_, place) => this.declaredOf(place)?.value ?? null);
    this.attached = attach(
      graph,
      (place) => (declared[place] == null ? this.topOf(place) : place),
      (place) => declared[place] ?? null,
      (place) => !isWorkload(graph.nodes[place]),
    );
    this.said = objects.map(() => undefined);
  }

  each(): ObjectBelongings[] {
    const teams = new Map<number, Said | null>();
    return this.objects.map(({ object }, place) => ({ object, application: this.applicationOf(place), team: this.teamAt(place, teams) })); // prettier-ignore
  }

  tell(): Applications {
    const applications = new Map<string, { place: number; member: Member }[]>();
    const [none, shared]: [ObjectRef[], Applications['shared']] = [[], []];
    const teams = new Map<number, Said | null>();
    for (const [place, { object }] of this.objects.entries()) {
      const application = this.applicationOf(place);
      if (application === null) {
        const users = this.attached.get(this.topOf(place))?.applications;
        if (this.controllerOf(place) !== null) continue;
        if (users !== undefined) shared.push({ object, applications: users });
        else if (object.namespace !== '') none.push(object);
        continue;
      }
      const one = { place, member: this.memberOf(place, application, teams) };
      const list = applications.get(application.value);
      if (list === undefined) applications.set(application.value, [one]);
      else list.push(one);
    }
    const told = [...applications].map(([name, members]) => this.application(name, members));
    return {
      applications: told.sort((a, b) => compare(a.name, b.name)),
      none: none.sort(byPlace),
      shared: shared.sort((a, b) => byPlace(a.object, b.object)),
    };
  }

  private controllerOf(place: number): number | null {
    const uid = this.objects[place]?.facts.controller;
    return uid === undefined ? null : (this.places.get(uid) ?? null);
  }

  /** Owners in a circle, which Kubernetes allows, must end too. */
  private topOf(place: number): number {
    let top = place;
    for (let steps = 0; steps < MAX_OWNERS; steps++) {
      const above = this.controllerOf(top);
      if (above === null) return top;
      top = above;
    }
    return top;
  }

  /** By what it says itself, or its controller. */
  private declaredOf(place: number, steps = 0): Declared | null {
    const kept = this.declared[place];
    if (kept !== undefined) return kept;
    const cut = this.cut;
    const declared = this.findDeclared(place, steps);
    // In a circle of owners it depends on where one begins.
    if (this.cut === cut || steps === 0) this.declared[place] = declared;
    return declared;
  }

  private findDeclared(place: number, steps: number): Declared | null {
    const above = this.controllerOf(place);
    if (above !== null && steps > MAX_OWNERS) this.cut++;
    const owner = above === null || steps > MAX_OWNERS ? null : this.declaredOf(above, steps + 1);
    return withOwner(this.own[place] ?? null, owner, above === null ? null : (this.objects[above]?.object ?? null));
  }

  private byOwner(place: number, value: string) {
    const owner = this.objects[place]?.object;
    return { value, tier: TIERS.owner, by: owner === undefined ? 'owner' : ownerTitle(owner) };
  }

  private applicationOf(place: number): Said | null {
    const kept = this.said[place];
    if (kept !== undefined) return kept;
    const said = this.findApplication(place);
    this.said[place] = said;
    return said;
  }

  private findApplication(place: number): Said | null {
    const declared = this.declaredOf(place);
    if (declared !== null) {
      const { strength: _, ...said } = declared;
      return said;
    }
    const top = this.topOf(place);
    const above = this.controllerOf(place);
    if (top !== place && above !== null) {
      const said = this.applicationOf(top);
      return said === null ? null : { ...this.byOwner(above, said.value), conflicts: [] };
    }
    const attached = this.attached.get(place);
    const [only, ...others] = attached?.applications ?? [];
    if (attached !== undefined && only !== undefined && others.length === 0) {
      const by = attached.how === 'acts' ? 'acts on it alone' : 'used by it alone';
      return { value: only, tier: TIERS.user, by, conflicts: [] };
    }
    const object = this.objects[place]?.object;
    if (object === undefined || object.namespace === '') return null;
    return believe(firstOf(this.known.namespaceOf(object), NAME_LABELS, TIERS.namespace, 'namespace ').slice(0, 1));
  }

  private teamAt(place: number, teams: Map<number, Said | null>, steps = 0): Said | null {
    const kept = teams.get(place);
    if (kept !== undefined) return kept;
    const each = this.objects[place];
    if (each === undefined) return null;
    const above = this.controllerOf(place);
    const owner = above === null || steps > MAX_OWNERS ? null : this.teamAt(above, teams, steps + 1);
    const ref = above === null ? undefined : this.objects[above]?.object;
    const said = teamOf(each, owner === null || ref === undefined ? null : { said: owner, title: ownerTitle(ref) }, this.known, this.rules); // prettier-ignore
    teams.set(place, said);
    return said;
  }

  private memberOf(place: number, application: Said, teams: Map<number, Said | null>): Member {
    const each = this.objects[place];
    if (each === undefined) throw new Error(`there is no object ${place}`);
    const top = this.objects[this.topOf(place)] ?? each;
    const manager = (deliveriesOf(each, this.known)[0] ?? deliveriesOf(top, this.known)[0])?.manager ?? null;
    const member: Member = {
      object: each.object,
      application,
      team: this.teamAt(place, teams),
      product: productOf(each, application.value, this.known, this.rules),
      manager,
    };
    if (!this.isMainWorkload(place)) return member;
    const version = versionTupleOf(each, this.known);
    const contradiction = contradictionOf(version, each.object.name);
    return { ...member, version, ...(contradiction === null ? {} : { contradiction }) };
  }

  private isMainWorkload(place: number): boolean {
    return isWorkload(this.graph.nodes[place]) && this.controllerOf(place) === null;
  }

  private application(name: string, found: { place: number; member: Member }[]): Application {
    const members = found.map(({ member }) => member).sort((a, b) => byPlace(a.object, b.object));
    const workloads = members.filter(({ version }) => version !== undefined);
    // Who answers for the rest is told by it, but does not make an application theirs.
    const telling = workloads.length > 0 ? workloads : members;
    const versions = workloads.flatMap(({ version }) => version?.version ?? []);
    const tags = workloads.flatMap(({ version, object }) => (version === undefined ? [] : (mainImage(version, object.name)?.tag ?? []))); // prettier-ignore
    const hosts = found.flatMap(({ place }) => this.hosts.get(place) ?? []);
    return {
      name,
      products: unique(telling.flatMap(({ product }) => product?.value ?? [])),
      managers: unique(members.flatMap(({ manager }) => manager ?? [])),
      teams: teamNames(telling.flatMap(({ team }) => team?.value ?? [])),
      releases: unique(versions.length > 0 ? versions : tags.filter((tag) => tag !== '')).sort(compareVersions),
      releasesFrom: versions.length > 0 ? 'label' : 'tag',
      exposed: unique(hosts),
      members,
    };
  }
}

/** As Units has it. */
export const MAX_OWNERS = 10;
