import { lineOf } from '../files/archive.ts';
import { readCheckpoint } from '../proof/checkpoint.ts';
import type { Sqlite } from '../sqlite/database/open.ts';
import { FORMAT, LATE_CHANGES } from '../sqlite/database/schema.ts';
import { Statements } from '../sqlite/database/statements.ts';

/** What goes in one push: whole commits, one at least. */
export interface PushLimits {
  commits: number;
  changes: number;
}
export const PUSH_LIMITS: PushLimits = { commits: 5_000, changes: 2_000 };

/** What a push has. */
export interface Push {
  /** The last commit in it, and its time (ms); `after` where it has only checkpoints. */
  commit: number;
  at: number;
  changes: number;
  /** The most commits that a checkpoint in it signs; 0 where it has none. */
  signed: number;
  lines: string[];
}

type Value = null | number | string | Buffer;

interface Commit {
  id: number;
  at: number;
  last_seq: number;
}

/** Commits that were not folded, and where the first of them begins. */
const COMMITS = 'SELECT id, at, last_seq FROM commits WHERE id > ? ORDER BY id LIMIT ?';
const FIRST_SEQ = `SELECT coalesce((SELECT last_seq FROM commits WHERE id <= ? ORDER BY id DESC LIMIT 1),
  (SELECT through_seq FROM folds ORDER BY id DESC LIMIT 1), 0) AS seq`;

/** Rows of a ledger file, byte for byte, as the lines of an archive (files/archive.ts). Reads them at one moment. */
export class CommitLines {
  private readonly statements: Statements;

  constructor(private readonly db: Sqlite) {
    this.statements = new Statements(db);
  }

  /** How far the ledger has come; 0 where it has no commit. */
  lastCommit(): number {
    return this.statements.get<{ id: number | null }>('SELECT max(id) AS id FROM commits')?.id ?? 0;
  }

  /** The hash of a commit; null where it is not there, or was folded. */
  hashOf(commit: number): Buffer | null {
    return this.statements.get<{ hash: Buffer }>('SELECT hash FROM commits WHERE id = ?', commit)?.hash ?? null;
  }

  /** The time of a commit (ms); 0 where it is not there. */
  timeOf(commit: number): number {
    return this.statements.get<{ at: number }>('SELECT at FROM commits WHERE id = ?', commit)?.at ?? 0;
  }

  /** Up to which commit the history was folded; 0 where it was not. */
  foldedThrough(): number {
    return this.statements.get<{ id: number | null }>('SELECT max(through_commit) AS id FROM folds')?.id ?? 0;
  }

  /**
   * What the hub has not got: the commits after one, as many as go in one push, and of `notes` the signed checkpoints up to there, from
   * the one after `signed` commits on. null where there is nothing.
   */
  after(after: number, notes: readonly string[], signed: number, limits: PushLimits = PUSH_LIMITS): Push | null {
    this.db.exec('BEGIN');
    try {
      return this.read(after, notes, signed, limits);
    } finally {
      this.db.exec('ROLLBACK');
    }
  }

  private read(after: number, notes: readonly string[], signed: number, limits: PushLimits): Push | null {
    const afterSeq = this.statements.get<{ seq: number }>(FIRST_SEQ, after)?.seq ?? 0;
    const commits = this.commits(after, afterSeq, limits);
    const last = commits.at(-1) ?? { id: after, at: 0, last_seq: afterSeq };
    const sizeOf = (note: string): number => readCheckpoint(note, [])?.head.size ?? 0;
    const sent = notes.filter((note) => sizeOf(note) > signed && sizeOf(note) <= last.id);
    if (commits.length === 0 && sent.length === 0) return null;
    const lines: string[] = [];
    const { cluster } = this.statements.get<{ cluster: string }>('SELECT cluster FROM ledger') ?? { cluster: '' };
    lines.push(lineOf({ kubeblame: 'archive', format: FORMAT, cluster }));
    let rows = 0;
    const add = (table: string, sql: string, ...values: unknown[]): void => {
      for (const row of this.statements.all<Record<string, Value>>(sql, ...values)) {
        rows++;
        const written = Object.values(row).map((value) =>
          Buffer.isBuffer(value) ? { b: value.toString('base64') } : value,
        );
        lines.push(lineOf([table, ...written]));
      }
    };
    if (commits.length > 0) this.addRows(add, { after, to: last.id, afterSeq, toSeq: last.last_seq });
    for (const checkpoint of sent) lines.push(lineOf({ checkpoint }));
    lines.push(lineOf({ rows }));
    return {
      commit: last.id,
      at: last.at,
      changes: last.last_seq - afterSeq,
      signed: Math.max(0, ...sent.map(sizeOf)),
      lines,
    };
  }

  /** Whole commits; one however large. */
  private commits(after: number, afterSeq: number, { commits, changes }: PushLimits): Commit[] {
    const found = this.statements.all<Commit>(COMMITS, after, commits);
    const end = found.findIndex(({ last_seq }, index) => index > 0 && last_seq - afterSeq > changes);
    return end < 0 ? found : found.slice(0, end);
  }

  /** The rows of commits, and those that their changes refer to. */
  private addRows(
    add: (table: string, sql: string, ...values: unknown[]) => void,
    { after, to, afterSeq, toSeq }: { after: number; to: number; afterSeq: number; toSeq: number },
  ): void {
    if (after === 0) add('ledger', 'SELECT * FROM ledger');
    const changes = `SELECT * FROM changes WHERE seq > ${afterSeq} AND seq <= ${toSeq}`;
    const objects = `SELECT DISTINCT object_id FROM (${changes})`;
    add(
      'texts',
      `SELECT * FROM texts WHERE id IN (SELECT namespace_id FROM (${changes}) UNION SELECT subresource_id FROM (${changes})
        UNION SELECT manager_id FROM (${changes}) UNION SELECT api_version_id FROM (${changes}))`,
    );
    add('actors', `SELECT * FROM actors WHERE id IN (SELECT actor_id FROM (${changes}))`);
    // What a later commit tells of a resource is told with that commit.
    add(
      'resources',
      `SELECT id, api_group, resource, iif(commit_id > ${to}, '', kind) AS kind, iif(commit_id > ${to}, 0, commit_id) AS commit_id FROM resources
        WHERE id IN (SELECT resource_id FROM objects WHERE id IN (${objects})) OR (commit_id > ${after} AND commit_id <= ${to})`,
    );
    add('objects', `SELECT * FROM objects WHERE id IN (${objects})`);
    add('label_sets', `SELECT * FROM label_sets WHERE id IN (SELECT labels_id FROM (${changes}))`);
    add('changes', `${changes} ORDER BY seq`);
    add('checkpoints', 'SELECT * FROM checkpoints WHERE seq > ? AND seq <= ?', afterSeq, toSeq);
    add(
      'outcomes',
      `SELECT * FROM outcomes WHERE seq > ? - ${LATE_CHANGES} AND seq <= ? AND commit_id > ? AND commit_id <= ?
        UNION SELECT x.* FROM late_outcomes l JOIN outcomes x ON x.seq = l.seq AND x.commit_id = l.commit_id
        WHERE l.commit_id > ? AND l.commit_id <= ?`,
      ...[afterSeq, toSeq, after, to, after, to],
    );
    add(
      'shortened',
      'SELECT * FROM shortened WHERE (commit_id > ? AND commit_id <= ?) OR (seq > ? AND seq <= ?)',
      ...[after, to, afterSeq, toSeq],
    );
    add('coverage', 'SELECT * FROM coverage WHERE commit_id > ? AND commit_id <= ? ORDER BY id', after, to);
    add('folds', 'SELECT * FROM folds WHERE commit_id > ? AND commit_id <= ? ORDER BY id', after, to);
    add('commits', 'SELECT * FROM commits WHERE id > ? AND id <= ? ORDER BY id', after, to);
  }
}
