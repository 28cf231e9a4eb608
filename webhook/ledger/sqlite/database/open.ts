import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { KubeblameError, messageOf } from '../../../../shared/errors.ts';
import { takeMark } from './clean-stop.ts';
import { isFull } from '../../../platform/files/durable-file.ts';
import { lockOf, tryLock } from './file-lock.ts';
import { readHeader } from './header.ts';
import { openDatabase } from './native.ts';
import { APPLICATION_ID, FORMAT, MIGRATIONS } from './schema.ts';

export type Sqlite = Database.Database;

/** How long a statement waits for another connection's lock, such as a reader's during a checkpoint. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Of a new ledger. A commit writes whole pages, some nine for one change, and each table and index ends with one that is not
 * full: half of SQLite's usual size takes two thirds of the bytes a commit, a tenth less of a small ledger, and no more time.
 */
const PAGE_BYTES = 2_048;
/** Every commit writes the same few pages again: the longer the WAL, the fewer of them are copied. 16 MiB. */
const CHECKPOINT_PAGES = 8_000;
/** The indexes' inner pages and their ends, of a ledger of some million changes. */
const CACHE_KIB = 8 * 1024;

const RESTORE_HINT = 'restore it from a backup, or move it away to start a new ledger';

/** The errors of SQLite, and of the disk, that have a meaning to a user; anything else is thrown as it is. */
export function translate(error: unknown, path: string): unknown {
  if (isFull(error) || (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_FULL'))) {
    return new KubeblameError(
      'ledger-full',
      `the disk of the ledger ${path} is full`,
      'make room, or grow the volume',
      {
        cause: error,
      },
    );
  }
  if (isOfTheDisk(error)) return cannotBeUsed(error, path);
  if (!(error instanceof Database.SqliteError)) return error;
  const because = { cause: error };
  if (error.code.startsWith('SQLITE_CORRUPT') || error.code === 'SQLITE_NOTADB') {
    return new KubeblameError(
      'ledger-damaged',
      `the ledger ${path} is damaged: ${error.message}`,
      RESTORE_HINT,
      because,
    );
  }
  if (/^SQLITE_(BUSY|LOCKED|NOMEM|PROTOCOL)/.test(error.code)) {
    // It passes: it is not for what was to be written.
    const hint = 'see whether another process has the ledger open for long';
    return new KubeblameError(
      'ledger-unwritable',
      `the ledger ${path} cannot be used at present: ${error.message}`,
      hint,
      because,
    );
  }
  return /^SQLITE_(IOERR|READONLY|CANTOPEN|PERM)/.test(error.code) ? cannotBeUsed(error, path) : error;
}

/** Thrown by the file system, for files that stand beside the ledger. */
function isOfTheDisk(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^E(ROFS|IO|ACCES|PERM)$/.test(String(error.code));
}

function cannotBeUsed(error: Error, path: string): KubeblameError {
  return new KubeblameError(
    'ledger-unwritable',
    `the ledger ${path} cannot be used: ${error.message}`,
    'check the disk: free space, permissions, and its health',
    { cause: error },
  );
}

/** Refuses a file that is not a ledger of ours, by the header alone, so that nothing touches it. */
function checkHeader(path: string): void {
  const { size } = statSync(path);
  // Nothing was ever committed to it: a start that was cut off, whose rest may be in the WAL.
  if (size === 0) return;
  const header = readHeader(path);
  const foreign = (what: string): KubeblameError =>
    new KubeblameError('ledger-foreign', `${path} is ${what}, not a Kubeblame ledger`, 'name another file');
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw foreign('not a SQLite database');
  if (header.readUInt32BE(68) !== APPLICATION_ID) throw foreign('the database of another program');
  const format = header.readUInt32BE(60);
  if (format > FORMAT) {
    throw new KubeblameError(
      'ledger-newer',
      `the ledger ${path} has format ${format}, this version knows up to ${FORMAT}`,
      'use the version of Kubeblame that wrote it, or a newer one',
    );
  }
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Opens a ledger for reading, also while a server writes to it. Throws the ledger-* errors. */
export function openForReading(path: string): Sqlite {
  if (!existsSync(path) || isDirectory(path)) {
    throw new KubeblameError(
      'ledger-missing',
      `there is no ledger file at ${path}`,
      'check --db; the server creates the file',
    );
  }
  checkHeader(path);
  try {
    const options = { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS };
    const db = openDatabase(path, options);
    db.pragma(`cache_size = ${-CACHE_KIB}`);
    const format = db.pragma('user_version', { simple: true }) as number;
    if (format !== FORMAT) {
      db.close();
      throw new KubeblameError(
        'ledger-foreign',
        `${path} has ledger format ${format}, this version reads ${FORMAT}`,
        'start the server once: it brings the ledger to its own format',
      );
    }
    return db;
  } catch (error) {
    throw translate(error, path);
  }
}

export interface OpenForWriting {
  db: Sqlite;
  unlock: () => void;
  /** The file is new, or as its last writer has closed it (clean-stop.ts): nothing in it needs to be checked. */
  asClosed: boolean;
}

/**
 * Opens or creates a ledger for writing. Of the file it reads no more than it needs: how large it is does not matter. Throws the ledger-* errors; a file that is refused is left as it was.
 * `cluster` names a new ledger's cluster; an existing one keeps its own.
 */
export function openForWriting(path: string, cluster: string, now: number): OpenForWriting {
  if (isDirectory(path)) throw new KubeblameError('ledger-foreign', `${path} is a directory`, 'name a file in it');
  const exists = existsSync(path) && statSync(path).size > 0;
  if (exists) checkHeader(path);
  const unlock = lock(path);
  let db: Sqlite | undefined;
  try {
    const asClosed = exists ? takeMark(path) : true;
    db = connectForWriting(path);
    migrate(db, cluster, now);
    return { db, unlock, asClosed };
  } catch (error) {
    db?.close();
    unlock();
    throw translate(error, path);
  }
}

/** A connection that makes each commit durable. Throws what SQLite throws, or ledger-unwritable. */
export function connectForWriting(path: string): Sqlite {
  const db = openDatabase(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma('journal_mode = WAL');
    // After journal_mode: under WAL it is not FULL unless set, and without FULL a commit is not durable.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.pragma(`cache_size = ${-CACHE_KIB}`);
    if (db.pragma('journal_mode', { simple: true }) !== 'wal' || db.pragma('synchronous', { simple: true }) !== 2) {
      throw new KubeblameError('ledger-unwritable', `${path}: SQLite does not accept WAL with synchronous=FULL`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** One writer. The ledger itself stays free for readers. */
function lock(path: string): () => void {
  let unlock: (() => void) | null;
  try {
    unlock = tryLock(lockOf(path));
  } catch (error) {
    throw new KubeblameError(
      'ledger-unwritable',
      `the ledger ${path} cannot be created or locked: ${messageOf(error)}`,
      'check that its folder exists and can be written',
      { cause: error },
    );
  }
  if (unlock !== null) return unlock;
  throw new KubeblameError(
    'ledger-locked',
    `another server is writing to ${path}`,
    'stop it first, or name another file',
  );
}

/** Brings a ledger to the present format, each step in its own transaction. */
function migrate(db: Sqlite, cluster: string, now: number): void {
  const from = db.pragma('user_version', { simple: true }) as number;
  for (let version = from; version < FORMAT; version++) {
    db.transaction(() => {
      db.exec(MIGRATIONS[version] ?? '');
      if (version === 0) {
        const insert = db.prepare('INSERT INTO ledger (id, cluster, created_at) VALUES (?, ?, ?)');
        insert.run(randomBytes(16), cluster, now);
      }
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version + 1}`);
    })();
  }
  // The header must say what the file is, also to whoever looks before the first checkpoint.
  if (from < FORMAT) db.pragma('wal_checkpoint(TRUNCATE)');
}
