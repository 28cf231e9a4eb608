import { KubeblameError } from '../../../shared/errors.ts';
import { MerkleTree } from '../../proof/merkle.ts';
import { COVERAGE_EVENTS } from '../port.ts';
import type { Appender } from './append.ts';
import { firstLink, Link, type ChainedFold } from './chain.ts';
import { commitRows, LEDGER, newestFold, type CommitRow } from './chained-rows.ts';
import { Keep } from './fold-keep.ts';
import type { Sqlite } from './open.ts';
import { remainsOf } from './remains.ts';

/*
 * Folding: history before a horizon is given up, but not the state of anything that exists then, nor what a later change
 * builds on. Of the commits up to the horizon the Merkle tree's edge and the last hash remain, and what a fold leaves of
 * their rows is hashed anew into the commit that records the fold (docs/decisions/0022).
 */

/** Changes and commits that one fold goes over at most: it holds up the recording, by some hundred milliseconds. */
const CHANGES_AT_ONCE = 2_000;
const COMMITS_AT_ONCE = 5_000;

export interface FoldResult {
  /** Changes removed. */
  removed: number;
  /** Nothing is known of states before (ms). */
  horizonAt: number;
}

/**
 * Folds the oldest commits that ended before a moment (ms), as many as are done at once; null where there are none. The
 * newest change always stays. All or nothing. Throws ledger-damaged where what would be removed is not what was
 * recorded: evidence of that is not thrown away.
 */
export function fold(db: Sqlite, appender: Appender, before: number, now: number): FoldResult | null {
  const last = newestFold(db);
  const through = horizon(db, last, before);
  if (through === null) return null;
  requireSound(db, last, through.id);
  // A removed change would be looked for as a parent among all others; foreign_key_check and the tests do it instead.
  db.pragma('foreign_keys = OFF');
  try {
    return db.transaction(() => foldThrough(db, appender, last, through, now)).immediate();
  } finally {
    db.pragma('foreign_keys = ON');
    appender.forget();
  }
}

/** The last commit to fold. */
function horizon(db: Sqlite, last: ChainedFold | null, before: number): CommitRow | null {
  const newest = db.prepare('SELECT coalesce(max(seq), 0) FROM changes').pluck().get() as number;
  const [commit, seq] = [last?.throughCommit ?? 0, last?.throughSeq ?? 0];
  const sql = `SELECT id, at, last_seq AS lastSeq, taken, hash FROM commits WHERE id > ? ORDER BY id LIMIT ${COMMITS_AT_ONCE}`;
  let through: CommitRow | null = null;
  for (const row of db.prepare<unknown[], CommitRow>(sql).iterate(commit)) {
    const enough = through !== null && row.lastSeq > seq + CHANGES_AT_ONCE;
    if (row.at >= before || row.lastSeq >= newest || enough) break;
    through = row;
  }
  return through;
}

/** Derives the chain once more over what is about to go. */
function requireSound(db: Sqlite, last: ChainedFold | null, throughCommit: number): void {
  let previous = last?.chain ?? firstLink(db.prepare(LEDGER).get() as Parameters<typeof firstLink>[0]);
  for (const { commit, changes, outcomes, coverage, kinds, folds } of commitRows(db, last)) {
    if (commit.id > throughCommit) return;
    const link = new Link(previous, commit.id, commit.at, commit.taken);
    for (const row of changes) link.change(row);
    for (const row of outcomes) link.outcome(row);
    for (const row of coverage) link.coverage(row);
    for (const row of kinds) link.kind(row);
    for (const row of folds) link.fold(row);
    if (!link.digest().equals(commit.hash)) {
      throw new KubeblameError(
        'ledger-damaged',
        `commit ${commit.id} is not as it was recorded, so the history up to it is kept`,
        'run `kubectl blame verify`, and keep a copy of the file',
      );
    }
    previous = commit.hash;
  }
}

function foldThrough(
  db: Sqlite,
  appender: Appender,
  last: ChainedFold | null,
  through: CommitRow,
  now: number,
): FoldResult {
  const at = db.prepare('SELECT at FROM changes WHERE seq <= ? ORDER BY seq DESC LIMIT 1').pluck().get(through.lastSeq);
  const begun = {
    throughCommit: through.id,
    throughSeq: through.lastSeq,
    horizonAt: Math.max(last?.horizonAt ?? 0, (at as number | undefined) ?? 0),
    chain: through.hash,
    tree: edgeAfter(db, last, through.id),
  };
  let removed = 0;
  // First it is recorded how far the horizon goes: the triggers let go of nothing else.
  appender.appendFold(begun, now, () => {
    const keep = new Keep(db, last, through);
    removed = keep.apply();
    trimCoverage(db, through.id);
    db.prepare('DELETE FROM commits WHERE id <= ?').run(through.id);
    db.prepare('DELETE FROM folds WHERE commit_id <= ?').run(through.id);
    const maxId = (table: string): number =>
      db.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get() as number;
    return {
      removed: (last?.removed ?? 0) + removed,
      lastObject: maxId('objects'),
      lastActor: maxId('actors'),
      lastText: maxId('texts'),
      remains: remainsOf(db, begun.throughCommit, begun.throughSeq, begun.horizonAt),
    };
  });
  return { removed, horizonAt: begun.horizonAt };
}

function edgeAfter(db: Sqlite, last: ChainedFold | null, throughCommit: number): Buffer {
  const tree = last === null ? MerkleTree.empty() : MerkleTree.from(last.throughCommit, last.tree);
  const hashes = db
    .prepare('SELECT hash FROM commits WHERE id <= ? ORDER BY id')
    .pluck()
    .all(throughCommit) as Buffer[];
  for (const hash of hashes) tree.add(hash);
  return tree.bytes;
}

/** Of signs of life in a row the last one says it all: until then the server was alive. */
function trimCoverage(db: Sqlite, throughCommit: number): void {
  const alive = COVERAGE_EVENTS.indexOf('alive');
  db.prepare(
    `DELETE FROM coverage WHERE id IN (SELECT id FROM (SELECT id, commit_id, event, lead(event) OVER (ORDER BY id) AS next
      FROM coverage) WHERE commit_id <= ? AND event = ${alive} AND next = ${alive})`,
  ).run(throughCommit);
}
