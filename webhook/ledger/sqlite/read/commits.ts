import { OUTCOMES } from '../../../../shared/types.ts';
import { COVERAGE_EVENTS, OUTCOME_REASONS, type StoredCommit } from '../../port/port.ts';
import { pick } from '../database/codes.ts';
import { LATE_CHANGES } from '../database/schema.ts';
import type { Statements } from '../database/statements.ts';

export interface CommitRow {
  id: number;
  at: number;
  last_seq: number;
  hash: Buffer;
}

export interface OutcomeRow {
  commit_id: number;
  seq: number;
  outcome: number;
  reason: number;
  version: string;
}

export interface CoverageRow {
  commit_id: number;
  at: number;
  event: number;
  detail: string;
}

/** Where the changes of the first commit begin: behind the commit before it, or behind what was folded. */
const AFTER_SEQ = `SELECT coalesce(
  (SELECT last_seq FROM commits WHERE id < ? ORDER BY id DESC LIMIT 1),
  (SELECT max(through_seq) FROM folds), 0) AS seq`;

/** Outcomes have no index by commit: most lie within the last changes before their commit, and the others are listed. */
const OUTCOMES_OF = `SELECT commit_id, seq, outcome, reason, version FROM (
  SELECT commit_id, seq, n, outcome, reason, version FROM outcomes
    WHERE seq > ? - ${LATE_CHANGES} AND seq <= ? AND commit_id BETWEEN ? AND ?
  UNION SELECT x.commit_id, x.seq, x.n, x.outcome, x.reason, x.version FROM late_outcomes l
    JOIN outcomes x ON x.seq = l.seq AND x.commit_id = l.commit_id WHERE l.commit_id BETWEEN ? AND ?)
  ORDER BY seq, n`;

/** The commits after one that have not been folded, oldest first, at most `limit`. Throws what SQLite throws. */
export function commitsAfter(statements: Statements, after: number, limit: number): StoredCommit[] {
  const rows = statements.all<CommitRow>(
    'SELECT id, at, last_seq, hash FROM commits WHERE id > ? ORDER BY id LIMIT ?',
    after,
    limit,
  );
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return [];
  const ids = [first.id, last.id];
  const outcomes = statements.all<OutcomeRow>(OUTCOMES_OF, first.last_seq, last.last_seq, ...ids, ...ids);
  const coverage = statements.all<CoverageRow>(
    'SELECT commit_id, at, event, detail FROM coverage WHERE commit_id BETWEEN ? AND ? ORDER BY id',
    ...ids,
  );
  return commitsOf(rows, outcomes, coverage, statements.get<{ seq: number }>(AFTER_SEQ, first.id)?.seq ?? 0);
}

/** Commits in a row with what belongs to them. `before`: the last change before the first of them. */
export function commitsOf(
  rows: readonly CommitRow[],
  outcomeRows: readonly OutcomeRow[],
  coverageRows: readonly CoverageRow[],
  before: number,
): StoredCommit[] {
  const outcomes = groupBy(outcomeRows, ({ commit_id }) => commit_id);
  const coverage = groupBy(coverageRows, ({ commit_id }) => commit_id);
  let afterSeq = before;
  return rows.map(({ id, at, last_seq: lastSeq, hash }) => {
    const commit: StoredCommit = {
      ...{ id, at, hash, afterSeq, lastSeq },
      outcomes: (outcomes.get(id) ?? []).map(({ seq, outcome, reason, version }) => ({
        seq,
        outcome: pick(OUTCOMES, outcome) as StoredCommit['outcomes'][number]['outcome'],
        reason: pick(OUTCOME_REASONS, reason),
        resourceVersion: version,
      })),
      coverage: (coverage.get(id) ?? []).map(({ at: coveredAt, event, detail }) => ({
        at: coveredAt,
        event: pick(COVERAGE_EVENTS, event),
        detail,
      })),
    };
    afterSeq = lastSeq;
    return commit;
  });
}

/** (Map.groupBy needs Node 21.) */
export function groupBy<T>(rows: readonly T[], keyOf: (row: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}
