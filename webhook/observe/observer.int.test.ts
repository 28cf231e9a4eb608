import assert from 'node:assert/strict';
import { KubeConfig } from '@kubernetes/client-node';
import pino from 'pino';
import { exactNumber, isObject, parseJson } from '../../shared/json.ts';
import { reconstruct } from '../../shared/reconstruct.ts';
import { configMap } from '../../shared/testing/reviews.ts';
import type { JsonObject } from '../../shared/types.ts';
import { Predicates } from '../capture/predicates.ts';
import { loadStep } from '../store/steps.ts';
import { CONFIG_MAPS, FakeApiServer, type SeenRequest, type ServedType } from '../testing/api-server.ts';
import { useFolder } from '../testing/folder.ts';
import { TestRecorder } from '../testing/recorder.ts';
import { until, type LogLine } from '../testing/server.ts';
import { KubeApiClient } from './api-client.ts';
import { RecorderFacts } from './facts.ts';
import { Observer, type ObserverTiming } from './observer.ts';

const SECRETS: ServedType = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret' };
const DEPLOYMENTS: ServedType = { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment' };
const LEASES: ServedType = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', kind: 'Lease' };
const DEFINITIONS: ServedType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
};
const TRAINS: ServedType = { group: 'example.com', version: 'v1', resource: 'trains', kind: 'Train' };

const FAST: ObserverTiming = {
  watchSeconds: 60,
  silenceMs: 10_000,
  backoffMinMs: 5,
  backoffMaxMs: 40,
  forbiddenMs: 10_000,
  discoverMs: 10_000,
  settleDiscoveryMs: 10,
  sweepMs: 10,
  dropAfterMs: 75_000,
};

const isWatch = ({ verb }: SeenRequest): boolean => verb === 'watch';
const isList = ({ verb }: SeenRequest): boolean => verb === 'list';

describe('observing an API server', () => {
  const file = useFolder();
  let api: FakeApiServer;
  let ledger: TestRecorder;
  let observer: Observer | undefined;
  let log: LogLine[];
  let reached: string[];
  beforeEach(async () => {
    api = await FakeApiServer.start(file, [CONFIG_MAPS]);
    ledger = await TestRecorder.open(file('ledger.db'));
    log = [];
    reached = [];
  });
  afterEach(async () => {
    await observer?.close();
    observer = undefined;
    await api.stop();
    await ledger.close();
  });

  function observe(timing: Partial<ObserverTiming> = {}): Observer {
    const kubeconfig = new KubeConfig();
    kubeconfig.loadFromFile(api.kubeconfig);
    const now = (): number => ledger.at;
    const created = new Observer({
      client: new KubeApiClient(kubeconfig),
      facts: new RecorderFacts(ledger.recorder, ledger.store, now),
      recorder: ledger.recorder,
      predicates: new Predicates([]),
      log: pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line) as LogLine) }),
      now,
      reached: (answers) => reached.push(answers ? 'reached' : 'unreachable'),
      timing: { ...FAST, ...timing },
    });
    observer = created;
    created.start();
    return created;
  }

  /** Resolves when everything is listed, and watched. */
  async function observed(timing: Partial<ObserverTiming> = {}): Promise<Observer> {
    const created = observe(timing);
    await until('it is synced', () => created.synced);
    await watching();
    return created;
  }

  const watching = (): Promise<void> => until('it watches', () => api.openWatches('configmaps') === 1);
  const put = (name: string, data: JsonObject, metadata: JsonObject = {}): JsonObject =>
    api.put(CONFIG_MAPS, configMap(data, { name, uid: `u-${name}`, ...metadata }));
  const remove = (name: string): void => api.remove(CONFIG_MAPS, 'shop', name);
  const summary = (): Promise<string[]> => ledger.summary();
  const recorded = (count: number): Promise<void> =>
    until(`${count} changes are recorded`, async () => (await ledger.store.last())?.seq === count);

  /** A marker that all that came before has been taken in, for what must not have been recorded. */
  async function last(name: string): Promise<void> {
    put(name, {});
    await until(`${name} is seen`, async () => (await ledger.store.objects({ names: [name] }, 1)).length === 1);
  }

  async function stateOf(name: string): Promise<JsonObject | null> {
    const [object] = await ledger.store.objects({ names: [name] }, 1);
    const [version] = object === undefined ? [] : await ledger.store.tail(object.id);
    return version === undefined ? null : reconstruct(version.seq, (seq) => loadStep(ledger.store, seq));
  }

  it('records what is there as a baseline', async () => {
    put('a', { level: 'info' });
    put('b', { level: 'debug' });
    await observed();
    assert.deepEqual(await summary(), ['1 baseline CREATE committed@1', '2 baseline CREATE committed@2']);
    assert.deepEqual(await stateOf('b'), configMap({ level: 'debug' }, { name: 'b', uid: 'u-b' }));
    assert.equal(api.seen('watch', 'configmaps')[0]?.query.get('resourceVersion'), '2');
  });

  it('goes through a list page by page', async () => {
    for (let n = 0; n < 1203; n++) put(`c-${n}`, { n: String(n) });
    await observed();
    assert.equal((await ledger.store.objects({}, 2000)).length, 1203);
    assert.deepEqual(
      api.seen('list', 'configmaps').map(({ query }) => [query.get('limit'), query.has('continue')]),
      [
        ['500', false],
        ['500', true],
        ['500', true],
      ],
    );
  });

  it('lists anew where a page has expired', async () => {
    for (let n = 0; n < 700; n++) put(`c-${n}`, {});
    api.fail((request) => isList(request) && request.query.has('continue'), { status: 410 }, 1);
    await observed();
    assert.equal(api.seen('list', 'configmaps').length, 4);
    assert.equal((await ledger.store.last())?.seq, 700);
  });

  it('settles attempts by what the watch shows', async () => {
    put('settings', { a: '1' }, { uid: 'u-1' });
    await observed();
    const seen = (data: JsonObject): JsonObject => configMap(data, { resourceVersion: '1' });
    await ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '2' }) });
    await ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '3' }) });
    put('settings', { a: '3' }, { uid: 'u-1' });
    await until('one is committed', async () => (await ledger.changes())[2]?.outcome === 'committed');
    put('settings', { a: '4' }, { uid: 'u-1' });
    await recorded(4);
    remove('settings');
    await recorded(5);
    assert.deepEqual(await summary(), [
      '1 baseline CREATE committed@1',
      '2 admission UPDATE dropped',
      '3 admission UPDATE committed@2',
      '4 watch UPDATE committed@3',
      '5 watch DELETE committed@4',
    ]);
  });

  it('resumes from the last version that it has taken in', async () => {
    await observed();
    api.advance(20);
    put('a', {});
    await recorded(1);
    api.resetWatches();
    await until('it watches again', () => api.seen('watch').length === 2);
    assert.equal(api.seen('watch')[1]?.query.get('resourceVersion'), '21');
    assert.equal(api.seen('list').length, 1);
  });

  it('asks for bookmarks, and resumes from the last one', async () => {
    put('a', {});
    await observed();
    assert.equal(api.seen('watch')[0]?.query.get('allowWatchBookmarks'), 'true');
    api.advance(40);
    for (let version = '1'; version !== '41';) {
      // A bookmark may be lost with the connection: then the next one tells.
      assert.ok(api.seen('watch').length < 20, 'it resumes from the bookmark');
      api.bookmark();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const count = api.seen('watch').length;
      api.resetWatches();
      await until('it watches again', () => api.openWatches() === 1 && api.seen('watch').length > count);
      version = api.seen('watch').at(-1)?.query.get('resourceVersion') ?? '';
    }
    assert.equal((await ledger.store.last())?.seq, 1);
  });

  it('watches again where the server ends a watch in time', async () => {
    await observed({ watchSeconds: 1 });
    put('a', {});
    await until('it watches again', () => api.seen('watch').length === 2);
    assert.equal(api.seen('watch')[1]?.query.get('resourceVersion'), '1');
    assert.deepEqual(log, []);
  });

  for (const expiry of ['status', 'event'] as const) {
    it(`lists anew after 410 as ${expiry === 'status' ? 'an HTTP status' : 'an event'}, and records what is gone`, async () => {
      for (const name of ['a', 'b', 'c']) put(name, { v: '1' });
      await observed();
      const undo = api.fail(isWatch, { status: 500 });
      api.resetWatches();
      await until('it tries again', () => api.seen('watch').length > 1);
      remove('a');
      put('b', { v: '2' });
      put('d', { v: '1' });
      remove('d');
      put('e', { v: '1' });
      api.compact(expiry);
      undo();
      await recorded(6);
      await watching();
      assert.equal(api.seen('list').length, 2);
      const changes = (await ledger.changes()).slice(3);
      assert.deepEqual(
        changes.map((change) => `${change.object.name} ${change.source} ${change.operation}`),
        ['b watch UPDATE', 'e watch CREATE', 'a watch DELETE'],
      );
      // Nobody saw it happen: it was somewhere since what was known before.
      assert.equal(await stateOf('a'), null);
      // The 410 is an answer: its connection is not kept.
      assert.equal(await api.connections(), 1);
    });
  }

  it('names a resource that it may not watch once, and goes on with the others', async () => {
    api.serve(SECRETS);
    put('a', {});
    api.fail(({ type }) => type === 'secrets', { status: 403 });
    const running = await observed({ forbiddenMs: 20 });
    await until('it has asked again', () => api.seen('list', 'secrets').length > 2);
    put('a', { v: '2' });
    await recorded(2);
    assert.deepEqual(
      log.map(({ msg, resource }) => [msg, resource]),
      [['not allowed to watch: settled by reviews alone', 'secrets']],
    );
    assert.ok(running.synced);
    assert.deepEqual(reached, []);
  });

  it('watches what it was not allowed to, as soon as it is', async () => {
    put('a', {});
    const undo = api.fail(isList, { status: 403 });
    observe({ forbiddenMs: 20 });
    await until('it is refused', () => log.length === 1);
    undo();
    await recorded(1);
    await watching();
  });

  it('does not drop attempts on what it may not watch', async () => {
    api.fail(isList, { status: 403 });
    observe({ dropAfterMs: 0 });
    await until('it is refused', () => log.length === 1);
    await ledger.review();
    ledger.at += 600_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(await summary(), ['1 admission CREATE pending']);
  });

  for (const [what, fault] of [
    ['a connection that is cut', 'reset'],
    ['an error of the server', { status: 500 }],
    ['too many requests', { status: 429 }],
  ] as const) {
    it(`goes on after ${what}, without loss and without doubles`, async () => {
      put('a', { v: '0' });
      api.fail(isList, fault, 3);
      await observed();
      for (let round = 1; round <= 5; round++) {
        api.fail(isWatch, fault, 2);
        put('a', { v: String(round) });
        api.resetWatches();
        put(`b-${round}`, {});
        await until('it watches again', () => api.openWatches() === 1);
      }
      await last('z');
      const values = (await ledger.changes())
        .filter(({ object }) => object.name === 'a')
        .map((change) => change.detail().patch.map((operation) => ('value' in operation ? operation.value : null)));
      assert.deepEqual(values.slice(1), [['1'], ['2'], ['3'], ['4'], ['5']]);
      assert.equal((await ledger.store.last())?.seq, 12);
      assert.equal(api.seen('list').length, 4);
    });
  }

  it('waits longer from one failure to the next', async () => {
    const times: number[] = [];
    api.fail(
      (request) => {
        if (isList(request)) times.push(performance.now());
        return isList(request);
      },
      { status: 500 },
    );
    observe({ backoffMinMs: 20, backoffMaxMs: 160 });
    await until('it has tried six times', () => times.length === 6);
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // 20, 40, 80, 160, 160, each between a half and the whole, and the request itself.
    const atLeast = [10, 20, 40, 80, 80];
    assert.ok(
      waits.every((wait, index) => wait >= (atLeast[index] ?? 0) - 1),
      String(waits.map(Math.round)),
    );
  });

  it('does not hammer a server that ends every watch at once', async () => {
    await observed();
    api.fail(isWatch, 'empty');
    api.resetWatches();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const count = api.seen('watch').length;
    assert.ok(count > 2 && count < 40, `${count} watches`);
  });

  it('opens a watch again that is silent for too long', async () => {
    put('a', {});
    await observed({ silenceMs: 100 });
    api.stallWatches('configmaps');
    put('a', { v: '2' });
    await recorded(2);
    assert.ok(log.some(({ reason }) => reason === 'the watch of configmaps was silent for too long'));
  });

  it('opens a watch again whose request is never answered', async () => {
    put('a', {});
    api.fail(isWatch, 'stall', 2);
    await observed({ silenceMs: 50 });
    put('a', { v: '2' });
    await recorded(2);
  });

  it('keeps a watch that is only quiet as long as there are bookmarks', async () => {
    put('a', {});
    await observed({ silenceMs: 300 });
    for (let n = 0; n < 12; n++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      api.bookmark();
    }
    assert.equal(api.seen('watch').length, 1);
  });

  it('goes on where an API server that was restarted left off', async () => {
    put('a', { v: '1' });
    await observed();
    await api.stop();
    await until('it is noticed', () => reached.includes('unreachable'));
    await api.restart();
    put('a', { v: '2' });
    await recorded(2);
    await until('it is noticed', () => reached.at(-1) === 'reached');
    assert.equal(api.seen('list').length, 1);
  });

  it('waits for an API server that is not there yet', async () => {
    put('a', {});
    await api.stop();
    observe();
    await until('it is noticed', () => reached.includes('unreachable'));
    await api.restart();
    await recorded(1);
    assert.deepEqual(reached, ['unreachable', 'reached']);
  });

  it('does not watch what is not recorded', async () => {
    api.serve(LEASES);
    await observed();
    assert.deepEqual(api.seen('list', 'leases.coordination.k8s.io'), []);
  });

  it('follows a resource that a definition adds, and leaves the one whose definition is removed', async () => {
    api.serve(DEFINITIONS);
    await observed();
    await until('it watches definitions', () => api.openWatches() === 2);
    api.serve(TRAINS);
    api.put(TRAINS, { metadata: { name: 'ice-1', namespace: 'shop', uid: 'u-t' }, spec: {} });
    api.put(DEFINITIONS, { metadata: { name: 'trains.example.com', uid: 'u-crd' } });
    await until('it watches trains', () => api.openWatches('trains.example.com') === 1);
    await recorded(2);
    api.remove(TRAINS, 'shop', 'ice-1');
    await recorded(3);
    api.withdraw('trains.example.com');
    api.remove(DEFINITIONS, '', 'trains.example.com');
    await recorded(4);
    await until('it has asked', () => api.seen('discovery').at(-1)?.path === '/apis/apiextensions.k8s.io/v1');
    const asked = api.seen('watch', 'trains.example.com').length + api.seen('list', 'trains.example.com').length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(api.seen('watch', 'trains.example.com').length + api.seen('list', 'trains.example.com').length, asked);
    assert.equal(api.openWatches(), 2);
  });

  it('ends the objects of a definition that is removed while nobody looks', async () => {
    api.serve(DEFINITIONS);
    api.serve(TRAINS);
    api.put(DEFINITIONS, { metadata: { name: 'trains.example.com', uid: 'u-crd' } });
    api.put(TRAINS, { metadata: { name: 'ice-1', namespace: 'shop', uid: 'u-t' }, spec: {} });
    await observed();
    await recorded(2);
    await observer?.close();
    api.withdraw('trains.example.com');
    api.remove(DEFINITIONS, '', 'trains.example.com');
    observe();
    await recorded(4);
    assert.equal(await stateOf('ice-1'), null);
  });

  it('watches the others where a group cannot be discovered', async () => {
    api.serve(DEPLOYMENTS);
    api.serveBrokenGroup('metrics.k8s.io', 'v1beta1');
    put('a', {});
    api.put(DEPLOYMENTS, { metadata: { name: 'web', namespace: 'shop', uid: 'u-d' }, spec: { replicas: 1 } });
    await observed();
    await until('it watches both', () => api.openWatches() === 2);
    assert.equal((await ledger.store.last())?.seq, 2);
    assert.deepEqual([log[0]?.msg, log[0]?.group], ['group not discovered', 'metrics.k8s.io']);
    assert.deepEqual(reached, []);
  });

  it('does not watch its own native API: each change would make another one', async () => {
    api.serve({ group: 'kubeblame.io', version: 'v1alpha1', resource: 'changes', kind: 'Change' });
    put('a', {});
    await observed();
    await until('it watches', () => api.openWatches() === 1);
    assert.deepEqual(
      api.requests.filter(({ path }) => path.includes('kubeblame.io')).map(({ path }) => path),
      [],
    );
  });

  it('keeps the watches of a group that can no longer be discovered', async () => {
    api.serve(DEPLOYMENTS);
    await observed({ discoverMs: 30 });
    await until('it watches both', () => api.openWatches() === 2);
    api.fail(({ path }) => path === '/apis/apps/v1', { status: 503 });
    await until('that is noticed', () => log.some(({ msg }) => msg === 'group not discovered'));
    api.put(DEPLOYMENTS, { metadata: { name: 'web', namespace: 'shop', uid: 'u-d' }, spec: { replicas: 1 } });
    await recorded(1);
    assert.equal(api.openWatches(), 2);
  });

  it('loses no digit of large numbers, neither in a list nor in a watch', async () => {
    const exact = (text: string): JsonObject => {
      const value = parseJson(text);
      assert.ok(isObject(value));
      return value;
    };
    put('a', {}, { annotations: {} });
    api.put(
      CONFIG_MAPS,
      exact('{"metadata":{"name":"n","namespace":"shop","uid":"u-n"},"spec":{"big":12345678901234567890}}'),
    );
    await observed();
    const big = async (): Promise<string | null> => {
      const spec = (await stateOf('n'))?.spec;
      return isObject(spec) && typeof spec.big === 'string' ? exactNumber(spec.big) : null;
    };
    assert.equal(await big(), '12345678901234567890');
    api.put(
      CONFIG_MAPS,
      exact('{"metadata":{"name":"n","namespace":"shop","uid":"u-n"},"spec":{"big":12345678901234567891}}'),
    );
    await recorded(3);
    assert.equal(await big(), '12345678901234567891');
  });

  describe('an attempt that was never shown', () => {
    const sweeps = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));
    const unanswered = ({ query }: SeenRequest): boolean => query.has('fieldSelector');

    it('is dropped by the watch, and not before its time', async () => {
      // By the watch alone: no question is answered.
      api.fail(unanswered, { status: 500 });
      await observed();
      await ledger.review();
      // A watch that says nothing covers nothing.
      ledger.at += 600_000;
      await sweeps();
      assert.deepEqual(await summary(), ['1 admission CREATE pending']);
      ledger.at -= 600_000;
      ledger.at += FAST.dropAfterMs;
      api.bookmark();
      await sweeps();
      assert.deepEqual(await summary(), ['1 admission CREATE pending']);
      ledger.at += 1;
      api.bookmark();
      await until('it is dropped', async () => (await summary())[0] === '1 admission CREATE dropped');
      assert.equal((await ledger.changes())[0]?.outcomeReason, 'the watch never showed it');
    });

    it('is dropped by asking where the watch has nothing to say, and not before its time', async () => {
      put('settings', { a: '1' }, { uid: 'u-1' });
      await observed();
      const seen = (data: JsonObject): JsonObject => configMap(data, { resourceVersion: '1' });
      await ledger.review({ name: 'never', object: configMap({}, { name: 'never', uid: 'u-2' }) });
      await ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '2' }) });
      await ledger.review({ operation: 'DELETE', oldObject: seen({ a: '1' }), object: null });
      await sweeps();
      assert.deepEqual(api.seen('list').filter(unanswered), []);
      ledger.at += FAST.dropAfterMs + 1000;
      await until('all are dropped', async () => (await ledger.store.open(0, 1)).length === 0);
      assert.deepEqual(await summary(), [
        '1 baseline CREATE committed@1',
        '2 admission CREATE dropped',
        '3 admission UPDATE dropped',
        '4 admission DELETE dropped',
      ]);
      assert.deepEqual(
        [
          ...new Set(
            api
              .seen('list')
              .filter(unanswered)
              .map(({ path, query }) => `${path} ${query.toString()}`),
          ),
        ],
        [
          '/api/v1/namespaces/shop/configmaps fieldSelector=metadata.name%3Dnever',
          '/api/v1/namespaces/shop/configmaps fieldSelector=metadata.name%3Dsettings',
        ],
      );
    });

    it('waits for a watch that is late where asking shows something new', async () => {
      put('settings', { a: '1' }, { uid: 'u-1' });
      await observed();
      const seen = (data: JsonObject): JsonObject => configMap(data, { resourceVersion: '1' });
      await ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '2' }) });
      await ledger.review({ name: 'late', object: configMap({}, { name: 'late', uid: 'u-late' }) });
      api.stallWatches('configmaps');
      put('settings', { a: '2' }, { uid: 'u-1' });
      put('late', {});
      ledger.at += FAST.dropAfterMs + 1000;
      await until('it was asked about both', () => api.seen('list').filter(unanswered).length >= 2);
      await sweeps();
      assert.deepEqual((await summary()).slice(1), ['2 admission UPDATE pending', '3 admission CREATE pending']);
      api.resetWatches();
      await until('both are settled', async () => (await ledger.store.open(0, 1)).length === 0);
      assert.deepEqual((await summary()).slice(1), [
        '2 admission UPDATE committed@2',
        '3 admission CREATE committed@3',
      ]);
    });
  });

  it('leaves nothing open when it is closed', async () => {
    api.serve(DEPLOYMENTS);
    api.serve(SECRETS);
    api.fail(({ type, verb }) => type === 'secrets' && verb === 'list', 'stall');
    observe();
    await until('it watches, and waits for an answer', () => api.openWatches() === 2 && api.seen('list').length === 3);
    await observer?.close();
    await until('its connections are gone', async () => (await api.connections()) === 0);
    const requests = api.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(api.requests.length, requests);
  });

  it('closes while it cannot reach anything', async () => {
    await api.stop();
    observe({ backoffMaxMs: 60_000 });
    await until('it is noticed', () => reached.includes('unreachable'));
    await observer?.close();
    await api.restart();
  });
});
