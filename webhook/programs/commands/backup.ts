import { statSync } from 'node:fs';
import { KubeblameError } from '../../../shared/errors.ts';
import { backup } from '../../ledger/files/backup.ts';
import { verifyFile } from '../../ledger/files/verify-file.ts';
import { print } from './print.ts';

/** Copies a ledger. A backup that does not verify is none, so that is told at once. */
export async function backupLedger(db: string, to: string): Promise<void> {
  backup(db, to);
  const report = await verifyFile(to, { checkpoints: [], keys: [], samples: 0, random: Math.random });
  const [finding] = report.findings;
  if (finding !== undefined) {
    throw new KubeblameError(
      'proof-failed',
      `${to} is a copy of a ledger that is not as it was recorded: ${finding.where}: ${finding.what}`,
      'run `kubectl blame verify` on both',
    );
  }
  print(`${to}: ${report.changes} changes in ${report.commits} commits, ${statSync(to).size} bytes\n`);
}
