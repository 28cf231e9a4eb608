import assert from 'node:assert/strict';
import { Clock } from '../../../platform/clock/clock.ts';
import { canonicalJson, isObject } from '../../../../shared/json.ts';
import { metadataText, normalise } from '../../../../shared/normalise.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import { shopDocuments, shopMarks } from '../../../../shared/testing/shop.ts';
import type { CoverageInterval, JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { redactionKey } from '../../../ledger/files/redaction-key.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import { FakeApiServer } from '../../../testing/api-server/api-server.ts';
import { servedTypeOf, shopEvents } from '../../../testing/api-server/shop-events.ts';
import type { ServedType } from '../../../testing/api-server/served-types.ts';
import { useSharedFolder } from '../../../testing/folder.ts';
import { TestServer, until } from '../../../testing/server/server.ts';
import { departures, keyOf, NO_DEPARTURES, statesAt } from '../../../testing/ledgers/states.ts';

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

describe('a server that does not run for a while', () => {
  const file = useSharedFolder();
  const reviews = shopReviews();
  const events = shopEvents();
  const mark = shopMarks().at(-1) ?? { mark: '', at: 0, objects: 0 };
  const truth = new Map<string, string>();
  /** What differed when it came back, by object. */
  const inGap = new Set<string>();
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

    const held = new Map<string, string>();
    const hold = (type: ServedType, object: JsonObject, gone: boolean): void => {
      if (UNRECORDED.test(type.resource)) return;
      const key = keyOf({ ...type, ...namesOf(object) });
      if (gone) held.delete(key);
      else held.set(key, canonicalJson(normalise(object).body));
    };
    for (const object of baseline) hold(servedTypeOf(object), object, false);

    const clock = new Clock();
    clock.standAt(shopMarks()[0]?.at ?? 0);
    let server: TestServer | null = null;
    const start = async (): Promise<void> => {
      server = await TestServer.start(file, {
        clock,
        kubeconfig: { file: api.kubeconfig },
        webhookConfiguration: 'recorder',
      });
    };
    // What the first list shows is in the baseline already.
    let next = events.findIndex(({ version }) => compareResourceVersions(version, from) > 0);
    const happen = (upTo: string | null): void => {
      for (let event = events[next]; event !== undefined; event = events[++next]) {
        if (upTo !== null && compareResourceVersions(event.version, upTo) > 0) return;
        const { type, object, gone } = event;
        const { namespace, name } = namesOf(object);
        if (gone) api.remove(type, namespace, name, object);
        else api.put(type, object);
        hold(type, object, gone);
      }
    };
    const play = async (part: readonly ShopReview[]): Promise<void> => {
      for (const { at, review, shown } of part) {
        clock.standAt(Math.max(clock.now(), at));
        if (shown !== '') happen(shown);
        if (server !== null) assert.equal((await server.admission.admit(review)).status, 200);
      }
    };

    await start();
    const types = new Set([...baseline.map(servedTypeOf), ...events.map(({ type }) => type)].map(keyOfType));
    const recorded = [...types].filter((type) => !UNRECORDED.test(type));
    const watchesAll = (): Promise<void> =>
      until('it watches', () => recorded.every((type) => api.openWatches(type) >= 1));
    await watchesAll();
    const third = Math.floor(reviews.length / 3);
    await play(reviews.slice(0, third));
    const running = server as TestServer | null;
    await running?.stop();
    stoppedAt = clock.now();
    server = null;
    const before = new Map(held);
    await play(reviews.slice(third, 2 * third));
    restartedAt = clock.now();
    for (const key of [...before.keys(), ...held.keys()]) if (before.get(key) !== held.get(key)) inGap.add(key);
    await start();
    await play(reviews.slice(2 * third));
    happen(null);

    const redactor = new Redactor(redactionKey(file('ledger.db.key'), false));
    for (const object of shopDocuments(`truth/${mark.mark}.ndjson.gz`)) {
      const ref = { ...servedTypeOf(object), ...namesOf(object) };
      truth.set(keyOf(ref), canonicalJson(redactor.redact(normalise(object).body, ref)));
    }
    const reader = new StoreReader(openSqliteReader(file('ledger.db')), () => clock.now());
    const differences = async (): Promise<number> => {
      // While it catches up, a name may have two: the watch tells of the end of the first a little later.
      states = await statesAt(reader, clock.now()).catch(() => new Map<string, string>());
      return Object.values(departures(truth, states)).flat().length;
    };
    // Whether it does is for the tests to say, object by object.
    await until('it has caught up', async () => (await differences()) === 0, 15_000).catch(() => undefined);
    coverage = await reader.coverage();
    await reader.close();
    await (server as TestServer | null)?.stop();
    const store = openSqliteStore(file('ledger.db'), 'test', clock.now());
    changes = (await store.changes({}, 100_000)).reverse();
    await store.close();
  });
  after(() => api.stop());

  it('knows every object of the last mark afterwards, none missing, none extra', () => {
    assert.equal(truth.size, mark.objects);
    assert.deepEqual(departures(truth, states), NO_DEPARTURES);
  });

  it('records what it missed as changes without a user, of the time of the gap', () => {
    const missed = changes.filter(({ source, at }) => source === 'watch' && at >= restartedAt);
    const found = new Set(
      missed
        .filter((change) => (change.detail().notBefore ?? change.at) <= restartedAt)
        .map(({ object }) => keyOf(object)),
    );
    // What came and went before the server looked again left nothing to see.
    const known = new Set(changes.map(({ object }) => keyOf(object)));
    assert.deepEqual(
      [...inGap].filter((key) => known.has(key) && !found.has(key)),
      [],
    );
    assert.deepEqual(new Set(missed.map(({ actor }) => actor)), new Set([null]));
    assert.ok(found.has('deployments.apps/shop/web'));
    console.log(`      ${inGap.size} objects differed after the gap; ${missed.length} changes without a user`);
  });

  it('shows the gap in its coverage', () => {
    const gap = { from: stoppedAt, to: restartedAt, covered: false, cause: 'the server was stopped' };
    assert.deepEqual(
      coverage.map(({ from, to, covered, cause }) => ({ from, to, covered, cause })),
      [
        { from: coverage[0]?.from, to: stoppedAt, covered: true, cause: '' },
        gap,
        { from: restartedAt, to: null, covered: true, cause: '' },
      ],
    );
  });
});

const UNRECORDED = /^(leases|events|endpoints)(\.|$)/;

function namesOf(object: JsonObject): { namespace: string; name: string } {
  return { namespace: metadataText(object, 'namespace'), name: metadataText(object, 'name') };
}

const keyOfType = ({ group, resource }: { group: string; resource: string }): string =>
  group === '' ? resource : `${resource}.${group}`;
