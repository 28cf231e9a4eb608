import { openForWriting } from '../database/open.ts';
import { ThreadWriter } from '../write/thread-writer.ts';
import { LocalWriter } from '../write/writer.ts';
import { SqliteStore } from './store.ts';

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
