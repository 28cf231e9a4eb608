import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangePage } from '../../../../shared/types.ts';
import { isTold } from '../../blame/views.ts';
import type { ChangeFilter, LedgerView, StoredChange } from '../../../ledger/port/port.ts';

/** How often a question that waits looks for a change. A look is one read at the end of the primary key. */
const LOOK_EVERY_MS = 200;

export interface Following {
  filter: ChangeFilter;
  /** Changes after this one. */
  after: number;
  limit: number;
  waitMs: number;
  /** Ends the wait. */
  signal: AbortSignal;
  /** What of the question is looked at change by change. */
  matches: (change: StoredChange) => boolean;
  /** Which of some changes touch what is asked about; null where all do. */
  touches: (rows: readonly StoredChange[]) => Promise<ReadonlySet<number> | null>;
  /** What hides a change; null shows it. */
  hiddenAs: (change: StoredChange) => keyof ChangePage['hidden'] | null;
}

/** Changes that are looked at in one read. */
const WINDOW = 500;

/**
 * The changes after one, oldest first, and the seq to go on after: every seq is looked at once, whatever is hidden or
 * does not match, so that nothing is missed or told twice. A change is told when it is recorded, mostly still pending.
 */
export async function follow(
  store: LedgerView,
  { filter, after, limit, waitMs, signal, matches, touches, hiddenAs }: Following,
): Promise<{ found: StoredChange[]; next: number; hidden: ChangePage['hidden'] }> {
  const deadline = performance.now() + waitMs;
  const hidden = { status: 0, attempts: 0 };
  const found: StoredChange[] = [];
  for (let from = after; ;) {
    const last = (await store.last())?.seq ?? 0;
    while (from < last) {
      const to = Math.min(last, from + WINDOW);
      const window = { ...filter, minSeq: Math.max(from + 1, filter.minSeq ?? 0), maxSeq: to };
      const rows = (await store.changes(window, WINDOW)).filter(matches);
      const touched = await touches(rows);
      for (const row of rows.reverse()) {
        if (isTold(row) || touched?.has(row.seq) === false) continue;
        const reason = hiddenAs(row);
        if (reason !== null) hidden[reason]++;
        else if (found.push(row) === limit) return { found, next: row.seq, hidden };
      }
      from = to;
    }
    const left = deadline - performance.now();
    if (found.length > 0 || left <= 0 || signal.aborted) return { found, next: Math.max(from, after), hidden };
    await sleep(Math.min(LOOK_EVERY_MS, left), undefined, { signal }).catch(() => undefined);
  }
}
