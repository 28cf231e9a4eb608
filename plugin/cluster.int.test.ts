import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { viewGrant } from '../webhook/testing/api-server/fake-reviews.ts';
import { useFolder } from '../webhook/testing/folder.ts';
import { ReadAccessTest } from '../webhook/testing/server/read-access.ts';
import { ask, type Answer } from './testing/ask.ts';

const READER = 'system:serviceaccount:kubeblame:kubeblame-reader';
const TOKEN_PATH = '/api/v1/namespaces/kubeblame/serviceaccounts/kubeblame-reader/token';
const PROXY = '/api/v1/namespaces/kubeblame/services/https:kubeblame:read/proxy';

/** What of an API server the plugin meets: token requests, and the service proxy, which consumes Authorization. */
describe('kubectl blame in a cluster without the native API', () => {
  const file = useFolder();
  let test: ReadAccessTest;
  let api: Server;
  let installed = true;
  let up = true;
  const seen: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];

  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
    await test.recordNamespace('shop', 'ns-shop');
    await test.record({ name: 'settings' });
    await test.record({ name: 'pass', resource: 'secrets', kind: 'Secret' });
    test.api.reviews.grants.push(...viewGrant(READER));
    [installed, up] = [true, true];
    seen.length = 0;
    const { cert, key } = test.server.certificates;
    api = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer);
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    writeKubeconfig('kubeconfig', 'a-user-token');
  });
  afterEach(async () => {
    api.close();
    api.closeAllConnections();
    await test.stop();
  });

  function writeKubeconfig(name: string, token: string): void {
    const server = `https://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const ca = Buffer.from(test.server.certificates.ca).toString('base64');
    const kubeconfig = {
      clusters: [{ name: 'prod', cluster: { server, 'certificate-authority-data': ca } }],
      users: [{ name: 'me', user: { token } }],
      contexts: [
        { name: 'shop', context: { cluster: 'prod', user: 'me', namespace: 'shop' } },
        { name: 'other', context: { cluster: 'prod', user: 'me', namespace: 'other' } },
      ],
      'current-context': 'shop',
    };
    writeFileSync(file(name), JSON.stringify(kubeconfig));
  }

  function status(response: ServerResponse, code: number, message: string): void {
    response.writeHead(code, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }));
  }

  function answer(incoming: IncomingMessage, response: ServerResponse): void {
    const path = incoming.url ?? '';
    seen.push({ method: incoming.method ?? '', path, headers: incoming.headers });
    if (incoming.headers.authorization !== 'Bearer a-user-token') return status(response, 401, 'Unauthorized');
    if (path === TOKEN_PATH && installed) {
      const user = incoming.headers['impersonate-user'];
      if (user === 'nobody') return status(response, 403, 'serviceaccounts "kubeblame-reader" is forbidden');
      test.api.reviews.tokens.set('short-lived', { user: { username: READER, groups: [] }, audiences: ['kubeblame'] });
      response.writeHead(201, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ kind: 'TokenRequest', status: { token: 'short-lived' } }));
    } else if (path.startsWith(PROXY) && up) {
      const { authorization: _, ...headers } = incoming.headers;
      const { host, port } = test.server.running.read;
      const options = { host, port, path: path.slice(PROXY.length), headers, ca: test.server.certificates.ca };
      request(options, (inner) => {
        response.writeHead(inner.statusCode ?? 0, inner.headers);
        inner.pipe(response);
      }).end();
    } else if (path === '/apis') {
      const resource = { resource: 'services', responseKind: { kind: 'Service' }, shortNames: ['ksvc'] };
      const version = { version: 'v1', resources: [{ ...resource, scope: 'Namespaced' }] };
      const items = [{ metadata: { name: 'serving.knative.dev' }, versions: [version] }];
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ kind: 'APIGroupDiscoveryList', items }));
    } else if (path.startsWith(PROXY)) status(response, 503, 'no endpoints available for service "kubeblame"');
    else status(response, 404, 'the server could not find the requested resource');
  }

  const blame = (words: string, kubeconfig = 'kubeconfig'): Promise<Answer> =>
    ask(
      words.split(' ').filter((word) => word !== ''),
      { env: { KUBECONFIG: file(kubeconfig) }, now: Date.now() },
    );

  it('asks for a token of the reader, and goes through the service proxy with it', async () => {
    const { code, out, err } = await blame('configmap settings');
    assert.equal(code, 0, err);
    assert.match(out, /\talice@example\.com\tcreate~?\tcreated\n/);
    assert.deepEqual(
      seen.slice(0, 3).map(({ method, path }) => `${method} ${path.split('?')[0] ?? ''}`),
      ['GET /apis/kubeblame.io/v1alpha1', `POST ${TOKEN_PATH}`, `GET ${PROXY}/api/v1/resources`],
    );
    assert.equal(seen[2]?.headers['x-kubeblame-token'], 'short-lived');
    assert.equal(seen[1]?.headers['x-kubeblame-token'], undefined);
  });

  it('says what it was not allowed to show', async () => {
    const { out, err } = await blame('-n shop');
    assert.doesNotMatch(out, /secret/);
    assert.match(err, /\n# left out, since you may not read them: secrets\n/);
  });

  it('takes --context, --as and --as-group as kubectl does', async () => {
    const other = await blame('configmap settings --context other');
    assert.match(other.err, /configmap "settings" is not in namespace other; it is in shop/);
    await blame('configmap --as zoe --as-group dev --as-group ops');
    assert.deepEqual(
      [seen.at(-1)?.headers['impersonate-user'], seen.at(-1)?.headers['impersonate-group']],
      ['zoe', 'dev, ops'],
    );
    const nobody = await blame('configmap --as nobody');
    assert.equal(nobody.code, 1);
    assert.match(nobody.err, /^error: no token for reading: .*forbidden\nhint: the Role kubeblame-user in namespace/);
    assert.equal((await blame('configmap --as-group dev')).code, 2);
    assert.match(
      (await blame('configmap --context none')).err,
      /^error: no cluster to ask: the kubeconfig has no context "none"\n/,
    );
  });

  it('takes --cluster, --as-uid, --token and --request-timeout as kubectl does', async () => {
    await blame('configmap --as zoe --as-uid 7 --cluster prod');
    assert.deepEqual([seen.at(-1)?.headers['impersonate-user'], seen.at(-1)?.headers['impersonate-uid']], ['zoe', '7']);
    assert.match((await blame('configmap --cluster none')).err, /^error: .*: the kubeconfig has no cluster "none"\n/);
    assert.match(
      (await blame('configmap --token other')).err,
      /^error: the API server does not accept the credentials/,
    );
    assert.equal((await blame('configmap --request-timeout 30s')).code, 0);
    assert.match((await blame('configmap --request-timeout soon')).err, /^error: .*It must be a time like 5s or 1m30s/);
  });

  it('asks the cluster where a flag names it, whatever the environment says', async () => {
    const env = { KUBECONFIG: file('kubeconfig') };
    const before = process.env.KUBEBLAME_DB;
    process.env.KUBEBLAME_DB = '/nonexistent.db';
    try {
      const { code, err } = await ask(['configmap', '--context', 'shop'], { env, now: Date.now() });
      assert.equal(code, 0, err);
    } finally {
      if (before === undefined) delete process.env.KUBEBLAME_DB;
      else process.env.KUBEBLAME_DB = before;
    }
  });

  it('knows the short names of custom resources that the cluster has now', async () => {
    const { code, err } = await blame('ksvc');
    assert.equal(code, 0);
    assert.match(err, /^# services\.serving\.knative\.dev in namespace shop: no such change/);
    assert.equal(
      seen.some(({ path, headers }) => path === '/apis' && /g=apidiscovery/.test(headers.accept ?? '')),
      true,
    );
  });

  it('says how to install it in a cluster without it', async () => {
    installed = false;
    const { code, out, err } = await blame('');
    assert.deepEqual([code, out], [1, '']);
    assert.match(
      err,
      /^error: the cluster "prod" has no Kubeblame .*\nhint: install it with `kubectl apply -k manifests`/,
    );
  });

  it('tells a server that is down from one that is not there, and wrong credentials from both', async () => {
    up = false;
    assert.match(
      (await blame('')).err,
      /^error: Kubeblame does not answer: no endpoints .*\nhint: kubectl get pods -n kubeblame/,
    );
    writeKubeconfig('expired', 'an-old-token');
    assert.match((await blame('', 'expired')).err, /^error: the API server does not accept the credentials\n/);
    api.close();
    api.closeAllConnections();
    assert.match((await blame('')).err, /^error: the API server https:\/\/127\.0\.0\.1:\d+ cannot be reached: /);
  });

  it('names what it can ask where there is no cluster', async () => {
    const { code, err } = await blame('', 'none');
    assert.equal(code, 1);
    assert.match(
      err,
      /^error: no cluster to ask: there is no kubeconfig\nhint: name a kubeconfig .* or ask a ledger with --db FILE or --server URL\n$/,
    );
  });
});
