import { isMarked, ownersOf, type Fact, type OwnerReference } from '../../../shared/causes/fact.ts';
import type { PodEvent } from '../../../shared/causes/pods.ts';
import { isObject } from '../../../shared/json.ts';
import { applyPatch } from '../../../shared/patch.ts';
import type { Json, JsonObject, PatchOperation } from '../../../shared/types.ts';
import { isReal, type ChangeFilter, type LedgerView, type StoredChange } from '../../ledger/port/port.ts';
import type { States } from '../../ledger/port/states.ts';

/** Changes of one owner, or of all its pods, that are looked at: beyond that nothing is said. */
const MAX_CHANGES = 5000;

/** Looks up what causes are found from; remembers it for one answer. */
export class CauseRecords {
  private readonly facts = new Map<string, Promise<Fact[] | null>>();
  private readonly specs = new Map<string, Promise<Fact[] | null>>();
  /** Bodies without status, after the changes of specsOf. */
  private readonly bodies = new Map<number, JsonObject | null>();
  /** Where the bodies without status of changes come from: LedgerView.origins. */
  private readonly origins = new Map<number, number>();
  /** Each change once: what it has inflated is not inflated again. */
  private readonly rows = new Map<number, StoredChange>();
  private readonly events = new Map<string, Promise<PodEvent[] | null>>();

  constructor(
    private readonly store: LedgerView,
    private readonly states: States,
  ) {}

  async know(changes: readonly StoredChange[]): Promise<void> {
    for (const change of changes) this.once(change);
    await this.prepare(changes);
  }

  async change(seq: number): Promise<StoredChange | null> {
    const row = this.rows.get(seq) ?? (await this.store.change(seq));
    return row === null ? null : this.once(row);
  }

  /** A change with whole bodies. */
  async fact(change: StoredChange): Promise<Fact> {
    const { before, after } = await this.states.around(change);
    return factOf(change, before, change.effect === 'none' ? before : after);
  }

  /** A change with bodies without status, but for that of a first sight: they are mostly one patch away from known ones. */
  async spec(change: StoredChange): Promise<Fact> {
    const { patch, base } = change.detail();
    if (change.effect === 'none' || base !== undefined) return this.fact(change);
    const before = change.parent === null ? null : await this.specAfter(change.parent);
    const whole = applyPatch(before, patch.filter(touchesMore));
    const after = withoutStatus(whole);
    this.bodies.set(change.seq, after);
    return factOf(change, before, change.parent === null ? whole : after);
  }

  /**
   * The changes of some objects that were persisted and touch more than status, oldest first; null where there are too many.
   * With whole bodies, each of which has to be rebuilt: specsOf is cheaper.
   */
  factsOf(filter: ChangeFilter): Promise<Fact[] | null> {
    const key = JSON.stringify(filter);
    const found = this.facts.get(key) ?? this.loadFacts(filter);
    this.facts.set(key, found);
    return found;
  }

  /**
   * The same without the status of bodies, but for that of a first sight: most changes are of nothing else, and need not be
   * rebuilt for it.
   */
  specsOf(filter: ChangeFilter): Promise<Fact[] | null> {
    const key = JSON.stringify(filter);
    const found = this.specs.get(key) ?? this.loadSpecs(filter);
    this.specs.set(key, found);
    return found;
  }

  /** What an owner's pods did: those whose names begin as it names them, and that name it as their owner. */
  podEvents(namespace: string, { name, uid }: OwnerReference): Promise<PodEvent[] | null> {
    const found = this.events.get(uid) ?? this.loadEvents(namespace, name, uid);
    this.events.set(uid, found);
    return found;
  }

  private async loadFacts(filter: ChangeFilter): Promise<Fact[] | null> {
    const rows = await this.realChanges(filter);
    if (rows === null) return null;
    const facts: Fact[] = [];
    for (const row of rows) facts.push(await this.fact(row));
    return facts;
  }

  private async loadSpecs(filter: ChangeFilter): Promise<Fact[] | null> {
    const rows = await this.realChanges(filter);
    if (rows === null) return null;
    await this.prepare(rows);
    const facts: Fact[] = [];
    for (const row of rows) facts.push(await this.spec(row));
    return facts;
  }

  /** Looks up what the specs of some changes, oldest first, start from: all at once, which one by one takes most of their time. */
  private async prepare(rows: readonly StoredChange[]): Promise<void> {
    const here = new Set(rows.flatMap(({ seq, statusOnly }) => (statusOnly ? [] : [seq])));
    const unknown = rows.flatMap(({ parent, effect, statusOnly }) =>
      parent === null || effect === 'none' || statusOnly || here.has(parent) || this.isKnown(parent) ? [] : [parent],
    );
    for (const [seq, origin] of await this.store.origins([...new Set(unknown)])) this.origins.set(seq, origin);
  }

  private isKnown(seq: number): boolean {
    return this.origins.has(seq) || this.bodies.has(seq);
  }

  /** Mostly known: the change before. */
  private async specAfter(seq: number): Promise<JsonObject | null> {
    const before = this.bodies.get(seq);
    if (before !== undefined) return before;
    if (!this.origins.has(seq))
      for (const [one, origin] of await this.store.origins([seq])) this.origins.set(one, origin);
    const origin = this.origins.get(seq) ?? seq;
    const known = this.bodies.get(origin);
    if (known !== undefined) return known;
    const body = withoutStatus(await this.states.after(origin));
    this.bodies.set(origin, body);
    return body;
  }

  private async loadEvents(namespace: string, name: string, uid: string): Promise<PodEvent[] | null> {
    // The API server cuts what it makes names from to 58 characters (names.SimpleNameGenerator).
    const namePrefix = `${name}-`.slice(0, 58);
    const rows = await this.realChanges({ type: { group: '', resource: 'pods' }, namespace, namePrefix });
    if (rows === null) return null;
    const owned = new Set<string>();
    const gone = new Set<string>();
    const events: PodEvent[] = [];
    for (const row of rows) {
      const { uid: pod } = row.object;
      const { patch } = row.detail();
      if (row.parent === null && row.effect === 'created') {
        const [operation] = patch;
        const body = operation !== undefined && 'value' in operation ? bodyOf(operation.value) : null;
        if (!ownersOf(body).some((owner) => owner.uid === uid)) continue;
        owned.add(pod);
        if (isMarked(body)) gone.add(pod);
        if (row.source !== 'baseline')
          events.push({ seq: row.seq, pod: row.object.name, came: true, actor: row.actor });
      } else if (owned.has(pod) && !gone.has(pod)) {
        const leaves = row.effect === 'deleted' || patch.some(({ path }) => path === '/metadata/deletionTimestamp');
        if (!leaves) continue;
        gone.add(pod);
        // The mark of an eviction is seen after its effects began: the request itself is when it was asked to go.
        const { cause } = row.detail();
        const request = row.actor === null && cause !== null ? await this.change(cause) : null;
        const { seq, actor } = request ?? row;
        events.push({ seq, pod: row.object.name, came: false, actor });
      }
    }
    return events.sort((a, b) => a.seq - b.seq);
  }

  private once(row: StoredChange): StoredChange {
    const known = this.rows.get(row.seq) ?? row;
    this.rows.set(row.seq, known);
    return known;
  }

  private async realChanges(filter: ChangeFilter): Promise<StoredChange[] | null> {
    const rows = await this.store.changes({ ...filter, withoutStatus: true }, MAX_CHANGES);
    if (rows.length === MAX_CHANGES) return null;
    return rows
      .filter(isReal)
      .map((row) => this.once(row))
      .reverse();
  }
}

function factOf(change: StoredChange, before: JsonObject | null, after: JsonObject | null): Fact {
  const { seq, object, operation, subresource, source, actor, effect } = change;
  return { seq, object, operation, subresource, source, actor, effect, before, after };
}

function touchesMore({ path }: PatchOperation): boolean {
  return path !== '/status' && !path.startsWith('/status/');
}

function withoutStatus(body: JsonObject | null): JsonObject | null {
  if (body?.status === undefined) return body;
  const { status: _, ...rest } = body;
  return rest;
}

function bodyOf(value: Json): JsonObject | null {
  return isObject(value) ? value : null;
}
