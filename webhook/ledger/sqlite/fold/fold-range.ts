import { KubeblameError } from '../../../../shared/errors.ts';
import { MerkleTree } from '../../proof/merkle.ts';
import { contentOf, firstLink, Link, type ChainedChange, type ChainedFold } from '../chain/chain.ts';
import { COMMITS, commitRows, LEDGER, type CommitRow, type LedgerRow } from '../chain/chained-rows.ts';
import type { Sqlite } from '../database/open.ts';

/*
 * How far one step of a fold goes, and that what it goes over is as it was recorded.
 */

/** Changes, commits and bytes that one step goes over at most: it holds up the recording, by some hundred milliseconds. */
export const CHANGES_AT_ONCE = 512;
const COMMITS_AT_ONCE = 2_000;
const BYTES_AT_ONCE = 8 * 1024 * 1024;

/** The last commit that a step folds, of those that ended before a moment (ms); null where there is none. */
export function horizon(db: Sqlite, last: ChainedFold | null, before: number): CommitRow | null {
  const newest = db.prepare('SELECT coalesce(max(seq), 0) FROM changes').pluck().get() as number;
  const bytesOf = db.prepare('SELECT coalesce(sum(length(detail)), 0) FROM changes WHERE seq > ? AND seq <= ?').pluck();
  const [commit, seq] = [last?.throughCommit ?? 0, last?.throughSeq ?? 0];
  let through: CommitRow | null = null;
  let bytes = 0;
  for (const row of db.prepare<unknown[], CommitRow>(`${COMMITS} LIMIT ${COMMITS_AT_ONCE}`).iterate(commit)) {
    if (row.at >= before || row.lastSeq >= newest) break;
    bytes += bytesOf.get(through?.lastSeq ?? seq, row.lastSeq) as number;
    if (through !== null && (row.lastSeq > seq + CHANGES_AT_ONCE || bytes > BYTES_AT_ONCE)) break;
    through = row;
  }
  return through;
}

/** Derives the chain once more over what is about to go. Returns the objects that it is about. Throws ledger-damaged. */
export function soundRows(db: Sqlite, last: ChainedFold | null, through: CommitRow): Set<number> {
  const touched = new Set<number>();
  const objectOf = db.prepare('SELECT object_id FROM changes WHERE seq = ?').pluck();
  const ledger = db.prepare(LEDGER).get() as LedgerRow;
  let previous = last?.chain ?? firstLink(ledger);
  for (const { commit, changes, outcomes, coverage, kinds, folds, shortenings } of commitRows(db, last, through)) {
    if (commit.id > through.id) break;
    const link = new Link(previous, commit.id, commit.at, commit.taken, commit.id >= ledger.digestsFrom);
    for (const row of changes) link.change(row);
    for (const row of outcomes) link.outcome(row);
    for (const row of coverage) link.coverage(row);
    for (const row of kinds) link.kind(row);
    for (const row of folds) link.fold(row);
    for (const row of shortenings) link.shortening(row);
    if (!link.digest().equals(commit.hash) || !changes.every(isAsShortened)) {
      throw new KubeblameError(
        'ledger-damaged',
        `commit ${commit.id} is not as it was recorded, so the history up to it is kept`,
        'run `kubectl blame verify`, and keep a copy of the file',
      );
    }
    previous = commit.hash;
    for (const { seq } of [...changes, ...outcomes]) {
      const object = objectOf.get(seq) as number | undefined;
      if (object !== undefined) touched.add(object);
    }
  }
  return touched;
}

/** False of a change that was shortened, and is not any more what was recorded then. */
export function isAsShortened(change: ChainedChange): boolean {
  return change.shortened === null || change.shortened.equals(contentOf(change));
}

/** The edge of the Merkle tree over the commits up to one. */
export function edgeAfter(db: Sqlite, last: ChainedFold | null, throughCommit: number): Buffer {
  const tree = last === null ? MerkleTree.empty() : MerkleTree.from(last.throughCommit, last.tree);
  const hashes = db
    .prepare('SELECT hash FROM commits WHERE id <= ? ORDER BY id')
    .pluck()
    .all(throughCommit) as Buffer[];
  for (const hash of hashes) tree.add(hash);
  return tree.bytes;
}
