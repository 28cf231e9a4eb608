import { monitorEventLoopDelay } from 'node:perf_hooks';
import { normalise } from '../../../../shared/normalise.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { readReview } from '../../../../shared/review.ts';
import { configMap, reviewDocument, SETTINGS } from '../../../../shared/testing/reviews.ts';
import { openThreadedSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { Recorder } from '../../../record/capture/recorder/recorder.ts';
import { Predicates } from '../../../record/rules/predicates.ts';
import { RecorderFacts } from '../../../record/sources/watch/facts.ts';
import { FakeApiServer } from '../../api-server/api-server.ts';
import { CONFIG_MAPS, type ServedType } from '../../api-server/served-types.ts';
import type { BenchServer } from '../processes/servers.ts';

const AT = Date.UTC(2026, 0, 1);
const OBJECTS = 100_000;
const AT_ONCE = 1_000;
const KIB = 1024;

/** Times in ms; of pauses the longest one in which the thread that records did nothing else. */
export interface EndingRow {
  objects: number;
  endedMs: number;
  pauseMs: number;
  /** The longest that a review waited for the ledger meanwhile. */
  reviewMs: number;
  /** An empty list of their type, when all of them are gone. */
  relistMs: number;
  relistPauseMs: number;
}

/** A namespace with many objects ends, and then their type is listed. */
export async function measureEndings(path: (name: string) => string): Promise<EndingRow> {
  const store = await openThreadedSqliteStore(path('endings.db'), 'bench', AT, () => undefined);
  const recorder = await Recorder.open({
    store,
    redactor: new Redactor(Buffer.from('bench')),
    predicates: new Predicates([]),
  });
  const namespace = { ...SETTINGS, resource: 'namespaces', kind: 'Namespace', namespace: '', name: 'shop', uid: 'ns' };
  await recorder.observe(namespace, normalise({ metadata: { name: 'shop', uid: 'ns', resourceVersion: '1' } }), AT);
  for (let from = 0; from < OBJECTS; from += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, (_, n) => `c-${from + n}`);
    await Promise.all(
      some.map((name) => {
        const body = configMap({ name }, { name, uid: name, resourceVersion: '2' });
        return recorder.observe({ ...SETTINGS, name, uid: name }, normalise(body), AT);
      }),
    );
  }
  let reviewMs = 0;
  let reviews = 0;
  const [endedMs, pauseMs] = await measured(async () => {
    await recorder.observeGone(namespace, '3', AT + 1000);
    const ended = recorder.contentsEnded().then(() => 'ended');
    do {
      const name = `r-${++reviews}`;
      const object = configMap({}, { name, namespace: 'other', uid: name });
      const review = reviewDocument({ uid: name, name, namespace: 'other', object });
      const started = performance.now();
      await recorder.record(readReview(review), AT + 2000, 0);
      reviewMs = Math.max(reviewMs, performance.now() - started);
    } while ((await Promise.race([ended, later(20)])) === undefined);
  });
  const gone = (await store.last())?.seq ?? 0;
  // The namespace, its objects, and the ends of all of these.
  if (gone !== 2 * (OBJECTS + 1) + reviews)
    throw new Error(`${gone} changes with ${reviews} reviews: not each ended once`);
  const kept = new Set(Array.from({ length: reviews }, (_, n) => `r-${n + 1}`));
  const facts = new RecorderFacts(recorder, store, () => AT + 3000);
  const [relistMs, relistPauseMs] = await measured(() => facts.observeList(CONFIG_MAPS, kept, '4', null));
  await recorder.close();
  await store.close();
  return { objects: OBJECTS, endedMs, pauseMs, reviewMs, relistMs, relistPauseMs };
}

/** Resolves with the time that something took, and the longest pause in it (ms). */
async function measured(work: () => Promise<unknown>): Promise<[number, number]> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await later(50);
  const started = performance.now();
  await work();
  const took = performance.now() - started;
  // The pause counts when the loop turns again.
  await later(50);
  delay.disable();
  return [took, delay.max / 1e6];
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export interface BaselineRow {
  what: string;
  objects: number;
  seconds: number;
  peakMb: number;
}

/** The memory of the server while it lists a cluster for the first time. `start`: starts it on a ledger, with a kubeconfig. */
export async function measureBaseline(
  path: (name: string) => string,
  start: (ledger: string, kubeconfig: string) => Promise<BenchServer>,
  ca: string,
): Promise<BaselineRow[]> {
  const clusters = [
    { what: '60 types of 400 objects of 20 KiB', types: 60, each: 400, bytes: 20 * KIB },
    { what: '256 objects of 3 MiB', types: 1, each: 256, bytes: 3 * KIB * KIB },
  ];
  const rows: BaselineRow[] = [];
  for (const [index, { what, types, each, bytes }] of clusters.entries()) {
    const api = await FakeApiServer.start((name) => path(`baseline-${index}-${name}`));
    for (let type = 0; type < types; type++) fill(api, type, each, bytes);
    const started = performance.now();
    const server = await start(`baseline-${index}.db`, api.kubeconfig);
    try {
      while (!(await hasChanges(server, ca, types * each))) await later(200);
      rows.push({
        what,
        objects: types * each,
        seconds: (performance.now() - started) / 1000,
        peakMb: server.rssMb().peak,
      });
    } finally {
      await server.stop();
      await api.stop();
    }
  }
  return rows;
}

function fill(api: FakeApiServer, n: number, objects: number, bytes: number): void {
  const type: ServedType = { group: `g${n}.example.com`, version: 'v1', resource: `things${n}`, kind: `Thing${n}` };
  api.serve(type);
  // Words rather than one letter, so that it is not compressed to nothing.
  let text = '';
  for (let word = 0; text.length < bytes; word++) text += `${Math.imul(word, 2_654_435_761) >>> 0} `;
  for (let item = 0; item < objects; item++) {
    const name = `${type.resource}-${item}`;
    api.put(type, { metadata: { name, namespace: 'shop', uid: name }, spec: { item, text } });
  }
}

async function hasChanges(server: BenchServer, ca: string, count: number): Promise<boolean> {
  const changes = /^kubeblame_ledger_changes (\d+)$/m.exec(await server.page('/metrics', ca))?.[1];
  return Number(changes ?? 0) >= count;
}
