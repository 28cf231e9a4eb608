import { copyFileSync, existsSync } from 'node:fs';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { sync, syncFolderOf } from '../../platform/files/durable-file.ts';
import { checkpointsBeside } from '../publish/signing-keys.ts';
import { openForReading } from '../sqlite/database/open.ts';

/**
 * Copies a ledger as it is at one moment, also while a server writes to it, with its signed checkpoints beside it; the
 * copy is on the disk when it returns. Keys stay where they are. Throws the ledger-* errors, and output-failed; never
 * writes over a file.
 */
export function backup(db: string, to: string): void {
  for (const file of [to, checkpointsBeside(to)]) {
    if (existsSync(file)) throw new KubeblameError('output-failed', `${file} is there already`, 'name another file');
  }
  // Before the ledger: a checkpoint that is signed meanwhile is of commits that the copy has.
  const checkpoints = checkpointsBeside(db);
  const source = openForReading(db);
  try {
    if (existsSync(checkpoints)) copyFileSync(checkpoints, checkpointsBeside(to));
    // Whole pages, without what is free: no WAL belongs to it.
    source.prepare('VACUUM INTO ?').run(to);
    sync(to);
    if (existsSync(checkpointsBeside(to))) sync(checkpointsBeside(to));
    syncFolderOf(to);
  } catch (error) {
    throw new KubeblameError('output-failed', `${to} cannot be written: ${messageOf(error)}`, undefined, {
      cause: error,
    });
  } finally {
    source.close();
  }
}
