import assert from 'node:assert/strict';
import { canonicalJson, isObject } from '../../shared/json.ts';
import { metadataText, normalise } from '../../shared/normalise.ts';
import { Redactor } from '../../shared/redact.ts';
import { compareResourceVersions } from '../../shared/resource-version.ts';
import { shopDocuments, shopMarks } from '../../shared/testing/shop.ts';
import type { CoverageInterval, JsonObject, LedgerReader, ObjectRef } from '../../shared/types.ts';
import { StoreReader } from '../query/reader.ts';
import { openSqliteReader, openSqliteStore } from '../store/sqlite/store.ts';
import { redactionKey } from '../store/key.ts';
import type { StoredChange } from '../store/port.ts';
import { FakeApiServer, servedTypeOf, shopEvents, type ShopEvent } from '../testing/api-server.ts';
import { useSharedFolder } from '../testing/folder.ts';
import { TestServer, until } from '../testing/server.ts';

/*
 * The recording of a real cluster, played to a real server in three parts: it runs during the first and the last one.
 * The API server that it watches, a small one, holds what the real one held at each moment.
 */
interface ShopReview {
  at: number;
  review: JsonObject;
  /** The version that it proves to have existed before it. */
  shown: string;
}

function shopReviews(): ShopReview[] {
  return shopDocuments('reviews.ndjson.gz').map(({ receivedAt, review }) => {
    assert.ok(typeof receivedAt === 'string' && isObject(review) && isObject(review.request));
    const { oldObject } = review.request;
    const shown = isObject(oldObject) ? metadataText(oldObject, 'resourceVersion') : '';
    return { at: Date.parse(receivedAt), review, shown };
  });
}

const keyOf = ({ group, resource, namespace, name }: Omit<ObjectRef, 'uid' | 'kind'>): string =>
  `${resource}.${group}/${namespace}/${name}`;

async function statesAt(reader: LedgerReader, at: number): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for (let next: string | null | undefined; next !== null;) {
    const page = await reader.states({ scope: {}, at, limit: 500, ...(next === undefined ? {} : { continue: next }) });
    for (const { object, body } of page.states) states.set(keyOf(object), canonicalJson(body));
    next = page.next;
  }
  return states;
}

describe('a server that does not run for a while', () => {
  const file = useSharedFolder();
  const reviews = shopReviews();
  const events = shopEvents();
  const mark = shopMarks().at(-1) ?? { mark: '', at: 0, objects: 0 };
  const truth = new Map<string, string>();
  /** Objects that were changed, made or removed during the gap alone, by what happened last. */
  const inGap = new Map<string, ShopEvent>();
  let api: FakeApiServer;
  let states: Map<string, string>;
  let changes: StoredChange[];
  let coverage: CoverageInterval[];
  let stoppedAt = 0;
  let restartedAt = 0;

  before(async function () {
    this.timeout(120_000);
    api = await FakeApiServer.start(file);
    const baseline = shopDocuments('truth/00-baseline.ndjson.gz');
    for (const object of baseline) api.serve(servedTypeOf(object));
    for (const { type } of events) api.serve(type);
    const from = baseline.reduce((newest, object) => {
      api.put(servedTypeOf(object), object);
      const version = metadataText(object, 'resourceVersion');
      return compareResourceVersions(version, newest) > 0 ? version : newest;
    }, '0');

    let clock = shopMarks()[0]?.at ?? 0;
    let server: TestServer | null = null;
    const start = async (): Promise<void> => {
      server = await TestServer.start(file, { now: () => clock, kubeconfig: { file: api.kubeconfig } });
    };
    // What the first list shows is in the baseline already.
    let next = events.findIndex(({ version }) => compareResourceVersions(version, from) > 0);
    const happen = (upTo: string | null): void => {
      for (let event = events[next]; event !== undefined; event = events[++next]) {
        if (upTo !== null && compareResourceVersions(event.version, upTo) > 0) return;
        const { type, object, gone } = event;
        if (gone) api.remove(type, metadataText(object, 'namespace'), metadataText(object, 'name'), object);
        else api.put(type, object);
        if (server === null)
          inGap.set(
            keyOf({ ...type, namespace: metadataText(object, 'namespace'), name: metadataText(object, 'name') }),
            event,
          );
      }
    };
    const play = async (part: readonly ShopReview[]): Promise<void> => {
      for (const { at, review, shown } of part) {
        clock = Math.max(clock, at);
        if (shown !== '') happen(shown);
        if (server !== null) assert.equal((await server.admission.admit(review)).status, 200);
      }
    };

    await start();
    const types = new Set([...baseline.map(servedTypeOf), ...events.map(({ type }) => type)].map(keyOfType));
    const recorded = [...types].filter((type) => !/^(leases|events|endpoints)\b/.test(type));
    const watchesAll = (): Promise<void> =>
      until('it watches', () => recorded.every((type) => api.openWatches(type) === 1));
    await watchesAll();
    const third = Math.floor(reviews.length / 3);
    await play(reviews.slice(0, third));
    const running = server as TestServer | null;
    await running?.stop();
    stoppedAt = clock;
    server = null;
    await play(reviews.slice(third, 2 * third));
    restartedAt = clock;
    await start();
    await play(reviews.slice(2 * third));
    happen(null);

    const redactor = new Redactor(redactionKey(file('ledger.db.key'), false));
    for (const object of shopDocuments(`truth/${mark.mark}.ndjson.gz`)) {
      const ref = {
        ...servedTypeOf(object),
        namespace: metadataText(object, 'namespace'),
        name: metadataText(object, 'name'),
      };
      truth.set(keyOf(ref), canonicalJson(redactor.redact(normalise(object).body, ref)));
    }
    const reader = new StoreReader(openSqliteReader(file('ledger.db')), () => clock);
    const differences = async (): Promise<number> => {
      states = await statesAt(reader, clock);
      return [...truth].filter(([key, body]) => states.get(key) !== body).length + Math.abs(states.size - truth.size);
    };
    // Whether it does is for the tests to say, object by object.
    await until('it has caught up', async () => (await differences()) === 0, 15_000).catch(() => undefined);
    coverage = await reader.coverage();
    await reader.close();
    await (server as TestServer | null)?.stop();
    const store = openSqliteStore(file('ledger.db'), 'test', clock);
    changes = (await store.changes({}, 100_000)).reverse();
    await store.close();
  });
  after(() => api.stop());

  it('knows every object of the last mark afterwards, none missing, none extra', () => {
    assert.equal(truth.size, mark.objects);
    assert.deepEqual(
      [...truth.keys()].filter((key) => !states.has(key)),
      [],
      'missing',
    );
    assert.deepEqual(
      [...states.keys()].filter((key) => !truth.has(key)),
      [],
      'extra',
    );
    assert.deepEqual(
      [...truth].filter(([key, body]) => states.get(key) !== body).map(([key]) => key),
      [],
      'different',
    );
  });
  it('x', () => {
    const watch = changes.filter(({ source }) => source !== 'admission' && true);
    console.log(
      inGap.size,
      changes.length,
      stoppedAt,
      restartedAt,
      coverage,
      watch.map((c) => `${c.source} ${c.operation} ${c.object.resource} ${c.object.name} ${c.at}`).slice(240, 400),
    );
  });
});

const keyOfType = ({ group, resource }: { group: string; resource: string }): string =>
  group === '' ? resource : `${resource}.${group}`;
