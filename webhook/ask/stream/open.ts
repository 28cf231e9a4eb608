import type { Logger } from 'pino';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { urlOf, type Collector } from '../../platform/telemetry/collector.ts';
import { StoreReader } from '../questions/reader.ts';
import { commitBatch, type CommitBatch } from './documents.ts';
import { BATCH_BYTES, CommitStream } from './stream.ts';
import { openSink, type StreamTarget } from './targets.ts';

/** What the streams are opened with. */
export interface StreamContext {
  store: LedgerStore;
  collector: Collector | null;
  log: Logger;
  now: () => number;
}

/** What a stream sends: whole commits, or changes and Kubernetes Events as log records, one each. */
export type Streamed = CommitStream['what'];

/** Looking up what the objects of Events belong to is some work. */
const EVENTS_EVERY_MS = 5_000;

/** What is to be sent after a number: the same in whatever thread. */
export async function batchOf(
  what: Streamed,
  store: LedgerStore,
  now: () => number,
  after: number,
  maxBytes = BATCH_BYTES,
): Promise<CommitBatch> {
  if (what === 'commits') return commitBatch(store, new StoreReader(store, now), after, maxBytes);
  // Loaded only here: most servers send no logs.
  const { changeLogBatch, eventLogBatch } = await import('./log-records.ts');
  if (what === 'Events') return eventLogBatch(store, now, after);
  return changeLogBatch(store, new StoreReader(store, now), after, maxBytes);
}

/** The streams of --stream and --otlp-logs, which have not begun. Rejects with config-invalid. */
export async function openStreams(
  { db, stream: target, otlpLogs }: { db: string; stream: StreamTarget | null; otlpLogs: boolean },
  { store, collector, log, now }: StreamContext,
): Promise<CommitStream[]> {
  const ledger = store.id.toString('hex');
  const open = async (what: Streamed, to: StreamTarget, name: string, file: string): Promise<CommitStream> =>
    new CommitStream({
      read: (after) => batchOf(what, store, now, after),
      sink: await openSink(to, collector),
      progressFile: `${db}.${file}`,
      ...{ ledger, log, what, target: name },
      ...(what === 'Events' ? { lookEveryMs: EVENTS_EVERY_MS } : {}),
    });
  const streams: CommitStream[] = [];
  if (target !== null) {
    const name =
      target.to === 'file' ? target.path : target.to === 'url' ? target.url : `otlp ${collector?.endpoint ?? ''}`;
    streams.push(await open('commits', target, name, 'streamed'));
  }
  if (otlpLogs && collector !== null) {
    const name = urlOf(collector, 'logs');
    streams.push(await open('changes', { to: 'otlp' }, name, 'logged-changes'));
    streams.push(await open('Events', { to: 'otlp' }, name, 'logged-events'));
  }
  return streams;
}
