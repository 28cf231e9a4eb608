import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { ROUTES } from '../../../shared/api.ts';
import { stringifyJson } from '../../../shared/json.ts';
import { QUESTIONS } from '../../../shared/questions/table.ts';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import { shopMarks } from '../../../shared/testing/shop.ts';
import type { Json, JsonObject, LedgerReader } from '../../../shared/types.ts';
import { VERSION } from '../../../shared/version.ts';
import { EVERYTHING } from '../access/identity/caller.ts';
import { openLedger } from '../questions/open.ts';
import { StoreReader } from '../questions/reader.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { useFolder, useSharedFolder } from '../../testing/folder.ts';
import { TestServer, type LogLine, type Reply } from '../../testing/server/server.ts';
import { importShop } from '../../testing/ledgers/shop-ledger.ts';
import { readApi } from './routes.ts';

const [, INSTALLED = 0, EDITED = 0, , , , PENDING = 0] = shopMarks().map(({ at }) => at);

const errorOf = (reply: Reply): JsonObject => reply.json().error as JsonObject;

describe('the read API', () => {
  const file = useSharedFolder();
  let server: TestServer;
  let ledger: LedgerReader;
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('ledger.db'), true)).close();
    // The ledger is not new, so its key must be there; nothing is recorded here, so any will do.
    writeFileSync(file('ledger.db.key'), `${'0'.repeat(64)}\n`);
    server = await TestServer.start(file);
    ledger = await openLedger(server.config.db, () => Date.now());
  });
  after(async () => {
    await ledger.close();
    await server.stop();
  });

  const ask = async (path: string, parameters: Record<string, string | number> = {}): Promise<Reply> => {
    const search = new URLSearchParams(
      Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return server.read.get(`${path}?${search.toString()}`);
  };
  const answer = async <T>(path: string, parameters: Record<string, string | number> = {}): Promise<T> => {
    const reply = await ask(path, parameters);
    assert.equal(reply.status, 200, reply.text);
    return reply.json() as T;
  };

  it('tells what the ledger is', async () => {
    assert.deepEqual(await answer(ROUTES.info), {
      cluster: 'shop',
      format: 6,
      changes: 1706,
      firstAt: Date.parse('2026-11-22T05:05:31.843Z'),
      lastAt: Date.parse('2026-11-22T05:08:27.415Z'),
      version: VERSION,
    });
  });

  const web = { type: { group: 'apps', resource: 'deployments' }, namespace: 'shop', names: ['web'] };
  const webParameters = { group: 'apps', resource: 'deployments', namespace: 'shop', name: 'web' };
  const questions: [
    route: keyof typeof ROUTES,
    parameters: Record<string, string | number>,
    ask: (reader: LedgerReader) => Promise<unknown>,
    items: (body: never) => unknown[],
    count: number,
  ][] = [
    ['resources', {}, (reader) => reader.resources(), (body: unknown[]) => body, 32],
    ['objects', webParameters, (reader) => reader.objects({ scope: web, limit: 100 }), (body: unknown[]) => body, 1],
    [
      'changes',
      { ...webParameters, user: 'alice@example.com', since: INSTALLED, until: PENDING, bodies: 'true', limit: 3 },
      (reader) =>
        reader.changes({
          scope: web,
          users: ['alice@example.com'],
          since: INSTALLED,
          until: PENDING,
          bodies: true,
          limit: 3,
        }),
      (body: { changes: unknown[] }) => body.changes,
      3,
    ],
    [
      'states',
      { ...webParameters, at: EDITED },
      (reader) => reader.states({ scope: web, at: EDITED, limit: 100 }),
      (body: { states: unknown[] }) => body.states,
      1,
    ],
    [
      'differences',
      { from: INSTALLED, to: EDITED },
      (reader) => reader.differences({ scope: {}, from: INSTALLED, to: EDITED, limit: 100 }),
      (body: { differences: unknown[] }) => body.differences,
      16,
    ],
    ['users', webParameters, (reader) => reader.users({ scope: web }), (body: { users: unknown[] }) => body.users, 3],
    [
      'blame',
      { at: EDITED, namespace: 'shop', removed: 'true', humans: 'true', ignore: 'bob@example.com' },
      (reader) => {
        const options = { removed: true, humans: true, ignore: ['bob@example.com'] };
        return reader.blame({ scope: { namespace: 'shop' }, at: EDITED, ...options, limit: 20 });
      },
      (body: { blames: unknown[] }) => body.blames,
      20,
    ],
    [
      'graph',
      { at: EDITED },
      (reader) => reader.graph({ at: EDITED }),
      (body: { edges: unknown[] }) => body.edges,
      292,
    ],
    [
      'facts',
      { at: EDITED },
      (reader) => reader.facts({ at: EDITED }),
      (body: { objects: unknown[] }) => body.objects,
      290,
    ],
    [
      'impact',
      { at: EDITED, resource: 'secrets', namespace: 'shop', name: 'db-credentials', blow: 'gone', hops: 2 },
      (reader) =>
        reader.impact({
          scope: { type: { group: '', resource: 'secrets' }, namespace: 'shop', names: ['db-credentials'] },
          ...{ at: EDITED, blow: 'gone', hops: 2 },
        }),
      (body: { reached: unknown[] }) => body.reached,
      8,
    ],
    [
      'applications',
      { at: EDITED },
      (reader) => reader.applications({ at: EDITED }),
      (body: { applications: unknown[] }) => body.applications,
      1,
    ],
    [
      'manual',
      { namespace: 'shop' },
      (reader) => reader.manual({ scope: { namespace: 'shop' } }),
      (body: { changes: unknown[] }) => body.changes,
      0,
    ],
    [
      'events',
      { namespace: 'shop', limit: 5 },
      (reader) => reader.events({ scope: { namespace: 'shop' }, limit: 5 }),
      (body: { events: unknown[] }) => body.events,
      0,
    ],
    // The recording, its end, and the server's start.
    ['coverage', {}, (reader) => reader.coverage(), (body: unknown[]) => body, 3],
  ];
  for (const [route, parameters, direct, items, count] of questions) {
    it(`answers ${route} as the file does, byte for byte`, async () => {
      const reply = await ask(ROUTES[route], parameters);
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers['content-type'], 'application/json; charset=utf-8');
      assert.equal(reply.headers['cache-control'], 'no-store');
      assert.equal(reply.headers['x-powered-by'], undefined);
      assert.equal(items(reply.json() as never).length, count);
      assert.equal(reply.text, stringifyJson((await direct(ledger)) as Json));
    });
  }

  it('has a question for each route', () => {
    assert.deepEqual([...questions.map(([route]) => route), 'info'].sort(), Object.keys(ROUTES).sort());
  });

  it('gives every change once, page by page, newest first', async () => {
    const seqs: number[] = [];
    const sizes: number[] = [];
    const all = { status: 'true', attempts: 'true', limit: 400 };
    for (let before: number | null = Number.MAX_SAFE_INTEGER; before !== null;) {
      const page: { changes: { seq: number }[]; next: number | null } = await answer(ROUTES.changes, {
        ...all,
        before,
      });
      seqs.push(...page.changes.map(({ seq }) => seq));
      sizes.push(page.changes.length);
      before = page.next;
    }
    assert.deepEqual(
      seqs,
      Array.from({ length: 1706 }, (_, index) => 1706 - index),
    );
    assert.deepEqual(sizes, [400, 400, 400, 400, 106]);
  });

  interface ObjectPage {
    states?: { object: { uid: string } }[];
    differences?: { object: { uid: string } }[];
    blames?: { object: { uid: string } }[];
    next: string | null;
  }
  const pages: [route: 'states' | 'differences', parameters: Record<string, number>, sizes: number[]][] = [
    ['states', { at: PENDING, limit: 100 }, [100, 100, 100, 13]],
    ['differences', { from: INSTALLED, to: EDITED, limit: 5 }, [5, 5, 5, 1]],
    // Objects follow the last full page, but none that differs.
    ['differences', { from: INSTALLED, to: EDITED, limit: 8 }, [8, 8, 0]],
  ];
  for (const [route, parameters, expected] of pages) {
    it(`gives every object of ${route} once, in pages of ${parameters.limit ?? 0}`, async () => {
      const uids: string[] = [];
      const sizes: number[] = [];
      for (let next: string | null = ''; next !== null;) {
        const token: Record<string, string> = next === '' ? {} : { continue: next };
        const page = await answer<ObjectPage>(ROUTES[route], { ...parameters, ...token });
        const items = page[route] ?? [];
        uids.push(...items.map(({ object }) => object.uid));
        sizes.push(items.length);
        next = page.next;
      }
      assert.deepEqual(sizes, expected);
      assert.equal(new Set(uids).size, uids.length);
      const whole = await answer<ObjectPage>(ROUTES[route], { ...parameters, limit: 500 });
      assert.deepEqual(
        uids,
        (whole[route] ?? []).map(({ object }) => object.uid),
      );
    });
  }

  it('narrows by labels, as they were at the time', async () => {
    const names = async (labels: string, at = PENDING): Promise<string[]> => {
      const page = await answer<{ states: { object: { resource: string; name: string } }[] }>(ROUTES.states, {
        namespace: 'shop',
        labels,
        at,
      });
      return page.states.map(({ object }) => `${object.resource}/${object.name}`);
    };
    assert.deepEqual(await names('app.kubernetes.io/name=web'), ['configmaps/web-config', 'deployments/web']);
    assert.deepEqual(await names('app.kubernetes.io/name in (web, api),team!=checkout'), [
      'configmaps/web-config',
      'deployments/web',
    ]);
    assert.deepEqual(await names('tier=frontend'), ['deployments/web']);
    assert.deepEqual(await names('tier=frontend', INSTALLED), []);
    const page = await answer<{ changes: { object: { name: string } }[] }>(ROUTES.changes, {
      labels: 'tier',
      limit: 1000,
    });
    assert.deepEqual([...new Set(page.changes.map(({ object }) => object.name))], ['web']);
  });

  it('gives a page where no limit is asked for, and no more than the most', async () => {
    const { changes } = await answer<{ changes: unknown[] }>(ROUTES.changes);
    assert.equal(changes.length, QUESTIONS.changes.limits.fallback);
    assert.equal((await answer<unknown[]>(ROUTES.objects)).length, QUESTIONS.objects.limits.fallback);
    for (const [route, more] of [
      ['objects', {}],
      ['changes', {}],
      ['states', { at: PENDING }],
      ['differences', { from: INSTALLED, to: EDITED }],
      ['blame', { at: PENDING }],
    ] as const) {
      const { max } = QUESTIONS[route].limits;
      assert.equal((await ask(ROUTES[route], { ...more, limit: max })).status, 200);
      for (const limit of [0, -1, max + 1]) {
        const reply = await ask(ROUTES[route], { ...more, limit });
        assert.equal(reply.status, 400);
        assert.deepEqual(errorOf(reply), {
          code: 'query-invalid',
          message: `the query parameter limit must be from 1 to ${max}`,
        });
      }
    }
  });

  const bad: [what: string, path: string, code: string, message: RegExp][] = [
    ['an unknown parameter', `${ROUTES.changes}?sort=at`, 'query-invalid', /^unknown query parameter "sort"$/],
    [
      'a parameter twice',
      `${ROUTES.changes}?field=a&field=b`,
      'query-invalid',
      /^the query parameter field is given more/,
    ],
    ['a number that is none', `${ROUTES.changes}?since=yesterday`, 'query-invalid', /since must be an integer$/],
    ['a flag that is none', `${ROUTES.changes}?status=1`, 'query-invalid', /status must be true or false$/],
    [
      'a group without its resource',
      `${ROUTES.objects}?group=apps`,
      'query-invalid',
      /group needs the parameter resource$/,
    ],
    ['a missing moment', ROUTES.states, 'query-invalid', /at is missing: ms since the epoch$/],
    ['a missing interval', `${ROUTES.differences}?from=1`, 'query-invalid', /to is missing: ms since the epoch$/],
    ['a field that is none', `${ROUTES.blame}?at=1&field=a%5B`, 'field-invalid', /^the field "a\["/],
    ['the same of a history', `${ROUTES.changes}?field=`, 'field-invalid', /^the field is empty$/],
    ['a selector that is none', `${ROUTES.states}?at=1&labels=a%3D%3D%3Db`, 'selector-invalid', /./],
    // A list that ends early must not look like one that is complete.
    ['a continue that is no token', `${ROUTES.states}?at=${PENDING}&continue=abc`, 'query-invalid', /continue/],
    ['an empty continue', `${ROUTES.states}?at=${PENDING}&continue=`, 'query-invalid', /continue/],
    [
      'a continue that was never given',
      `${ROUTES.differences}?from=1&to=${PENDING}&continue=-5`,
      'query-invalid',
      /continue/,
    ],
  ];
  for (const [what, path, code, message] of bad) {
    it(`refuses ${what}: 400 ${code}`, async () => {
      const reply = await server.read.get(path);
      assert.equal(reply.status, 400, reply.text);
      const { code: given, message: text } = errorOf(reply) as { code: string; message: string };
      assert.equal(given, code);
      assert.match(text, message);
    });
  }

  it('answers nothing but GET, and no other path', async () => {
    for (const path of Object.values(ROUTES)) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const reply = await server.read.send(method, path, { 'Content-Length': '0' }, []);
        assert.equal(reply.status, 405);
        assert.deepEqual(errorOf(reply), { code: 'method-not-allowed', message: `${method} is not allowed here: GET` });
      }
    }
    for (const path of ['/', '/api', '/api/v2/info', '/api/v1/info/x', '/api/v1/__proto__', '/readyz', '/%zz']) {
      const reply = await server.read.get(path);
      assert.equal(reply.status, 404);
      assert.deepEqual(errorOf(reply), { code: 'not-found', message: `there is nothing at ${path}` });
    }
  });

  it('is not held up by a parameter that is long or odd', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `name=${index}`).join('&');
    assert.deepEqual((await server.read.get(`${ROUTES.objects}?${names}`)).json(), []);
    const odd = encodeURIComponent(`'"; DROP TABLE changes; --\u0000\u{1f600}`);
    assert.deepEqual((await server.read.get(`${ROUTES.objects}?name=${odd}`)).json(), []);
    assert.deepEqual((await server.read.get(`${ROUTES.objects}?namespace=${odd}`)).json(), []);
  });

  it('wrote no error to the log for any of these', () => {
    assert.deepEqual(
      server.log.filter(({ level }) => (level as number) >= 50),
      [],
    );
  });
});

describe('the read API with a token', () => {
  const file = useFolder();

  it('answers whoever has it, and tells others nothing', async () => {
    const readToken = 'a-token-of-enough-characters';
    const server = await TestServer.start(file, { readToken });
    const ask = (path: string, authorization?: string): Promise<Reply> =>
      server.read.get(path, authorization === undefined ? {} : { Authorization: authorization });
    const wrong = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${readToken}x`,
      `Bearer ${readToken.slice(1)}`,
      readToken,
    ];
    for (const authorization of [...wrong, `Basic ${readToken}`]) {
      for (const path of [...Object.values(ROUTES), '/', '/api/v1/nothing', `${ROUTES.changes}?limit=0`]) {
        const reply = await ask(path, authorization);
        assert.equal(reply.status, 401, `${path} ${String(authorization)}`);
        assert.deepEqual(reply.json(), {
          error: { code: 'unauthorized', message: 'the read API needs a bearer token', hint: 'give --token-file' },
        });
      }
    }
    assert.equal((await ask(ROUTES.info, `Bearer ${readToken}`)).status, 200);
    assert.equal((await ask('/api/v1/nothing', `Bearer ${readToken}`)).status, 404);
    assert.ok(!JSON.stringify(server.log).includes(readToken));
    await server.stop();
  });
});

describe('the read API while reviews are written', () => {
  const file = useFolder();

  it('gives whole changes, none missing below the newest', async () => {
    const server = await TestServer.start(file);
    // The thread that answers has begun by then.
    await server.read.get(ROUTES.info);
    const uids = Array.from({ length: 60 }, (_, index) => `r-${index + 1}`);
    let writing = true;
    const write = async (): Promise<void> => {
      for (const uid of uids) {
        await server.admission.admit(reviewDocument({ uid, name: uid, object: configMap({}, { name: uid, uid }) }));
      }
      writing = false;
    };
    const counts: number[] = [];
    const read = async (): Promise<void> => {
      while (writing) {
        const reply = await server.read.get(`${ROUTES.changes}?limit=1000&bodies=true`);
        assert.equal(reply.status, 200);
        const { changes } = reply.json() as unknown as {
          changes: { seq: number; reviewUid: string; after: { metadata: { name: string } } }[];
        };
        counts.push(changes.length);
        assert.deepEqual(
          changes.map(({ seq, reviewUid, after }) => [seq, reviewUid, after.metadata.name]),
          uids
            .slice(0, changes.length)
            .map((uid, index) => [index + 1, uid, uid])
            .reverse(),
        );
      }
    };
    await Promise.all([write(), read()]);
    const info = (await server.read.get(ROUTES.info)).json();
    assert.equal(info.changes, 60);
    const between = new Set(counts.filter((count) => count > 0 && count < 60));
    assert.ok(between.size >= 3, `read only at ${counts.join(', ')} changes`);
    await server.stop();
  });
});

describe('the read API on a failure inside', () => {
  const file = useFolder();

  it('answers 500 and keeps the stack to its log', async () => {
    const server = await TestServer.start(file);
    await server.admission.admit(reviewDocument());
    await server.stop();
    const lines: LogLine[] = [];
    const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) });
    // A ledger that is closed under the questions.
    const store = openSqliteReader(server.config.db);
    await store.close();
    const reader = new StoreReader(store, () => Date.now());
    const listener = createServer(
      readApi({
        authenticate: () => Promise.resolve(EVERYTHING),
        reading: {
          readerOf: () => reader,
          json: async () => Buffer.from(stringifyJson((await reader.info()) as unknown as Json)),
        },
        lastSeq: () => Promise.resolve(0),
        caughtUp: () => Promise.resolve(),
        now: () => Date.now(),
        closing: new AbortController().signal,
        log,
      }),
    );
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}${ROUTES.info}`);
    assert.equal(answer.status, 500);
    assert.deepEqual(await answer.json(), {
      error: { code: 'server-error', message: 'the server failed to answer' },
    });
    listener.close();
    listener.closeAllConnections();
    assert.deepEqual(
      lines.map(({ level, msg, path, code, reason }) => [level, msg, path, code, reason]),
      [[50, 'question not answered', ROUTES.info, 'internal', 'The database connection is not open']],
    );
    assert.match(String(lines[0]?.stack), /^ {4}at /m);
  });
});
