import assert from 'node:assert/strict';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { createAuthority, issueClientCertificate } from '../../../../certs/certificates.ts';
import { stringifyJson } from '../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../shared/types.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../../testing/folder.ts';
import { HttpsClient, TestServer, until, type Reply } from '../../../testing/server/server.ts';

const SECRET = 'a-secret-of-the-audit-webhook';

/** The creation of a ConfigMap, as the audit log tells it. */
function created(name: string, number: number): JsonObject {
  const stamp = new Date(Date.now() - 1000).toISOString();
  const uid = `00000000-0000-4000-9000-${String(number).padStart(12, '0')}`;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/shop/configmaps',
    verb: 'create',
    user: { username: 'bob@example.com', groups: ['sre'] },
    impersonatedUser: { username: 'carol@example.com', groups: [] },
    sourceIPs: ['192.0.2.7'],
    userAgent: 'kubectl/v1.32.4',
    objectRef: { resource: 'configmaps', namespace: 'shop', name, apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    responseObject: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'shop', uid, resourceVersion: String(number) },
      data: {},
    },
    requestReceivedTimestamp: stamp,
    stageTimestamp: stamp,
  };
}

/** As an API server posts it: the items do not say what they are. */
const list = (...items: JsonObject[]): Json => ({
  kind: 'EventList',
  apiVersion: 'audit.k8s.io/v1',
  metadata: {},
  items: items.map(({ kind: _kind, apiVersion: _version, ...item }) => item),
});

describe('a server that takes in audit logs', () => {
  const file = useFolder();
  let server: TestServer | undefined;
  let client: HttpsClient | undefined;
  afterEach(async () => {
    client?.close();
    await server?.stop();
    server = undefined;
  });

  async function names(): Promise<string[]> {
    const store = openSqliteReader(file('ledger.db'));
    const changes = await store.changes({}, 100);
    await store.close();
    return changes.reverse().map(({ object, actor, audit }) => `${object.name} ${audit()?.impersonator?.username ?? ''} as ${actor?.username ?? ''}`); // prettier-ignore
  }

  const post = (path: string, text: string): Promise<Reply> =>
    (client ?? assert.fail()).send('POST', path, { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) }, [Buffer.from(text)]); // prettier-ignore

  it('answers what an audit webhook posts to its secret path once it is in the ledger, and nobody else', async () => {
    const webhook = { listen: { host: '127.0.0.1', port: 0 }, proof: { by: 'path', secret: SECRET } } as const;
    server = await TestServer.start(file, { audit: { logs: [], webhook } });
    client = new HttpsClient(server.running.audit ?? assert.fail(), server.certificates.ca);
    const batch = stringifyJson(list(created('a', 1), created('b', 2)));
    for (const path of ['/audit', '/audit/', '/audit/another-secret', `/audit/${SECRET}/x`, '/admit']) {
      assert.equal((await post(path, batch)).status, 401, path);
    }
    assert.equal((await client.get(`/audit/${SECRET}`)).status, 405);
    assert.deepEqual(await names(), []);
    assert.equal((await post(`/audit/${SECRET}`, batch)).status, 200);
    // It sends again what it heard no answer to.
    assert.equal((await post(`/audit/${SECRET}`, batch)).status, 200);
    assert.deepEqual(await names(), [
      'a bob@example.com as carol@example.com',
      'b bob@example.com as carol@example.com',
    ]);
    assert.equal((await post(`/audit/${SECRET}`, batch.slice(0, 500))).status, 400);
    assert.equal(
      (await post(`/audit/${SECRET}`, `"${'x'.repeat(17 * 1024 * 1024)}"`).catch(() => ({ status: 413 }))).status,
      413,
    );
    assert.equal((await names()).length, 2);
    const reading = await post(`/audit/${SECRET}`, stringifyJson(list({ ...created('a', 3), verb: 'list' })));
    assert.equal(reading.status, 200);
    const metrics = (await server.admission.get('/metrics')).text.split('\n');
    const counted = metrics.filter((line) => /^kubeblame_audit_events_total.* [1-9]/.test(line));
    assert.deepEqual(counted.sort(), [
      'kubeblame_audit_events_total{result="already-there"} 2',
      'kubeblame_audit_events_total{result="passed-over"} 1',
      'kubeblame_audit_events_total{result="recorded"} 2',
      'kubeblame_audit_events_total{result="unusable"} 2',
    ]);
    const store = openSqliteReader(file('ledger.db'));
    const gaps = (await store.coverage()).filter(({ event }) => event === 'lost').map(({ detail }) => detail);
    await store.close();
    assert.deepEqual(gaps, Array(2).fill('in an audit log: 1 event could not be used'));
  });

  it('takes a client certificate in the place of a secret', async () => {
    const days = { now: new Date(), validDays: 1 };
    const [authority, other] = [await createAuthority(days), await createAuthority(days)];
    const webhook = {
      listen: { host: '127.0.0.1', port: 0 },
      proof: { by: 'certificate', ca: Buffer.from(authority.certificate) },
    } as const;
    server = await TestServer.start(file, { audit: { logs: [], webhook } });
    const address = server.running.audit ?? assert.fail();
    const pairOf = (by: typeof authority) => issueClientCertificate(by, { ...days, commonName: 'kube-apiserver' });
    for (const pair of [undefined, await pairOf(other)]) {
      client = new HttpsClient(address, server.certificates.ca, pair === undefined ? {} : { pair });
      await assert.rejects(post('/audit', stringifyJson(list(created('a', 1)))));
      client.close();
    }
    client = new HttpsClient(address, server.certificates.ca, { pair: await pairOf(authority) });
    assert.equal((await post('/audit', stringifyJson(list(created('a', 1))))).status, 200);
    assert.equal((await names()).length, 1);
  });

  it('follows a file that grows and is rotated', async () => {
    const log = file('audit.log');
    const line = (name: string, number: number): string => `${stringifyJson(created(name, number))}\n`;
    writeFileSync(log, line('a', 1));
    server = await TestServer.start(file, { audit: { logs: [log], webhook: null } });
    const has = (count: number): Promise<void> =>
      until(`${count} changes`, async () => (await names()).length === count);
    await has(1);
    const half = line('b', 2);
    appendFileSync(log, half.slice(0, 100));
    appendFileSync(log, half.slice(100));
    await has(2);
    // What is written last before the rename, and a new file.
    appendFileSync(log, line('c', 3));
    renameSync(log, file('audit-2026.log'));
    writeFileSync(log, line('d', 4) + line('e', 5));
    await has(5);
    assert.deepEqual(
      (await names()).map((text) => text.split(' ')[0]),
      ['a', 'b', 'c', 'd', 'e'],
    );
    assert.deepEqual(
      server.log.filter(({ msg }) => msg.includes('audit')),
      [],
    );
  });
});
