import { setImmediate as breathe } from 'node:timers/promises';
import { FACTS_VERSION } from '../../../../shared/landscape/facts.ts';
import { openDatabase } from '../../../ledger/sqlite/database/native.ts';
import { openForReading, type Sqlite } from '../../../ledger/sqlite/database/open.ts';
import { LATE_CHANGES } from '../../../ledger/sqlite/database/schema.ts';
import { Statements } from '../../../ledger/sqlite/database/statements.ts';
import type { FactsAt } from '../../../ledger/port/port.ts';
import { FactLog, LOG_TABLES } from './fact-log.ts';
import { FactSets, SET_TABLES, SIZES, type FactSizes } from './fact-sets.ts';
import { Moments } from './moments.ts';
import { Timelines } from './timeline.ts';

/** Commits that are taken in at once: what is asked meanwhile waits for no more. */
const COMMITS_AT_ONCE = 20;

/** Raise it whenever these tables, or what is in them, change: a file of another layout is made anew. */
const LAYOUT = 2;

const TABLES = `
  CREATE TABLE progress (
    ledger BLOB NOT NULL, -- the ledger that it was derived from
    facts_version INTEGER NOT NULL,
    commit_id INTEGER NOT NULL, -- up to which commit
    hash BLOB NOT NULL, -- of that commit: a ledger that was restored from a backup may go on otherwise
    seq INTEGER NOT NULL, -- and change
    folded INTEGER NOT NULL -- what the ledger was folded through then
  ) STRICT;
  ${SET_TABLES}
  ${LOG_TABLES}
`;

interface Progress {
  commit: number;
  hash: Buffer;
  seq: number;
  folded: number;
}

const NOTHING: Progress = { commit: 0, hash: Buffer.alloc(0), seq: 0, folded: 0 };

/** Changes that are affected, with the first of each object. */
const CHANGED = `SELECT object_id AS object, min(seq) AS first FROM changes WHERE seq > ? AND seq <= ? GROUP BY object_id`;
const SETTLED = `SELECT c.object_id AS object, min(x.seq) AS first FROM outcomes x JOIN changes c ON c.seq = x.seq
  WHERE x.seq > ? AND x.seq <= ? AND x.commit_id > ? AND x.commit_id <= ? GROUP BY c.object_id
  UNION ALL SELECT c.object_id, min(l.seq) FROM late_outcomes l JOIN changes c ON c.seq = l.seq
  WHERE l.commit_id > ? AND l.commit_id <= ? GROUP BY c.object_id`;

/**
 * The facts of all objects at any moment, kept where they change: derived from a ledger, commit by commit, into a file beside it that
 * may be thrown away at any time (docs/decisions/0050). It only reads the ledger. Several processes may use one file: each takes over
 * what another has done. Whatever it throws, the file cannot be used.
 */
export class FactsProjection {
  private readonly ledger: Sqlite;
  private readonly statements: Statements;
  private readonly db: Sqlite;
  private readonly own: Statements;
  private readonly sets: FactSets;
  private readonly log: FactLog;
  private readonly timelines: Timelines;
  private readonly moments: Moments;
  private progress: Progress;
  /** Why what the file had could not be used; null where it could, or where there was nothing. */
  readonly anew: string | null;
  /** False until the sets that are in use are known by what they say. */
  private remembers = false;
  private working: Promise<unknown> = Promise.resolve();

  /** `path`: of the ledger; `file`: where it is kept; `:memory:` keeps nothing. Throws the ledger-* errors. */
  constructor(path: string, file: string, sizes: FactSizes = SIZES) {
    this.ledger = openForReading(path);
    try {
      this.statements = new Statements(this.ledger);
      const id = this.statements.get<{ id: Buffer }>('SELECT id FROM ledger')?.id ?? Buffer.alloc(0);
      const { db, anew } = openOwn(file, id);
      [this.db, this.anew] = [db, anew];
    } catch (error) {
      this.ledger.close();
      throw error;
    }
    try {
      this.own = new Statements(this.db);
      this.progress = this.stored();
      this.sets = new FactSets(this.own, sizes);
      this.log = new FactLog(this.own, sizes.turns);
      this.timelines = new Timelines(this.ledger, this.sets);
      this.moments = new Moments(this.statements);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The facts of all objects that existed after a change, as the ledger believes now; null where that is not known: of moments before the
   * ledger's horizon, and as long as it is not derived up to now, for which `waitMs` is given. The same list as before, where nothing
   * has come since.
   */
  async at(seq: number, waitMs: number): Promise<FactsAt[] | null> {
    if (!(await this.catchUp(waitMs))) return null;
    return this.db.transaction(() => {
      this.takeOver();
      if (seq < this.progress.folded) return null;
      // Of moments that lie after its last change, all is the same.
      const until = Math.min(seq, this.progress.seq);
      return this.moments.at(`${this.progress.commit} ${until}`, () => this.log.at(until), this.sets);
    })();
  }

  /** Takes in what the ledger has got since; false where there is more than can be done in some time. */
  catchUp(ms: number): Promise<boolean> {
    const work = this.working.then(() => this.run(ms));
    this.working = work.catch(() => undefined);
    return work;
  }

  /** Gives up all that was derived: it is derived anew. */
  reset(): void {
    this.db.transaction(() => this.begin()).immediate();
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
      if (!this.hasNews()) return false;
      try {
        return this.db.transaction(() => this.take()).immediate();
      } catch (error) {
        if (this.db.open) this.reload();
        throw error;
      }
    })();
  }

  /** Whether anything is to be done: without taking the lock of the file. */
  private hasNews(): boolean {
    const { commit, hash, folded } = this.stored();
    const last = this.statements.get<{ id: number; hash: Buffer }>('SELECT id, hash FROM commits ORDER BY id DESC LIMIT 1'); // prettier-ignore
    return (last !== null && (last.id !== commit || !last.hash.equals(hash))) || (this.fold()?.seq ?? 0) > folded || (last === null && commit > 0); // prettier-ignore
  }

  private take(): boolean {
    this.takeOver();
    const fold = this.fold();
    if (!this.isOfThisLedger(fold)) this.begin();
    if (fold !== null && fold.seq > this.progress.folded) this.takeFold(fold);
    const { commit, seq } = this.progress;
    const next = this.statements.get<{ id: number; last: number; hash: Buffer }>(NEXT, commit, COMMITS_AT_ONCE);
    if (next === null) {
      this.save(this.progress);
      return false;
    }
    if (!this.remembers) this.sets.remember(this.log.usedSets(true));
    this.remembers = true;
    const last = Math.max(next.last, seq);
    for (const [object, first] of this.affected(last, next.id)) {
      this.log.replace(object, first, this.timelines.turns(object, first, last, this.log.before(object, first)));
    }
    this.save({ ...this.progress, commit: next.id, hash: next.hash, seq: last });
    return true;
  }

  /** Objects whose facts may be others, with the first change from which on. */
  private affected(to: number, throughCommit: number): Map<number, number> {
    const { commit, seq } = this.progress;
    const affected = new Map<number, number>();
    const late = seq - LATE_CHANGES;
    for (const { object, first } of [
      ...this.statements.all<{ object: number; first: number }>(CHANGED, seq, to),
      ...this.statements.all<{ object: number; first: number }>(SETTLED, late, to, commit, throughCommit, commit, throughCommit), // prettier-ignore
    ]) {
      affected.set(object, Math.min(first, affected.get(object) ?? first));
    }
    return affected;
  }

  private fold(): { seq: number; commit: number; chain: Buffer } | null {
    return this.statements.get('SELECT through_seq AS seq, through_commit AS "commit", chain FROM folds ORDER BY id DESC LIMIT 1'); // prettier-ignore
  }

  /** False where the ledger has another history than the one that was taken in. */
  private isOfThisLedger(fold: { commit: number; chain: Buffer } | null): boolean {
    const { commit, hash } = this.progress;
    if (commit === 0 || commit < (fold?.commit ?? 0)) return true;
    if (commit === fold?.commit) return fold.chain.equals(hash);
    return this.statements.get<{ hash: Buffer }>('SELECT hash FROM commits WHERE id = ?', commit)?.hash.equals(hash) === true; // prettier-ignore
  }

  /** What a fold gave up is asked for no more. Where it went beyond what was taken in, all is derived anew. */
  private takeFold({ seq, commit }: { seq: number; commit: number }): void {
    this.timelines.forget();
    this.moments.forget();
    if (commit > this.progress.commit) this.begin();
    else {
      this.log.forget(seq);
      this.sets.keep(this.log.usedSets());
    }
    this.progress = { ...this.progress, folded: seq };
  }

  /** Takes over what another process has done to the file meanwhile. */
  private takeOver(): void {
    const { commit, folded, hash } = this.stored();
    if (commit !== this.progress.commit || folded !== this.progress.folded || !hash.equals(this.progress.hash))
      this.reload();
  }

  private begin(): void {
    this.db.exec("DELETE FROM segments; DELETE FROM sets; DELETE FROM parts; UPDATE progress SET commit_id = 0, hash = x'', seq = 0, folded = 0"); // prettier-ignore
    this.reload();
  }

  private reload(): void {
    this.sets.reload();
    this.log.reload();
    this.timelines.forget();
    this.moments.forget();
    this.remembers = false;
    this.progress = this.stored();
  }

  private save(progress: Progress): void {
    this.sets.flush();
    this.log.flush(progress.seq);
    const { commit, hash, seq, folded } = progress;
    this.own.run('UPDATE progress SET commit_id = ?, hash = ?, seq = ?, folded = ?', commit, hash, seq, folded);
    this.progress = progress;
  }

  private stored(): Progress {
    return this.own.get<Progress>('SELECT commit_id AS "commit", hash, seq, folded FROM progress') ?? NOTHING;
  }
}

/** The last of the next commits, and up to which change they go. */
const NEXT = `SELECT id, last_seq AS last, hash FROM (SELECT id, last_seq, hash FROM commits WHERE id > ? ORDER BY id LIMIT +?)
  ORDER BY id DESC LIMIT 1`;

/** A page of the file: it has a few short tables, and long values. */
const PAGE_BYTES = 1_024;
/** How long it waits for another process that takes in what is new. */
const BUSY_MS = 5_000;

/** Opens what was derived before, where it is of this ledger and of this version; otherwise begins anew, and tells why. */
function openOwn(file: string, ledger: Buffer): { db: Sqlite; anew: string | null } {
  const db = openDatabase(file, { timeout: BUSY_MS });
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma('journal_mode = WAL');
    // What a crash of the machine takes away is derived again.
    db.pragma('synchronous = OFF');
    const begin = db.transaction(() => {
      const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
      const anew = tables.length === 0 ? null : misfit(db, ledger);
      if (tables.length > 0 && anew === null) return null;
      for (const table of tables) db.exec(`DROP TABLE "${table}"`);
      db.exec(TABLES);
      db.pragma(`user_version = ${LAYOUT}`);
      db.prepare('INSERT INTO progress VALUES (?, ?, 0, ?, 0, 0)').run(ledger, FACTS_VERSION, NOTHING.hash);
      return anew;
    });
    return { db, anew: begin.immediate() };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Why the file cannot be used for a ledger; null where it can. */
function misfit(db: Sqlite, ledger: Buffer): string | null {
  if (db.pragma('user_version', { simple: true }) !== LAYOUT) return 'of another version';
  const known = db.prepare('SELECT ledger, facts_version AS version FROM progress').get() as { ledger: Buffer; version: number } | undefined; // prettier-ignore
  if (known?.version !== FACTS_VERSION) return 'of another version';
  return known.ledger.equals(ledger) ? null : 'of another ledger';
}
