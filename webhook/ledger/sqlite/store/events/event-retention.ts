import type { EventRetention } from '../../../port/events.ts';
import { decodeUid } from '../../database/codes.ts';
import type { Statements } from '../../database/statements.ts';
import { addTotals, BYTES_OF_EVENT, SUM_BYTES } from './event-totals.ts';

/** Events that are given up in one go: the next batch goes on, so that none takes long. */
const AT_ONCE = 2_000;

interface Old {
  id: number;
  uid: Buffer | string;
  last_at: number;
  bytes: number;
  states: number;
}

/** Gives up Events that are too old, and the oldest where all take too much. Returns the uids of those that are gone. */
export function giveUpOld(statements: Statements, { keepFrom, maxBytes }: EventRetention): string[] {
  const gone: string[] = [];
  const aged = oldest(statements, keepFrom, AT_ONCE);
  remove(statements, aged, keepFrom);
  gone.push(...aged.map(({ uid }) => decodeUid(uid)));
  removeSums(statements, keepFrom);
  const tooMuch = usedBytes(statements) - maxBytes;
  if (tooMuch <= 0) return gone;
  let [freed, place] = [0, 0];
  const large = oldest(statements, Number.MAX_SAFE_INTEGER, AT_ONCE);
  while (freed < tooMuch && place < large.length) freed += large[place++]?.bytes ?? 0;
  const given = large.slice(0, place);
  const horizon = (given.at(-1)?.last_at ?? 0) + 1;
  remove(statements, given, horizon);
  removeSums(statements, horizon);
  return [...gone, ...given.map(({ uid }) => decodeUid(uid))];
}

function oldest(statements: Statements, before: number, limit: number): Old[] {
  return statements.all<Old>(
    `SELECT id, uid, last_at, ${BYTES_OF_EVENT} AS bytes,
      1 + coalesce((SELECT sum(count) FROM event_steps WHERE event_id = id), 0) AS states
      FROM events WHERE last_at < ? ORDER BY last_at, id LIMIT +?`,
    before,
    limit,
  );
}

function remove(statements: Statements, events: readonly Old[], horizonAt: number): void {
  if (events.length === 0) return;
  for (const { id } of events) {
    statements.run('DELETE FROM event_steps WHERE event_id = ?', id);
    statements.run('DELETE FROM events WHERE id = ?', id);
  }
  const total = (of: (event: Old) => number): number => events.reduce((sum, event) => sum + of(event), 0);
  addTotals(statements, {
    events: -events.length,
    states: -total(({ states }) => states),
    removed: events.length,
    bytes: -total(({ bytes }) => bytes),
  });
  statements.run('UPDATE event_totals SET horizon_at = max(horizon_at, ?)', horizonAt);
}

function removeSums(statements: Statements, before: number): void {
  const removed = statements.run('DELETE FROM event_sums WHERE last_at < ?', before);
  if (removed > 0) addTotals(statements, { bytes: -removed * SUM_BYTES });
}

function usedBytes(statements: Statements): number {
  return statements.get<{ bytes: number }>('SELECT bytes FROM event_totals')?.bytes ?? 0;
}
