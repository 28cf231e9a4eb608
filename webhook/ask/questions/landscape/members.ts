import { LRUCache } from 'lru-cache';
import { belongingsOf, MAX_OWNERS, ownerTitle, withOwner, type Declared } from '../../../../shared/landscape/applications.ts'; // prettier-ignore
import { Belongings } from '../../../../shared/landscape/belongings.ts';
import { applicationEvidence, believe, firstOf, NAME_LABELS, TIERS, type Said } from '../../../../shared/landscape/evidence.ts'; // prettier-ignore
import { factsOf, isNode } from '../../../../shared/landscape/facts.ts';
import { rulesFor } from '../../../../shared/landscape/recorded-rules.ts';
import type { LandscapeRule } from '../../../../shared/landscape/rule-for.ts';
import { isSameTeam, teamOf } from '../../../../shared/landscape/teams.ts';
import type { Facts, ObjectFacts } from '../../../../shared/landscape/types.ts';
import { applyPatch } from '../../../../shared/patch.ts';
import type { Belonging, ObjectRef, Scope } from '../../../../shared/types.ts';
import { believed } from '../../../../shared/versions.ts';
import type { ObjectFilter, StoredChange } from '../../../ledger/port/port.ts';
import type { Asked } from '../asked.ts';
import { states } from '../objects/states.ts';
import { graphOf, objectFacts } from './landscape.ts';

/** All that belonged to something at a moment. */
interface Sample {
  at: number;
  /** Of each object by its uid: null where it belongs to nothing. */
  applications: ReadonlyMap<string, Said | null>;
  /** The members: uid and namespace. */
  members: ReadonlyMap<string, string>;
  known: Belongings;
}

/** Moments of a period at which the whole graph is looked at, and as many more where these disagree about an object. */
const SAMPLES = 3;
const MORE_SAMPLES = 4;
/** Versions whose facts are remembered. */
const REMEMBERED = 5_000;

/**
 * What belongs to an application or a team. Of a change it is asked of its own moment: what an object says itself, and its controllers,
 * is read from their bodies of then; what only the graph tells is looked up at some moments of the period.
 */
export class Members {
  private readonly samples: Sample[] = [];
  private more = MORE_SAMPLES;
  private readonly facts = new LRUCache<number, Facts>({ max: REMEMBERED });
  private readonly rules = new LRUCache<number, LandscapeRule[]>({ max: 100 });
  private resources: Map<string, string> | null = null;

  constructor(
    private readonly of: Belonging,
    private readonly asked: Asked,
  ) {}

  /** Looks at a period (ms), before changes of it are asked about. */
  async look(from: number, to: number): Promise<void> {
    const steps = from === to ? 0 : SAMPLES - 1;
    for (let step = 0; step <= steps; step++) await this.sample(steps === 0 ? to : Math.round(from + ((to - from) * step) / steps)); // prettier-ignore
  }

  /** The uids of the members at a moment. */
  async at(at: number): Promise<ReadonlyMap<string, string>> {
    return (this.samples.find((sample) => sample.at === at) ?? (await this.sample(at))).members;
  }

  /** The uids of all that one of the looks has found. */
  get found(): ReadonlySet<string> {
    return new Set(this.samples.flatMap(({ members }) => [...members.keys()]));
  }

  /** Namespaces that it had objects in, '' for those in none; null: perhaps in any, as of what none of the looks has found. */
  get namespaces(): string[] | null {
    const found = new Set(this.samples.flatMap(({ members }) => [...members.values()]));
    return found.size === 0 ? null : [...found, ''];
  }

  /** True for a change of what was a member before it or after it: what joins or leaves by it has it in its history too. */
  async has(change: StoredChange): Promise<boolean> {
    const { object, objectId, effect, parent, seq, at, statusOnly } = change;
    if (!isNode(object)) return false;
    if (effect === 'none') {
      const version = believed(await this.asked.store.versions(objectId, seq));
      return version !== null && this.isMember(object, version.seq, at);
    }
    // Nothing of status tells what an object belongs to.
    if (!(statusOnly && parent !== null) && effect !== 'deleted' && (await this.isMember(object, seq, at))) return true;
    if (parent === null) return false;
    const last = effect === 'deleted' ? change.detail().patch.slice(0, -1) : [];
    if (last.length === 0) return this.isMember(object, parent, at - 1);
    // A deletion also tells what became of the object since the version that was known.
    const body = applyPatch(await this.asked.store.body(parent), last);
    return body !== null && this.isWanted(await this.saidOf({ object, facts: factsOf(body) }, at - 1));
  }

  private async isMember(object: ObjectRef, version: number, at: number): Promise<boolean> {
    const facts = await this.factsAt(version);
    if (facts === null) return false;
    return this.isWanted(await this.saidOf({ object, facts }, at));
  }

  private isWanted(said: Said | null | undefined): boolean {
    if (said === null || said === undefined) return false;
    return 'team' in this.of ? isSameTeam(said.value, this.of.team) : said.value === this.of.application;
  }

  private async saidOf(each: ObjectFacts, at: number): Promise<Said | null> {
    const { known } = await this.nearest(at);
    const rules = await this.rulesAt(at);
    if ('team' in this.of) return this.teamOf(each, at, known, rules);
    const declared = await this.declaredOf(each, at, known, rules);
    if (declared !== null) return declared;
    const top = await this.topOf(each, at);
    const inferred = await this.inferredAt(top.object.uid, at);
    if (inferred?.tier === TIERS.user || inferred?.tier === TIERS.owner) return inferred;
    if (each.object.namespace === '') return null;
    return firstOf(known.namespaceOf(each.object), NAME_LABELS, TIERS.namespace).map((said) => ({ ...said, conflicts: [] }))[0] ?? null; // prettier-ignore
  }

  private async declaredOf(
    each: ObjectFacts,
    at: number,
    known: Belongings,
    rules: readonly LandscapeRule[],
    steps = 0,
  ): Promise<Declared | null> {
    // prettier-ignore
    const above = steps > MAX_OWNERS ? null : await this.controllerOf(each, at);
    const owner = above === null ? null : await this.declaredOf(above, at, known, rules, steps + 1);
    return withOwner(believe(applicationEvidence(each, known, rules)), owner, above?.object ?? null);
  }

  private async teamOf(
    each: ObjectFacts,
    at: number,
    known: Belongings,
    rules: readonly LandscapeRule[],
    steps = 0,
  ): Promise<Said | null> {
    // prettier-ignore
    const above = steps > MAX_OWNERS ? null : await this.controllerOf(each, at);
    const said = above === null ? null : await this.teamOf(above, at, known, rules, steps + 1);
    return teamOf(each, above === null || said === null ? null : { said, title: ownerTitle(above.object) }, known, rules); // prettier-ignore
  }

  private async topOf(each: ObjectFacts, at: number): Promise<ObjectFacts> {
    let top = each;
    for (let steps = 0; steps < MAX_OWNERS; steps++) {
      const above = await this.controllerOf(top, at);
      if (above === null) return top;
      top = above;
    }
    return top;
  }

  /** The controller as it was then, or when it ended: what it controls may outlive it by a moment. */
  private async controllerOf({ object, facts }: ObjectFacts, at: number): Promise<ObjectFacts | null> {
    const owner = facts.references?.find(({ target }) => target.to === 'owner' && target.uid === facts.controller)?.target; // prettier-ignore
    if (owner?.to !== 'owner') return null;
    const { store } = this.asked;
    this.resources ??= new Map((await store.resources()).map(({ group, kind, resource }) => [`${group}/${kind}`, resource])); // prettier-ignore
    const resource = this.resources.get(`${owner.group}/${owner.kind}`);
    if (resource === undefined) return null;
    for (const namespace of new Set([object.namespace, ''])) {
      const incarnations = await store.incarnations({ group: owner.group, resource, namespace, name: owner.name });
      const found = incarnations.find(({ uid }) => uid === owner.uid);
      if (found === undefined) continue;
      const { id, ...ref } = found;
      const version = believed(await store.versions(id, await store.seqAt(at)));
      const seq = version?.effect === 'deleted' ? version.parent : (version?.seq ?? null);
      const itsFacts = seq === null ? null : await this.factsAt(seq);
      return itsFacts === null ? null : { object: ref, facts: itsFacts };
    }
    return null;
  }

  /** Of a version; null of an end. What stands outside of status is as its origin left it. */
  private async factsAt(version: number): Promise<Facts | null> {
    const origin = (await this.asked.store.origins([version])).get(version) ?? version;
    const known = this.facts.get(origin);
    if (known !== undefined) return known;
    const body = await this.asked.store.body(origin);
    if (body === null) return null;
    const facts = factsOf(body);
    this.facts.set(origin, facts);
    return facts;
  }

  /** What the graph tells of an object: where the looks before and after agree it was so in between, otherwise one more is taken. */
  private async inferredAt(uid: string, at: number): Promise<Said | null> {
    const [before, after] = [this.samples.findLast((sample) => sample.at <= at), this.samples.find((sample) => sample.at >= at)]; // prettier-ignore
    const [first, second] = [before?.applications.get(uid), after?.applications.get(uid)];
    if (first !== undefined && second !== undefined && first?.value === second?.value) return first;
    if (this.more === 0) return first ?? second ?? null;
    this.more--;
    return (await this.sample(at)).applications.get(uid) ?? first ?? second ?? null;
  }

  private async nearest(at: number): Promise<Sample> {
    const distance = (sample: Sample): number => Math.abs(sample.at - at);
    const [first, ...others] = this.samples;
    if (first === undefined) return this.sample(at);
    return others.reduce((best, sample) => (distance(sample) < distance(best) ? sample : best), first);
  }

  private async rulesAt(at: number): Promise<LandscapeRule[]> {
    const key = this.of.rulesThen === true ? at : 0;
    const known = this.rules.get(key);
    if (known !== undefined) return known;
    const { rules } = await rulesFor(
      this.of,
      { at, now: this.asked.now() },
      { states: (query) => states(this.asked, query) },
    );
    this.rules.set(key, rules);
    return rules;
  }

  private async sample(at: number): Promise<Sample> {
    const objects = await objectFacts(this.asked, at);
    const all = belongingsOf(objects, graphOf(objects), await this.rulesAt(at));
    const applications = new Map(all.map(({ object, application }) => [object.uid, application]));
    const wanted = all.filter(({ application, team }) => this.isWanted('team' in this.of ? team : application));
    const members = new Map(wanted.map(({ object }) => [object.uid, object.namespace]));
    const sample = { at, applications, members, known: new Belongings(objects) };
    this.samples.push(sample);
    this.samples.sort((a, b) => a.at - b.at);
    return sample;
  }
}

/** What belongs to the application or team of a scope over a period (ms); null where the scope names none. */
export async function membersIn(asked: Asked, { of }: Scope, since?: number, until?: number): Promise<Members | null> {
  if (of === undefined) return null;
  const members = new Members(of, asked);
  const [first, last] = [(await asked.store.first())?.at ?? 0, (await asked.store.last())?.at ?? 0];
  const to = Math.max(first, Math.min(until ?? last, last));
  await members.look(Math.min(to, Math.max(since ?? first, first)), to);
  return members;
}

/** Which objects a question about some moments is about: those that belong to the scope's application or team at one of them. */
export async function askedAt(
  asked: Asked,
  { of }: Scope,
  moments: readonly number[],
): Promise<(object: ObjectRef) => boolean> {
  if (of === undefined) return () => true;
  const members = new Members(of, asked);
  const uids = new Set<string>();
  for (const at of moments) for (const uid of (await members.at(at)).keys()) uids.add(uid);
  return ({ uid }) => uids.has(uid);
}

/** Of some changes those of members. */
export async function membersAmong(rows: readonly StoredChange[], members: Members): Promise<StoredChange[]> {
  const found: StoredChange[] = [];
  for (const row of rows) if (await members.has(row)) found.push(row);
  return found;
}

/** Lets the database pass over what is in other namespaces. */
export function withinOf(members: Members | null): ObjectFilter {
  const namespaces = members?.namespaces ?? null;
  return namespaces === null ? {} : { within: namespaces };
}
