import { messageOf } from '../../../../shared/errors.ts';
import { compareStates, eventFacts } from '../../../../shared/events/event.ts';
import type { EventTotals } from '../../port/events.ts';
import type { Findings } from '../../proof/report.ts';
import { decodeUid } from '../database/codes.ts';
import type { Sqlite } from '../database/open.ts';
import { Statements } from '../database/statements.ts';
import { statesOf } from '../store/events/event-rows.ts';
import { BYTES_OF_EVENT, SUM_BYTES } from '../store/events/event-totals.ts';

interface Row {
  id: number;
  uid: Buffer | string;
  namespace: string;
  api_group: string;
  kind: string;
  object: string;
  object_uid: Buffer | string;
  type: string;
  reason: string;
  batch: number;
  bytes: number;
  first_at: number;
  last_at: number;
  count: number;
  body: Buffer;
  steps: number | null;
}

/**
 * Rebuilds every Event, and compares it with what stands beside it; and the figures about all of them with what is there. Nothing proves
 * that nobody changed an Event: they are no part of the hash chain (docs/decisions/0074). Returns how many there are.
 */
export function verifyEvents(db: Sqlite, findings: Findings): number {
  const statements = new Statements(db);
  const found: Figures = { events: 0, states: 0, bytes: 0, batch: 0 };
  const rows = db.prepare<unknown[], Row>(
    `SELECT id, uid, namespace, api_group, kind, object, object_uid, type, reason, first_at, last_at, count, batch, body,
      ${BYTES_OF_EVENT} AS bytes, (SELECT sum(count) FROM event_steps WHERE event_id = id) AS steps FROM events`,
  );
  for (const row of rows.iterate()) {
    found.events++;
    found.states += 1 + (row.steps ?? 0);
    found.bytes += row.bytes;
    found.batch = Math.max(found.batch, row.batch);
    try {
      const wrong = wrongWith(row, statesOf(statements, row.id, row.body).map(eventFacts));
      if (wrong !== null) findings.add('events', `event ${row.id}`, wrong);
    } catch (error) {
      findings.add('events', `event ${row.id}`, `it cannot be rebuilt: ${messageOf(error)}`);
    }
  }
  const wrong = wrongFigures(statements, found);
  if (wrong !== null) findings.add('events', 'the figures about all', wrong);
  return found.events;
}

interface Figures {
  events: number;
  states: number;
  bytes: number;
  batch: number;
}

function wrongFigures(statements: Statements, found: Figures): string | null {
  const told = statements.get<EventTotals & { batch: number }>('SELECT *, horizon_at AS horizonAt FROM event_totals');
  if (told === null) return 'they are not there';
  const sums = statements.get<{ n: number; events: number | null; batch: number | null }>('SELECT count(*) AS n, sum(events) AS events, max(batch) AS batch FROM event_sums'); // prettier-ignore
  const bytes = found.bytes + (sums?.n ?? 0) * SUM_BYTES;
  const { events, states, merged, summed, removed, horizonAt, batch } = told;
  if (events !== found.events || states !== found.states || told.bytes !== bytes) {
    return `there are ${found.events} Events with ${found.states} states in ${bytes} bytes, and they say ${events}, ${states} and ${told.bytes}`;
  }
  if (summed < (sums?.events ?? 0) || batch < Math.max(found.batch, sums?.batch ?? 0))
    return 'there is more than they say';
  const isEmpty = events === 0 && removed === 0 && (sums?.n ?? 0) === 0;
  const isUnused = merged === 0 && summed === 0 && horizonAt === 0 && batch === 0;
  return isEmpty && !isUnused ? 'they tell of Events where none ever were' : null;
}

function wrongWith(row: Row, states: readonly ReturnType<typeof eventFacts>[]): string | null {
  const [first, last] = [states[0], states.at(-1)];
  if (first === undefined || last === undefined) return 'it has no state';
  if (states.length !== 1 + (row.steps ?? 0)) return 'it has another number of states than it says';
  const { uid, namespace, type, reason, about } = first;
  const said = [uid, namespace, type, reason, about.group, about.kind, about.name, about.uid];
  const told = [decodeUid(row.uid), row.namespace, row.type, row.reason, row.api_group, row.kind, row.object, decodeUid(row.object_uid)]; // prettier-ignore
  if (said.join('\0') !== told.join('\0') || last.uid !== uid)
    return 'it is another Event, or about another object, than it says';
  if (first.firstAt !== row.first_at || last.lastAt !== row.last_at || last.count !== row.count) {
    return 'its times or its count are not those of its states';
  }
  const unordered = states.some((state, index) => index > 0 && compareStates(states[index - 1] ?? state, state) > 0);
  return unordered ? 'its states are not in order' : null;
}
