import { statSync } from 'node:fs';
import type { EventSum, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { TreeHead } from '../../proof/checkpoint.ts';
import type {
  EventFilter,
  EventPlace,
  EventRetention,
  EventsTaken,
  EventTotals,
  ShownEvent,
  StoredEvent,
} from '../../port/events.ts';
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
import { nextShortenable, type Shortenable } from '../fold/shorten.ts';
import { commitsAfter } from '../read/commits.ts';
import type { Written } from '../../retention/floods.ts';
import type { FoldRequest, FoldResult } from '../../retention/retention.ts';
import { changesWithLabels } from '../labels/changes-with-labels.ts';
import { LabelSearch } from '../labels/label-search.ts';
import { Lineages } from '../read/lineage.ts';
import { Names } from '../read/names.ts';
import { Objects } from '../read/objects.ts';
import { openForReading, type Sqlite } from '../database/open.ts';
import { Rows } from '../read/read.ts';
import { writtenAfter } from '../fold/written.ts';
import { FORMAT } from '../database/schema.ts';
import { Statements } from '../database/statements.ts';
import { CommitTree } from '../chain/tree.ts';
import type { Writer } from '../write/writer.ts';
import { EventRows } from './events/event-rows.ts';
import { Guard } from './guard.ts';
import { Moments } from './moments.ts';

const LAST_SEQ = Number.MAX_SAFE_INTEGER;

/** Opens an existing ledger file for reading only, also while a server writes to it. */
export function openSqliteReader(path: string): SqliteStore {
  return new SqliteStore(openForReading(path), path, null, () => undefined);
}

/** The ledger in a SQLite file. better-sqlite3 is synchronous: a promise is settled when it is returned. */
export class SqliteStore implements LedgerStore {
  readonly cluster: string;
  readonly format = FORMAT;
  readonly id: Buffer;
  private readonly guard: Guard;
  private readonly statements: Statements;
  private readonly names: Names;
  private readonly rows: Rows;
  private readonly lineages: Lineages;
  private readonly objectRows: Objects;
  private readonly moments: Moments;
  private readonly labels: LabelSearch;
  private readonly eventRows: EventRows;
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
    this.guard = new Guard(path, this.check);
    this.statements = new Statements(db);
    this.names = new Names(this.statements);
    this.rows = new Rows(this.statements, this.names);
    this.lineages = new Lineages(this.statements, this.names);
    this.objectRows = new Objects(this.statements);
    this.moments = new Moments(this.statements);
    this.labels = new LabelSearch(this.statements);
    this.eventRows = new EventRows(this.statements);
    const ledger = this.guard.runNow(() =>
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
      const translated = this.guard.translated(error);
      this.failure = { error: translated };
      throw translated;
    }
  }

  taken(): Promise<number> {
    return this.guard.run(
      () => this.statements.get<{ taken: number }>('SELECT taken FROM commits ORDER BY id DESC LIMIT 1')?.taken ?? 0,
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
      throw this.guard.translated(error);
    } finally {
      this.names.forget();
    }
  }

  /** The next attempts that may be shortened, after one change and up to another: shorten.ts. */
  shortenable(afterSeq: number, toSeq: number): Promise<Shortenable | null> {
    return this.guard.run(() => nextShortenable(this.statements, afterSeq, toSeq));
  }

  /** Shortens attempts that were never persisted. As `fold`, not while something that is appended is on its way. */
  async shorten(attempts: readonly number[], now: number): Promise<number> {
    if (this.writer === null) throw new Error('the ledger is open for reading only');
    try {
      return await this.writer.shorten(attempts, now);
    } catch (error) {
      throw this.guard.translated(error);
    }
  }

  /** Bytes of the file that are in use, without those of Events, which have a limit of their own. */
  usedBytes(): Promise<number> {
    return this.guard.run(() => {
      const of = (name: string): number => this.db.pragma(name, { simple: true }) as number;
      return (of('page_count') - of('freelist_count')) * of('page_size') - this.eventRows.totals().bytes;
    });
  }

  /** Takes in Events as they were shown, all or nothing, and gives up old ones. Resolves when that is durable. */
  async takeEvents(events: readonly ShownEvent[], retention: EventRetention): Promise<EventsTaken> {
    if (this.writer === null) throw new Error('the ledger is open for reading only');
    try {
      return await this.writer.takeEvents(events, retention);
    } catch (error) {
      throw this.guard.translated(error);
    }
  }

  events(filter: EventFilter, limit: number, after?: EventPlace): Promise<StoredEvent[]> {
    return this.guard.run(() => this.eventRows.events(filter, limit, after));
  }

  eventSums(filter: EventFilter, limit: number): Promise<EventSum[]> {
    return this.guard.run(() => this.eventRows.sums(filter, limit));
  }

  eventsWritten(afterBatch: number, limit: number): Promise<{ events: StoredEvent[]; through: number }> {
    return this.guard.run(() => this.eventRows.written(afterBatch, limit));
  }

  eventTotals(): Promise<EventTotals> {
    return this.guard.run(() => this.eventRows.totals());
  }

  /** Who wrote the changes after one, and how much. */
  written(afterSeq: number, limit: number): Promise<Written[]> {
    return this.guard.run(() => writtenAfter(this.statements, afterSeq, limit));
  }

  last(): Promise<{ seq: number; at: number } | null> {
    return this.guard.run(() => this.moments.last());
  }

  first(): Promise<{ seq: number; at: number } | null> {
    return this.guard.run(() => this.moments.first());
  }

  seqAt(at: number): Promise<number> {
    return this.guard.run(() => this.moments.seqAt(at));
  }

  lifetime(objectId: number, withoutActs = false): Promise<{ firstAt: number; lastAt: number } | null> {
    return this.guard.run(() => this.moments.lifetime(objectId, withoutActs));
  }

  resources(): Promise<{ group: string; resource: string; kind: string }[]> {
    return this.guard.run(() =>
      this.statements.all('SELECT api_group AS "group", resource, kind FROM resources ORDER BY api_group, resource'),
    );
  }

  objects(filter: ObjectFilter, limit: number, after?: number): Promise<StoredObject[]> {
    return this.guard.run(() => this.objectRows.list(filter, limit, after));
  }

  mayExist(filter: ObjectFilter, after?: number): Promise<{ objects: StoredObject[]; next: number | null }> {
    return this.guard.run(() => this.objectRows.mayExist(filter, after));
  }

  changes(filter: ChangeFilter, limit: number): Promise<StoredChange[]> {
    const { labels, ...rest } = filter;
    if (labels === undefined || labels.length === 0) return this.guard.run(() => this.rows.changes(rest, limit));
    const read = <T>(work: () => T): Promise<T> => this.guard.run(work);
    return changesWithLabels(this.rows, this.labels, labels, rest, limit, read);
  }

  users(filter: Omit<ChangeFilter, 'username' | 'labels'>, status: boolean): Promise<UserCount[]> {
    return this.guard.run(() => this.rows.users(filter, status));
  }

  tail(objectId: number, maxSeq = LAST_SEQ): Promise<StoredChange[]> {
    return this.guard.run(() => this.rows.tail(objectId, maxSeq));
  }

  versions(objectId: number, maxSeq = LAST_SEQ): Promise<StoredVersion[]> {
    return this.guard.run(() => this.rows.versions(objectId, maxSeq));
  }

  change(seq: number): Promise<StoredChange | null> {
    return this.guard.run(() => this.rows.change(seq));
  }

  bodySnapshot(seq: number): Promise<JsonObject | null> {
    return this.guard.run(() => this.lineages.bodySnapshot(seq));
  }

  body(seq: number): Promise<JsonObject | null> {
    return this.guard.run(() => this.lineages.body(seq));
  }

  origins(seqs: readonly number[]): Promise<Map<number, number>> {
    return this.guard.run(() => this.lineages.origins(seqs));
  }

  explanation(seq: number): Promise<StoredChange | null> {
    return this.guard.run(() => this.rows.explanation(seq));
  }

  lineage(seq: number): Promise<StoredStep[]> {
    return this.guard.run(() => this.lineages.lineage(seq));
  }

  hasAudit(id: string): Promise<boolean> {
    return this.guard.run(() => this.rows.hasAudit(id));
  }

  hasBackdated(): Promise<boolean> {
    return this.guard.run(() => this.rows.hasBackdated());
  }

  backdated(objectId: number, at: number): Promise<StoredChange | null> {
    return this.guard.run(() => this.rows.backdated(objectId, at));
  }

  openAttempts(fromSeq: number, limit: number): Promise<StoredChange[]> {
    return this.guard.run(() => this.rows.openAttempts(fromSeq, limit));
  }

  acts(object: ObjectRef, subresource: string, limit: number): Promise<StoredChange[]> {
    return this.guard.run(() => this.rows.acts(object, subresource, limit));
  }

  incarnations(key: Omit<ObjectRef, 'uid' | 'kind'>): Promise<StoredObject[]> {
    return this.guard.run(() => this.objectRows.incarnations(key));
  }

  facts(seq: number): Promise<FactsAt[] | null> {
    return this.factsSource?.(seq) ?? Promise.resolve(null);
  }

  coverage(): Promise<NewCoverage[]> {
    return this.guard.run(() =>
      this.statements
        .all<{ at: number; event: number; detail: string }>('SELECT at, event, detail FROM coverage ORDER BY id')
        .map(({ at, event, detail }) => ({ at, event: COVERAGE_EVENTS[event] ?? 'alive', detail })),
    );
  }

  commits(after: number, limit: number): Promise<StoredCommit[]> {
    return this.guard.run(() => commitsAfter(this.statements, after, limit));
  }

  bytes(): Promise<number> {
    const size = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    return this.guard.run(() => size(this.path) + size(`${this.path}-wal`));
  }

  /** What can be signed of the ledger now (docs/verify.md). */
  async treeHead(): Promise<TreeHead> {
    this.tree ??= new CommitTree(this.db);
    try {
      return await this.tree.head();
    } catch (error) {
      throw this.guard.translated(error);
    }
  }

  /** Takes the write lock, without leaving anything behind. After an append that failed, the next one tells. */
  async checkWritable(): Promise<void> {
    if (this.failure !== null) throw this.failure.error;
    try {
      await this.writer?.checkWritable();
    } catch (error) {
      throw this.guard.translated(error);
    }
  }

  async close(): Promise<void> {
    await this.check.close();
    await this.writer?.close();
    return this.guard.run(() => {
      if (!this.db.open) return;
      this.db.close();
      if (this.writer !== null && this.check.soundness === 'sound') leaveMark(this.path);
      this.unlock();
    });
  }
}
