import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../../shared/types.ts';
import pino from 'pino';
import { viewGrant } from '../../testing/api-server/fake-reviews.ts';
import { useFolder } from '../../testing/folder.ts';
import { GATEWAY, ReadAccessTest } from '../../testing/server/read-access.ts';
import { clientPair, HttpsClient, TestServer, until, type Reply } from '../../testing/server/server.ts';
import { issueClientCertificate } from '../../../certs/certificates.ts';
import { startGateway, type RunningGateway } from './start.ts';

const CHANGES = '/apis/kubeblame.io/v1alpha1/namespaces/shop/changes';

describe('the gateway', () => {
  const file = useFolder();
  let test: ReadAccessTest;
  let gateway: RunningGateway;
  let proxy: HttpsClient;
  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    for (const namespace of ['shop', 'bank']) {
      await test.recordNamespace(namespace, `ns-${namespace}`);
      await test.record({ namespace, name: 'settings' });
    }
    writeFileSync(file('ca.crt'), test.server.certificates.ca);
    writeFileSync(file('token'), `${GATEWAY}\n`);
    const { host, port } = test.server.running.read;
    gateway = await start(`https://${host}:${port}`);
    const pair = await issueClientCertificate(test.frontProxyCa, {
      now: new Date(),
      validDays: 1,
      commonName: 'front-proxy-client',
    });
    proxy = new HttpsClient(gateway.address, test.server.certificates.ca, { pair });
  });
  afterEach(async () => {
    proxy.close();
    await gateway.stop();
    await test.stop();
  });

  async function start(upstream: string): Promise<RunningGateway> {
    const log: string[] = [];
    const started = await startGateway(
      {
        listen: { host: '127.0.0.1', port: 0 },
        tls: { cert: test.server.certificates.cert, key: test.server.certificates.key },
        upstream: { url: new URL(upstream), caFile: file('ca.crt'), tokenFile: file('token') },
        cluster: { file: test.api.kubeconfig },
        place: null,
        logLevel: 'info',
      },
      pino({ base: null }, { write: (line: string) => void log.push(line) }),
    );
    await until('the front proxy is known', () => log.some((line) => line.includes('front proxy')));
    return started;
  }

  const as = (user: string, path: string, headers: Record<string, string> = {}): Promise<Reply> =>
    proxy.get(path, { 'X-Remote-User': user, ...headers });
  const count = (reply: Reply): number => (reply.json().items as JsonObject[]).length;

  it('passes on whom the front proxy names, and the answer as it is', async () => {
    assert.equal(count(await as('alice', CHANGES)), 1);
    assert.equal(count(await as('bob', '/apis/kubeblame.io/v1alpha1/changes')), 4);
    const table = await as('alice', CHANGES, { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    assert.equal(table.json().kind, 'Table');
    assert.equal((await as('alice', `${CHANGES}/4`)).status, 404);
    assert.equal((await as('alice', `${CHANGES}?fieldSelector=colour%3Dred`)).status, 400);
  });

  it('asks nobody who they are for discovery, and everybody else', async () => {
    const stranger = new HttpsClient(gateway.address, test.server.certificates.ca);
    assert.equal((await stranger.get('/apis/kubeblame.io/v1alpha1')).status, 200);
    assert.equal((await stranger.get('/readyz')).status, 200);
    const refused = await stranger.get(CHANGES, { 'X-Remote-User': 'bob' });
    assert.deepEqual([refused.status, refused.json().reason], [401, 'Unauthorized']);
    // The gateway's own token opens nothing here but what its own account may.
    const own = await stranger.get(CHANGES, { 'X-Kubeblame-Token': GATEWAY, 'X-Remote-User': 'bob' });
    assert.equal(own.status, 403);
    stranger.close();
  });

  it('refuses what the caller has no right to, without asking the ledger', async () => {
    const reply = await as('alice', CHANGES.replace('shop', 'bank'));
    assert.deepEqual(
      [reply.status, reply.json().message],
      [403, '"alice" may not list changes.kubeblame.io in namespace "bank"'],
    );
    assert.deepEqual(
      test.api.reviews.asked.filter(({ kind }) => kind === 'TokenReview'),
      [],
    );
    for (const method of ['POST', 'DELETE']) {
      const sent = await proxy.send(method, CHANGES, { 'X-Remote-User': 'bob', 'Content-Length': '0' }, []);
      assert.equal(sent.status, 405);
    }
  });

  it('sends its token to its own server only, whatever the request target names', async () => {
    const other = await TestServer.start((name) => file(`other-${name}`));
    const { host, port } = other.running.read;
    const target = `https://${host}:${port}${CHANGES}`;
    const reply = await as('bob', target);
    assert.deepEqual([reply.status, count(reply)], [200, 1]);
    for (const path of ['/../../../../api/v1/info', '/%2e%2e/%2e%2e/info']) {
      assert.equal((await as('bob', `/apis/kubeblame.io/v1alpha1${path}`)).status, 404, path);
    }
    await other.stop();
  });

  it('passes on no header of the client that names somebody, nor a token', async () => {
    let seen: IncomingHttpHeaders = {};
    const { cert, key } = test.server.certificates;
    const upstream = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
      seen = request.headers;
      response.end('{}');
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const { port } = upstream.address() as AddressInfo;
    const other = await start(`https://127.0.0.1:${port}`);
    const client = new HttpsClient(other.address, test.server.certificates.ca, proxy.options);
    await client.get(CHANGES, {
      ...{ 'X-Remote-User': 'alice', 'X-Remote-Group': 'dev' },
      ...{ 'X-Kubeblame-Token': 'token-of-bob', Authorization: 'Bearer token-of-bob', Cookie: 'a=b', 'X-Other': 'c' },
    });
    assert.deepEqual(seen, {
      accept: 'application/json',
      'x-kubeblame-token': GATEWAY,
      'x-remote-user': 'alice',
      'x-remote-group': 'dev',
      host: `127.0.0.1:${port}`,
      connection: 'keep-alive',
    });
    client.close();
    await other.stop();
    upstream.close();
    // A line break in a value would be a header of its own.
    await assert.rejects(as('alice\r\nX-Remote-User: bob', CHANGES), { code: 'ERR_INVALID_CHAR' });
  });

  it('streams a watch, and ends it with the client', async () => {
    const lines: string[] = [];
    const { host, port } = gateway.address;
    const options = {
      ...{ host, port, ca: test.server.certificates.ca, agent: false as const },
      ...clientPair(proxy.options),
    };
    const path = `${CHANGES}?watch=1&resourceVersion=4`;
    const sent = request({ ...options, path, headers: { 'X-Remote-User': 'alice' } }, (response) => {
      response.on('data', (part: Buffer) => void lines.push(part.toString()));
      response.on('error', () => undefined);
    });
    sent.on('error', () => undefined);
    sent.end();
    await test.record({ namespace: 'shop', name: 'seen' });
    await until('the event comes', () => lines.join('').includes('"name":"seen"'));
    sent.destroy();
  });

  it('answers discovery, and 503 for the rest, while the ledger is stopped', async () => {
    await test.server.stop();
    const reply = await as('bob', CHANGES);
    assert.equal(reply.status, 503);
    assert.match((reply.json() as { message: string }).message, /^the server that has the ledger cannot be reached: /);
    assert.equal(reply.json().reason, 'ServiceUnavailable');
    assert.equal((await proxy.get('/apis/kubeblame.io/v1alpha1')).status, 200);
  });
});
