import { KubeblameError } from '../shared/errors.ts';
import type { LedgerReader } from '../shared/types.ts';
import type { Io } from './io.ts';
import type { ClusterFlags } from './kubeconfig.ts';

export interface SourceOptions extends ClusterFlags {
  db?: string;
  server?: string;
  tokenFile?: string;
  certificateAuthority?: string;
}

/**
 * Opens what is to be asked: a ledger file, a server, or (where neither is given) the cluster that kubectl would speak to.
 * Rejects with usage-invalid and the errors of each.
 */
export async function openReader(
  { db, server, tokenFile, certificateAuthority, ...cluster }: SourceOptions,
  { now, env }: Pick<Io, 'now' | 'env'>,
): Promise<LedgerReader> {
  if (db !== undefined && server !== undefined) {
    throw new KubeblameError(
      'usage-invalid',
      '--db and --server were both given (or KUBEBLAME_DB and KUBEBLAME_SERVER)',
      'ask one of them',
    );
  }
  if (db !== undefined) {
    // The server's own code reads its files (docs/decisions/0006); SQLite is loaded only where it is needed.
    const { openLedger } = await import('../webhook/ask/questions/open.ts');
    return openLedger(db, () => now);
  }
  const { DirectTransport, ServerReader } = await import('./client.ts');
  const { token, requestTimeout } = cluster;
  if (server === undefined) {
    const { openCluster } = await import('./cluster.ts');
    return new ServerReader(await openCluster(cluster, env));
  }
  return new ServerReader(
    new DirectTransport({
      url: server,
      ...(token === undefined ? {} : { token }),
      ...(requestTimeout === undefined ? {} : { requestTimeout }),
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    }),
  );
}
