import type { Json, LedgerInfo } from '../../shared/types.ts';
import { VERSION } from '../../shared/version.ts';
import { FORMAT } from '../../webhook/ledger/sqlite/database/schema.ts';
import type { Io } from '../io.ts';
import { openReader, type SourceOptions } from '../open-reader.ts';
import { document } from '../views/json.ts';
import { printable } from '../views/text.ts';
import { note, print } from './notes.ts';

export type VersionFlags = SourceOptions & { client?: boolean; output?: 'json' | 'yaml' };

/** `kubectl blame version`: what runs here, what answers, and what is asked. Says where they do not go together. */
export async function version(flags: VersionFlags, io: Io): Promise<void> {
  const client = { version: VERSION, ledgerFormat: FORMAT, node: process.version };
  const asked = flags.client !== true && (flags.db !== undefined || flags.server !== undefined);
  const info = asked ? await ask(flags, io) : null;
  const where = flags.server ?? flags.db ?? '';
  if (flags.output !== undefined) {
    const server: Json =
      info === null || flags.server === undefined ? null : { version: info.version, url: flags.server };
    const ledger: Json = info === null ? null : { format: info.format, cluster: info.cluster, changes: info.changes };
    io.out(document({ apiVersion: 'kubeblame.io/v1alpha1', kind: 'Version', client, server, ledger }, flags.output));
    return;
  }
  const lines = [`Client:  ${VERSION} (Node ${process.version}, reads ledger format ${FORMAT})`];
  if (info !== null) {
    if (flags.server !== undefined) lines.push(`Server:  ${printable(info.version)} (${printable(where)})`);
    const file = flags.server === undefined ? ` (${printable(where)})` : '';
    const count = `${info.changes} changes${info.cluster === '' ? '' : ` of cluster ${printable(info.cluster)}`}`;
    lines.push(`Ledger:  format ${info.format}, ${count}${file}`);
  }
  print(io, lines);
  if (info === null) {
    if (flags.client !== true) note(io, 'no server or ledger was named: --server, --db, or their variables');
    return;
  }
  if (info.version !== VERSION) {
    note(io, `client and server are of different versions: what only one of them knows is refused, and never guessed`);
  }
}

async function ask(flags: SourceOptions, io: Io): Promise<LedgerInfo> {
  const reader = await openReader(flags, io);
  try {
    return await reader.info();
  } finally {
    await reader.close();
  }
}
