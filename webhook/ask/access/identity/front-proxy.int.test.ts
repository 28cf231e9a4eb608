import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { createAuthority } from '../../../../certs/certificates.ts';
import { ROUTES } from '../../../../shared/api.ts';
import { CONFIG_MAPS } from '../../../testing/api-server/served-types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { publishFrontProxy, ReadAccessTest } from '../../../testing/server/read-access.ts';
import { clientPair, until, type HttpsClient } from '../../../testing/server/server.ts';

const { info: INFO } = ROUTES;
const UNAUTHORIZED = {
  error: { code: 'unauthorized', message: 'the read API needs a bearer token', hint: 'give --token-file' },
};

describe('reading through the front proxy', () => {
  const file = useFolder();
  let test: ReadAccessTest;
  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
  });
  afterEach(() => test.stop());

  const BOBS = { 'X-Remote-User': 'bob' };

  it('takes the identity in the headers, groups and extra values too', async () => {
    const client = await test.withCertificate(test.frontProxyCa, 'front-proxy-client');
    const headers = {
      'X-Remote-User': Buffer.from('zoë').toString('latin1'),
      'X-Remote-Extra-Example.Com%2FScope': 'a',
    };
    test.api.reviews.grants.push({ to: 'system:masters', verbs: ['*'], resources: ['*'] });
    const reply = await client.get(INFO, { ...headers, 'X-Remote-Group': 'system:masters' });
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(test.api.reviews.asked[0]?.spec, {
      user: 'zoë',
      groups: ['system:masters'],
      extra: { 'example.com/scope': ['a'] },
      resourceAttributes: { verb: 'list', group: 'kubeblame.io', resource: 'changes' },
    });
  });

  it('ignores forged identity headers without a client certificate', async () => {
    const reply = await test.server.read.get(INFO, BOBS);
    assert.deepEqual([reply.status, reply.json()], [401, UNAUTHORIZED]);
  });

  it('ignores identity headers with a certificate of another CA, also one of the same name', async () => {
    const other = await createAuthority({ now: new Date(), validDays: 1, commonName: 'front proxy' });
    const client = await test.withCertificate(other, 'front-proxy-client');
    assert.equal((await client.get(INFO, BOBS)).status, 401);
  });

  it('ignores identity headers with a certificate that bears a name which is not allowed', async () => {
    for (const name of ['kubelet', 'front-proxy-client\nCN=x', 'front-proxy-client2', 'CN=front-proxy-client']) {
      const client = await test.withCertificate(test.frontProxyCa, name);
      assert.equal((await client.get(INFO, BOBS)).status, 401, name);
    }
  });

  it('ignores headers that name two users, and those that a proxy did not send', async () => {
    const client = await test.withCertificate(test.frontProxyCa, 'front-proxy-client');
    assert.equal((await client.get(INFO)).status, 401);
    assert.equal((await client.get(INFO, { 'X-Remote-User': '' })).status, 401);
    const twice = { 'X-Remote-User': ['bob', 'alice'] } as unknown as Record<string, string>;
    assert.equal((await client.get(INFO, twice)).status, 401);
  });

  it('follows the ConfigMap: another CA counts, and the old one no longer, open connections included', async () => {
    const before = await test.withCertificate(test.frontProxyCa, 'front-proxy-client');
    assert.equal((await before.get(INFO, BOBS)).status, 200);
    const next = await createAuthority({ now: new Date(), validDays: 1, commonName: 'front proxy' });
    const after = await test.withCertificate(next, 'front-proxy-client');
    const told = (): number => test.server.log.filter(({ msg }) => msg === 'front proxy').length;
    await until('it watches', () => test.api.openWatches('configmaps') === 1);
    // A request that has begun on a connection which the old CA vouched for.
    const open = connect({
      ...test.server.running.read,
      ca: test.server.certificates.ca,
      ...clientPair(before.options),
    });
    await once(open, 'secureConnect');
    open.write(`GET ${INFO} HTTP/1.1\r\nHost: localhost\r\nX-Remote-User: bob\r\n`);
    publishFrontProxy(test.api, next, ['front-proxy-client']);
    await until('the change is seen', () => told() === 2);
    open.write('\r\n');
    const [answer] = (await once(open, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 401 /);
    open.destroy();
    // Idle ones are closed, so that the proxy begins new ones at once.
    const closed = ({ agent }: HttpsClient): Promise<void> =>
      until('the idle connection is closed', () => Object.values(agent.freeSockets).flat().length === 0);
    await closed(before);
    assert.equal((await after.get(INFO, BOBS)).status, 200);
    assert.equal((await before.get(INFO, BOBS)).status, 401);
    publishFrontProxy(test.api, next, ['another-name']);
    await until('the change is seen', () => told() === 3);
    await closed(after);
    assert.equal((await after.get(INFO, BOBS)).status, 401);
    test.api.remove(CONFIG_MAPS, 'kube-system', 'extension-apiserver-authentication');
    await until('the change is seen', () => told() === 4);
    await closed(after);
    assert.equal((await after.get(INFO, BOBS)).status, 401);
  });
});
