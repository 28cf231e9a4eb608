import assert from 'node:assert/strict';
import { exactNumber, isObject, parseJson } from '../../../../shared/json.ts';
import { configMap } from '../../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import type { SeenRequest } from '../../../testing/api-server/requests.ts';
import { CONFIG_MAPS, type ServedType } from '../../../testing/api-server/served-types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { FAST, Observed } from '../../../testing/api-server/observed.ts';
import { until } from '../../../testing/server/server.ts';

const SECRETS: ServedType = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret' };
const DEPLOYMENTS: ServedType = { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment' };
const LEASES: ServedType = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', kind: 'Lease' };
const isList = ({ verb }: SeenRequest): boolean => verb === 'list';

describe('observing an API server', () => {
  const file = useFolder();
  let on: Observed;
  beforeEach(async () => {
    on = await Observed.start(file);
  });
  afterEach(() => on.stop());

  it('records what is there as a baseline', async () => {
    on.put('a', { level: 'info' });
    on.put('b', { level: 'debug' });
    await on.observed();
    assert.deepEqual(await on.summary(), ['1 baseline CREATE committed@1', '2 baseline CREATE committed@2']);
    assert.deepEqual(await on.stateOf('b'), configMap({ level: 'debug' }, { name: 'b', uid: 'u-b' }));
    assert.equal(on.api.seen('watch', 'configmaps')[0]?.query.get('resourceVersion'), '2');
  });

  it('goes through a list page by page', async () => {
    for (let n = 0; n < 1203; n++) on.put(`c-${n}`, { n: String(n) });
    await on.observed();
    assert.equal((await on.ledger.store.objects({}, 2000)).length, 1203);
    assert.deepEqual(
      on.api.seen('list', 'configmaps').map(({ query }) => [query.get('limit'), query.has('continue')]),
      [
        ['100', false],
        ['500', true],
        ['500', true],
        ['500', true],
      ],
    );
  });

  it('asks for smaller pages where objects are large', async () => {
    const text = 'x'.repeat(100 * 1024);
    for (let n = 0; n < 130; n++) on.put(`c-${n}`, { text });
    await on.observed();
    assert.equal((await on.ledger.store.objects({}, 2000)).length, 130);
    assert.deepEqual(
      on.api.seen('list', 'configmaps').map(({ query }) => query.get('limit')),
      ['100', '327'],
    );
  });

  it('settles attempts by what the watch shows', async () => {
    on.put('settings', { a: '1' }, { uid: 'u-1' });
    await on.observed();
    const seen = (data: JsonObject): JsonObject => configMap(data, { resourceVersion: '1' });
    await on.ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '2' }) });
    await on.ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '3' }) });
    on.put('settings', { a: '3' }, { uid: 'u-1' });
    await until('one is committed', async () => (await on.ledger.changes())[2]?.outcome === 'committed');
    on.put('settings', { a: '4' }, { uid: 'u-1' });
    await on.recorded(4);
    on.remove('settings');
    await on.recorded(5);
    assert.deepEqual(await on.summary(), [
      '1 baseline CREATE committed@1',
      '2 admission UPDATE dropped',
      '3 admission UPDATE committed@2',
      '4 watch UPDATE committed@3',
      '5 watch DELETE committed@4',
    ]);
  });

  it('resumes from the last version that it has taken in', async () => {
    await on.observed();
    on.api.advance(20);
    on.put('a', {});
    await on.recorded(1);
    on.api.resetWatches();
    await until('it watches again', () => on.api.seen('watch').length === 2);
    assert.equal(on.api.seen('watch')[1]?.query.get('resourceVersion'), '21');
    assert.equal(on.api.seen('list').length, 1);
  });

  it('asks for bookmarks, and resumes from the last one', async () => {
    on.put('a', {});
    await on.observed();
    assert.equal(on.api.seen('watch')[0]?.query.get('allowWatchBookmarks'), 'true');
    on.api.advance(40);
    for (let version = '1'; version !== '41';) {
      // A bookmark may be lost with the connection: then the next one tells.
      assert.ok(on.api.seen('watch').length < 20, 'it resumes from the bookmark');
      on.api.bookmark();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const count = on.api.seen('watch').length;
      on.api.resetWatches();
      await until('it watches again', () => on.api.openWatches() === 1 && on.api.seen('watch').length > count);
      version = on.api.seen('watch').at(-1)?.query.get('resourceVersion') ?? '';
    }
    assert.equal((await on.ledger.store.last())?.seq, 1);
  });

  it('watches again where the server ends a watch in time', async () => {
    await on.observed({ watchSeconds: 1 });
    on.put('a', {});
    await until('it watches again', () => on.api.seen('watch').length === 2);
    assert.equal(on.api.seen('watch')[1]?.query.get('resourceVersion'), '1');
    assert.deepEqual(on.log, []);
  });

  it('names a resource that it may not watch once, and goes on with the others', async () => {
    on.api.serve(SECRETS);
    on.put('a', {});
    on.api.fail(({ type }) => type === 'secrets', { status: 403 });
    const running = await on.observed({ forbiddenMs: 20 });
    await until('it has asked again', () => on.api.seen('list', 'secrets').length > 2);
    on.put('a', { v: '2' });
    await on.recorded(2);
    assert.deepEqual(
      on.log.map(({ msg, resource }) => [msg, resource]),
      [['not allowed to watch: settled by reviews alone', 'secrets']],
    );
    assert.ok(running.synced);
    assert.deepEqual(on.reached, []);
  });

  it('watches what it was not allowed to, as soon as it is', async () => {
    on.put('a', {});
    const undo = on.api.fail(isList, { status: 403 });
    on.observe({ forbiddenMs: 20 });
    await until('it is refused', () => on.log.length === 1);
    undo();
    await on.recorded(1);
    await on.watching();
  });

  it('does not drop attempts on what it may not watch', async () => {
    on.api.fail(isList, { status: 403 });
    on.observe({ dropAfterMs: 0 });
    await until('it is refused', () => on.log.length === 1);
    await on.ledger.review();
    on.ledger.at += 600_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(await on.summary(), ['1 admission CREATE pending']);
  });

  it('does not watch what is not recorded', async () => {
    on.api.serve(LEASES);
    await on.observed();
    assert.deepEqual(on.api.seen('list', 'leases.coordination.k8s.io'), []);
  });

  it('loses no digit of large numbers, neither in a list nor in a watch', async () => {
    const exact = (text: string): JsonObject => {
      const value = parseJson(text);
      assert.ok(isObject(value));
      return value;
    };
    on.put('a', {}, { annotations: {} });
    on.api.put(
      CONFIG_MAPS,
      exact('{"metadata":{"name":"n","namespace":"shop","uid":"u-n"},"spec":{"big":12345678901234567890}}'),
    );
    await on.observed();
    const big = async (): Promise<string | null> => {
      const spec = (await on.stateOf('n'))?.spec;
      return isObject(spec) && typeof spec.big === 'string' ? exactNumber(spec.big) : null;
    };
    assert.equal(await big(), '12345678901234567890');
    on.api.put(
      CONFIG_MAPS,
      exact('{"metadata":{"name":"n","namespace":"shop","uid":"u-n"},"spec":{"big":12345678901234567891}}'),
    );
    await on.recorded(3);
    assert.equal(await big(), '12345678901234567891');
  });

  describe('an attempt that was never shown', () => {
    const sweeps = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));
    const unanswered = ({ query }: SeenRequest): boolean => query.has('fieldSelector');

    it('is dropped by the watch, and not before its time', async () => {
      // By the watch alone: no question is answered.
      on.api.fail(unanswered, { status: 500 });
      await on.observed();
      await on.ledger.review();
      // A watch that says nothing covers nothing.
      on.ledger.at += 600_000;
      await sweeps();
      assert.deepEqual(await on.summary(), ['1 admission CREATE pending']);
      on.ledger.at -= 600_000;
      on.ledger.at += FAST.dropAfterMs;
      on.api.bookmark();
      await sweeps();
      assert.deepEqual(await on.summary(), ['1 admission CREATE pending']);
      on.ledger.at += 1;
      on.api.bookmark();
      await until('it is dropped', async () => (await on.summary())[0] === '1 admission CREATE dropped');
      assert.equal((await on.ledger.changes())[0]?.outcomeReason, 'the watch never showed it');
    });

    it('is dropped by asking where the watch has nothing to say, and not before its time', async () => {
      on.put('settings', { a: '1' }, { uid: 'u-1' });
      await on.observed();
      const seen = (data: JsonObject): JsonObject => configMap(data, { resourceVersion: '1' });
      await on.ledger.review({ name: 'never', object: configMap({}, { name: 'never', uid: 'u-2' }) });
      await on.ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '2' }) });
      await on.ledger.review({ operation: 'DELETE', oldObject: seen({ a: '1' }), object: null });
      await sweeps();
      assert.deepEqual(on.api.seen('list').filter(unanswered), []);
      on.ledger.at += FAST.dropAfterMs + 1000;
      await until('all are dropped', async () => (await on.ledger.store.openAttempts(0, 1)).length === 0);
      assert.deepEqual(await on.summary(), [
        '1 baseline CREATE committed@1',
        '2 admission CREATE dropped',
        '3 admission UPDATE dropped',
        '4 admission DELETE dropped',
      ]);
      const questions = on.api.seen('list').filter(unanswered);
      assert.deepEqual(
        [...new Set(questions.map(({ path, query }) => `${path} ${query.toString()}`))],
        [
          '/api/v1/namespaces/shop/configmaps fieldSelector=metadata.name%3Dnever',
          '/api/v1/namespaces/shop/configmaps fieldSelector=metadata.name%3Dsettings',
        ],
      );
    });

    it('waits for a watch that is late where asking shows something new', async () => {
      on.put('settings', { a: '1' }, { uid: 'u-1' });
      await on.observed();
      const seen = (data: JsonObject): JsonObject => configMap(data, { resourceVersion: '1' });
      await on.ledger.review({ operation: 'UPDATE', oldObject: seen({ a: '1' }), object: seen({ a: '2' }) });
      await on.ledger.review({ name: 'late', object: configMap({}, { name: 'late', uid: 'u-late' }) });
      on.api.stallWatches('configmaps');
      on.put('settings', { a: '2' }, { uid: 'u-1' });
      on.put('late', {});
      on.ledger.at += FAST.dropAfterMs + 1000;
      await until('it was asked about both', () => on.api.seen('list').filter(unanswered).length >= 2);
      await sweeps();
      assert.deepEqual((await on.summary()).slice(1), ['2 admission UPDATE pending', '3 admission CREATE pending']);
      on.api.resetWatches();
      await until('both are settled', async () => (await on.ledger.store.openAttempts(0, 1)).length === 0);
      assert.deepEqual((await on.summary()).slice(1), [
        '2 admission UPDATE committed@2',
        '3 admission CREATE committed@3',
      ]);
    });
  });

  it('leaves nothing open when it is closed', async () => {
    on.api.serve(DEPLOYMENTS);
    on.api.serve(SECRETS);
    on.api.fail(({ type, verb }) => type === 'secrets' && verb === 'list', 'stall');
    on.observe();
    await until(
      'it watches, and waits for an answer',
      () => on.api.openWatches() === 2 && on.api.seen('list').length === 3,
    );
    await on.observer?.close();
    await until('its connections are gone', async () => (await on.api.connections()) === 0);
    const requests = on.api.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(on.api.requests.length, requests);
  });
});
