import Database from 'better-sqlite3';
import { openDatabase } from './native.ts';

/*
 * Locks among the processes of one machine: an exclusive transaction on a file. The operating system ends it with the process,
 * however that ends.
 */

/** Whoever has this one writes to the ledger. */
export function lockOf(db: string): string {
  return `${db}.lock`;
}

/**
 * Takes a lock, for which it waits so long (ms); returns what gives it back, or null where another has it. Throws what SQLite and the file
 * system throw.
 */
export function tryLock(path: string, waitMs = 0): (() => void) | null {
  let db: Database.Database | undefined;
  try {
    db = openDatabase(path, { timeout: waitMs });
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
  return () => db.close();
}

/** Whether anybody has a lock. Throws as `tryLock`. */
export function isLocked(path: string): boolean {
  const unlock = tryLock(path);
  unlock?.();
  return unlock === null;
}
