import {
  byResource,
  type ChainedChange,
  type ChainedCoverage,
  type ChainedFold,
  type ChainedKind,
  type ChainedOutcome,
  type ChainedShortening,
} from './chain.ts';
import type { Sqlite } from '../database/open.ts';
import { LATE_CHANGES } from '../database/schema.ts';

/*
 * The rows that the chain covers, as they went into it: interned ids replaced by their texts. Left joins: where a text is
 * gone, the change is still there, and its link breaks.
 */

export interface CommitRow {
  id: number;
  at: number;
  lastSeq: number;
  taken: number;
  hash: Buffer;
}

type OfCommit<T> = T & { commitId: number };
export type OutcomeRow = OfCommit<ChainedOutcome>;
export type CoverageRow = OfCommit<ChainedCoverage> & { id: number };
export type KindRow = OfCommit<ChainedKind>;

/** Of commits after a number. */
export const COMMITS = 'SELECT id, at, last_seq AS lastSeq, taken, hash FROM commits WHERE id > ? ORDER BY id';

/** Of seqs after the first parameter, up to the second. */
const CHANGE = `SELECT c.seq, c.at, r.resource || '.' || r.api_group AS resource, n.value AS namespace, o.name, o.uid,
  coalesce(a.identity, '') AS identity, c.kind, s.value AS subresource, m.value AS manager, v.value AS apiVersion,
  l.labels, c.parent, c.depth, c.base_version AS baseVersion, c.version, c.review_uid AS reviewUid, c.hash, c.detail,
  k.body AS checkpoint, k.skips, h.content AS recorded, h.shortened, c.occurred_at AS occurredAt
  FROM changes c LEFT JOIN objects o ON o.id = c.object_id LEFT JOIN resources r ON r.id = o.resource_id
  LEFT JOIN texts n ON n.id = o.namespace_id LEFT JOIN actors a ON a.id = c.actor_id
  LEFT JOIN texts s ON s.id = c.subresource_id LEFT JOIN texts m ON m.id = c.manager_id
  LEFT JOIN texts v ON v.id = c.api_version_id LEFT JOIN label_sets l ON l.id = c.labels_id LEFT JOIN checkpoints k ON k.seq = c.seq
  LEFT JOIN shortened h ON h.seq = c.seq`;
export const CHANGES = `${CHANGE} WHERE c.seq > ? AND c.seq <= ? ORDER BY c.seq`;
export const CHANGE_AT = `${CHANGE} WHERE c.seq = ?`;

// The others: of commits after the first parameter, up to the second.

export const OUTCOMES = `SELECT commit_id AS commitId, seq, n, outcome, reason, version, amendment, audit_id AS auditId, audit FROM outcomes
  WHERE commit_id > ? AND commit_id <= ? ORDER BY commit_id, seq, n`;

/** Of one change, in commits up to a number. */
export const OUTCOMES_OF = `SELECT commit_id AS commitId, seq, n, outcome, reason, version, amendment, audit_id AS auditId, audit FROM outcomes
  WHERE seq = ? AND commit_id <= ? ORDER BY n`;

/**
 * The same as OUTCOMES, of commits whose changes and those LATE_CHANGES before them are in the stretch of seqs that the last two
 * parameters give: it reads no others, but for those that are listed.
 */
const OUTCOMES_NEAR = `SELECT commit_id AS commitId, seq, n, outcome, reason, version, amendment, audit_id AS auditId, audit FROM outcomes
  WHERE commit_id > @after AND commit_id <= @to AND seq > @fromSeq AND seq <= @toSeq
  UNION ALL SELECT x.commit_id, x.seq, x.n, x.outcome, x.reason, x.version, x.amendment, x.audit_id, x.audit FROM late_outcomes l
  JOIN outcomes x ON x.seq = l.seq AND x.commit_id = l.commit_id
  WHERE l.commit_id > @after AND l.commit_id <= @to AND l.seq <= @fromSeq ORDER BY 1, 2, 3`;

export const COVERAGE = `SELECT id, commit_id AS commitId, at, event, detail FROM coverage
  WHERE commit_id > ? AND commit_id <= ? ORDER BY commit_id, id`;

export const KINDS = `SELECT commit_id AS commitId, resource || '.' || api_group AS resource, kind FROM resources
  WHERE kind <> '' AND commit_id > ? AND commit_id <= ? ORDER BY commit_id`;

export const FOLD = `through_commit AS throughCommit, through_seq AS throughSeq, horizon_at AS horizonAt, removed,
  last_object AS lastObject, last_actor AS lastActor, last_text AS lastText, chain, tree, remains FROM folds`;

export const FOLDS = `SELECT commit_id AS commitId, ${FOLD} WHERE commit_id > ? AND commit_id <= ? ORDER BY commit_id, id`;

const SHORTENINGS = `SELECT commit_id AS commitId, seq, content, shortened FROM shortened
  WHERE commit_id > ? AND commit_id <= ? ORDER BY commit_id, seq`;

export const LEDGER = 'SELECT id, cluster, created_at AS createdAt, digests_from AS digestsFrom FROM ledger';

/** The ledger's own row. */
export interface LedgerRow {
  id: Buffer;
  cluster: string;
  createdAt: number;
  /** The first commit whose link has digests of contents. */
  digestsFrom: number;
}

/** Before and beyond every seq and commit. */
export const BEGINNING = Number.MIN_SAFE_INTEGER;
export const END = Number.MAX_SAFE_INTEGER;

/** Outcomes of commits behind a fold are of changes after this seq, or listed. */
function nearFrom(fold: ChainedFold | null): number {
  return (fold?.throughSeq ?? 0) - LATE_CHANGES;
}

/** The newest fold; null where nothing was folded. */
export function newestFold(db: Sqlite): ChainedFold | null {
  const sql = `SELECT ${FOLD} ORDER BY id DESC LIMIT 1`;
  return (db.prepare(sql).get() as ChainedFold | undefined) ?? null;
}

/** Reads rows one after another, and lets the next one be seen before it is taken. */
class Cursor<T> {
  private next: IteratorResult<T, unknown>;

  constructor(private readonly rows: Iterator<T, unknown>) {
    this.next = rows.next();
  }

  /** Takes the rows from here on that belong. */
  take(belongs: (row: T) => boolean): T[] {
    const taken: T[] = [];
    while (this.next.done !== true && belongs(this.next.value)) {
      taken.push(this.next.value);
      this.next = this.rows.next();
    }
    return taken;
  }

  close(): void {
    this.rows.return?.();
  }
}

/** A commit with the rows that say they are of it. */
export interface CommitRows {
  commit: CommitRow;
  changes: ChainedChange[];
  outcomes: ChainedOutcome[];
  coverage: ChainedCoverage[];
  kinds: ChainedKind[];
  folds: ChainedFold[];
  shortenings: ChainedShortening[];
  /** Rows before it that say they are of a commit that is not there. */
  stray: number[];
}

/**
 * The commits after the newest fold, each with its rows. The last, with the number `END`, has what belongs to none. With
 * `through`, those up to that commit, reading only what is near them; the last then has nothing.
 */
export function* commitRows(db: Sqlite, fold: ChainedFold | null, through?: CommitRow): Generator<CommitRows> {
  const [after, afterSeq] = [fold?.throughCommit ?? BEGINNING, fold?.throughSeq ?? BEGINNING];
  const [to, toSeq] = [through?.id ?? END, through?.lastSeq ?? END];
  const open = <T>(sql: string, from: number, end: number): Cursor<T> =>
    new Cursor(db.prepare<unknown[], T>(sql).iterate(from, end));
  const changes = open<ChainedChange>(CHANGES, afterSeq, toSeq);
  const outcomes =
    through === undefined
      ? open<OutcomeRow>(OUTCOMES, after, to)
      : new Cursor(db.prepare<unknown[], OutcomeRow>(OUTCOMES_NEAR).iterate({ after, to, fromSeq: nearFrom(fold), toSeq })); // prettier-ignore
  const coverage = open<CoverageRow>(COVERAGE, after, to);
  const kinds = open<KindRow>(KINDS, after, to);
  const folds = open<OfCommit<ChainedFold>>(FOLDS, after, to);
  const shortenings = open<OfCommit<ChainedShortening>>(SHORTENINGS, after, to);
  const commits = db.prepare<unknown[], CommitRow>(COMMITS).iterate(after);
  const rowsOf = (commit: CommitRow): CommitRows => {
    const before = (row: { commitId: number }): boolean => row.commitId < commit.id;
    const of = (row: { commitId: number }): boolean => row.commitId === commit.id;
    const stray = [outcomes, coverage, kinds, folds, shortenings].flatMap((rows: Cursor<{ commitId: number }>) =>
      rows.take(before),
    );
    return {
      commit,
      changes: changes.take((row) => row.seq <= commit.lastSeq),
      outcomes: outcomes.take(of),
      coverage: coverage.take(of),
      kinds: kinds.take(of).sort(byResource),
      folds: folds.take(of),
      shortenings: shortenings.take(of),
      stray: stray.map(({ commitId }) => commitId),
    };
  };
  try {
    for (const commit of commits) {
      if (commit.id > to) break;
      yield rowsOf(commit);
    }
    yield rowsOf({ id: END, at: 0, lastSeq: END, taken: END, hash: Buffer.alloc(0) });
  } finally {
    for (const cursor of [changes, outcomes, coverage, kinds, folds, shortenings]) cursor.close();
  }
}
