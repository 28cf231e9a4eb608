import assert from 'node:assert/strict';
import type { SeenRequest } from '../../../testing/api-server/requests.ts';
import { useFolder } from '../../../testing/folder.ts';
import { Observed } from '../../../testing/api-server/observed.ts';
import { until } from '../../../testing/server/server.ts';

const isWatch = ({ verb }: SeenRequest): boolean => verb === 'watch';
const isList = ({ verb }: SeenRequest): boolean => verb === 'list';

describe('observing an API server that fails', () => {
  const file = useFolder();
  let on: Observed;
  beforeEach(async () => {
    on = await Observed.start(file);
  });
  afterEach(() => on.stop());

  it('lists anew where a page has expired', async () => {
    for (let n = 0; n < 700; n++) on.put(`c-${n}`, {});
    on.api.fail((request) => isList(request) && request.query.has('continue'), { status: 410 }, 1);
    await on.observed();
    // One page and the second that fails; then three, of 100, 500 and 100.
    assert.equal(on.api.seen('list', 'configmaps').length, 5);
    assert.equal((await on.ledger.store.last())?.seq, 700);
  });

  for (const expiry of ['status', 'event'] as const) {
    it(`lists anew after 410 as ${expiry === 'status' ? 'an HTTP status' : 'an event'}, and records what is gone`, async () => {
      for (const name of ['a', 'b', 'c']) on.put(name, { v: '1' });
      await on.observed();
      const undo = on.api.fail(isWatch, { status: 500 });
      on.api.resetWatches();
      await until('it tries again', () => on.api.seen('watch').length > 1);
      on.remove('a');
      on.put('b', { v: '2' });
      on.put('d', { v: '1' });
      on.remove('d');
      on.put('e', { v: '1' });
      on.api.compact(expiry);
      undo();
      await on.recorded(6);
      await on.watching();
      assert.equal(on.api.seen('list').length, 2);
      const changes = (await on.ledger.changes()).slice(3);
      assert.deepEqual(
        changes.map((change) => `${change.object.name} ${change.source} ${change.operation}`),
        ['b watch UPDATE', 'e watch CREATE', 'a watch DELETE'],
      );
      // Nobody saw it happen: it was somewhere since what was known before.
      assert.equal(await on.stateOf('a'), null);
      // The 410 is an answer: its connection is not kept.
      assert.equal(await on.api.connections(), 1);
    });
  }

  it('goes on where a watch ends with 410 while what it showed is still to be committed', async () => {
    on.put('a', { v: '1' });
    await on.observed();
    on.ledger.hold();
    on.put('b', { v: '1' });
    on.put('a', { v: '2' });
    await until('both are held', () => on.ledger.heldFacts === 2);
    on.api.expireWatches();
    on.put('a', { v: '3' });
    on.ledger.letIn();
    await on.recorded(4);
    await until('it lists anew', () => on.api.seen('list').length === 2);
    assert.deepEqual(await on.summary(), [
      '1 baseline CREATE committed@1',
      '2 watch CREATE committed@2',
      '3 watch UPDATE committed@3',
      '4 watch UPDATE committed@4',
    ]);
  });

  for (const [what, fault] of [
    ['a connection that is cut', 'reset'],
    ['an error of the server', { status: 500 }],
    ['too many requests', { status: 429 }],
  ] as const) {
    it(`goes on after ${what}, without loss and without doubles`, async () => {
      on.put('a', { v: '0' });
      on.api.fail(isList, fault, 3);
      await on.observed();
      for (let round = 1; round <= 5; round++) {
        on.api.fail(isWatch, fault, 2);
        on.put('a', { v: String(round) });
        on.api.resetWatches();
        on.put(`b-${round}`, {});
        await until('it watches again', () => on.api.openWatches() === 1);
      }
      await on.last('z');
      const values = (await on.ledger.changes())
        .filter(({ object }) => object.name === 'a')
        .map((change) => change.detail().patch.map((operation) => ('value' in operation ? operation.value : null)));
      assert.deepEqual(values.slice(1), [['1'], ['2'], ['3'], ['4'], ['5']]);
      assert.equal((await on.ledger.store.last())?.seq, 12);
      assert.equal(on.api.seen('list').length, 4);
    });
  }

  it('waits longer from one failure to the next', async () => {
    const times: number[] = [];
    on.api.fail(
      (request) => {
        if (isList(request)) times.push(performance.now());
        return isList(request);
      },
      { status: 500 },
    );
    on.observe({ backoffMinMs: 20, backoffMaxMs: 160 });
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
    await on.observed();
    on.api.fail(isWatch, 'empty');
    on.api.resetWatches();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const count = on.api.seen('watch').length;
    assert.ok(count > 2 && count < 40, `${count} watches`);
  });

  it('opens a watch again that is silent for too long', async () => {
    on.put('a', {});
    await on.observed({ silenceMs: 100 });
    on.api.stallWatches('configmaps');
    on.put('a', { v: '2' });
    await on.recorded(2);
    assert.ok(on.log.some(({ reason }) => reason === 'the watch of /api/v1/configmaps was silent for too long'));
  });

  it('opens a watch again whose request is never answered', async () => {
    on.put('a', {});
    on.api.fail(isWatch, 'stall', 2);
    await on.observed({ silenceMs: 50 });
    on.put('a', { v: '2' });
    await on.recorded(2);
  });

  it('keeps a watch that is only quiet as long as there are bookmarks', async () => {
    on.put('a', {});
    await on.observed({ silenceMs: 300 });
    for (let n = 0; n < 12; n++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      on.api.bookmark();
    }
    assert.equal(on.api.seen('watch').length, 1);
  });

  it('goes on where an API server that was restarted left off', async () => {
    on.put('a', { v: '1' });
    await on.observed();
    await on.api.stop();
    await until('it is noticed', () => on.reached.includes('unreachable'));
    await on.api.restart();
    on.put('a', { v: '2' });
    await on.recorded(2);
    await until('it is noticed', () => on.reached.at(-1) === 'reached');
    assert.equal(on.api.seen('list').length, 1);
  });

  it('waits for an API server that is not there yet', async () => {
    on.put('a', {});
    await on.api.stop();
    on.observe();
    await until('it is noticed', () => on.reached.includes('unreachable'));
    await on.api.restart();
    await on.recorded(1);
    assert.deepEqual(on.reached, ['unreachable', 'reached']);
  });

  it('closes while it cannot reach anything', async () => {
    await on.api.stop();
    on.observe({ backoffMaxMs: 60_000 });
    await until('it is noticed', () => on.reached.includes('unreachable'));
    await on.observer?.close();
    await on.api.restart();
  });
});
