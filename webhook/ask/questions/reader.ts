import { setImmediate as breathe } from 'node:timers/promises';
import { KubeblameError } from '../../../shared/errors.ts';
import { matchesSelector, parseSelector } from '../../../shared/selector.ts';
import { parseField } from '../../../shared/field-path.ts';
import { labelsOf } from '../../../shared/labels.ts';
import { believed } from '../../../shared/versions.ts';
import type {
  ApplicationPage,
  ApplicationQuery,
  BlamePage,
  BlameQuery,
  Change,
  ChangePage,
  ChangeQuery,
  CoverageInterval,
  Difference,
  DifferencePage,
  DifferenceQuery,
  FactsPage,
  GraphPage,
  GraphQuery,
  ImpactPage,
  ImpactQuery,
  KnownObject,
  LedgerInfo,
  LedgerReader,
  ObjectRef,
  ResourceType,
  Scope,
  State,
  StatePage,
  StateQuery,
  UserPage,
  UserQuery,
} from '../../../shared/types.ts';
import { applicationsOf, type Applications } from '../../../shared/landscape/applications.ts';
import { parseLandscapeRules, type LandscapeRule } from '../../../shared/landscape/rules.ts';
import { factsOf, isNode } from '../../../shared/landscape/facts.ts';
import { impactOf } from '../../../shared/landscape/impact.ts';
import { impactPart, placesIn } from '../../../shared/landscape/parts.ts';
import { resolve } from '../../../shared/landscape/resolve.ts';
import type { Graph, ObjectFacts } from '../../../shared/landscape/types.ts';
import { VERSION } from '../../../shared/version.ts';
import {
  isExplained,
  type ChangeFilter,
  type FactsAt,
  type LedgerView,
  type ObjectFilter,
  type StoredChange,
  type StoredObject,
  type StoredVersion,
} from '../../ledger/port/port.ts';
import { blameOf } from '../blame/blame.ts';
import { Causes } from '../blame/causes.ts';
import { gapsBetween, intervals } from '../../ledger/port/intervals.ts';
import { recordedRules } from './landscape-rules.ts';
import { follow } from './follow.ts';
import { exactUser, matcherOf } from './matching.ts';
import { summarise } from './users.ts';
import { touching } from './field.ts';
import { foldedViewOf, isControllersStatus, isTold, isTranslation, outcomeAt, viewOf } from '../blame/views.ts';
import { States } from '../../ledger/port/states.ts';

/** Rows and objects that are fetched at once while a page fills: the page first, then more. */
const PAGE = 500;

/** Answers questions from a store. `now` tells the present (ms): an attempt that stays open becomes unverified. `closing` answers
 * at once what waits for a change: a server that stops has no time for it. */
export class StoreReader implements LedgerReader {
  constructor(
    private readonly store: LedgerView,
    private readonly now: () => number,
    private readonly closing: AbortSignal = new AbortController().signal,
  ) {}

  async info(): Promise<LedgerInfo> {
    const [first, last] = [await this.store.first(), await this.store.last()];
    return {
      cluster: this.store.cluster,
      format: this.store.format,
      changes: last?.seq ?? 0,
      firstAt: first?.at ?? null,
      lastAt: last?.at ?? null,
      version: VERSION,
    };
  }

  resources(): Promise<ResourceType[]> {
    return this.store.resources();
  }

  async objects(scope: Scope, limit: number): Promise<KnownObject[]> {
    const found: KnownObject[] = [];
    for (const { id, ...object } of await this.store.objects(filterOf(scope), limit)) {
      const span = await this.store.lifetime(id);
      if (span !== null) found.push({ object, ...span });
    }
    return found;
  }

  async changes(query: ChangeQuery): Promise<ChangePage> {
    const user = exactUser(query);
    const matches = matcherOf(query);
    const filter = {
      ...filterOf(query.scope),
      ...(user === undefined ? {} : { username: user }),
      labels: parseSelector(query.scope.labels ?? ''),
      minSeq: Math.max(
        query.since === undefined ? 0 : (await this.store.seqAt(query.since - 1)) + 1,
        (query.newerThan ?? -1) + 1,
      ),
    };
    let maxSeq = query.until === undefined ? Number.MAX_SAFE_INTEGER : await this.store.seqAt(query.until);
    if (query.before !== undefined) maxSeq = Math.min(maxSeq, query.before - 1);
    const hidden = { status: 0, attempts: 0 };
    const found: StoredChange[] = [];
    const states = new States(this.store);
    const field = query.field === undefined ? null : parseField(query.field);
    const touches = async (rows: readonly StoredChange[]) =>
      field === null ? null : touching(rows, field, states, this.now());
    const hiddenAs = (row: StoredChange): keyof ChangePage['hidden'] | null => {
      if (row.outcome === 'dropped' && query.attempts !== true) return 'attempts';
      return isControllersStatus(row) && query.status !== true ? 'status' : null;
    };
    if (query.after !== undefined) {
      const { limit, after, waitMs = 0 } = query;
      const signal = this.closing;
      const asked = { filter, after, limit, waitMs, signal, matches, touches, hiddenAs };
      const page = await follow(this.store, asked);
      const changes = await this.view([...page.found].reverse(), states, query);
      return { changes: changes.reverse(), next: page.next, hidden: page.hidden };
    }
    if (query.seqs !== undefined) return this.named(query.seqs, filter, query, states);
    for (let size = Math.min(query.limit + 1, PAGE); ; size = PAGE) {
      const rows = await this.store.changes({ ...filter, maxSeq }, size);
      const touched = await touches(rows.filter(matches));
      for (const row of rows) {
        if (isTold(row) || !matches(row) || touched?.has(row.seq) === false) continue;
        if (found.length === query.limit)
          return { changes: await this.view(found, states, query), next: row.seq + 1, hidden };
        const reason = hiddenAs(row);
        if (reason === null) found.push(row);
        else hidden[reason]++;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < size) break;
      maxSeq = last.seq - 1;
    }
    return { changes: await this.view(found, states, query), next: null, hidden };
  }

  private async view(rows: readonly StoredChange[], states: States, query: ChangeQuery): Promise<Change[]> {
    const coverage = rows.some(({ source }) => source === 'watch') ? await this.coverage() : [];
    const gaps = (from: number, to: number): string => gapsBetween(coverage, from, to);
    const field = query.field === undefined ? null : parseField(query.field);
    const context = { states, now: this.now(), bodies: query.bodies === true, field, gaps };
    const views: Change[] = [];
    const causes = query.causes === true ? new Causes(this.store, states, rows) : null;
    const told = new Set<number>();
    for (const row of [...rows].reverse()) {
      const links = await causes?.of(row);
      const folds = query.folded === true && links?.some(({ seq }) => told.has(seq)) === true;
      const view = folds ? foldedViewOf(row, context) : await viewOf(row, context);
      views.push(links === undefined ? view : { ...view, causes: links });
      told.add(row.seq);
    }
    return views.reverse();
  }

  /** Those that exist, newest first; who names a change means it, so nothing is hidden. */
  private async named(
    seqs: readonly number[],
    filter: ChangeFilter,
    query: ChangeQuery,
    states: States,
  ): Promise<ChangePage> {
    const found: StoredChange[] = [];
    for (const seq of [...new Set(seqs)].sort((a, b) => b - a)) {
      found.push(...(await this.store.changes({ ...filter, minSeq: seq, maxSeq: seq }, 1)));
    }
    return { changes: await this.view(found, states, query), next: null, hidden: { status: 0, attempts: 0 } };
  }

  async users({ scope, since, until, status }: UserQuery): Promise<UserPage> {
    if (scope.labels !== undefined) throw new KubeblameError('query-invalid', 'users cannot be counted by labels');
    const filter = {
      ...filterOf(scope),
      ...(since === undefined ? {} : { minSeq: (await this.store.seqAt(since - 1)) + 1 }),
      ...(until === undefined ? {} : { maxSeq: await this.store.seqAt(until) }),
    };
    return { users: summarise(await this.store.users(filter, status === true)) };
  }

  async states(query: StateQuery): Promise<StatePage> {
    const selector = parseSelector(query.scope.labels ?? '');
    const maxSeq = await this.store.seqAt(query.at);
    const { items, next } = await this.page(query, async (object) => {
      const state = await this.stateOf(object, maxSeq);
      return state === null || !matchesSelector(selector, labelsOf(state.body)) ? null : state;
    });
    return { states: items, next };
  }

  async differences(query: DifferenceQuery): Promise<DifferencePage> {
    const selector = parseSelector(query.scope.labels ?? '');
    const [from, to] = [await this.store.seqAt(query.from), await this.store.seqAt(query.to)];
    const { items, next } = await this.page(query, async (object) => {
      const difference = await this.differenceOf(object, from, to);
      if (difference === null) return null;
      const labelled = [difference.before, difference.after].some((body) => matchesSelector(selector, labelsOf(body)));
      return labelled ? difference : null;
    });
    return { differences: items, next };
  }

  async blame(query: BlameQuery): Promise<BlamePage> {
    const selector = parseSelector(query.scope.labels ?? '');
    const options = { ...query, field: query.field === undefined ? [] : parseField(query.field), now: this.now() };
    const maxSeq = await this.store.seqAt(query.at);
    const { items, next } = await this.page(query, async (object) => {
      const version = believed(await this.store.tail(object.id, maxSeq));
      const state = await this.stateOf(object, maxSeq);
      if (version === null || state === null || !matchesSelector(selector, labelsOf(state.body))) return null;
      return blameOf(this.store, version.seq, state, options);
    });
    return { blames: items, next };
  }

  async graph({ at }: GraphQuery): Promise<GraphPage> {
    return graphOf(await this.objectFacts(at));
  }

  async impact({ scope, at, blow, hops }: ImpactQuery): Promise<ImpactPage> {
    const graph = graphOf(await this.objectFacts(at));
    const starts = placesIn(graph, scope);
    return impactPart(graph, starts, impactOf(graph, starts, blow, hops));
  }

  /** The rules of today hold for all times: they are what is known now of what was then. */
  async applications({ at, name, rules }: ApplicationQuery): Promise<ApplicationPage> {
    const applied = rules === undefined ? await recordedRules(this, this.now()) : { rules: parseLandscapeRules(rules, 'rules'), problem: '' }; // prettier-ignore
    const objects = await this.objectFacts(at);
    const { applications, ...rest } = applicationsIn(objects, applied.rules);
    const told = name === undefined ? applications.map(({ members: _, ...application }) => application) : applications.filter((each) => each.name === name); // prettier-ignore
    return { applications: told, ...rest, rulesProblem: applied.problem };
  }

  async facts({ at }: GraphQuery): Promise<FactsPage> {
    return { objects: (await this.objectFacts(at)).map(({ object, facts }) => ({ object, facts })) };
  }

  /** The facts of all objects that exist at a moment. */
  async objectFacts(at: number): Promise<ObjectFacts[]> {
    const seq = await this.store.seqAt(at);
    const kept = await this.store.facts(seq);
    if (kept === null) return this.factsOfStates(at);
    const known = EXISTING.get(kept) ?? existing(kept);
    EXISTING.set(kept, known);
    return known;
  }

  private async factsOfStates(at: number): Promise<ObjectFacts[]> {
    const found: ObjectFacts[] = [];
    for (let next: string | null | undefined; next !== null;) {
      const token = next === undefined ? {} : { continue: next };
      const page = await this.states({ scope: {}, at, limit: PAGE, ...token });
      for (const { object, body } of page.states) if (isNode(object)) found.push({ object, facts: factsOf(body) });
      next = page.next;
      await breathe();
    }
    return found;
  }

  async coverage(): Promise<CoverageInterval[]> {
    const last = await this.store.last();
    return intervals(await this.store.coverage(), last?.at ?? 0, this.now());
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  /** Goes through the objects of a scope until a page is full. The token for the next one is the last object's id. */
  private async page<T>(
    query: { scope: Scope; limit: number; continue?: string },
    look: (object: StoredObject) => Promise<T | null>,
  ): Promise<{ items: T[]; next: string | null }> {
    const items: T[] = [];
    let after = query.continue === undefined ? undefined : readContinue(query.continue);
    // One more tells whether there is another page.
    const size = Math.min(query.limit, PAGE) + 1;
    for (;;) {
      const objects = await this.store.objects(filterOf(query.scope), size, after);
      for (const object of objects) {
        if (items.length === query.limit) return { items, next: String(after) };
        const item = await look(object);
        if (item !== null) items.push(item);
        after = object.id;
      }
      if (objects.length < size) return { items, next: null };
    }
  }

  private async stateOf({ id, ...object }: StoredObject, maxSeq: number): Promise<State | null> {
    const version = believed(await this.store.versions(id, maxSeq));
    if (version === null || version.effect === 'deleted') return null;
    if (version.outcome !== 'committed' && (await this.isRefused(id, object, maxSeq))) return null;
    const body = await this.store.body(version.seq);
    if (body === null) return null;
    const made = await this.changeBehind(version);
    return {
      object,
      seq: made.seq,
      changedAt: made.at,
      actor: made.actor,
      manager: made.manager,
      outcome: outcomeAt(made, this.now()),
      body,
    };
  }

  /** True while a name is taken: nothing has confirmed the object, and another one of its name exists. */
  private async isRefused(id: number, object: ObjectRef, maxSeq: number): Promise<boolean> {
    const tail = async (of: number): Promise<StoredVersion[]> => this.store.versions(of, maxSeq);
    const committed = (versions: StoredVersion[]): StoredVersion | undefined =>
      versions.find(({ outcome, late }) => outcome === 'committed' && !late);
    if (committed(await tail(id)) !== undefined) return false;
    for (const other of await this.store.incarnations(object)) {
      if (other.id === id) continue;
      const changes = await tail(other.id);
      const exists = committed(changes) !== undefined && believed(changes)?.effect !== 'deleted';
      if (exists) return true;
    }
    return false;
  }

  /** The change that made a version, where that only shows it in another API version, or before the review that explains it. */
  private async changeBehind(version: StoredVersion): Promise<StoredVersion> {
    if (version.source === 'admission') return version;
    const parent = isTranslation(version) && version.parent !== null ? await this.store.change(version.parent) : null;
    if (parent !== null) return this.changeBehind(parent);
    const fact = await this.store.change(version.seq);
    return fact !== null && isExplained(fact) ? ((await this.store.explanation(fact.seq)) ?? version) : version;
  }

  private async differenceOf(stored: StoredObject, from: number, to: number): Promise<Difference | null> {
    const { id: _, ...object } = stored;
    const [before, after] = [await this.stateOf(stored, from), await this.stateOf(stored, to)];
    if (before?.seq === after?.seq) return null;
    const { group, resource, namespace, name, uid } = object;
    const filter = { type: { group, resource }, namespace, names: [name], uid, minSeq: from + 1, maxSeq: to };
    const between = (await this.store.changes(filter, PAGE)).reverse();
    const users = between
      .filter((change) => change.outcome !== 'dropped' && !isControllersStatus(change))
      .flatMap((change) => (change.actor === null ? [] : [change.actor.username]));
    return { object, before: before?.body ?? null, after: after?.body ?? null, users: [...new Set(users)] };
  }
}

/** Of lists that may be given again, as below, those that exist. */
const EXISTING = new WeakMap<readonly FactsAt[], ObjectFacts[]>();

/** As isRefused() has it: an object that nothing confirmed does not exist beside another one of its name. They come in the order of names. */
function existing(kept: FactsAt[]): ObjectFacts[] {
  return kept.filter(({ confirmed, object }, place) => {
    if (confirmed) return true;
    for (const step of [-1, 1]) {
      for (let at = place + step; ; at += step) {
        const other = kept[at];
        if (other === undefined || !isSameName(other.object, object)) break;
        if (other.confirmed) return false;
      }
    }
    return true;
  });
}

function isSameName(a: ObjectRef, b: ObjectRef): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.resource === b.resource && a.group === b.group;
}

/** Graphs of facts that may be given again, as a projection gives those of its last moment. */
const GRAPHS = new WeakMap<readonly ObjectFacts[], Graph>();

function graphOf(facts: readonly ObjectFacts[]): Graph {
  const graph = GRAPHS.get(facts) ?? resolve(facts);
  GRAPHS.set(facts, graph);
  return graph;
}

/** The same of applications, with the rules that they were told by. */
const APPLICATIONS = new WeakMap<readonly ObjectFacts[], { rules: string; told: Applications }>();

function applicationsIn(facts: readonly ObjectFacts[], rules: readonly LandscapeRule[]): Applications {
  const text = JSON.stringify(rules);
  const known = APPLICATIONS.get(facts);
  if (known?.rules === text) return known.told;
  const told = applicationsOf(facts, graphOf(facts), rules);
  APPLICATIONS.set(facts, { rules: text, told });
  return told;
}

/** A list that ends early must not look like one that is complete. */
function readContinue(token: string): number {
  if (!/^[1-9]\d{0,14}$/.test(token)) {
    throw new KubeblameError('query-invalid', `continue: ${JSON.stringify(token)} was not given with a page`);
  }
  return Number(token);
}

function filterOf({ type, namespace, withNamespaceObject, names }: Scope): ObjectFilter {
  return {
    ...(type === undefined ? {} : { type }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(withNamespaceObject === undefined ? {} : { withNamespaceObject }),
    ...(names === undefined ? {} : { names }),
  };
}
