import { setTimeout as sleep } from 'node:timers/promises';
import type { Response } from 'express';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { stringifyJson } from '../../../shared/json.ts';
import type { Change, ChangeQuery, JsonObject, LedgerReader } from '../../../shared/types.ts';
import type { WatchOptions } from './requests/list-options.ts';
import { API_VERSION } from './discovery/resources.ts';
import { statusDocument } from './answers/status.ts';

/** How often the ledger is asked: what is seen so late is no surprise in an audit trail. */
const POLL_MS = 500;
const BOOKMARK_EVERY_MS = 60_000;
const PAGE = 500;
/** Watches at once: each asks the ledger twice a second. */
const MAX_WATCHES = 200;

let watches = 0;

export interface Watch {
  reader: LedgerReader;
  query: ChangeQuery;
  options: WatchOptions;
  /** A change as the client wants it; `first` for the first event. */
  render: (change: Change, first: boolean) => JsonObject;
  lastSeq: () => Promise<number>;
  /** Aborted when the server stops. */
  closing: AbortSignal;
}

/**
 * Streams changes as they are recorded, oldest first, until the client goes, the time is over, or the server stops. The
 * reader decides anew each time what may be seen: a right that is withdrawn ends with the next change. Rejects before
 * the first byte only.
 */
export async function streamChanges(response: Response, watch: Watch): Promise<void> {
  if (watches >= MAX_WATCHES) throw new KubeblameError('overloaded', `there are ${watches} watches already`);
  watches++;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const signal = AbortSignal.any([
    gone.signal,
    watch.closing,
    AbortSignal.timeout(watch.options.timeoutSeconds * 1000),
  ]);
  try {
    await follow(response, watch, signal);
  } finally {
    watches--;
  }
}

async function follow(response: Response, watch: Watch, signal: AbortSignal): Promise<void> {
  const { reader, query, options, lastSeq, render } = watch;
  const send = (type: string, object: JsonObject): Promise<void> => write(response, { type, object }, signal);
  let from = options.after ?? 0;
  let first = true;
  let toldAt = performance.now();
  try {
    while (!signal.aborted) {
      // Read before: what is recorded meanwhile is given with this answer or the next, never with neither.
      const last = await lastSeq();
      const changes = await changesAfter(
        reader,
        { ...query, newerThan: Math.max(from, query.newerThan ?? 0) },
        options.after === null && first,
      );
      if (!response.headersSent)
        response.status(200).set({ 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.flushHeaders();
      for (const change of changes) {
        await send('ADDED', render(change, first));
        first = false;
      }
      from = Math.max(from, last, changes.at(-1)?.seq ?? 0);
      if (options.after === null) options.after = from;
      if (options.bookmarks && performance.now() - toldAt > BOOKMARK_EVERY_MS) {
        toldAt = performance.now();
        await send('BOOKMARK', {
          apiVersion: API_VERSION,
          kind: 'Change',
          metadata: { resourceVersion: String(from) },
        });
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) {
      if (!response.headersSent) throw error;
      const failure = error instanceof KubeblameError ? error : new KubeblameError('server-error', messageOf(error));
      await send('ERROR', statusDocument(failure)).catch(() => undefined);
    }
  }
  response.end();
}

/** Oldest first: all that follow, or, at the beginning of a watch that names no version, one page of the newest. */
async function changesAfter(reader: LedgerReader, query: ChangeQuery, onlyPage: boolean): Promise<Change[]> {
  const found: Change[] = [];
  let { before } = query;
  do {
    const page = await reader.changes({ ...query, limit: PAGE, ...(before === undefined ? {} : { before }) });
    found.push(...page.changes);
    before = page.next ?? undefined;
  } while (before !== undefined && !onlyPage);
  return found.reverse();
}

/** Waits where the client reads slower than the ledger is written. */
async function write(response: Response, event: JsonObject, signal: AbortSignal): Promise<void> {
  if (response.write(`${stringifyJson(event)}\n`)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done);
  });
}
