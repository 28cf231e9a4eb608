import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import Database from 'better-sqlite3';
import { canonicalJson, parseJson, stringifyJson } from '../../../shared/json.ts';
import { configMap, reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { Predicates } from '../rules/predicates.ts';
import { openLedger } from '../../ask/questions/open.ts';
import { SpoolReader } from '../spool/reader.ts';
import { ledgerNumber } from '../spool/records.ts';
import { spoolFolder } from '../spool/segments.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { useFolder, useSharedFolder } from '../../testing/folder.ts';
import { ServerProcess, serveArguments } from '../../testing/server/process.ts';
import { HttpsClient, TestCertificates, TestServer, until, type Reply } from '../../testing/server/server.ts';
import { MAX_BODY_BYTES, MAX_PASSED_BYTES } from '../review/body.ts';

const UID = '6dc322c9-b4b8-4d72-acfe-ba75dd438b90';

/** A review's text with one of its parts replaced by text that JavaScript could not write. */
function reviewText(options: ReviewOptions, replaced: Record<string, string> = {}): string {
  let text = stringifyJson(reviewDocument({ uid: UID, ...options }));
  for (const [part, replacement] of Object.entries(replaced)) {
    assert.ok(text.includes(part), part);
    text = text.replace(part, () => replacement);
  }
  return text;
}

/** The last change, when all that was answered is in the ledger. */
async function lastOf(server: TestServer): Promise<{ seq: number; at: number } | null> {
  await server.settled();
  const reader = openSqliteReader(server.config.db);
  try {
    return await reader.last();
  } finally {
    await reader.close();
  }
}

/** The lines of /metrics that count reviews, by result. */
async function reviewCounts(client: HttpsClient): Promise<Record<string, number>> {
  const { text } = await client.get('/metrics');
  const lines = text.matchAll(/^kubeblame_reviews_total\{result="([a-z-]+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, result = '', count]) => [result, Number(count)]));
}

function allowed(uid: string, ...warnings: string[]): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...(warnings.length === 0 ? {} : { warnings }) },
  };
}

describe('an admission review', () => {
  const file = useFolder();
  let server: TestServer;
  beforeEach(async () => {
    const predicates = new Predicates([{ action: 'exclude', namespaces: ['scratch'] }]);
    server = await TestServer.start(file, { predicates });
  });
  afterEach(() => server.stop());

  it('is answered with its uid, is on disk by then, and soon in the ledger', async () => {
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      const uid = `00000000-0000-4000-9000-00000000000${index}`;
      const reply = await server.admission.admit(reviewDocument({ uid, name, object: configMap({}, { name }) }));
      const reader = openSqliteReader(server.config.db);
      const spool = new SpoolReader(spoolFolder(server.config.db), ledgerNumber(reader.id));
      const spooled = spool.read(index + 1)?.body.toString() ?? '';
      spool.close();
      assert.equal(((JSON.parse(spooled) as JsonObject).request as JsonObject).uid, uid);
      await server.settled();
      const [change] = await reader.changes({}, 1);
      await reader.close();
      assert.deepEqual(
        [change?.seq, change?.reviewUid, change?.object.name, change?.actor?.username],
        [index + 1, uid, name, 'alice@example.com'],
      );
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['content-type'], 'application/json');
      assert.deepEqual(reply.json(), allowed(uid));
    }
  });

  it('is accepted with parameters in its Content-Type and in its path', async () => {
    const type = { 'Content-Type': 'Application/JSON; charset=utf-8' };
    const body = Buffer.from(reviewText({}));
    const reply = await server.admission.send('POST', '/admit?timeout=5s', type, [body]);
    assert.deepEqual([reply.status, reply.json()], [200, allowed(UID)]);
    assert.equal((await lastOf(server))?.seq, 1);
  });

  it('is answered, and not recorded, where it is a dry run', async () => {
    const reply = await server.admission.admit(reviewDocument({ uid: UID, dryRun: true }));
    assert.deepEqual([reply.status, reply.json()], [200, allowed(UID)]);
    assert.equal(await lastOf(server), null);
    assert.equal((await reviewCounts(server.admission))['dry-run'], 1);
  });

  it('is answered, and not recorded, where a rule or the list of resources to skip excludes it', async () => {
    const lease = { group: 'coordination.k8s.io', resource: 'leases', kind: 'Lease' };
    for (const options of [{ namespace: 'scratch' }, lease]) {
      const reply = await server.admission.admit(reviewDocument({ uid: UID, ...options }));
      assert.deepEqual([reply.status, reply.json()], [200, allowed(UID)]);
    }
    assert.equal(await lastOf(server), null);
    assert.equal((await reviewCounts(server.admission)).excluded, 2);
  });

  it('is answered, and not recorded, where nothing changes', async () => {
    const same = {
      object: configMap({}, { resourceVersion: '7' }),
      oldObject: configMap({}, { resourceVersion: '7' }),
    };
    const reply = await server.admission.admit(reviewDocument({ uid: UID, operation: 'UPDATE', ...same }));
    assert.deepEqual([reply.status, reply.json()], [200, allowed(UID)]);
    await server.settled();
    assert.equal((await reviewCounts(server.admission)).unchanged, 1);
    const reader = openSqliteReader(server.config.db);
    assert.deepEqual(
      (await reader.changes({}, 10)).map(({ source }) => source),
      ['baseline'],
    );
    await reader.close();
  });

  const unreadable: [what: string, object: string, code: string, reason: string | RegExp][] = [
    ['is not JSON', '{"metadata":{"name":"a"},"data":{"level":inf}}', 'json-invalid', /^not valid JSON: /],
    [
      'has a key twice',
      '{"metadata":{"name":"a"},"data":{"level":"a","l\\u0065vel":"b"}}',
      'json-duplicate-key',
      'the key "level" occurs twice in request.object.data',
    ],
    ['has a list for metadata', '{"metadata":[]}', 'review-invalid', /request\.object\.metadata must be an object$/],
  ];
  for (const [what, object, code, reason] of unreadable) {
    it(`is answered, and then told as lost, where its object ${what}`, async () => {
      const body = reviewText({ object: null }, { '"object":null': `"object":${object}` });
      const reply = await server.admission.admit(body);
      assert.deepEqual([reply.status, reply.json()], [200, allowed(UID)]);
      assert.equal(await lastOf(server), null);
      assert.equal((await reviewCounts(server.admission)).lost, 1);
      const told = server.log.at(-1);
      assert.deepEqual([told?.msg, told?.reviewUid, told?.code], ['review lost', UID, code]);
      if (typeof reason === 'string') assert.equal(told?.reason, reason);
      else assert.match(String(told?.reason), reason);
    });
  }

  it('shares a commit with others that come at the same time', async () => {
    const client = new HttpsClient(server.running.admission, server.certificates.ca, { connections: 64 });
    const names = Array.from({ length: 64 }, (_, index) => `map-${index}`);
    // The handshakes first: what is told apart by them would not come at the same time.
    await Promise.all(names.map(() => client.get('/livez')));
    const replies = await Promise.all(
      names.map((name) =>
        client.admit(reviewDocument({ uid: name, name, object: configMap({}, { name, uid: `u-${name}` }) })),
      ),
    );
    client.close();
    assert.deepEqual(
      replies.map((reply) => reply.json()),
      names.map((name) => allowed(name)),
    );
    await server.settled();
    const db = new Database(server.config.db, { readonly: true });
    const count = (sql: string): number => db.prepare(sql).pluck().get() as number;
    assert.equal(count('SELECT count(*) FROM changes'), 64);
    // Every commit with a change in it ends at another seq; the start of the server is one without.
    const commits = count('SELECT count(DISTINCT last_seq) FROM commits WHERE last_seq > 0');
    db.close();
    assert.ok(commits >= 1 && commits <= 32, `${commits} commits for 64 changes`);
  });
});

describe('numbers and keys of a review', () => {
  const file = useFolder();
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start(file);
  });
  afterEach(() => server.stop());

  const KEYS = '"":1.0,"a/b":9007199254740993,"a~b":-0,"constructor":{"prototype":18446744073709551615}';
  const metadata = { name: 'w', namespace: 'shop', uid: 'u-w' };
  const type = { group: 'example.com', resource: 'widgets', kind: 'Widget', name: 'w' };
  const widget = (spec: string): JsonObject => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata, spec });

  it('are the same in the patch and in the rebuilt object', async () => {
    const before = `{${KEYS},"__proto__":{"polluted":1e400},"deep":[0.10,1E5]}`;
    const after = `{${KEYS.replace('740993', '740995')},"__proto__":{"polluted":-1e400},"deep":[0.10,1E5,1.50]}`;
    const first = reviewText({ ...type, object: widget('BEFORE') }, { '"BEFORE"': before });
    assert.equal((await server.admission.admit(first)).status, 200);
    const versioned = { ...widget('OLD'), metadata: { ...metadata, resourceVersion: '9' } };
    const second = reviewText(
      { ...type, uid: 'second', operation: 'UPDATE', object: { ...versioned, spec: 'NEW' }, oldObject: versioned },
      { '"OLD"': before, '"NEW"': after },
    );
    assert.equal((await server.admission.admit(second)).status, 200);
    await server.settled();

    const ledger = await openLedger(server.config.db, () => Date.now());
    const { states } = await ledger.states({ scope: {}, at: Date.now(), limit: 10 });
    const { changes } = await ledger.changes({ scope: {}, limit: 10, bodies: true });
    await ledger.close();
    const whole = (spec: string): string =>
      canonicalJson(
        parseJson(
          `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","namespace":"shop","uid":"u-w"},"spec":${spec}}`,
        ),
      );
    // What is compared with is itself literal text.
    assert.ok(whole(after).includes('"spec":{"":1.0,"__proto__":{"polluted":-1e400},"a/b":9007199254740995,"a~b":-0,'));
    assert.deepEqual(
      states.map(({ body }) => canonicalJson(body)),
      [whole(after)],
    );
    assert.deepEqual(
      changes.map(({ seq, before: from, after: to }) => [seq, canonicalJson(from ?? null), canonicalJson(to ?? null)]),
      [
        [2, whole(before), whole(after)],
        [1, 'null', whole(before)],
      ],
    );
    const patch = (changes[0]?.patch ?? []).map((step) => stringifyJson(step as unknown as JsonObject));
    assert.deepEqual(patch.sort(), [
      '{"op":"add","path":"/spec/deep/2","value":1.50}',
      '{"op":"replace","path":"/spec/\\u0000$__proto__/polluted","value":-1e400}',
      '{"op":"replace","path":"/spec/a~1b","value":9007199254740995}',
    ]);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('are deleted under their own name', async () => {
    const versioned = { ...widget('OLD'), metadata: { ...metadata, resourceVersion: '9' } };
    const update = reviewText(
      { ...type, operation: 'UPDATE', object: { ...versioned, spec: 'NEW' }, oldObject: versioned },
      { '"OLD"': `{${KEYS},"__proto__":1}`, '"NEW"': '{"constructor":2}' },
    );
    assert.equal((await server.admission.admit(update)).status, 200);
    await server.settled();
    const ledger = await openLedger(server.config.db, () => Date.now());
    const { states } = await ledger.states({ scope: {}, at: Date.now(), limit: 10 });
    await ledger.close();
    assert.deepEqual(
      states.map(({ body }) => canonicalJson(body.spec ?? null)),
      ['{"constructor":2}'],
    );
  });
});

describe('a request that is no review', () => {
  const file = useSharedFolder();
  let server: TestServer;
  let last: { seq: number; at: number } | null;
  let refusedBefore: number;
  before(async () => {
    server = await TestServer.start(file);
    await server.admission.admit(reviewDocument());
  });
  after(() => server.stop());
  beforeEach(async () => {
    last = await lastOf(server);
    refusedBefore = (await reviewCounts(server.admission)).refused ?? NaN;
  });
  // Whatever it was, it was counted as refused, and left the ledger as it was.
  afterEach(async () => {
    assert.notEqual(last, null);
    assert.deepEqual(await lastOf(server), last);
  });

  async function assertRefused(reply: Reply, status: number, code: string, message: string | RegExp): Promise<void> {
    assert.equal(reply.status, status, reply.text);
    assert.equal(reply.headers['content-type'], 'application/json');
    const { error } = reply.json() as { error: Record<string, string> };
    assert.deepEqual(
      Object.keys(error).sort(),
      error.hint === undefined ? ['code', 'message'] : ['code', 'hint', 'message'],
    );
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message ?? '', message);
    assert.equal((await reviewCounts(server.admission)).refused, refusedBefore + 1);
    assert.equal(server.log.at(-1)?.code, code);
  }

  const without = (key: string): string => {
    const document = reviewDocument() as { request: JsonObject };
    const { [key]: _, ...rest } = document.request;
    return stringifyJson({ ...document, request: rest });
  };
  const invalid = 'not a usable AdmissionReview: ';
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  const bodies: [what: string, body: string, code: string, message: string | RegExp][] = [
    ['is not JSON', 'kind: AdmissionReview', 'json-invalid', /^not valid JSON: /],
    ['is empty', '', 'json-invalid', 'the body is empty, expected an AdmissionReview'],
    ['is JSON twice', '{}{}', 'json-invalid', /^not valid JSON: /],
    ['is no object', '[]', 'review-invalid', `${invalid}the document is not an object`],
    [
      'has another kind',
      reviewText({}, { AdmissionReview: 'Status' }),
      'review-invalid',
      `${invalid}kind must be AdmissionReview`,
    ],
    [
      'is of another group',
      reviewText({}, { 'admission.k8s.io/v1': 'example.com/v1' }),
      'review-invalid',
      `${invalid}its apiVersion is example.com/v1, expected admission.k8s.io/v1`,
    ],
    [
      'has no request',
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
      'review-invalid',
      `${invalid}review.request is missing`,
    ],
    [
      'has a number for a uid',
      reviewText({}, { [`"${UID}"`]: '18446744073709551615' }),
      'review-invalid',
      `${invalid}request.uid must be a string`,
    ],
    ['has no uid', without('uid'), 'review-invalid', `${invalid}request.uid is missing`],
    [
      'has an empty uid',
      stringifyJson(reviewDocument({ uid: '' })),
      'review-invalid',
      `${invalid}request.uid is empty`,
    ],
    ['is nested too deep', deep, 'json-too-deep', 'the JSON is nested deeper than 1000 levels'],
  ];
  for (const [what, body, code, message] of bodies) {
    it(`${what}: 400 ${code}`, async () => {
      await assertRefused(await server.admission.admit(body), 400, code, message);
    });
  }

  it('has another Content-Type, or none: 415', async () => {
    const reply = await server.admission.admit(reviewText({}), { 'Content-Type': 'text/plain' });
    await assertRefused(
      reply,
      415,
      'content-type-unsupported',
      'Content-Type is "text/plain", expected application/json',
    );
    refusedBefore++;
    const body = Buffer.from(reviewText({}));
    const none = await server.admission.send('POST', '/admit', { 'Content-Length': String(body.length) }, [body]);
    await assertRefused(none, 415, 'content-type-unsupported', 'Content-Type is "", expected application/json');
  });

  it('has another method: 405', async () => {
    const message = 'GET is not allowed here: POST an AdmissionReview';
    await assertRefused(await server.admission.get('/admit'), 405, 'method-not-allowed', message);
  });

  it('goes to another path: 404, which is not counted as a review', async () => {
    const type = { 'Content-Type': 'application/json' };
    for (const path of ['/', '/admit/', '/admission', '/api/v1/changes']) {
      const reply = await server.admission.send('POST', path, type, [Buffer.from(reviewText({}))]);
      assert.equal(reply.status, 404);
      assert.deepEqual(reply.json(), {
        error: { code: 'not-found', message: 'there is nothing here: POST /admit, GET /livez, /readyz, /metrics' },
      });
    }
    assert.equal((await reviewCounts(server.admission)).refused, refusedBefore);
  });

  const tooLarge = `the body is larger than ${MAX_BODY_BYTES} bytes`;
  const MIB = Buffer.alloc(1024 * 1024, ' ');

  it('is longer than any review by its Content-Length: 413, before a byte of it was sent', async () => {
    const { host, port } = server.running.admission;
    const sent = request({
      host,
      port,
      method: 'POST',
      path: '/admit',
      ca: server.certificates.ca,
      headers: { 'Content-Type': 'application/json', 'Content-Length': MAX_PASSED_BYTES + 1 },
    });
    sent.flushHeaders();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const text = (await response.toArray()).join('');
    sent.on('error', () => undefined); // the server ends the connection, as it may
    sent.destroy();
    assert.equal(response.headers.connection, 'close');
    const { statusCode: status = 0, headers } = response;
    const reply = { status, headers, text, json: () => JSON.parse(text) as JsonObject };
    await assertRefused(reply, 413, 'body-too-large', tooLarge);
  });

  it('is longer than the limit, and no review: 413', async () => {
    const type = { 'Content-Type': 'application/json' };
    const chunks = [...Array.from({ length: 7 }, () => MIB), Buffer.from(' ')];
    await assertRefused(await server.admission.send('POST', '/admit', type, chunks), 413, 'body-too-large', tooLarge);
  });

  it('is longer than the limit, and has no end: 413', async () => {
    const { host, port } = server.running.admission;
    const headers = { 'Content-Type': 'application/json' };
    const sent = request({ host, port, method: 'POST', path: '/admit', ca: server.certificates.ca, headers });
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    sent.on('error', () => undefined); // the server ends the connection, as it may
    // No more than it takes, and never an end: whoever still writes when the connection is closed may not read the answer.
    for (let sentBytes = 0; sentBytes <= MAX_PASSED_BYTES; sentBytes += MIB.length) sent.write(MIB);
    const [response] = await answered;
    const text = (await response.toArray()).join('');
    sent.destroy();
    const { statusCode: status = 0, headers: received } = response;
    const reply = { status, headers: received, text, json: () => JSON.parse(text) as JsonObject };
    await assertRefused(reply, 413, 'body-too-large', tooLarge);
  });

  it('ends in the middle of its body: the connection goes, and it is counted', async () => {
    const body = reviewText({});
    const socket = await rawConnection(server);
    const head = `POST /admit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    await new Promise((resolve) => socket.write(head + body.slice(0, -1), resolve));
    socket.destroy();
    await until('the request is refused', async () => {
      const { refused } = await reviewCounts(server.admission);
      return refused === refusedBefore + 1;
    });
    assert.equal(server.log.at(-1)?.code, 'body-incomplete');
  });

  it('never comes to its end: 408, and the connection is closed', async function () {
    // How much later than its limit the server ends a request depends on what else the machine does.
    this.timeout(60_000);
    this.slow(30_000);
    const start = 'POST /admit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n';
    const seconds = async (text: string): Promise<{ answer: string; seconds: number }> => {
      const started = performance.now();
      const socket = await rawConnection(server);
      socket.write(text);
      const answer = (await socket.toArray()).join('').split('\r\n')[0] ?? '';
      return { answer, seconds: (performance.now() - started) / 1000 };
    };
    const [headers, body] = await Promise.all([seconds(start), seconds(`${start}\r\n{"kind":`)]);
    assert.equal(headers.answer, 'HTTP/1.1 408 Request Timeout');
    assert.ok(headers.seconds >= 4, `headers: ${headers.seconds} s`);
    assert.equal(body.answer, 'HTTP/1.1 408 Request Timeout');
    assert.ok(body.seconds >= 9, `body: ${body.seconds} s`);
  });
});

describe('a review of an API server that cannot be recorded', () => {
  const file = useFolder();
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start(file);
  });
  afterEach(() => server.stop());

  const without = (key: string): string => {
    const document = reviewDocument({ uid: UID }) as { request: JsonObject };
    const { [key]: _, ...rest } = document.request;
    return stringifyJson({ ...document, request: rest });
  };
  const invalid = 'not a usable AdmissionReview: ';
  const twice = 'the key "username" occurs twice in request.userInfo';
  const projects = { group: 'project.example.com', resource: 'projectrequests', kind: 'ProjectRequest' };
  const nameless = 'it names no object, neither in request.name nor in an object';
  const gone = { operation: 'DELETE', name: '', object: null, oldObject: null };
  const incomplete: [what: string, body: string, reason: string][] = [
    [
      'creates something without a name',
      reviewText({ ...projects, name: '', object: { apiVersion: 'project.example.com/v1', kind: 'ProjectRequest' } }),
      `a CREATE of projectrequests.project.example.com that cannot be recorded: ${nameless}`,
    ],
    [
      'deletes a collection, and shows none of its objects',
      reviewText(gone),
      `a DELETE of configmaps that cannot be recorded: ${nameless}`,
    ],
    [
      'connects to something without a name',
      reviewText({ ...gone, operation: 'CONNECT', resource: 'pods', kind: 'PodProxyOptions', subResource: 'proxy' }),
      `a CONNECT of pods/proxy that cannot be recorded: ${nameless}`,
    ],
    [
      'creates something that it does not show',
      without('object'),
      'a CREATE of configmaps that cannot be recorded: request.object is missing',
    ],
    [
      'updates something and does not show what it was',
      reviewText({ operation: 'UPDATE' }),
      'a UPDATE of configmaps that cannot be recorded: request.oldObject is missing',
    ],
  ];
  for (const [what, body, reason] of incomplete) {
    it(`is allowed, and told as lost, where it ${what}`, async () => {
      const reply = await server.admission.admit(body);
      const warning = 'kubeblame did not record this request: review-incomplete';
      assert.deepEqual([reply.status, reply.json()], [200, allowed(UID, warning)]);
      await assertLost('review-incomplete', reason);
    });
  }

  const unreadable: [what: string, body: string | Buffer, code: string, reason: string | RegExp][] = [
    ['is cut off', reviewText({}).slice(0, -1), 'json-invalid', /^not valid JSON: /],
    [
      'is spaced out, and cut off',
      JSON.stringify(JSON.parse(reviewText({})), null, 2).slice(0, -9),
      'json-invalid',
      /^not/,
    ],
    [
      'is not UTF-8',
      Buffer.from(reviewText({}, { info: 'inf\u00ff' }), 'latin1'),
      'json-invalid',
      'the body is not UTF-8 text',
    ],
    ['has a key twice', reviewText({}, { '"groups":': '"username":"eve","groups":' }), 'json-duplicate-key', twice],
    [
      'has a key twice, once by escapes',
      reviewText({}, { '"groups":': '"us\\u0065rname":"eve","groups":' }),
      'json-duplicate-key',
      twice,
    ],
    ['has no user', without('userInfo'), 'review-invalid', `${invalid}request.userInfo is missing`],
    [
      'has an unknown operation',
      reviewText({ operation: 'PATCH' }),
      'review-invalid',
      `${invalid}request.operation must be one of CREATE, UPDATE, DELETE, CONNECT`,
    ],
    [
      'is longer than what is read',
      reviewText({}, { info: 'x'.repeat(MAX_BODY_BYTES) }),
      'body-too-large',
      `the body is larger than ${MAX_BODY_BYTES} bytes`,
    ],
  ];
  for (const [what, body, code, reason] of unreadable) {
    it(`is allowed, and told as lost, where it ${what}`, async () => {
      const bytes = Buffer.from(body);
      const length = { 'Content-Type': 'application/json', 'Content-Length': String(bytes.length) };
      const reply = await server.admission.send('POST', '/admit', length, [bytes]);
      // Whoever asks is known by the beginning, and told.
      const warnings = what === 'has no user' ? [] : [`kubeblame did not record this request: ${code}`];
      assert.deepEqual([reply.status, reply.json()], [200, allowed(UID, ...warnings)]);
      await assertLost(code, reason);
    });
  }

  it('is told to nobody where a controller or a node asked', async () => {
    const review = reviewText({ username: 'system:node:n1', name: '"userInfo":{"username":"alice"' });
    assert.deepEqual((await server.admission.admit(review.slice(0, -1))).json(), allowed(UID));
  });

  it('is answered in its own version', async () => {
    const text = reviewText({}, { 'admission.k8s.io/v1': 'admission.k8s.io/v1beta1' });
    // As Go writes it, and as other programs do.
    for (const body of [text, JSON.stringify(JSON.parse(text), null, 1)]) {
      const reply = await server.admission.admit(body);
      const warning = 'kubeblame did not record this request: review-invalid';
      const answer = { ...allowed(UID, warning), apiVersion: 'admission.k8s.io/v1beta1' };
      assert.deepEqual([reply.status, reply.json()], [200, answer]);
    }
    assert.equal((await reviewCounts(server.admission)).lost, 2);
    assert.equal(
      server.log.at(-1)?.reason,
      `${invalid}its apiVersion is admission.k8s.io/v1beta1, expected admission.k8s.io/v1`,
    );
  });

  it('needs to tell nothing where the rules leave it out', async () => {
    const questions: [group: string, resource: string, kind: string][] = [
      ['authorization.k8s.io', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview'],
      ['authorization.k8s.io', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview'],
      ['authorization.k8s.io', 'subjectaccessreviews', 'SubjectAccessReview'],
      ['authorization.k8s.io', 'localsubjectaccessreviews', 'LocalSubjectAccessReview'],
      ['authentication.k8s.io', 'selfsubjectreviews', 'SelfSubjectReview'],
      ['authentication.k8s.io', 'tokenreviews', 'TokenReview'],
    ];
    for (const [group, resource, kind] of questions) {
      const object = { apiVersion: `${group}/v1`, kind, metadata: {}, spec: {} };
      const reply = await server.admission.admit(
        reviewText({ group, resource, kind, name: '', namespace: '', object }),
      );
      assert.deepEqual([reply.status, reply.json()], [200, allowed(UID)]);
    }
    // A collection that is deleted for a try, and a lease that nobody shows.
    const lease = { group: 'coordination.k8s.io', resource: 'leases', kind: 'Lease' };
    for (const options of [
      { ...gone, dryRun: true },
      { ...gone, ...lease },
    ]) {
      assert.deepEqual((await server.admission.admit(reviewText(options))).json(), allowed(UID));
    }
    const { excluded, lost, refused, 'dry-run': dryRun } = await reviewCounts(server.admission);
    assert.deepEqual([excluded, dryRun, lost, refused], [questions.length + 1, 1, 0, 0]);
    assert.equal(await lastOf(server), null);
  });

  it('is recorded where a DELETE does not show its object, and names it', async () => {
    const metadata = { uid: 'u-1', resourceVersion: '' };
    await server.admission.admit(reviewText({ object: configMap({}, metadata) }));
    const reply = await server.admission.admit(
      reviewText({ ...gone, name: 'settings', uid: 'second', username: 'erin@example.com' }),
    );
    assert.deepEqual([reply.status, reply.json()], [200, allowed('second')]);
    assert.equal((await lastOf(server))?.seq, 2);
    const reader = openSqliteReader(server.config.db);
    const [change] = await reader.changes({}, 1);
    await reader.close();
    assert.deepEqual(
      [
        change?.operation,
        change?.effect,
        change?.parent,
        change?.object.name,
        change?.object.uid,
        change?.actor?.username,
      ],
      ['DELETE', 'deleted', 1, 'settings', 'u-1', 'erin@example.com'],
    );
  });

  /** It is told in the log, counted, and a gap of the coverage; nothing is recorded. */
  async function assertLost(code: string, reason: string | RegExp): Promise<void> {
    assert.equal(await lastOf(server), null);
    const { lost, refused } = await reviewCounts(server.admission);
    assert.deepEqual([lost, refused], [1, 0]);
    const told = server.log.at(-1);
    assert.deepEqual([told?.msg, told?.reviewUid, told?.code], ['review lost', UID, code]);
    if (typeof reason === 'string') assert.equal(told?.reason, reason);
    else assert.match(String(told?.reason), reason);
    const coverage = async (): Promise<string[]> => {
      const reader = openSqliteReader(server.config.db);
      const events = await reader.coverage();
      await reader.close();
      return events.filter(({ event }) => event === 'lost').map(({ detail }) => detail);
    };
    await until('the coverage tells it', async () => (await coverage()).length > 0);
    assert.deepEqual(await coverage(), ['1 review could not be recorded']);
  }
});

async function rawConnection(server: TestServer): Promise<TLSSocket> {
  const socket = connect({ ...server.running.admission, ca: server.certificates.ca });
  await once(socket, 'secureConnect');
  return socket;
}

describe('the limit of a body', () => {
  const file = useFolder();

  for (const chunked of [false, true]) {
    it(`takes one of exactly ${MAX_BODY_BYTES} bytes, ${chunked ? 'in chunks' : 'with its length'}`, async () => {
      const server = await TestServer.start(file);
      const [start = '', end = ''] = reviewText({}, { info: '|' }).split('|');
      const filling = MAX_BODY_BYTES - Buffer.byteLength(start + end);
      const body = Buffer.from(`${start}${'x'.repeat(filling)}${end}`);
      assert.equal(body.length, MAX_BODY_BYTES);
      const length: Record<string, string> = chunked ? {} : { 'Content-Length': String(body.length) };
      const headers = { 'Content-Type': 'application/json', ...length };
      const reply = await server.admission.send('POST', '/admit', headers, [body]);
      assert.deepEqual([reply.status, reply.json()], [200, allowed(UID)]);
      await server.settled();
      const ledger = await openLedger(server.config.db, () => Date.now());
      const { states } = await ledger.states({ scope: {}, at: Date.now(), limit: 1 });
      await ledger.close();
      await server.stop();
      assert.equal((states[0]?.body.data as { level: string }).level.length, filling);
    });
  }
});

describe('a failure inside', () => {
  const file = useFolder();
  const person = (name: string): JsonObject =>
    reviewDocument({ uid: name, name, object: configMap({}, { name, uid: name }) });
  const machine = (name: string): JsonObject =>
    reviewDocument({
      uid: name,
      name,
      username: 'system:serviceaccount:kube-system:replicaset-controller',
      object: configMap({}, { name, uid: name }),
    });

  it('of the ledger, for one review, is told, counted, and a gap; the others are recorded', async function () {
    this.timeout(30_000);
    this.slow(10_000);
    const server = await TestServer.start(file);
    try {
      assert.deepEqual((await server.admission.admit(person('a'))).json(), allowed('a'));
      await server.settled();
      const fault = new Database(server.config.db);
      fault.exec(
        "CREATE TRIGGER fault BEFORE INSERT ON objects WHEN NEW.name = 'b' BEGIN SELECT RAISE(ABORT, 'a fault'); END",
      );
      // They are in the spool: what comes of them is not known yet.
      for (const review of [person('b'), machine('c')]) {
        const { uid } = review.request as { uid: string };
        assert.deepEqual((await server.admission.admit(review)).json(), allowed(uid));
      }
      await until('it is lost', async () => (await reviewCounts(server.admission)).lost === 1, 10_000);
      const ready = await server.admission.get('/readyz');
      assert.match(ready.text, /^\[!\]losses 1 not recorded: see the log$/m);
      const losses = server.log.filter(({ msg }) => msg === 'review lost');
      assert.deepEqual(
        losses.map(({ reviewUid, code, reason }) => [reviewUid, code, reason]),
        [['b', 'internal', 'a fault']],
      );
      fault.exec('DROP TRIGGER fault');
      fault.close();
      assert.deepEqual((await server.admission.admit(person('d'))).json(), allowed('d'));
      await server.settled();
      const reader = openSqliteReader(server.config.db);
      assert.deepEqual(
        (await reader.changes({}, 10)).map(({ seq, reviewUid }) => [seq, reviewUid]),
        [
          [3, 'd'],
          [2, 'c'],
          [1, 'a'],
        ],
      );
      await until('the ledger tells of the loss', async () =>
        (await reader.coverage()).some(
          ({ event, detail }) => event === 'lost' && detail === '1 review could not be recorded',
        ),
      );
      await reader.close();
    } finally {
      await server.stop();
    }
  });

  it('of the disk: full, and free again', async function () {
    this.timeout(60_000);
    if (process.platform !== 'linux') this.skip(); // another process's limits
    const certificates = await TestCertificates.make(file);
    const db = file('ledger.db');
    const server = await ServerProcess.start(serveArguments(db, certificates));
    const client = new HttpsClient(server.admission, certificates.ca);
    // To SQLite a file that may not grow is a disk that is full: the write fails.
    const limit = (size: string): void =>
      void execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${size}:unlimited`]);
    try {
      assert.deepEqual((await client.admit(person('a'))).json(), allowed('a'));
      limit('0');
      const warning = 'kubeblame did not record this request: its ledger cannot be written';
      assert.deepEqual((await client.admit(person('b'))).json(), allowed('b', warning));
      assert.deepEqual((await client.admit(machine('c'))).json(), allowed('c'));
      assert.equal((await reviewCounts(client)).lost, 2);
      const full = await client.get('/readyz');
      assert.equal(full.status, 503, full.text);
      assert.match(full.text, /^\[-\]spool: the spool cannot be written: EFBIG/m);
      assert.match(full.text, /^\[!\]losses 2 not recorded: see the log$/m);

      limit('unlimited');
      assert.deepEqual((await client.admit(person('d'))).json(), allowed('d'));
      await until('it is ready', async () => (await client.get('/readyz')).status === 200);
      const free = await client.get('/readyz');
      assert.match(free.text, /^\[!\]losses 2 not recorded: see the log$/m);
    } finally {
      client.close();
      server.signal('SIGTERM');
    }
    assert.equal((await server.ended).code, 0);
    const reader = openSqliteReader(db);
    assert.deepEqual(
      (await reader.changes({}, 10)).map(({ seq, reviewUid }) => [seq, reviewUid]),
      [
        [2, 'd'],
        [1, 'a'],
      ],
    );
    await reader.close();
  });
});
