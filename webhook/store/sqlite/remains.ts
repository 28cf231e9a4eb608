import {
  byResource,
  firstLink,
  Link,
  type ChainedChange,
  type ChainedCoverage,
  type ChainedKind,
  type ChainedOutcome,
} from './chain.ts';
import { BEGINNING, CHANGES, COVERAGE, KINDS, LEDGER, OUTCOMES } from './chained-rows.ts';
import type { Sqlite } from './open.ts';

/**
 * SHA-256 over what a fold left of the history up to a commit, as if it were one commit of its own behind the ledger's
 * row: the newest fold has it, and the chain has the fold.
 */
export function remainsOf(db: Sqlite, throughCommit: number, throughSeq: number, horizonAt: number): Buffer {
  const ledger = db.prepare(LEDGER).get() as Parameters<typeof firstLink>[0];
  const link = new Link(firstLink(ledger), throughCommit, horizonAt, 0);
  const rows = <T>(sql: string, to: number): IterableIterator<T> =>
    db.prepare<unknown[], T>(sql).iterate(BEGINNING, to);
  for (const row of rows<ChainedChange>(CHANGES, throughSeq)) link.change(row);
  for (const row of rows<ChainedOutcome>(OUTCOMES, throughCommit)) link.outcome(row);
  for (const row of rows<ChainedCoverage>(COVERAGE, throughCommit)) link.coverage(row);
  for (const row of [...rows<ChainedKind>(KINDS, throughCommit)].sort(byResource)) link.kind(row);
  return link.digest();
}
