import type { EventSum } from '../../../../shared/types.ts';
import { withoutObject } from '../../../ledger/port/intervals.ts';
import { setImmediate as breathe } from 'node:timers/promises';
import type { EventFilter, EventPlace, EventTotals, StoredEvent } from '../../../ledger/port/events.ts';
import type {
  ChangeFilter,
  FactsAt,
  LedgerStore,
  LedgerView,
  NewCoverage,
  ObjectFilter,
  StoredChange,
  StoredObject,
  StoredStep,
  StoredVersion,
  UserCount,
} from '../../../ledger/port/port.ts';
import { countUsers } from '../../questions/people/users.ts';
import { requireChange } from '../../../ledger/port/steps.ts';
import { actOf, type Type } from './acts.ts';
import { lifeOf, type NamespaceLife } from './namespaces.ts';
import { EVENTS, FULL_SIGHT, placeOf, type Sight } from './sight.ts';

/** Rows that are fetched at once while a page fills. */
const PAGE = 500;

/**
 * A ledger as one user sees it: rows that they may not read do not exist in it. Whatever is built on a store (pages,
 * counts of hidden changes, states, differences) is right for that user without knowing of rights.
 */
export class RestrictedStore implements LedgerView {
  private readonly seen = new Map<string, boolean>();
  private readonly lives = new Map<string, Promise<NamespaceLife>>();

  constructor(
    private readonly store: LedgerStore,
    private readonly sight: Sight,
  ) {}

  get cluster(): string {
    return this.store.cluster;
  }

  get format(): number {
    return this.store.format;
  }

  first(): Promise<{ seq: number; at: number } | null> {
    return this.store.first();
  }

  last(): Promise<{ seq: number; at: number } | null> {
    return this.store.last();
  }

  hasBackdated(): Promise<boolean> {
    return this.store.hasBackdated();
  }

  backdated(objectId: number, at: number): Promise<StoredChange | null> {
    return this.store.backdated(objectId, at);
  }

  seqAt(at: number): Promise<number> {
    return this.store.seqAt(at);
  }

  /** Types of which anything can be seen, whether there is anything or not. */
  async resources(): Promise<{ group: string; resource: string; kind: string }[]> {
    return (await this.store.resources()).filter((type) => this.sight.somewhere(type));
  }

  async objects(filter: ObjectFilter, limit: number, after?: number): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    if (this.sight.nothing) return found;
    let from = after;
    for (;;) {
      const objects = await this.store.objects(this.narrow(filter), PAGE, from);
      for (const object of objects) {
        if (await this.sees(object)) found.push(object);
        if (found.length === limit) return found;
      }
      from = objects.at(-1)?.id;
      if (objects.length < PAGE) return found;
      await breathe();
    }
  }

  async changes(filter: ChangeFilter, limit: number): Promise<StoredChange[]> {
    const found: StoredChange[] = [];
    if (this.sight.nothing) return found;
    let page = filter;
    for (;;) {
      const rows = await this.store.changes(this.narrow(page), PAGE);
      for (const row of rows) {
        if (await this.seesChange(row)) found.push(row);
        if (found.length === limit) return found;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return found;
      page = { ...page, maxSeq: last.seq - 1 };
      // Reviews wait behind a long search otherwise.
      await breathe();
    }
  }

  /** Row by row: what the database counts by itself knows nothing of rights. */
  async users(filter: Omit<ChangeFilter, 'username' | 'labels'>, status: boolean): Promise<UserCount[]> {
    if (this.sight === FULL_SIGHT) return this.store.users(filter, status);
    const read = async (most: ChangeFilter, limit: number) => {
      const rows = await this.changes(most, limit);
      return { rows, own: rows };
    };
    return countUsers(read, filter, status);
  }

  async change(seq: number): Promise<StoredChange | null> {
    const change = await this.store.change(seq);
    return change !== null && (await this.seesChange(change)) ? change : null;
  }

  async incarnations(key: Parameters<LedgerStore['incarnations']>[0]): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    for (const object of await this.store.incarnations(key)) if (await this.sees(object)) found.push(object);
    return found;
  }

  /** Of an object that this store gave. */
  tail(objectId: number, maxSeq?: number): Promise<StoredChange[]> {
    return this.store.tail(objectId, maxSeq);
  }

  /** Of a change that this store gave. */
  bodySnapshot(seq: number): ReturnType<LedgerStore['bodySnapshot']> {
    return this.store.bodySnapshot(seq);
  }

  /** Of an object that this store gave. */
  versions(objectId: number, maxSeq?: number): Promise<StoredVersion[]> {
    return this.store.versions(objectId, maxSeq);
  }

  /** Of a change that this store gave. */
  origins(seqs: readonly number[]): Promise<Map<number, number>> {
    return this.store.origins(seqs);
  }

  /** A body is built from changes of its own object only. */
  async body(seq: number): ReturnType<LedgerStore['body']> {
    if (this.sight !== FULL_SIGHT) await requireChange(this, seq);
    return this.store.body(seq);
  }

  /** Of the same object too. */
  async explanation(seq: number): Promise<StoredChange | null> {
    if (this.sight !== FULL_SIGHT) await requireChange(this, seq);
    return this.store.explanation(seq);
  }

  /** Of the same object too. */
  async lineage(seq: number): Promise<StoredStep[]> {
    if (this.sight !== FULL_SIGHT) await requireChange(this, seq);
    return this.store.lineage(seq);
  }

  /** Acts, which this user may not know of, do not count. */
  lifetime(objectId: number): Promise<{ firstAt: number; lastAt: number } | null> {
    return this.store.lifetime(objectId, this.sight !== FULL_SIGHT);
  }

  async facts(seq: number): Promise<FactsAt[] | null> {
    const all = await this.store.facts(seq);
    if (all === null || this.sight === FULL_SIGHT) return all;
    const found: FactsAt[] = [];
    for (const one of all) if (await this.sees({ ...one.object, id: one.id })) found.push(one);
    return found;
  }

  async events(filter: EventFilter, limit: number, after?: EventPlace): Promise<StoredEvent[]> {
    const found: StoredEvent[] = [];
    if (!this.sight.somewhere(EVENTS)) return found;
    for (let place = after; ;) {
      const events = await this.store.events(this.narrow(filter), PAGE, place);
      for (const event of events) {
        if (await this.seesEvent(event.facts)) found.push(event);
        if (found.length === limit) return found;
      }
      const last = events.at(-1);
      if (last === undefined || events.length < PAGE) return found;
      place = { lastAt: last.facts.lastAt, id: last.id };
      await breathe();
    }
  }

  async eventSums(filter: EventFilter, limit: number): Promise<EventSum[]> {
    const found: EventSum[] = [];
    if (!this.sight.somewhere(EVENTS)) return found;
    for (const sum of await this.store.eventSums(this.narrow(filter), limit)) {
      if (await this.seesEvent(sum)) found.push(sum);
    }
    return found;
  }

  /** How many there are in all is for those who read everything. */
  async eventTotals(): Promise<EventTotals> {
    const totals = await this.store.eventTotals();
    if (this.sight === FULL_SIGHT) return totals;
    const { horizonAt } = totals;
    return { events: 0, states: 0, merged: 0, summed: 0, removed: 0, bytes: 0, horizonAt };
  }

  /** When recording did not work is part of every answer; why, which may name users, is for those who read everything. */
  async coverage(): Promise<NewCoverage[]> {
    const events = await this.store.coverage();
    if (this.sight === FULL_SIGHT) return events;
    return events.map((event) => {
      if (event.event === 'unreviewed' || event.event === 'reviewed')
        return { ...event, detail: withoutObject(event.detail) };
      // Only times.
      if (event.event === 'unanswered') return event;
      return event.detail === '' ? event : { ...event, detail: 'recording did not work' };
    });
  }

  /** The ledger stays open: it is not this user's alone. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Lets the database pass over what is not seen anyway: a ledger has millions of rows. */
  private narrow<F extends ObjectFilter | EventFilter>(filter: F): F {
    const { namespaces } = this.sight;
    if (namespaces === null || filter.namespace !== undefined) return filter;
    const asked = filter.within;
    return { ...filter, within: asked === undefined ? namespaces : namespaces.filter((name) => asked.includes(name)) };
  }

  private async seesChange(change: StoredChange): Promise<boolean> {
    const object = { ...change.object, id: change.objectId };
    if (!(await this.sees(object))) return false;
    const act = actOf(change);
    return act === null || this.sees(object, act);
  }

  /** `type`: another one than the object's, for acts on it. */
  private async sees(object: StoredObject, type: Type = object): Promise<boolean> {
    const key = `${object.id}/${type.resource}`;
    let sees = this.seen.get(key);
    if (sees === undefined) {
      sees = await this.decide(object, type);
      this.seen.set(key, sees);
    }
    return sees;
  }

  /**
   * A right inside a namespace is one on what is in it now. What was in a deleted namespace, or in an earlier one of
   * the same name, belonged to somebody else: that needs the right in the whole cluster.
   */
  private async decide(object: StoredObject, type: Type): Promise<boolean> {
    const { sight } = this;
    if (sight.everywhere(type)) return true;
    const namespace = placeOf(object);
    if (namespace === '' || !sight.inside(namespace, type)) return false;
    const { alive, earlierUntil } = await this.lifeIn(namespace);
    if (!alive) return false;
    return earlierUntil === null || ((await this.store.lifetime(object.id))?.firstAt ?? 0) > earlierUntil;
  }

  /** By the right on Events alone, as the API server has it: whatever the Event is about. */
  private async seesEvent({ namespace, firstAt }: { namespace: string; firstAt: number }): Promise<boolean> {
    if (this.sight.everywhere(EVENTS)) return true;
    if (!this.sight.inside(namespace, EVENTS)) return false;
    const { alive, earlierUntil } = await this.lifeIn(namespace);
    return alive && (earlierUntil === null || firstAt > earlierUntil);
  }

  private lifeIn(namespace: string): Promise<NamespaceLife> {
    const known = this.lives.get(namespace) ?? lifeOf(this.store, namespace);
    this.lives.set(namespace, known);
    return known;
  }
}
