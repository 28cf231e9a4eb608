import type { EventRetention, EventsTaken, ShownEvent } from '../../port/events.ts';
import type { NewEntries } from '../../port/port.ts';
import { Appender, encodeEntries } from './append.ts';
import { Folder } from '../fold/fold.ts';
import { Shortener } from '../fold/shorten.ts';
import type { FoldRequest, FoldResult } from '../../retention/retention.ts';
import type { Sqlite } from '../database/open.ts';
import { EventWriter } from '../store/events/event-writer.ts';

/** Appends to a ledger: the one that does. */
export interface Writer {
  /** MUST resolve only when the entries are durable, and leave the ledger as it was where it rejects. */
  append(entries: NewEntries): Promise<void>;
  /** Does one step of a fold: fold.ts. */
  fold(request: FoldRequest): Promise<FoldResult | null>;
  /** Shortens attempts that were never persisted, and records it as of a time (ms); resolves to how many: shorten.ts. */
  shorten(attempts: readonly number[], now: number): Promise<number>;
  /** Writes Events, and gives up old ones: event-writer.ts. Resolves when that is durable. */
  takeEvents(events: readonly ShownEvent[], retention: EventRetention): Promise<EventsTaken>;
  /** Rejects where nothing can be appended. */
  checkWritable(): Promise<void>;
  close(): Promise<void>;
}

/** Appends on a connection of this thread, which waits for the disk meanwhile. */
export class LocalWriter implements Writer {
  private readonly appender: Appender;
  private readonly folder: Folder;
  private readonly shortener: Shortener;
  private readonly events: EventWriter;

  constructor(private readonly db: Sqlite) {
    this.appender = new Appender(db);
    this.folder = new Folder(db, this.appender);
    this.shortener = new Shortener(db, this.appender);
    this.events = new EventWriter(db);
  }

  append(entries: NewEntries): Promise<void> {
    return attempt(() => this.appender.append(encodeEntries(entries)));
  }

  fold(request: FoldRequest): Promise<FoldResult | null> {
    return attempt(() => this.folder.fold(request));
  }

  shorten(attempts: readonly number[], now: number): Promise<number> {
    return attempt(() => this.shortener.shorten(attempts, now));
  }

  takeEvents(events: readonly ShownEvent[], retention: EventRetention): Promise<EventsTaken> {
    return attempt(() => this.events.take(events, retention));
  }

  checkWritable(): Promise<void> {
    return attempt(() => takeWriteLock(this.db));
  }

  /** The connection is its owner's to close. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Takes the write lock, without leaving anything behind. Throws what SQLite throws. */
export function takeWriteLock(db: Sqlite): void {
  db.exec('BEGIN IMMEDIATE');
  db.exec('ROLLBACK');
}

function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}
