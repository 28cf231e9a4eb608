import { messageOf } from '../../../../shared/errors.ts';
import { compareStates, eventFacts } from '../../../../shared/events/event.ts';
import type { Findings } from '../../proof/report.ts';
import { decodeUid } from '../database/codes.ts';
import type { Sqlite } from '../database/open.ts';
import { Statements } from '../database/statements.ts';
import { statesOf } from '../store/events/event-rows.ts';

interface Row {
  id: number;
  uid: Buffer | string;
  object: string;
  object_uid: Buffer | string;
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
  let [events, states] = [0, 0];
  const rows = db.prepare<unknown[], Row>(
    `SELECT id, uid, object, object_uid, first_at, last_at, count, body, (SELECT sum(count) FROM event_steps WHERE event_id = id) AS steps
      FROM events`,
  );
  for (const row of rows.iterate()) {
    events++;
    states += 1 + (row.steps ?? 0);
    try {
      const wrong = wrongWith(row, statesOf(statements, row.id, row.body).map(eventFacts));
      if (wrong !== null) findings.add('events', `event ${row.id}`, wrong);
    } catch (error) {
      findings.add('events', `event ${row.id}`, `it cannot be rebuilt: ${messageOf(error)}`);
    }
  }
  const told = statements.get<{ events: number; states: number }>('SELECT events, states FROM event_totals');
  if (told?.events !== events || told.states !== states) {
    findings.add('events', 'the figures', `there are ${events} Events with ${states} states, and it says ${told?.events ?? 0} with ${told?.states ?? 0}`); // prettier-ignore
  }
  return events;
}

function wrongWith(row: Row, states: readonly ReturnType<typeof eventFacts>[]): string | null {
  const [first, last] = [states[0], states.at(-1)];
  if (first === undefined || last === undefined) return 'it has no state';
  if (states.length !== 1 + (row.steps ?? 0)) return 'it has another number of states than it says';
  const isOther = last.uid !== decodeUid(row.uid) || last.about.name !== row.object || last.about.uid !== decodeUid(row.object_uid); // prettier-ignore
  if (isOther) return 'it is another Event, or about another object, than it says';
  if (first.firstAt !== row.first_at || last.lastAt !== row.last_at || last.count !== row.count) {
    return 'its times or its count are not those of its states';
  }
  const unordered = states.some((state, index) => index > 0 && compareStates(states[index - 1] ?? state, state) > 0);
  return unordered ? 'its states are not in order' : null;
}
