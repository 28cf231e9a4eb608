import type { Logger } from 'pino';
import type { Collector } from '../../platform/telemetry/collector.ts';
import { StoreReader } from '../questions/reader.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { commitBatch } from './documents.ts';
import { BATCH_BYTES, CommitStream } from './stream.ts';
import { openSink, type StreamTarget } from './targets.ts';

/** What the stream is opened with. */
export interface StreamContext {
  store: LedgerStore;
  collector: Collector | null;
  log: Logger;
  now: () => number;
}

/** The stream of --stream, which has not begun; null where no target is given. Rejects with config-invalid. */
export async function openStream(
  { db, stream: target }: { db: string; stream: StreamTarget | null },
  { store, collector, log, now }: StreamContext,
): Promise<CommitStream | null> {
  if (target === null) return null;
  return new CommitStream({
    read: (after) => commitBatch(store, new StoreReader(store, now), after, BATCH_BYTES),
    sink: await openSink(target, collector),
    progressFile: `${db}.streamed`,
    ledger: store.id.toString('hex'),
    target: target.to === 'file' ? target.path : target.to === 'url' ? target.url : `otlp ${collector?.endpoint ?? ''}`,
    log,
  });
}
