import assert from 'node:assert/strict';
import { isObject } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { registeredAt, SECRETS, useInstallation } from '../../testing/cluster/installation.ts';
import { until, type TestServer } from '../../testing/server/server.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('the certificates of a server that registers itself', () => {
  const on = useInstallation();
  const { start, registered, secret, generations, call } = on;

  /** Calls the webhook over and over as it is registered, for as long as `during` takes; resolves with the answers. */
  async function load(server: TestServer, during: () => Promise<void>): Promise<Record<string, number>> {
    const answers: Record<string, number> = {};
    let over = false;
    const worker = async (): Promise<void> => {
      while (!over) {
        const to = registeredAt(on.api);
        const answer = to === null ? 'not registered' : await call(server, to).catch((error: Error) => error.message);
        answers[answer] = (answers[answer] ?? 0) + 1;
      }
    };
    const workers = [worker(), worker(), worker(), worker()];
    await during();
    over = true;
    await Promise.all(workers);
    return answers;
  }

  /** Resolves when a whole rotation has happened. */
  async function rotated(from: string): Promise<void> {
    await until('the new one serves alone', () => {
      const { current, next, previous } = generations() ?? {};
      return current?.pathSecret !== from && next === null && previous === null;
    });
  }

  it('rotates long before the end, under load, and loses and refuses nothing', async function () {
    this.timeout(30_000);
    // Made four months ago. The client's clock is the real one.
    on.clock -= 121 * DAY_MS;
    const server = await start();
    const old = await registered();
    const before = generations()?.current.pathSecret ?? '';
    const stages = new Set<string>();
    const watch = setInterval(() => {
      const { next, previous } = generations() ?? {};
      stages.add(next ? 'next' : previous ? 'previous' : 'alone');
    }, 5);
    const answers = await load(server, async () => {
      on.clock += 121 * DAY_MS;
      await rotated(before);
    });
    clearInterval(watch);
    assert.deepEqual(Object.keys(answers), ['200'], JSON.stringify(answers));
    assert.deepEqual([...stages], ['alone', 'next', 'previous']);
    await until('the old authority is out of the bundle', () => registeredAt(on.api)?.ca.includes(old.ca) === false);
    const to = await registered();
    assert.notEqual(to.path, old.path);
    // Every one is in the ledger.
    await server.settled();
    const reader = openSqliteReader(server.config.db);
    const recorded = await reader.changes({ type: { group: '', resource: 'configmaps' } }, 100_000);
    await reader.close();
    assert.equal(recorded.length, answers['200']);
    // The old path is over.
    assert.equal(await call(server, { ...to, path: old.path }), 401);
  });

  it('loses nothing where its Secret is deleted: it is restored, and new keys begin', async function () {
    this.timeout(30_000);
    const server = await start();
    await registered();
    const before = generations()?.current.pathSecret ?? '';
    const answers = await load(server, async () => {
      on.api.remove(SECRETS, 'kubeblame', 'kubeblame-tls');
      await until('it is back', () => secret() !== undefined);
      assert.equal(generations()?.current.pathSecret, before);
      await rotated(before);
    });
    assert.deepEqual(Object.keys(answers), ['200'], JSON.stringify(answers));
  });

  it('goes on where a write arrived, and its answer did not', async () => {
    const server = await start();
    await registered();
    const before = generations()?.current.pathSecret ?? '';
    on.api.remove(SECRETS, 'kubeblame', 'kubeblame-tls');
    await until('the next one has begun', () => generations()?.next !== null && generations() !== null);
    // From here on every write arrives, and is answered with a failure.
    on.api.loseAnswers = 3;
    await rotated(before);
    assert.equal(on.api.loseAnswers, 0);
    await until('it serves with it', async () => (await call(server, await registered())) === 200);
    // Where the last answer of the rotation was the one that was lost, another rotation has begun.
    await until('nothing is under way', async () => {
      const { path } = await registered();
      const { current, next, previous } = generations() ?? {};
      return next === null && previous === null && path === `/admit/${current?.pathSecret}`;
    });
  });

  it('does the same where its Secret is spoilt', async () => {
    await start();
    await registered();
    const before = generations()?.current;
    const { data, metadata } = secret() ?? {};
    const { resourceVersion: _, ...kept } = metadata as JsonObject;
    on.api.put(SECRETS, {
      metadata: kept,
      data: { ...(isObject(data) ? data : {}), 'tls.crt': 'bm8gY2VydGlmaWNhdGU=' },
    });
    await until('it is restored', () => generations()?.current.pathSecret === before?.pathSecret);
  });

  it('starts anew from a Secret that is of no use', async () => {
    on.api.put(SECRETS, { metadata: { name: 'kubeblame-tls', namespace: 'kubeblame' }, data: { path: 'YQ==' } });
    const server = await start();
    assert.equal(await call(server, await registered()), 200);
  });

  it('heals after a clock that had jumped ahead', async () => {
    const real = on.clock;
    on.clock += 5 * 365 * DAY_MS;
    const server = await start();
    await registered();
    const wrong = generations()?.current.madeAt ?? 0;
    assert.ok(wrong > real + 1000 * DAY_MS);
    on.clock = real;
    await until('it is made anew', () => (generations()?.current.madeAt ?? wrong) <= real);
    await until(
      'it is registered anew',
      () => registeredAt(on.api)?.path.endsWith(generations()?.current.pathSecret ?? '-') === true,
    );
    assert.equal(await call(server, await registered()), 200);
  });
});
