import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { eventFacts, readEvent } from '../../../shared/events/event.ts';
import { canonicalJson, parseJson } from '../../../shared/json.ts';
import { Redactor } from '../../../shared/redact.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { importEvents, type EventCounts } from '../../record/sources/events/import-events.ts';
import { LANDSCAPE, type LandscapeCluster } from './landscape-ledger.ts';
import { TEST_KEY } from './recorder.ts';

/** The recorded Events of a cluster. */
export function eventsFile(cluster: LandscapeCluster): string {
  return `${LANDSCAPE}${cluster}/events.ndjson.gz`;
}

/** Takes a file of Events into a ledger, as the command does. */
export function takeEvents(store: LedgerStore, file: string): Promise<EventCounts> {
  return importEvents([file], {
    store,
    redactor: new Redactor(TEST_KEY),
    bad: (error) => {
      throw error;
    },
  });
}

/**
 * The Events that a cluster's API server had at a mark, as canonical JSON without managedFields, sorted; and when they were listed, which was
 * some seconds after the mark: not before the last of them happened.
 */
export function eventTruth(cluster: LandscapeCluster, mark: string): { events: string[]; listedAt: number } {
  const bytes = gunzipSync(readFileSync(`${LANDSCAPE}${cluster}/truth/${mark}.events.ndjson.gz`));
  const lines = bytes.toString().split('\n').filter((line) => line !== ''); // prettier-ignore
  const events = lines.map((line) => readEvent(parseJson(line) as JsonObject));
  const listedAt = Math.max(...events.map((event) => eventFacts(event).lastAt));
  return { events: events.map((event) => canonicalJson(event)).sort(), listedAt };
}

/** The same, of a ledger as of a moment. */
export async function eventsAt(store: LedgerStore, at: number): Promise<string[]> {
  const events = await store.events({ until: at }, Number.MAX_SAFE_INTEGER);
  const there = events.filter(({ goneAt }) => goneAt === null || goneAt >= at);
  return there.map(({ states }) => canonicalJson(states.at(-1) ?? {})).sort();
}

/** An Event as the API server shows it. `more` goes over what is given. */
export function eventDocument(more: JsonObject = {}): JsonObject {
  const { metadata = {}, involvedObject = {}, ...rest } = more as Record<string, JsonObject>;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'web.1', namespace: 'shop', uid: 'e-1', resourceVersion: '10', creationTimestamp: '2026-11-30T13:00:00Z', ...metadata }, // prettier-ignore
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web', uid: 'p-1', ...involvedObject },
    type: 'Warning',
    reason: 'BackOff',
    message: 'Back-off restarting failed container',
    source: { component: 'kubelet', host: 'node-1' },
    reportingComponent: 'kubelet',
    reportingInstance: 'node-1',
    firstTimestamp: '2026-11-30T13:00:00Z',
    lastTimestamp: '2026-11-30T13:00:00Z',
    eventTime: null,
    count: 1,
    ...rest,
  };
}
