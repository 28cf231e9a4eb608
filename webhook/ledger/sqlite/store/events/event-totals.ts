import type { Statements } from '../../database/statements.ts';

/** What a row of an Event takes beside its body, with its places in the indexes; and a row of a sum. Measured: events.int.test.ts. */
export const EVENT_BYTES = 230;
export const SUM_BYTES = 250;

/** What an Event takes, as SQL. */
export const BYTES_OF_EVENT = `length(body) + ${EVENT_BYTES} + coalesce((SELECT sum(length(steps)) FROM event_steps WHERE event_id = id), 0)`;

/** What the Event of an id takes. */
export function bytesOf(statements: Statements, id: number): number {
  return (
    statements.get<{ bytes: number }>(`SELECT ${BYTES_OF_EVENT} AS bytes FROM events WHERE id = ?`, id)?.bytes ?? 0
  );
}

/** Adds to the figures about all Events. */
export function addTotals(
  statements: Statements,
  more: { events?: number; states?: number; merged?: number; summed?: number; removed?: number; bytes?: number },
): void {
  const { events = 0, states = 0, merged = 0, summed = 0, removed = 0, bytes = 0 } = more;
  statements.run(
    `UPDATE event_totals SET events = events + ?, states = states + ?, merged = merged + ?, summed = summed + ?, removed = removed + ?,
      bytes = bytes + ?`,
    ...[events, states, merged, summed, removed, bytes],
  );
}
