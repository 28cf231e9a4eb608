import { KubeblameError } from '../shared/errors.ts';
import type { LedgerReader } from '../shared/types.ts';

export interface SourceOptions {
  db?: string;
  server?: string;
  tokenFile?: string;
  certificateAuthority?: string;
}

/** Opens what is to be asked: a ledger file, or a server. Rejects with usage-invalid and the errors of either. */
export async function openReader(
  { db, server, tokenFile, certificateAuthority }: SourceOptions,
  now: () => number,
): Promise<LedgerReader> {
  if (db !== undefined && server !== undefined) {
    throw new KubeblameError('usage-invalid', '--db and --server were both given', 'ask one of them');
  }
  if (db !== undefined) {
    // The server's own code reads its files (docs/decisions/0006); SQLite is loaded only where it is needed.
    const { openLedger } = await import('../webhook/query/open.ts');
    return openLedger(db, now);
  }
  if (server === undefined) {
    throw new KubeblameError(
      'usage-invalid',
      'no ledger to ask was given',
      'give --db FILE or --server URL, or set KUBEBLAME_DB or KUBEBLAME_SERVER',
    );
  }
  const { ServerReader } = await import('./client.ts');
  return new ServerReader({
    url: server,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
  });
}
