import { statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { Redactor } from '../../../shared/redact.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { EventsTaken } from '../../ledger/port/events.ts';
import { openThreadedSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import type { SqliteStore } from '../../ledger/sqlite/store/store.ts';
import { EventIntake } from '../../record/sources/events/event-intake.ts';
import { eventDocument } from '../ledgers/event-ledger.ts';

interface StormRow {
  what: string;
  /** How many were shown, and what became of them. */
  shown: number;
  kept: number;
  summed: number;
  perSecond: number;
  /** CPU time of the whole process for each (µs). */
  cpuUs: number;
  /** The longest time for which the thread that records did nothing else (ms). */
  pauseMs: number;
  /** What the memory of the process grew by, at most (bytes). */
  grownBytes: number;
  /** The file, for each that is kept, and that in relation to a copy of the Event as JSON. */
  bytes: number;
  ofCopy: number;
}

interface StormEffect {
  /** How long the commit of a change takes (ms): while nothing else is written, and while 1,000 Events a second come. */
  quiet: { p50: number; p99: number };
  storm: { p50: number; p99: number };
}

interface Printed {
  title: string;
  head: string[];
  rows: string[][];
}

/** What storms of Events cost, and whether they hold up the ledger. */
export async function stormTables(path: (name: string) => string): Promise<Printed[]> {
  const rows = await measureStorms(path);
  const { quiet, storm } = await measureEffect(path);
  const times = (name: string, { p50, p99 }: { p50: number; p99: number }): string[] => [name, p50.toFixed(1), p99.toFixed(1)]; // prettier-ignore
  return [
    {
      title: 'Storms of Kubernetes Events; what the file takes is set against a copy of each Event as JSON',
      head: ['what', 'shown', 'kept', 'only counted', 'a second', 'CPU us each', 'longest pause ms', 'memory MB more', 'bytes each', 'of a copy'], // prettier-ignore
      rows: rows.map((row) => [
        ...[row.what, String(row.shown), String(row.kept), String(row.summed), row.perSecond.toFixed(0), row.cpuUs.toFixed(0)], // prettier-ignore
        ...[row.pauseMs.toFixed(0), (row.grownBytes / 1e6).toFixed(0), row.bytes.toFixed(1), `${(row.ofCopy * 100).toFixed(1)} %`], // prettier-ignore
      ]),
    },
    {
      title: 'A commit of the ledger, by itself and while 1,000 Events a second come: ms',
      head: ['', 'p50', 'p99'],
      rows: [
        times('quiet', quiet),
        times('storm', storm),
        times('ratio', { p50: storm.p50 / quiet.p50, p99: storm.p99 / quiet.p99 }),
      ],
    },
  ];
}

const KEEP = { keepFrom: 0, maxBytes: 2 ** 28 };
const START = Date.parse('2026-11-30T13:00:00Z');

/** As many may be under way at once as a watch gives (reflector.ts). */
const IN_FLIGHT = 256;

/** Storms of Events of several shapes, each into a new ledger. */
async function measureStorms(path: (name: string) => string): Promise<StormRow[]> {
  const pod = (n: number, count: number, namespace: string, second: number): JsonObject =>
    document({ n, count, namespace, second, object: `web-7684c7d98-${n.toString(36).padStart(5, 'a')}` });
  return [
    await storm(path('storm-1.db'), 'counts of 200 Events that grow', 100_000, (n) => pod(n % 200, 1 + Math.floor(n / 200), `ns-${n % 20}`, Math.floor(n / 100))), // prettier-ignore
    await storm(path('storm-2.db'), 'Events of as many pods, in 20 namespaces', 60_000, (n) => pod(n, 1, `ns-${n % 20}`, Math.floor(n / 1_000))), // prettier-ignore
    await storm(path('storm-3.db'), 'Events of one object', 10_000, (n) => document({ n, count: 1, namespace: 'shop', second: Math.floor(n / 1_000), object: 'web' })), // prettier-ignore
    await storm(path('storm-4.db'), 'Events of one namespace', 60_000, (n) => pod(n, 1, 'shop', Math.floor(n / 1_000))),
  ];
}

/** Whether a storm holds up the ledger. */
async function measureEffect(path: (name: string) => string): Promise<StormEffect> {
  const store = await openThreadedSqliteStore(path('storm-effect.db'), 'bench', START);
  const intake = intakeOf(store, () => undefined);
  const quiet = await commitTimes(store, 300);
  let [n, going] = [0, true];
  const blowing = (async (): Promise<void> => {
    while (going) {
      const events = Array.from({ length: 100 }, () => document({ n: n++, count: 1, namespace: `ns-${n % 20}`, second: Math.floor(n / 1_000), object: `web-${n}` })); // prettier-ignore
      void Promise.all(events.map((event) => intake.take({ uid: uidOf(event), event, goneAt: null }, true)));
      await sleep(100);
    }
  })();
  const storm = await commitTimes(store, 300);
  going = false;
  await blowing;
  await intake.close();
  await store.close();
  return { quiet, storm };
}

async function commitTimes(store: SqliteStore, count: number): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const from = performance.now();
    await store.append({ changes: [], outcomes: [], coverage: [{ at: START + n, event: 'alive', detail: '' }] });
    times.push(performance.now() - from);
    await sleep(10);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

async function storm(db: string, what: string, shown: number, eventOf: (n: number) => JsonObject): Promise<StormRow> {
  const store = await openThreadedSqliteStore(db, 'bench', START);
  const before = statSync(db).size;
  const taken: EventsTaken = { events: 0, states: 0, known: 0, summed: 0, removed: 0 };
  const intake = intakeOf(store, (more) => {
    for (const name of Object.keys(taken) as (keyof EventsTaken)[]) taken[name] += more[name];
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const [memory, cpu, from] = [process.memoryUsage.rss(), process.cpuUsage(), performance.now()];
  delay.enable();
  let [peak, copies] = [memory, 0];
  for (let n = 0; n < shown; n += IN_FLIGHT) {
    const events = Array.from({ length: Math.min(IN_FLIGHT, shown - n) }, (_, index) => eventOf(n + index));
    const texts = events.map((event) => JSON.stringify(event));
    copies += texts.reduce((sum, text) => sum + text.length, 0);
    const taking = texts.map((text) => {
      const event = JSON.parse(text) as JsonObject;
      return intake.take({ uid: uidOf(event), event, goneAt: null }, true);
    });
    intake.hurry();
    await Promise.all(taking);
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  const [seconds, used] = [(performance.now() - from) / 1000, process.cpuUsage(cpu)];
  delay.disable();
  await intake.close();
  await store.close();
  const bytes = (statSync(db).size - before) / taken.states;
  return {
    ...{ what, shown, kept: taken.states, summed: taken.summed, perSecond: shown / seconds },
    cpuUs: (used.user + used.system) / shown,
    pauseMs: delay.max / 1e6,
    grownBytes: peak - memory,
    ...{ bytes, ofCopy: bytes / (copies / shown) },
  };
}

function intakeOf(store: SqliteStore, taken: (more: EventsTaken) => void): EventIntake {
  const redactor = new Redactor(Buffer.alloc(32));
  return new EventIntake({ store, redactor, retention: () => KEEP, taken, log: pino({ enabled: false }) });
}

function document(event: { n: number; count: number; namespace: string; second: number; object: string }): JsonObject {
  const { n, count, namespace, second, object } = event;
  const hex = n.toString(16).padStart(12, '0');
  return eventDocument({
    metadata: { name: `${object}.18ecd${hex.slice(1)}`, namespace, uid: `1edd31fb-1a7c-42c3-a7da-${hex}`, resourceVersion: String(100_000 + n + count * 200) }, // prettier-ignore
    involvedObject: { name: object, namespace, uid: object === 'web' ? 'p-1' : `2edd31fb-1a7c-42c3-a7da-${hex}` },
    message: `Back-off restarting failed container web in pod ${object}_${namespace}(2edd31fb-1a7c-42c3-a7da-${hex})`,
    lastTimestamp: new Date(START + second * 1000).toISOString().replace('.000Z', 'Z'),
    count,
  });
}

function uidOf(event: JsonObject): string {
  return (event.metadata as { uid: string }).uid;
}
