import { statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { KubeblameError } from '../../../../shared/errors.ts';
import type { Requirement } from '../../../../shared/selector.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { TreeHead } from '../../proof/checkpoint.ts';
import {
  COVERAGE_EVENTS,
  type ChangeFilter,
  type FactsAt,
  type LedgerStore,
  type NewCoverage,
  type NewEntries,
  type ObjectFilter,
  type StoredChange,
  type StoredCommit,
  type StoredObject,
  type StoredStep,
  type StoredVersion,
  type UserCount,
} from '../../port/port.ts';
import { BackgroundCheck } from '../check/background-check.ts';
import { leaveMark } from '../database/clean-stop.ts';
import { EFFECT_MASK } from '../database/codes.ts';
import { nextShortenable, type Shortenable } from '../fold/shorten.ts';
import { commitsAfter } from '../read/commits.ts';
import type { Written } from '../../retention/floods.ts';
import type { FoldRequest, FoldResult } from '../../retention/retention.ts';
import { LabelSearch } from '../labels/label-search.ts';
import { Lineages } from '../read/lineage.ts';
import { Names } from '../read/names.ts';
import { Objects } from '../read/objects.ts';
import { openForReading, openForWriting, translate, type Sqlite } from '../database/open.ts';
import { Rows } from '../read/read.ts';
import { writtenAfter } from '../fold/written.ts';
import { FORMAT } from '../database/schema.ts';
import { Statements } from '../database/statements.ts';
import { ThreadWriter } from '../write/thread-writer.ts';
import { CommitTree } from '../chain/tree.ts';
import { LocalWriter, type Writer } from '../write/writer.ts';

const LAST_SEQ = Number.MAX_SAFE_INTEGER;

/** Changes whose labels are looked at before others have their turn. */
const LOOKED_AT_ONCE = 500;

/** Opens or creates the ledger file for its one writer. Throws the ledger-* errors. */
export function openSqliteStore(path: string, cluster: string, now: number): SqliteStore {
  const { db, unlock, asClosed } = openForWriting(path, cluster, now);
  return new SqliteStore(db, path, new LocalWriter(db), unlock, asClosed);
}

/**
 * The same, with a thread of its own for writing, which waits for the disk so that this one need not. `writerDied`: told
 * once where that thread ends by itself (a crash, out of memory): nothing can be appended from then on.
 */
export async function openThreadedSqliteStore(
  path: string,
  cluster: string,
  now: number,
  writerDied?: (error: Error) => void,
): Promise<SqliteStore> {
  const { db, unlock, asClosed } = openForWriting(path, cluster, now);
  db.pragma('query_only = ON');
  const store = new SqliteStore(db, path, new ThreadWriter(path, writerDied), unlock, asClosed);
  try {
    await store.checkWritable();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens an existing ledger file for reading only, also while a server writes to it. */
export function openSqliteReader(path: string): SqliteStore {
  return new SqliteStore(openForReading(path), path, null, () => undefined);
}

/** The ledger in a SQLite file. better-sqlite3 is synchronous: a promise is settled when it is returned. */
export class SqliteStore implements LedgerStore {
  readonly cluster: string;
  readonly format = FORMAT;
  readonly id: Buffer;
  private readonly statements: Statements;
  private readonly names: Names;
  private readonly rows: Rows;
  private readonly lineages: Lineages;
  private readonly objectRows: Objects;
  private readonly labels: LabelSearch;
  /** What the last append failed with: a full disk shows nowhere else. */
  private failure: { error: unknown } | null = null;
  private tree: CommitTree | undefined;
  /** Whether the file can be read, as far as is known. */
  readonly check: BackgroundCheck;
  /** What keeps the facts of objects, where something does. */
  factsSource: ((seq: number) => Promise<FactsAt[] | null>) | undefined;

  constructor(
    private readonly db: Sqlite,
    private readonly path: string,
    private readonly writer: Writer | null,
    private readonly unlock: () => void,
    asClosed = false,
  ) {
    this.check = new BackgroundCheck(path, asClosed);
    this.statements = new Statements(db);
    this.names = new Names(this.statements);
    this.rows = new Rows(this.statements, this.names);
    this.lineages = new Lineages(this.statements, this.names);
    this.objectRows = new Objects(this.statements);
    this.labels = new LabelSearch(this.statements);
    const ledger = this.guarded(() =>
      this.statements.get<{ id: Buffer; cluster: string }>('SELECT id, cluster FROM ledger'),
    );
    this.id = ledger?.id ?? Buffer.alloc(0);
    this.cluster = ledger?.cluster ?? '';
  }

  async append(entries: NewEntries): Promise<void> {
    if (this.writer === null) throw new Error('the ledger is open for reading only');
    const { changes, outcomes, coverage = [], taken } = entries;
    if (changes.length + outcomes.length + coverage.length === 0 && taken === undefined) return;
    try {
      await this.writer.append(entries);
      this.failure = null;
    } catch (error) {
      const translated = this.translated(error);
      this.failure = { error: translated };
      throw translated;
    }
  }

  taken(): Promise<number> {
    return this.run(
      () => this.statements.get<{ taken: number }>('SELECT taken FROM commits ORDER BY id DESC LIMIT 1')?.taken ?? 0,
    );
  }

  last(): Promise<{ seq: number; at: number } | null> {
    return this.run(() => this.statements.get('SELECT seq, at FROM changes ORDER BY seq DESC LIMIT 1'));
  }

  /** Of a ledger that was folded, the horizon: what remains from before it does not tell how things were then. */
  first(): Promise<{ seq: number; at: number } | null> {
    return this.run(
      () =>
        this.statements.get(
          'SELECT through_seq AS seq, horizon_at AS at FROM folds ORDER BY through_seq DESC LIMIT 1',
        ) ?? this.statements.get('SELECT seq, at FROM changes ORDER BY seq LIMIT 1'),
    );
  }

  /**
   * Gives up old history, one step of it: fold.ts. null where there is nothing left to do. Not while something that is
   * appended has read the store and is not yet there: Recorder.maintain.
   */
  async fold(request: FoldRequest): Promise<FoldResult | null> {
    if (this.writer === null) throw new Error('the ledger is open for reading only');
    try {
      return await this.writer.fold(request);
    } catch (error) {
      throw this.translated(error);
    } finally {
      this.names.forget();
    }
  }

  /** The next attempts that may be shortened, after one change and up to another: shorten.ts. */
  shortenable(afterSeq: number, toSeq: number): Promise<Shortenable | null> {
    return this.run(() => nextShortenable(this.statements, afterSeq, toSeq));
  }

  /** Shortens attempts that were never persisted. As `fold`, not while something that is appended is on its way. */
  async shorten(attempts: readonly number[], now: number): Promise<number> {
    if (this.writer === null) throw new Error('the ledger is open for reading only');
    try {
      return await this.writer.shorten(attempts, now);
    } catch (error) {
      throw this.translated(error);
    }
  }

  /** Bytes of the file that are in use. */
  usedBytes(): Promise<number> {
    return this.run(() => {
      const of = (name: string): number => this.db.pragma(name, { simple: true }) as number;
      return (of('page_count') - of('freelist_count')) * of('page_size');
    });
  }

  /** Who wrote the changes after one, and how much. */
  written(afterSeq: number, limit: number): Promise<Written[]> {
    return this.run(() => writtenAfter(this.statements, afterSeq, limit));
  }

  /** By bisection: `at` never falls as seq rises, so that it needs no index. Where changes were folded, seqs have gaps. */
  seqAt(at: number): Promise<number> {
    return this.run(() => {
      let low = 0;
      let high = this.statements.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM changes')?.seq ?? 0;
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        const row = this.statements.get<{ seq: number; at: number }>(
          'SELECT seq, at FROM changes WHERE seq >= ? ORDER BY seq LIMIT 1',
          middle,
        );
        if (row !== null && row.at <= at) low = row.seq;
        else high = middle - 1;
      }
      return low;
    });
  }

  resources(): Promise<{ group: string; resource: string; kind: string }[]> {
    return this.run(() =>
      this.statements.all('SELECT api_group AS "group", resource, kind FROM resources ORDER BY api_group, resource'),
    );
  }

  objects(filter: ObjectFilter, limit: number, after?: number): Promise<StoredObject[]> {
    return this.run(() => this.objectRows.list(filter, limit, after));
  }

  mayExist(filter: ObjectFilter, after?: number): Promise<{ objects: StoredObject[]; next: number | null }> {
    return this.run(() => this.objectRows.mayExist(filter, after));
  }

  changes(filter: ChangeFilter, limit: number): Promise<StoredChange[]> {
    const { labels, ...rest } = filter;
    if (labels === undefined || labels.length === 0) return this.run(() => this.rows.changes(rest, limit));
    return this.labelled(labels, rest, limit);
  }

  private async labelled(labels: readonly Requirement[], filter: ChangeFilter, limit: number): Promise<StoredChange[]> {
    const sets = this.guarded(() => this.labels.sets(labels));
    // Few changes are looked at one by one, as all are where too many match.
    const few = (filter.maxSeq ?? LAST_SEQ) - (filter.minSeq ?? 0) < LOOKED_AT_ONCE;
    const streams = few ? null : this.guarded(() => this.labels.streams(sets, filter));
    if (streams !== null) return this.guarded(() => this.rows.changesOf(streams, filter, limit));
    const found: StoredChange[] = [];
    for (let page = filter; ;) {
      const rows = await this.run(() => this.rows.changes(page, LOOKED_AT_ONCE));
      for (const row of rows) {
        if (!this.guarded(() => this.labels.had(sets, row.objectId, row.seq))) continue;
        found.push(row);
        if (found.length === limit) return found;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < LOOKED_AT_ONCE) return found;
      page = { ...page, maxSeq: last.seq - 1 };
      // Reviews wait behind a long search otherwise.
      await breathe();
    }
  }

  users(filter: Omit<ChangeFilter, 'username' | 'labels'>, status: boolean): Promise<UserCount[]> {
    return this.run(() => this.rows.users(filter, status));
  }

  tail(objectId: number, maxSeq = LAST_SEQ): Promise<StoredChange[]> {
    return this.run(() => this.rows.tail(objectId, maxSeq));
  }

  versions(objectId: number, maxSeq = LAST_SEQ): Promise<StoredVersion[]> {
    return this.run(() => this.rows.versions(objectId, maxSeq));
  }

  change(seq: number): Promise<StoredChange | null> {
    return this.run(() => this.rows.change(seq));
  }

  bodySnapshot(seq: number): Promise<JsonObject | null> {
    return this.run(() => this.lineages.bodySnapshot(seq));
  }

  body(seq: number): Promise<JsonObject | null> {
    return this.run(() => this.lineages.body(seq));
  }

  origin(seq: number): Promise<number | null> {
    return this.run(() => this.lineages.origin(seq));
  }

  explanation(seq: number): Promise<StoredChange | null> {
    return this.run(() => this.rows.explanation(seq));
  }

  lineage(seq: number): Promise<StoredStep[]> {
    return this.run(() => this.lineages.lineage(seq));
  }

  openAttempts(fromSeq: number, limit: number): Promise<StoredChange[]> {
    return this.run(() => this.rows.openAttempts(fromSeq, limit));
  }

  acts(object: ObjectRef, subresource: string, limit: number): Promise<StoredChange[]> {
    return this.run(() => this.rows.acts(object, subresource, limit));
  }

  incarnations(key: Omit<ObjectRef, 'uid' | 'kind'>): Promise<StoredObject[]> {
    return this.run(() => this.objectRows.incarnations(key));
  }

  lifetime(objectId: number, withoutActs = false): Promise<{ firstAt: number; lastAt: number } | null> {
    return this.run(() => {
      const row = this.statements.get<{ firstAt: number | null; lastAt: number | null }>(
        `SELECT min(at) AS firstAt, max(at) AS lastAt FROM changes
        WHERE object_id = ?${withoutActs ? ` AND (kind & ${EFFECT_MASK}) > 0` : ''}`,
        objectId,
      );
      return row === null || row.firstAt === null || row.lastAt === null
        ? null
        : { firstAt: row.firstAt, lastAt: row.lastAt };
    });
  }

  facts(seq: number): Promise<FactsAt[] | null> {
    return this.factsSource?.(seq) ?? Promise.resolve(null);
  }

  coverage(): Promise<NewCoverage[]> {
    return this.run(() =>
      this.statements
        .all<{ at: number; event: number; detail: string }>('SELECT at, event, detail FROM coverage ORDER BY id')
        .map(({ at, event, detail }) => ({ at, event: COVERAGE_EVENTS[event] ?? 'alive', detail })),
    );
  }

  commits(after: number, limit: number): Promise<StoredCommit[]> {
    return this.run(() => commitsAfter(this.statements, after, limit));
  }

  bytes(): Promise<number> {
    const size = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    return this.run(() => size(this.path) + size(`${this.path}-wal`));
  }

  /** What can be signed of the ledger now (docs/verify.md). */
  async treeHead(): Promise<TreeHead> {
    this.tree ??= new CommitTree(this.db);
    try {
      return await this.tree.head();
    } catch (error) {
      throw this.translated(error);
    }
  }

  /** Takes the write lock, without leaving anything behind. After an append that failed, the next one tells. */
  async checkWritable(): Promise<void> {
    if (this.failure !== null) throw this.failure.error;
    try {
      await this.writer?.checkWritable();
    } catch (error) {
      throw this.translated(error);
    }
  }

  async close(): Promise<void> {
    await this.check.close();
    await this.writer?.close();
    return this.run(() => {
      if (!this.db.open) return;
      this.db.close();
      if (this.writer !== null && this.check.soundness === 'sound') leaveMark(this.path);
      this.unlock();
    });
  }

  /** As `translate`; damage that anybody meets is remembered. */
  private translated(error: unknown): unknown {
    const translated = translate(error, this.path);
    if (translated instanceof KubeblameError && translated.code === 'ledger-damaged')
      this.check.meet(translated.message);
    return translated;
  }

  private run<T>(work: () => T): Promise<T> {
    try {
      return Promise.resolve(this.guarded(work));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.translated(error);
    }
  }
}
