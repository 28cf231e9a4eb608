import assert from 'node:assert/strict';
import pino from 'pino';
import type { JsonObject } from '../../../shared/types.ts';
import { openApiClient } from '../../platform/kubernetes/api-client.ts';
import { API_SERVICES, ENDPOINT_SLICES, NAMESPACES, useInstallation } from '../../testing/cluster/installation.ts';
import { until } from '../../testing/server/server.ts';
import { Withdrawal } from './withdrawal.ts';

const NAME = 'v1alpha1.kubeblame.io';

describe('a gateway that stops', () => {
  const on = useInstallation();
  const open: Withdrawal[] = [];
  const log: JsonObject[] = [];

  beforeEach(() => {
    log.length = 0;
    register('kubeblame');
  });
  afterEach(async () => {
    for (const withdrawal of open.splice(0)) await withdrawal.stop();
  });

  async function start(pod: string, stopMs = 40): Promise<Withdrawal> {
    const withdrawal = new Withdrawal({
      client: await openApiClient({ file: on.api.kubeconfig }),
      place: { namespace: 'kubeblame', service: 'kubeblame-gateway', pod },
      timing: { everyMs: 10, stopMs, stepMs: 10 },
      log: pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line) as JsonObject) }),
    });
    open.push(withdrawal);
    return withdrawal;
  }
  function register(namespace: string): void {
    const spec = { group: 'kubeblame.io', service: { name: 'kubeblame-gateway', namespace } };
    on.api.put(API_SERVICES, { metadata: { name: NAME, uid: 'u' }, spec });
  }
  function ready(...pods: string[]): void {
    const endpoints = pods.map((name) => ({ conditions: { ready: true }, targetRef: { kind: 'Pod', name } }));
    on.api.put(ENDPOINT_SLICES, { metadata: { name: 'x', namespace: 'kubeblame' }, endpoints });
  }
  const isRegistered = (): boolean => on.api.find('apiservices.apiregistration.k8s.io', '', NAME) !== undefined;

  it('withdraws the native API where it is the last one', async () => {
    ready('a');
    await (await start('a')).stop();
    assert.equal(isRegistered(), false);
    assert.deepEqual(
      log.map(({ msg, reason }) => [msg, reason]),
      [['native API withdrawn', 'the last gateway stops']],
    );
  });

  it('leaves it to another one that stays ready', async () => {
    ready('a', 'b');
    await (await start('a')).stop();
    assert.equal(isRegistered(), true);
  });

  it('finds out that all stop at once, though each sees the other as ready at first', async () => {
    ready('a', 'b');
    const [a, b] = [await start('a', 10_000), await start('b', 10_000)];
    const asked = on.api.seen('list').length;
    const stopped = Promise.all([a.stop(), b.stop()]);
    await until('they have looked', () => on.api.seen('list').length > asked + 1);
    ready();
    await stopped;
    assert.equal(isRegistered(), false);
  });

  it('withdraws it as soon as the namespace is being deleted, also while others are ready', async () => {
    ready('a', 'b');
    const gateway = await start('a');
    await until('it looks', () => on.api.seen('get', 'namespaces').length > 1);
    assert.equal(isRegistered(), true);
    on.api.put(NAMESPACES, { metadata: { name: 'kubeblame', uid: 'u', deletionTimestamp: '2026-11-30T16:00:00Z' } });
    await until('it is withdrawn', () => !isRegistered());
    // It looks again and again: an API server that stops before it may wait for it.
    await gateway.stop();
  });

  it('leaves an APIService of another installation alone', async () => {
    register('elsewhere');
    ready('a');
    await (await start('a')).stop();
    assert.equal(isRegistered(), true);
  });

  it('stops all the same where it may not, and says why once', async () => {
    on.api.fail(({ verb }) => verb === 'delete', { status: 403 });
    ready('a');
    await (await start('a')).stop();
    assert.equal(isRegistered(), true);
    assert.equal(log.filter(({ msg }) => msg === 'native API not withdrawn').length, 1);
    assert.match(log[0]?.reason as string, /: 403 /);
  });
});
