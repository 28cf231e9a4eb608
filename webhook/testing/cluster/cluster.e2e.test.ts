import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { isObject } from '../../../shared/json.ts';
import { useCluster } from './cluster.ts';
import { until } from '../server/server.ts';

/*
 * The harness that the other end-to-end tests stand on.
 */
describe('a cluster for tests', () => {
  const cluster = useCluster();

  it('knows its users, and lets only the admin act', async () => {
    const who = await cluster().kubectl('alice@example.com', ['auth', 'whoami', '-o', 'json']);
    const { status } = JSON.parse(who) as { status: { userInfo: { username: string; groups: string[] } } };
    assert.deepEqual(
      [status.userInfo.username, status.userInfo.groups],
      ['alice@example.com', ['dev-team', 'system:authenticated']],
    );
    const refused = await cluster().tryKubectl('alice@example.com', ['create', 'namespace', 'hers']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^Error from server \(Forbidden\)/);
    await cluster().kubectl('admin', ['create', 'namespace', 'shop']);
  });

  it('takes what kubectl is given on stdin, and logs the request with its body before it is answered', async () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { level: 'info' } };
    await cluster().kubectl('admin', ['apply', '-n', 'shop', '-f', '-'], JSON.stringify(object));
    const logged = cluster()
      .auditLog()
      .filter(({ objectRef }) => isObject(objectRef) && objectRef.name === 'settings');
    assert.deepEqual(
      logged.map(({ verb, responseObject }) => [verb, isObject(responseObject) && responseObject.data]),
      [['create', { level: 'info' }]],
    );
  });

  it('tells aggregated servers whom to trust', async () => {
    const args = ['get', '-n', 'kube-system', 'configmap', 'extension-apiserver-authentication', '-o', 'json'];
    const { data } = JSON.parse(await cluster().kubectl('admin', args)) as { data: Record<string, string> };
    assert.equal(data['requestheader-client-ca-file'], cluster().frontProxyCa);
    assert.equal(data['requestheader-allowed-names'], '["front-proxy-client"]');
  });

  it('stands still and goes on', async () => {
    const client = cluster().client('admin');
    await cluster().pauseApiServer();
    const answer = client.get('/readyz');
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve('silence'), 500))]);
    assert.equal(first, 'silence');
    cluster().resumeApiServer();
    // It may say first that it is not ready: while it stood still, its own calls timed out.
    await answer;
    await until('it is ready again', async () => (await client.get('/readyz')).status === 200, 15_000);
  });

  it('comes back at the same address with the same contents', async function () {
    this.timeout(180_000);
    await cluster().stopApiServer();
    assert.equal((await cluster().tryKubectl('admin', ['get', 'namespaces'])).code, 1);
    await cluster().startApiServer();
    assert.equal(await cluster().kubectl('admin', ['get', 'namespace', 'shop', '-o', 'name']), 'namespace/shop\n');
  });

  it('has controllers where the assets do', async function () {
    this.timeout(60_000);
    if (!cluster().startControllers(['serviceaccount-controller'])) this.skip();
    const hasAccount = async (): Promise<boolean> =>
      (await cluster().tryKubectl('admin', ['get', '-n', 'shop', 'serviceaccount', 'default'])).code === 0;
    await until('the account is made', hasAccount, 50_000);
  });

  it('leaves nothing behind', async () => {
    await cluster().stop();
    assert.equal(existsSync(cluster().file('etcd')), false);
  });
});
