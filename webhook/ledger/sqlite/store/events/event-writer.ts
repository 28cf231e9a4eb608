import { LRUCache } from 'lru-cache';
import { compareStates, eventFacts, type EventFacts } from '../../../../../shared/events/event.ts';
import { encodeStep } from '../../../../../shared/events/steps.ts';
import { canonicalJson } from '../../../../../shared/json.ts';
import type { JsonObject } from '../../../../../shared/types.ts';
import { compress } from '../../../content/payload.ts';
import type { EventRetention, EventsTaken, ShownEvent } from '../../../port/events.ts';
import { encodeUid } from '../../database/codes.ts';
import type { Sqlite } from '../../database/open.ts';
import { Statements } from '../../database/statements.ts';
import { statesOf } from './event-rows.ts';
import { giveUpOld } from './event-retention.ts';
import { EventSums } from './event-sums.ts';
import { addTotals, bytesOf, EVENT_BYTES } from './event-totals.ts';

/** Steps in one row: the last row of an Event is written again with each. */
const STEPS_A_ROW = 64;
/**
 * States of one Event that are kept: beyond, the newest takes the place of the one before it. At one a second that is more than an hour;
 * what components report goes through a filter that lets one pass in five minutes (client-go, events_cache.go).
 */
export const MAX_STATES = 5_000;
/** Events whose last state is remembered, so that a step needs no reading. */
const REMEMBERED = 2_000;

interface ShownState {
  event: JsonObject;
  facts: EventFacts;
  goneAt: number | null;
}

/** Where the writing of an Event stands. */
interface Head {
  id: number;
  last: JsonObject;
  facts: EventFacts;
  /** Kept states. */
  states: number;
  /** The state before the last one, and the bytes of the step between them; null where there is one state. */
  before: { state: JsonObject; stepBytes: number } | null;
  /** Its last row of steps; n 0 before the first. */
  tail: { n: number; count: number; steps: Buffer };
}

const NO_TAIL: Head['tail'] = { n: 0, count: 0, steps: Buffer.alloc(0) };

/** Writes Events into a ledger, all that are given at once in one transaction. What is there already changes nothing. */
export class EventWriter {
  private readonly statements: Statements;
  private readonly sums: EventSums;
  private readonly heads = new LRUCache<string, Head>({ max: REMEMBERED });

  constructor(
    private readonly db: Sqlite,
    private readonly deflate: (text: string) => Buffer = compress,
  ) {
    this.statements = new Statements(db);
    this.sums = new EventSums(this.statements);
  }

  /** Throws what SQLite throws; then nothing was written. */
  take(shown: readonly ShownEvent[], retention: EventRetention): EventsTaken {
    const taken: EventsTaken = { events: 0, states: 0, known: 0, summed: 0, removed: 0 };
    try {
      this.db.transaction(() => {
        const batch = (this.statements.get<{ batch: number }>('SELECT batch FROM event_totals')?.batch ?? 0) + 1;
        // What is only counted is told apart by its version: event-sums.ts.
        const states = shown.flatMap(({ event, goneAt }) => (event === null ? [] : [{ event, facts: eventFacts(event), goneAt }])); // prettier-ignore
        states.sort((a, b) => compareStates(a.facts, b.facts));
        for (const state of states) this.takeState(state, batch, taken);
        for (const { uid, goneAt } of shown) if (goneAt !== null) this.end(uid, goneAt);
        if (taken.states + taken.summed > 0) this.statements.run('UPDATE event_totals SET batch = ?', batch);
        for (const uid of giveUpOld(this.statements, retention)) {
          this.heads.delete(uid);
          taken.removed++;
        }
      })();
    } catch (error) {
      // What they say was not written.
      this.heads.clear();
      this.sums.forget();
      throw error;
    }
    return taken;
  }

  private takeState({ event, facts, goneAt }: ShownState, batch: number, taken: EventsTaken): void {
    const head = this.headOf(facts.uid);
    if (head === null) {
      const summed = this.sums.take(facts, batch);
      if (summed !== null) {
        taken[summed]++;
        return;
      }
      this.insert(event, facts, batch);
      taken.events++;
      taken.states++;
    } else if (goneAt === null || facts.count > head.facts.count) {
      // What is said when it is gone has another resourceVersion, and is mostly the last state.
      if (this.addState(head, event, facts, batch)) taken.states++;
      else taken.known++;
    }
  }

  private end(uid: string, goneAt: number): void {
    this.statements.run('UPDATE events SET gone_at = ? WHERE uid = ? AND gone_at IS NULL', goneAt, encodeUid(uid));
  }

  private insert(event: JsonObject, facts: EventFacts, batch: number): void {
    const { about, type, reason, firstAt, lastAt, count } = facts;
    const body = this.deflate(JSON.stringify(event));
    this.statements.run(
      `INSERT INTO events (uid, namespace, api_group, kind, object, object_uid, type, reason, first_at, last_at, count, merged, batch, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
      ...[encodeUid(facts.uid), facts.namespace, about.group, about.kind, about.name, encodeUid(about.uid)],
      ...[type, reason, firstAt, lastAt, count, batch, body],
    );
    const id = this.statements.get<{ id: number }>('SELECT last_insert_rowid() AS id')?.id ?? 0;
    addTotals(this.statements, { events: 1, states: 1, bytes: EVENT_BYTES + body.length });
    this.heads.set(facts.uid, { id, last: event, facts, states: 1, before: null, tail: NO_TAIL });
  }

  /** False where it was there already. */
  private addState(head: Head, event: JsonObject, facts: EventFacts, batch: number): boolean {
    const order = compareStates(facts, head.facts);
    if (order === 0 || canonicalJson(event) === canonicalJson(head.last)) return false;
    if (order < 0) return this.insertBefore(head, event, facts, batch);
    if (head.states >= MAX_STATES) return this.replaceLast(head, event, facts, batch);
    const step = encodeStep(head.last, event);
    const { tail } = head;
    const isFull = tail.n === 0 || tail.count >= STEPS_A_ROW;
    head.tail = isFull
      ? { n: head.states, count: 1, steps: step }
      : { n: tail.n, count: tail.count + 1, steps: Buffer.concat([tail.steps, step]) };
    this.writeTail(head);
    head.states++;
    this.setLast(head, event, facts, batch, { state: head.last, stepBytes: step.length });
    addTotals(this.statements, { states: 1, bytes: step.length });
    return true;
  }

  /** What came late, such as from an older file. */
  private insertBefore(head: Head, event: JsonObject, facts: EventFacts, batch: number): boolean {
    if (head.states >= MAX_STATES) return false;
    const states = this.statesOf(head.id);
    const place = states.findLastIndex((state) => compareStates(eventFacts(state), facts) <= 0);
    const before = states[place];
    if (before !== undefined && compareStates(eventFacts(before), facts) === 0) return false;
    const bytes = bytesOf(this.statements, head.id);
    this.rewrite(head, [...states.slice(0, place + 1), event, ...states.slice(place + 1)], batch);
    addTotals(this.statements, { states: 1, bytes: bytesOf(this.statements, head.id) - bytes });
    return true;
  }

  private replaceLast(head: Head, event: JsonObject, facts: EventFacts, batch: number): boolean {
    const { tail, before } = head;
    if (before === null) throw new Error('an Event with one state has no last step');
    const step = encodeStep(before.state, event);
    head.tail = { ...tail, steps: Buffer.concat([tail.steps.subarray(0, -before.stepBytes), step]) };
    this.writeTail(head);
    this.setLast(head, event, facts, batch, { state: before.state, stepBytes: step.length });
    this.statements.run('UPDATE events SET merged = merged + 1 WHERE id = ?', head.id);
    addTotals(this.statements, { merged: 1, bytes: step.length - before.stepBytes });
    return true;
  }

  /** Writes all states of an Event anew. */
  private rewrite(head: Head, states: readonly JsonObject[], batch: number): void {
    const [first = {}] = states;
    this.statements.run('DELETE FROM event_steps WHERE event_id = ?', head.id);
    this.statements.run('UPDATE events SET body = ?, first_at = ? WHERE id = ?', this.deflate(JSON.stringify(first)), eventFacts(first).firstAt, head.id); // prettier-ignore
    let lastStep = 0;
    for (let n = 1; n < states.length; n += STEPS_A_ROW) {
      const part = states.slice(n, n + STEPS_A_ROW);
      const steps = part.map((state, index) => encodeStep(states[n - 1 + index] ?? {}, state));
      lastStep = steps.at(-1)?.length ?? 0;
      head.tail = { n, count: part.length, steps: Buffer.concat(steps) };
      this.writeTail(head);
    }
    head.states = states.length;
    const last = states.at(-1) ?? first;
    this.setLast(head, last, eventFacts(last), batch, { state: states.at(-2) ?? first, stepBytes: lastStep });
  }

  private writeTail({ id, tail: { n, count, steps } }: Head): void {
    this.statements.run('INSERT OR REPLACE INTO event_steps (event_id, n, count, steps) VALUES (?, ?, ?, ?)', id, n, count, steps); // prettier-ignore
  }

  private setLast(head: Head, event: JsonObject, facts: EventFacts, batch: number, before: Head['before']): void {
    head.before = before;
    head.last = event;
    head.facts = facts;
    this.statements.run('UPDATE events SET last_at = ?, count = ?, batch = ? WHERE id = ?', facts.lastAt, facts.count, batch, head.id); // prettier-ignore
  }

  private headOf(uid: string): Head | null {
    const known = this.heads.get(uid);
    if (known !== undefined) return known;
    const id = this.statements.get<{ id: number }>('SELECT id FROM events WHERE uid = ?', encodeUid(uid))?.id;
    if (id === undefined) return null;
    const states = this.statesOf(id);
    const last = states.at(-1) ?? {};
    const tail = this.statements.get<Head['tail']>('SELECT n, count, steps FROM event_steps WHERE event_id = ? ORDER BY n DESC LIMIT 1', id); // prettier-ignore
    const state = states.at(-2);
    const before = state === undefined ? null : { state, stepBytes: encodeStep(state, last).length };
    const head: Head = { id, last, facts: eventFacts(last), states: states.length, before, tail: tail ?? NO_TAIL };
    this.heads.set(uid, head);
    return head;
  }

  private statesOf(id: number): JsonObject[] {
    const row = this.statements.get<{ body: Buffer }>('SELECT body FROM events WHERE id = ?', id);
    return row === null ? [] : statesOf(this.statements, id, row.body);
  }
}
