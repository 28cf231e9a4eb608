import { setImmediate as breathe } from 'node:timers/promises';
import { FACTS_VERSION } from '../../../../shared/landscape/facts.ts';
import { openDatabase } from '../../../ledger/sqlite/database/native.ts';
import { openForReading, type Sqlite } from '../../../ledger/sqlite/database/open.ts';
import { LATE_CHANGES } from '../../../ledger/sqlite/database/schema.ts';
import { Statements } from '../../../ledger/sqlite/database/statements.ts';
import type { FactsAt } from '../../../ledger/port/port.ts';
import { FactSets, SET_TABLES } from './fact-sets.ts';
import { SPAN_TABLES, Spans } from './spans.ts';
import { Timelines } from './timeline.ts';

/** Commits that are taken in at once: what is asked meanwhile waits for no more. */
const COMMITS_AT_ONCE = 20;

const TABLES = `
  CREATE TABLE progress (
    ledger BLOB NOT NULL, -- the ledger that it was derived from
    facts_version INTEGER NOT NULL,
    commit_id INTEGER NOT NULL, -- up to which commit
    seq INTEGER NOT NULL, -- and change
    folded INTEGER NOT NULL -- what the ledger was folded through then
  ) STRICT;
  ${SET_TABLES}
  ${SPAN_TABLES}
`;

interface Progress {
  commit: number;
  seq: number;
  folded: number;
}

/** Changes that are affected, with the first of each object. */
const CHANGED = `SELECT object_id AS object, min(seq) AS first FROM changes WHERE seq > ? AND seq <= ? GROUP BY object_id`;
const SETTLED = `SELECT c.object_id AS object, min(x.seq) AS first FROM outcomes x JOIN changes c ON c.seq = x.seq
  WHERE x.seq > ? AND x.seq <= ? AND x.commit_id > ? AND x.commit_id <= ? GROUP BY c.object_id
  UNION ALL SELECT c.object_id, min(l.seq) FROM late_outcomes l JOIN changes c ON c.seq = l.seq
  WHERE l.commit_id > ? AND l.commit_id <= ? GROUP BY c.object_id`;

/**
 * The facts of all objects at any moment, kept where they change: derived from a ledger, commit by commit, into a file beside it that
 * may be thrown away at any time (docs/decisions/0050). It only reads the ledger.
 */
export class FactsProjection {
  private readonly ledger: Sqlite;
  private readonly statements: Statements;
  private db: Sqlite;
  private sets: FactSets;
  private spans: Spans;
  private timelines: Timelines;
  private progress: Progress = NOTHING;
  /** The last answer: questions about one moment come one after another. */
  private last: { key: string; facts: FactsAt[] } | undefined;
  private working: Promise<unknown> = Promise.resolve();

  /** `path`: of the ledger; `file`: where it is kept; `:memory:` keeps nothing. Throws the ledger-* errors. */
  constructor(path: string, file: string) {
    this.ledger = openForReading(path);
    this.statements = new Statements(this.ledger);
    const id = this.statements.get<{ id: Buffer }>('SELECT id FROM ledger')?.id ?? Buffer.alloc(0);
    this.db = openOwn(file, id);
    this.sets = new FactSets(this.db);
    this.spans = new Spans(this.db);
    this.timelines = new Timelines(this.ledger, this.sets);
    this.progress = this.stored();
  }

  /**
   * The facts of all objects that existed after a change, as the ledger believes now; null where that is not known: of moments before the
   * ledger's horizon, and as long as it is not derived up to now, for which `waitMs` is given.
   */
  async at(seq: number, waitMs: number): Promise<FactsAt[] | null> {
    if (!(await this.catchUp(waitMs)) || seq < this.progress.folded) return null;
    const key = `${this.progress.commit} ${seq}`;
    if (this.last?.key !== key) {
      const facts = this.spans.at(seq).map(({ object, set, confirmed }): FactsAt => {
        const { id, ...ref } = this.timelines.object(object);
        return { id, object: ref, facts: this.sets.of(set), confirmed: confirmed !== 0 };
      });
      this.last = { key, facts: facts.sort(inOrder) };
    }
    return this.last.facts;
  }

  /** Takes in what the ledger has got since; false where there is more than can be done in some time. */
  catchUp(ms: number): Promise<boolean> {
    const work = this.working.then(() => this.run(ms));
    this.working = work.catch(() => undefined);
    return work;
  }

  close(): void {
    this.ledger.close();
    this.db.close();
  }

  private async run(ms: number): Promise<boolean> {
    for (const until = performance.now() + ms; ;) {
      if (!this.ledger.open) return false;
      const more = this.step();
      if (!more) return true;
      if (performance.now() >= until) return false;
      // Other questions are answered by the same thread.
      await breathe();
    }
  }

  /** Takes in some commits; false where there are none. All or nothing. */
  private step(): boolean {
    // One view of the ledger for all that is read: the recorder goes on writing.
    return this.ledger.transaction(() => {
      const folded = this.statements.get<{ seq: number; id: number }>('SELECT through_seq AS seq, through_commit AS id FROM folds ORDER BY id DESC LIMIT 1'); // prettier-ignore
      if (folded !== null && folded.seq > this.progress.folded) this.takeFold(folded);
      const { commit, seq } = this.progress;
      const sql =
        'SELECT max(id) AS id, max(last_seq) AS last FROM (SELECT id, last_seq FROM commits WHERE id > ? ORDER BY id LIMIT ?)';
      const next = this.statements.get<{ id: number | null; last: number }>(sql, commit, COMMITS_AT_ONCE);
      if (next === null || next.id === null) return false;
      this.save({ ...this.progress, commit: next.id, seq: Math.max(next.last, seq) }, () =>
        this.take(next.last, next.id ?? 0),
      );
      return true;
    })();
  }

  private take(to: number, throughCommit: number): void {
    const { commit, seq } = this.progress;
    const affected = new Map<number, number>();
    const late = seq - LATE_CHANGES;
    for (const { object, first } of [
      ...this.statements.all<{ object: number; first: number }>(CHANGED, seq, to),
      ...this.statements.all<{ object: number; first: number }>(SETTLED, late, to, commit, throughCommit, commit, throughCommit), // prettier-ignore
    ]) {
      affected.set(object, Math.min(first, affected.get(object) ?? first));
    }
    for (const [object, first] of affected) {
      const before = this.spans.from(object, first - 1);
      this.spans.replace(object, before, this.timelines.spans(object, first, to, before));
    }
  }

  /** What a fold gave up is asked for no more. Where it went beyond what was taken in, all is derived anew. */
  private takeFold({ seq, id }: { seq: number; id: number }): void {
    const behind = id > this.progress.commit;
    this.timelines.forget();
    this.save({ ...(behind ? NOTHING : this.progress), folded: seq }, () => {
      if (behind) this.db.exec('DELETE FROM spans; DELETE FROM sets;');
      else this.spans.forget(seq);
    });
  }

  private save(progress: Progress, work: () => void): void {
    try {
      this.db.transaction(() => {
        work();
        this.db.prepare('UPDATE progress SET commit_id = ?, seq = ?, folded = ?').run(progress.commit, progress.seq, progress.folded); // prettier-ignore
      })();
      this.progress = progress;
    } catch (error) {
      this.sets.forget();
      this.timelines.forget();
      throw error;
    }
  }

  private stored(): Progress {
    return this.db.prepare('SELECT commit_id AS "commit", seq, folded FROM progress').get() as Progress;
  }
}

const NOTHING: Progress = { commit: 0, seq: 0, folded: 0 };

/** As LedgerStore.objects() has them. */
function inOrder({ object: a, id }: FactsAt, { object: b, id: other }: FactsAt): number {
  for (const part of ['group', 'resource', 'namespace', 'name'] as const) {
    if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1;
  }
  return id - other;
}

/** Opens what was derived before, where it is of this ledger and of this version; otherwise begins anew. */
function openOwn(file: string, ledger: Buffer): Sqlite {
  const db = openDatabase(file);
  db.pragma('journal_mode = WAL');
  // What a crash of the machine takes away is derived again.
  db.pragma('synchronous = OFF');
  const has = db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'progress'").pluck().get() === 1;
  const fits = has && db.prepare('SELECT count(*) FROM progress WHERE ledger = ? AND facts_version = ?').pluck().get(ledger, FACTS_VERSION) === 1; // prettier-ignore
  if (fits) return db;
  db.exec('DROP TABLE IF EXISTS progress; DROP TABLE IF EXISTS spans; DROP TABLE IF EXISTS sets;');
  db.exec(TABLES);
  db.prepare('INSERT INTO progress VALUES (?, ?, 0, 0, 0)').run(ledger, FACTS_VERSION);
  return db;
}
