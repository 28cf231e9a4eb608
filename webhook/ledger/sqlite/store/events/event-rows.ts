import { eventFacts, type EventFacts } from '../../../../../shared/events/event.ts';
import { decodeSteps } from '../../../../../shared/events/steps.ts';
import type { EventSum, JsonObject } from '../../../../../shared/types.ts';
import { decodeBody } from '../../../content/payload.ts';
import type { EventFilter, EventPlace, EventTotals, StoredEvent } from '../../../port/events.ts';
import { decodeUid, encodeUid } from '../../database/codes.ts';
import { LIMIT, type Statements } from '../../database/statements.ts';

interface Row {
  id: number;
  last_at: number;
  gone_at: number | null;
  merged: number;
  body: Buffer;
}

interface SumRow extends Omit<EventSum, 'uid'> {
  uid: Buffer | string;
}

const COLUMNS = 'id, last_at, gone_at, merged, body';
const LAST = { lastAt: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER };

/** Reads Events. */
export class EventRows {
  constructor(private readonly statements: Statements) {}

  /**
   * Those that match, the one that happened last first, as they were at the end of the time that is asked for; from behind `after` on.
   * An Event that went on after that time comes in its place of then.
   */
  events(filter: EventFilter, limit: number, after: EventPlace = LAST): StoredEvent[] {
    const { until = Number.MAX_SAFE_INTEGER, since = 0 } = filter;
    const { conditions, values } = conditionsOf(filter);
    const select = `SELECT ${COLUMNS} FROM events WHERE ${conditions.join(' AND ')}`;
    const ended = this.statements.all<Row>(
      `${select} AND last_at <= ? AND (last_at < ? OR (last_at = ? AND id < ?)) ORDER BY last_at DESC, id DESC ${LIMIT}`,
      ...[...values, until, after.lastAt, after.lastAt, after.id, limit],
    );
    // Which of them come on this page, only their steps tell.
    const wentOn =
      filter.until === undefined ? [] : this.statements.all<Row>(`${select} AND last_at > ?`, ...values, until);
    const found = [...ended, ...wentOn].map((row) => this.storedEvent(row, until));
    return found
      .filter(({ facts, id }) => facts.lastAt >= since && isBehind({ lastAt: facts.lastAt, id }, after))
      .sort((a, b) => b.facts.lastAt - a.facts.lastAt || b.id - a.id)
      .slice(0, limit);
  }

  /** What was only counted, the newest first. */
  sums(filter: EventFilter, limit: number): EventSum[] {
    const { conditions, values } = conditionsOf(filter);
    return this.statements
      .all<SumRow>(
        `SELECT namespace, api_group AS "group", kind, object AS name, object_uid AS uid, type, reason, events, first_at AS firstAt,
          last_at AS lastAt, message FROM event_sums WHERE ${conditions.join(' AND ')} ORDER BY last_at DESC, id DESC ${LIMIT}`,
        ...[...values, limit],
      )
      .map((row) => ({ ...row, uid: decodeUid(row.uid) }));
  }

  /** Events that were written after one batch, each as it is now, in the order of their batches; and the last of these. */
  written(afterBatch: number, limit: number): { events: StoredEvent[]; through: number } {
    const rows = this.statements.all<Row & { batch: number }>(
      `SELECT ${COLUMNS}, batch FROM events WHERE batch > ? ORDER BY batch, id ${LIMIT}`,
      afterBatch,
      limit,
    );
    const events = rows.map((row) => this.storedEvent(row, Number.MAX_SAFE_INTEGER));
    // What is cut off of a batch comes with the next ones.
    const last = rows.at(-1)?.batch ?? afterBatch;
    if (rows.length < limit || rows[0]?.batch === last) return { events, through: last };
    return { events: events.filter((_, index) => (rows[index]?.batch ?? 0) < last), through: last - 1 };
  }

  totals(): EventTotals {
    const found = this.statements.get<EventTotals>(
      'SELECT events, states, merged, summed, removed, horizon_at AS horizonAt, bytes FROM event_totals',
    );
    return found ?? { events: 0, states: 0, merged: 0, summed: 0, removed: 0, horizonAt: 0, bytes: 0 };
  }

  private storedEvent({ id, gone_at, merged, body }: Row, until: number): StoredEvent {
    const states = statesOf(this.statements, id, body);
    const past = states.filter((state) => eventFacts(state).lastAt <= until);
    const last = past.at(-1);
    return {
      id,
      facts: last === undefined ? firstTime(states) : eventFacts(last),
      goneAt: gone_at,
      merged,
      states: past,
    };
  }
}

/** All states of an Event, oldest first. Throws where what is stored is damaged. */
export function statesOf(statements: Statements, id: number, body: Uint8Array): JsonObject[] {
  const states = [decodeBody(body)];
  const chunks = statements.all<{ steps: Buffer }>('SELECT steps FROM event_steps WHERE event_id = ? ORDER BY n', id);
  for (const { steps } of chunks) states.push(...decodeSteps(states.at(-1) ?? {}, steps));
  return states;
}

/** What is known of an Event whose first known state is of a later time: that it happened once. */
function firstTime([first = {}]: readonly JsonObject[]): EventFacts {
  const facts = eventFacts(first);
  return { ...facts, lastAt: facts.firstAt, count: 1 };
}

function isBehind(place: EventPlace, after: EventPlace): boolean {
  return place.lastAt < after.lastAt || (place.lastAt === after.lastAt && place.id < after.id);
}

function conditionsOf({ namespace, within, group, kind, names, uids, types, since, until }: EventFilter): {
  conditions: string[];
  values: unknown[];
} {
  const conditions = ['TRUE'];
  const values: unknown[] = [];
  const add = (condition: string, ...more: unknown[]): void => {
    conditions.push(condition);
    values.push(...more);
  };
  const among = (column: string, all: readonly unknown[]): void =>
    add(`${column} IN (${all.map(() => '?').join()})`, ...all);
  if (namespace !== undefined) add('namespace = ?', namespace);
  if (within !== undefined) among('namespace', within);
  if (group !== undefined) add('api_group = ?', group);
  if (kind !== undefined) add('kind = ?', kind);
  if (names !== undefined) among('object', names);
  if (uids !== undefined) among('object_uid', uids.map(encodeUid));
  if (types !== undefined) among('type', types);
  if (since !== undefined) add('last_at >= ?', since);
  if (until !== undefined) add('first_at <= ?', until);
  return { conditions, values };
}
