import { byResource, firstLink, Link, type ChainedChange, type ChainedFold } from './chain.ts';
import {
  BEGINNING,
  CHANGES,
  COVERAGE,
  KINDS,
  LEDGER,
  OUTCOMES,
  type CoverageRow,
  type LedgerRow,
  type KindRow,
  type OutcomeRow,
} from './chained-rows.ts';
import type { Sqlite } from '../database/open.ts';
import { SET_HASH_BYTES, SetHash } from './set-hash.ts';

/** The hash over the ledger's own row alone: what remains before anything is folded. */
export function nothingRemains(db: Sqlite): SetHash {
  const { id, cluster, createdAt } = db.prepare(LEDGER).get() as LedgerRow;
  const set = new SetHash();
  set.ledger(id, cluster, createdAt);
  return set;
}

/** The hash over all that a fold left of the history up to it: the newest fold has it, and the chain has the fold. */
export function remainsOf(db: Sqlite, { throughCommit, throughSeq }: ChainedFold): SetHash {
  const set = nothingRemains(db);
  const rows = <T>(sql: string, to: number): IterableIterator<T> =>
    db.prepare<unknown[], T>(sql).iterate(BEGINNING, to);
  for (const row of rows<ChainedChange>(CHANGES, throughSeq)) set.change(row, 1);
  for (const row of rows<OutcomeRow>(OUTCOMES, throughCommit)) set.outcome(row, 1);
  for (const row of rows<CoverageRow>(COVERAGE, throughCommit)) set.coverage(row, 1);
  for (const row of rows<KindRow>(KINDS, throughCommit)) set.kind(row, 1);
  return set;
}

/** Where the next fold goes on from. */
export function remainsAfter(db: Sqlite, fold: ChainedFold | null): SetHash {
  if (fold === null) return nothingRemains(db);
  return fold.remains.length === SET_HASH_BYTES ? new SetHash(fold.remains) : remainsOf(db, fold);
}

/** Whether what is there is what the fold recorded to have left. */
export function remainsAsRecorded(db: Sqlite, fold: ChainedFold): boolean {
  const found = fold.remains.length === SET_HASH_BYTES ? remainsOf(db, fold).bytes : linkOfRemains(db, fold);
  return found.equals(fold.remains);
}

/** What a fold of ledger format 1 recorded: SHA-256 over the rows, as if they were one commit behind the ledger's own row. */
export function linkOfRemains(db: Sqlite, { throughCommit, throughSeq, horizonAt }: ChainedFold): Buffer {
  const link = new Link(firstLink(db.prepare(LEDGER).get() as LedgerRow), throughCommit, horizonAt, 0);
  const rows = <T>(sql: string, to: number): IterableIterator<T> =>
    db.prepare<unknown[], T>(sql).iterate(BEGINNING, to);
  for (const row of rows<ChainedChange>(CHANGES, throughSeq)) link.change(row);
  for (const row of rows<OutcomeRow>(OUTCOMES, throughCommit)) link.outcome(row);
  for (const row of rows<CoverageRow>(COVERAGE, throughCommit)) link.coverage(row);
  for (const row of [...rows<KindRow>(KINDS, throughCommit)].sort(byResource)) link.kind(row);
  return link.digest();
}
