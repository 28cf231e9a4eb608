import { KubeblameError } from '../../shared/errors.ts';
import type { Io } from '../io.ts';

/** `kubectl blame export ARCHIVE --db FILE`: all of a ledger, with its signed checkpoints, in one file for others. */
export async function exportArchive(db: string | undefined, archive: string, io: Io): Promise<void> {
  if (db === undefined) {
    throw new KubeblameError(
      'usage-invalid',
      'no ledger file to export was given',
      'give --db FILE, or set KUBEBLAME_DB',
    );
  }
  const { exportFile } = await import('../../webhook/ledger/files/verify-file.ts');
  const { rows, checkpoints } = await exportFile(db, archive);
  io.err(`# ${archive}: ${rows} rows and ${checkpoints} signed checkpoints of ${db}\n`);
  if (checkpoints === 0) io.err('# without a signed checkpoint nobody can tell it from one that was made up\n');
}
