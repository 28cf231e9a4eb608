import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import {
  createAuthority,
  issueClientCertificate,
  issueServingCertificate,
  type KeyPair,
} from '../../../certs/certificates.ts';
import { stringifyJson } from '../../../shared/json.ts';
import { configMap, reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import type { Address } from '../../platform/http/listener.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { useFolder, useSharedFolder } from '../../testing/folder.ts';
import { serveArguments, ServerProcess } from '../../testing/server/process.ts';
import { HttpsClient, TestCertificates, TestServer, until, type Reply } from '../../testing/server/server.ts';

/*
 * Attacks on the webhook, by whoever reaches it. docs/threat-model.md names these tests.
 */
const SECRET = 'a-path-secret-of-the-test-0123456789';
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** The number of changes in the ledger, when all that was answered is there. */
async function recorded(server: TestServer): Promise<number> {
  await server.settled();
  const reader = openSqliteReader(server.config.db);
  try {
    return (await reader.last())?.seq ?? 0;
  } finally {
    await reader.close();
  }
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

let count = 0;
function review(options: ReviewOptions = {}): string {
  const name = `map-${++count}`;
  return stringifyJson(reviewDocument({ name, object: configMap({}, { name, uid: `u-${name}` }), ...options }));
}

async function rawConnection(address: Address, ca: string): Promise<TLSSocket> {
  const socket = connect({ ...address, ca });
  await once(socket, 'secureConnect');
  return socket;
}

describe('a stranger at the webhook', () => {
  const file = useSharedFolder();
  let server: TestServer;
  before(async () => {
    server = await TestServer.start(file, { callers: { by: 'path', secret: SECRET } });
  });
  after(() => server.stop());

  const post = (path: string, body = review(), headers: Record<string, string> = JSON_TYPE): Promise<Reply> =>
    server.admission.send('POST', path, headers, [Buffer.from(body)]);
  const turnedAway = async (): Promise<number> => {
    const { text } = await server.admission.get('/metrics');
    return Number(/^kubeblame_reviews_total\{result="turned-away"\} (\d+)$/m.exec(text)?.[1]);
  };

  it('with the secret is the API server', async () => {
    const before = await recorded(server);
    assert.equal((await post(`/admit/${SECRET}?timeout=3s`)).status, 200);
    assert.equal(await recorded(server), before + 1);
  });

  it('who posts a review without the secret gets 401, is counted, and adds nothing', async () => {
    const [before, counted] = [await recorded(server), await turnedAway()];
    const paths = [
      ...[
        '/admit',
        '/admit/',
        '/admit/wrong',
        `/admit/${SECRET.slice(0, -1)}`,
        `/admit/${SECRET}x`,
        `/admit/${SECRET}/`,
      ],
      ...[`/admit//${SECRET}`, `/admit/${SECRET.toUpperCase()}`, `/admit?secret=${SECRET}`, `/admit/?/${SECRET}`],
    ];
    for (const path of paths) {
      const reply = await post(path, review(), { ...JSON_TYPE, Authorization: `Bearer ${SECRET}`, 'X-Path': SECRET });
      assert.equal(reply.status, 401, path);
      const message = 'only the API server may send reviews';
      assert.deepEqual(reply.json(), { error: { code: 'caller-unknown', message } });
    }
    assert.equal(await recorded(server), before);
    assert.equal(await turnedAway(), counted + paths.length);
  });

  it('is answered the same whatever else is wrong, before a byte of the body is read', async () => {
    const socket = await rawConnection(server.running.admission, server.certificates.ca);
    socket.write('GET /admit/wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n');
    const answer = (await socket.toArray()).join('');
    assert.match(answer, /^HTTP\/1\.1 401 Unauthorized\r\n/);
    assert.match(answer, /\r\nConnection: close\r\n/);
  });

  it('fills the metrics, and not the log', async () => {
    for (let n = 0; n < 50; n++) assert.equal((await post('/admit/wrong')).status, 401);
    assert.ok(server.log.filter(({ msg }) => msg === 'caller turned away').length <= 1);
  });

  it('reaches nothing by a path that goes around: it is compared as it came', async () => {
    const before = await recorded(server);
    const secret = [...SECRET].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
    const odd: [path: string, status: number][] = [
      [`/admit/../admit/${SECRET}`, 401],
      [`/admit/%2e%2e/admit/${SECRET}`, 401],
      [`/admit/${secret}`, 401],
      [`/admit%2f${SECRET}`, 404],
      [`/livez/../admit/${SECRET}`, 404],
      [`//admit/${SECRET}`, 404],
      [`/Admit/${SECRET}`, 404],
      ['/../../../../etc/passwd', 404],
      ['/%2e%2e/%2e%2e/etc/passwd', 404],
      ['/..%5c..%5cledger.db', 404],
      [`/ledger.db`, 404],
    ];
    for (const [path, status] of odd) assert.equal((await post(path)).status, status, path);
    assert.equal(await recorded(server), before);
  });

  it('changes nothing about a review by its query or its headers', async () => {
    const body = review({ uid: 'the-uid' });
    const headers = {
      ...JSON_TYPE,
      'X-Remote-User': 'mallory',
      'X-HTTP-Method-Override': 'GET',
      'X-Forwarded-For': '::1',
    };
    const reply = await post(`/admit/${SECRET}?dryRun=All&uid=other&user=mallory&timeout=3s`, body, headers);
    assert.deepEqual(reply.json().response, { uid: 'the-uid', allowed: true });
    await server.settled();
    const reader = openSqliteReader(server.config.db);
    const [change] = await reader.changes({}, 1);
    await reader.close();
    assert.deepEqual([change?.reviewUid, change?.actor?.username], ['the-uid', 'alice@example.com']);
  });

  const smuggled = (): string => {
    const inner = review();
    return `POST /admit/${SECRET} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`;
  };
  const framings: [what: string, headers: string][] = [
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 0'],
    ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked'],
    ['chunks that are not the last coding', 'Transfer-Encoding: chunked, identity'],
    ['a coding with a trick', 'Transfer-Encoding:\x0bchunked'],
    ['a length with a sign', 'Content-Length: +4'],
    ['a folded header', 'X-A: b\r\n Content-Length: 4'],
    ['a space before the colon', 'Content-Length : 4'],
    ['a line feed alone', 'X-A: b\nContent-Length: 4'],
  ];
  for (const [what, headers] of framings) {
    it(`smuggles no second request behind ${what}: 400, and the connection ends`, async () => {
      const before = await recorded(server);
      const socket = await rawConnection(server.running.admission, server.certificates.ca);
      socket.on('error', () => undefined); // it may end before all is written
      socket.write(`POST /livez HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n0\r\n\r\n${smuggled()}`);
      const answer = (await socket.toArray()).join('');
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
      assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
      assert.equal(await recorded(server), before);
    });
  }

  it('keeps nobody waiting by connections that never say anything, or half of it', async () => {
    const { admission } = server.running;
    const { ca } = server.certificates;
    const slow = await Promise.all(Array.from({ length: 100 }, () => rawConnection(admission, ca)));
    for (const [index, socket] of slow.entries()) {
      if (index % 2 === 0) socket.write(`POST /admit/${SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n`);
    }
    const reply = await post(`/admit/${SECRET}`);
    assert.equal(reply.status, 200);
    for (const socket of slow) socket.destroy();
  });

  it('gets nothing unpacked: a compressed body is no JSON', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '));
    const headers = { ...JSON_TYPE, 'Content-Encoding': 'gzip', 'Content-Length': String(bomb.length) };
    const reply = await server.admission.send('POST', `/admit/${SECRET}`, headers, [bomb]);
    assert.equal(reply.status, 400);
    assert.equal((reply.json().error as { code: string }).code, 'json-invalid');
  });
});

describe('an API server with a client certificate', () => {
  const file = useSharedFolder();
  const now = new Date();
  const days = { now, validDays: 1 };
  let authority: KeyPair;
  let server: TestServer;
  before(async () => {
    authority = await createAuthority(days);
    writeFileSync(file('client-ca.crt'), authority.certificate);
    server = await TestServer.start(file, { callers: { by: 'certificate', ca: file('client-ca.crt') } });
  });
  after(() => server.stop());

  async function statusWith(pair?: KeyPair): Promise<[review: number, livez: number]> {
    const options = pair === undefined ? {} : { pair };
    const client = new HttpsClient(server.running.admission, server.certificates.ca, options);
    const statuses: [number, number] = [(await client.admit(review())).status, (await client.get('/livez')).status];
    client.close();
    return statuses;
  }

  it('is known by it; whoever has none, or another, gets 401, and may still ask whether the server lives', async () => {
    const before = await recorded(server);
    const other = await createAuthority(days);
    const past = { now: new Date(now.getTime() - 2 * 86_400_000), validDays: 1 };
    const client = { ...days, commonName: 'kube-apiserver' };
    const strangers: [what: string, pair?: KeyPair][] = [
      ['none'],
      ['of another CA of the same name', await issueClientCertificate(other, client)],
      ['for servers', await issueServingCertificate(authority, { ...days, dnsNames: ['localhost'] })],
      ['expired', await issueClientCertificate(authority, { ...past, commonName: 'kube-apiserver' })],
    ];
    for (const [what, pair] of strangers) assert.deepEqual(await statusWith(pair), [401, 200], what);
    assert.equal(await recorded(server), before);
    assert.deepEqual(await statusWith(await issueClientCertificate(authority, client)), [200, 200]);
    assert.equal(await recorded(server), before + 1);
  });

  it('is still asked for it after the server’s own certificate was renewed', async () => {
    await server.certificates.renew();
    await until('the log tells of it', () => server.log.some(({ msg }) => msg === 'certificate reloaded'));
    assert.deepEqual(await statusWith(), [401, 200]);
    const pair = await issueClientCertificate(authority, { ...days, commonName: 'kube-apiserver' });
    assert.deepEqual(await statusWith(pair), [200, 200]);
  });
});

describe('what the server says', () => {
  const file = useFolder();

  it('has no line that an object’s name could forge, and no escape sequence', async () => {
    const certificates = await TestCertificates.make(file);
    const server = await ServerProcess.start(serveArguments(file('ledger.db'), certificates));
    const client = new HttpsClient(server.admission, certificates.ca);
    const forged = 'x\n{"level":50,"msg":"forged"}\u001b[2J\u2028\u0000';
    const spelled = JSON.stringify(forged);
    // Twice the same key: the error names it.
    const body = review().replace('"data":{', `"data":{${spelled}:"1",${spelled}:"2",`);
    assert.equal((await client.admit(body)).status, 200);
    const named = review({ name: forged, object: configMap({}, { name: forged, namespace: forged, uid: 'u' }) });
    await client.admit(named);
    client.close();
    server.signal('SIGTERM');
    const { stdout, stderr } = await server.ended;
    assert.equal(stderr, '');
    const lines = stdout.split('\n').filter((line) => line !== '');
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    assert.ok(messages.includes('review lost'), stdout);
    assert.equal(messages.includes('forged'), false);
    const isControl = (character: string): boolean => character < ' ' || character === '\u007f';
    assert.deepEqual([...stdout.replaceAll('\n', '')].filter(isControl), []);
  });

  const VALUE = 'hunter2-the-value';
  const secret = (data: string): string =>
    review({
      resource: 'secrets',
      kind: 'Secret',
      name: 'db',
      object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace: 'shop', uid: 'u' }, data: 'DATA' },
    }).replace('"DATA"', data);

  it('has no value of a Secret, also where its review cannot be used', async () => {
    const server = await TestServer.start(file);
    const replies: Reply[] = [];
    for (const data of [
      `{"password":"${VALUE}"}`,
      `{"password":${VALUE}}`,
      `{"password":"${VALUE}"x}`,
      `{"password":"${VALUE}\n"}`,
      `{"password":"${VALUE}","password":"${VALUE}"}`,
      `{"password":${'['.repeat(2000)}"${VALUE}"${']'.repeat(2000)}}`,
      `"${VALUE}"`,
      `{"password":"${VALUE}`,
    ]) {
      replies.push(await server.admission.admit(secret(data)));
    }
    const metadata = `[{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\\"data\\":{\\"password\\":\\"${VALUE}\\"}}"}}]`;
    const sound = secret(`{"password":"${VALUE}"}`);
    for (const body of [
      sound.replace(/"metadata":\{[^}]*\}/, `"metadata":${metadata}`),
      sound.replace('"oldObject":null', `"\\u006fldObject":[{"data":"${VALUE}"}]`),
      sound.replace('"resource":{', '"subResource":"token","resource":{'),
    ]) {
      assert.notEqual(body, sound);
      replies.push(await server.admission.admit(body));
    }
    assert.deepEqual(
      replies.map(({ status }) => status),
      replies.map(() => 200),
    );
    const { text: metrics } = await server.admission.get('/metrics');
    const reads = await server.read.get('/api/v1/changes?bodies=true');
    await server.stop();
    const said = [...replies.map(({ text }) => text), JSON.stringify(server.log), metrics, reads.text].join('\n');
    for (const part of [VALUE, VALUE.slice(0, 7)]) assert.equal(said.includes(part), false, part);
    // Nor is it in any file of the ledger or its spool.
    const paths = filesIn(file('.'));
    assert.ok(paths.some((path) => path.endsWith('.spool')));
    for (const path of paths) assert.equal(readFileSync(path).includes(VALUE), false, path);
  });

  it('has no value that a rule redacts, and counts what each rule has matched', async () => {
    const redact = [{ group: '', resource: 'configmaps', paths: ['data["app.properties"]', 'data.absent'] }];
    const server = await TestServer.start(file, { redact });
    const data = { 'app.properties': `password=${VALUE}`, level: 'info' };
    const annotations = { 'kapp.k14s.io/original': JSON.stringify({ kind: 'ConfigMap', data }) };
    assert.equal((await server.admission.admit(review({ object: configMap(data, { annotations }) }))).status, 200);
    await until('it is recorded', async () => (await recorded(server)) === 1);
    const { text: metrics } = await server.admission.get('/metrics');
    const { text } = await server.read.get('/api/v1/changes?bodies=true');
    await server.stop();
    assert.match(text, /"level":"info"/);
    assert.deepEqual(metrics.match(/^kubeblame_redaction_rule_matches_total.*$/gm), [
      'kubeblame_redaction_rule_matches_total{rule="configmaps data[\\"app.properties\\"]"} 1',
      'kubeblame_redaction_rule_matches_total{rule="configmaps data.absent"} 0',
    ]);
    assert.equal(text.includes(VALUE), false);
    for (const path of filesIn(file('.'))) assert.equal(readFileSync(path).includes(VALUE), false, path);
  });

  it('has the path’s secret in no file and no log, and private keys in none that others may read', async () => {
    writeFileSync(file('path-secret'), SECRET, { mode: 0o600 });
    const server = await TestServer.start(file, { callers: { by: 'path', secret: SECRET } });
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'kubeblame', uid: 'u' },
      webhooks: [{ name: 'w', clientConfig: { service: { namespace: 'kubeblame', path: `/admit/${SECRET}` } } }],
    };
    // Not sent to webhooks by the API server: the watch sees it, and records it alike.
    const body = review({
      group: 'admissionregistration.k8s.io',
      resource: 'validatingwebhookconfigurations',
      kind: 'ValidatingWebhookConfiguration',
      name: 'kubeblame',
      namespace: '',
      object: configuration,
    });
    await server.admission.send('POST', `/admit/${SECRET}`, JSON_TYPE, [Buffer.from(body)]);
    await server.admission.send('POST', `/admit/${SECRET}`, JSON_TYPE, [Buffer.from('{')]);
    await until('it is recorded', async () => (await recorded(server)) === 1);
    const { text } = await server.read.get('/api/v1/changes?bodies=true');
    await server.stop();
    assert.match(text, /"path":"redacted:[0-9a-f]{12}"/);
    assert.equal(JSON.stringify(server.log).includes(SECRET), false);
    for (const path of filesIn(file('.'))) {
      if (!path.endsWith('path-secret')) assert.equal(readFileSync(path).includes(SECRET), false, path);
      if (readFileSync(path).includes('PRIVATE KEY') || path.endsWith('.key')) {
        assert.equal(statSync(path).mode & 0o077, 0, path);
      }
    }
  });
});
