import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { isUsable, makeGeneration } from '../../certs/generations.ts';
import { isObject } from '../../shared/json.ts';
import { configMap, reviewDocument } from '../../shared/testing/reviews.ts';
import type { JsonObject } from '../../shared/types.ts';
import type { Registration } from '../config/install.ts';
import { openSqliteReader } from '../store/sqlite/store.ts';
import { FakeApiServer, type SeenRequest } from '../testing/api-server.ts';
import { useFolder } from '../testing/folder.ts';
import { ServerProcess } from '../testing/process.ts';
import {
  API_SERVICES,
  callWebhook,
  CONFIGURATIONS,
  NAMESPACES,
  registeredAt,
  SECRETS,
  type Registered,
} from '../testing/registered.ts';
import { TestServer, until, type TestServerOptions } from '../testing/server.ts';
import { decodeGenerations, encodeGenerations } from './secret.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const OVERLAP_MS = 300;

const REGISTRATION: Registration = {
  namespace: 'kubeblame',
  service: 'kubeblame',
  servicePort: 443,
  secret: 'kubeblame-tls',
  tlsCa: null,
  timing: { everyMs: 20, overlapMs: OVERLAP_MS },
};
const NAMES = { dnsNames: ['kubeblame.kubeblame.svc', 'kubeblame-gateway.kubeblame.svc'] };

let count = 0;
const review = (): JsonObject => {
  const name = `map-${++count}`;
  return reviewDocument({ name, object: configMap({}, { name, uid: `u-${name}` }) });
};

describe('a server that registers itself', () => {
  const file = useFolder();
  let api: FakeApiServer;
  let clock: number;
  const running: TestServer[] = [];
  beforeEach(async () => {
    clock = Date.now();
    api = await FakeApiServer.start(file, [CONFIGURATIONS, SECRETS, NAMESPACES, API_SERVICES]);
    api.put(NAMESPACES, { metadata: { name: 'kubeblame', uid: 'u-namespace' } });
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
    await api.stop();
  });

  async function start(options: TestServerOptions = {}): Promise<TestServer> {
    const server = await TestServer.start(file, {
      tls: null,
      callers: { by: 'path', secret: null },
      registration: REGISTRATION,
      kubeconfig: { file: api.kubeconfig },
      now: () => clock,
      ...options,
    });
    running.push(server);
    return server;
  }

  const registered = async (): Promise<Registered> => {
    await until('it is registered', () => registeredAt(api) !== null);
    return registeredAt(api) as Registered;
  };
  const secret = (): JsonObject | undefined => api.find('secrets', 'kubeblame', 'kubeblame-tls');
  const generations = () => decodeGenerations((secret()?.data ?? {}) as JsonObject);
  const configuration = (): JsonObject =>
    api.find('validatingwebhookconfigurations.admissionregistration.k8s.io', '', 'kubeblame') ?? {};
  const call = (server: TestServer, to: Registered): Promise<number> =>
    callWebhook(server.running.admission, to, review());
  const writes = (): SeenRequest[] => api.requests.filter(({ verb }) => ['create', 'update', 'delete'].includes(verb));

  it('makes its certificates and its configuration, by which the API server reaches it', async () => {
    const server = await start();
    const to = await registered();
    assert.match(to.path, /^\/admit\/[0-9a-f]{64}$/);
    assert.equal(await call(server, to), 200);
    const stored = generations();
    assert.ok(stored !== null);
    assert.equal(isUsable(stored.current, clock, NAMES), true);
    assert.deepEqual([stored.next, stored.previous], [null, null]);
    assert.equal(to.path, `/admit/${stored.current.pathSecret}`);
    assert.equal(to.ca, stored.current.serving?.authority);
    assert.deepEqual((configuration().metadata as JsonObject).ownerReferences, [
      { apiVersion: 'v1', kind: 'Namespace', name: 'kubeblame', uid: 'u-namespace' },
    ]);
  });

  it('has no right to issue certificates, and keeps none: the key of the authority is nowhere', async () => {
    await start();
    await registered();
    const keys = Object.keys((secret()?.data ?? {}) as JsonObject).sort();
    assert.deepEqual(keys, ['ca.crt', 'made-at', 'path', 'tls.crt', 'tls.key']);
    const { serving } = generations()?.current ?? {};
    assert.equal(new X509Certificate(serving?.authority ?? '').ca, true);
    assert.equal(new X509Certificate(serving?.certificate ?? '').ca, false);
  });

  it('registers only once it can record', async () => {
    const server = await start();
    // The ledger was open before: what comes first was recorded.
    const to = await registered();
    assert.equal(await call(server, to), 200);
    const order = api.requests.map(({ verb, type }) => `${verb} ${type}`);
    assert.ok(
      order.indexOf('create secrets') < order.indexOf(`create ${CONFIGURATIONS.resource}.${CONFIGURATIONS.group}`),
    );
  });

  it('goes on with what is there after a restart, and withdraws nothing in between', async () => {
    const first = await start();
    const to = await registered();
    await first.stop();
    const before = writes().length;
    assert.deepEqual(registeredAt(api), to);
    const second = await start();
    assert.equal(await call(second, to), 200);
    await until('it has looked', () => api.seen('get', 'secrets').length > 5);
    assert.equal(writes().length, before);
  });

  it('waits for an API server that is not there yet', async () => {
    const refuse = api.fail(({ verb, type }) => verb === 'get' && type === 'secrets', { status: 503 });
    const starting = start();
    await until('it has asked', () => api.seen('get', 'secrets').length > 2);
    refuse();
    assert.equal(await call(await starting, await registered()), 200);
  });

  it('puts a configuration back that was deleted or changed, and tells the coverage', async () => {
    const server = await start();
    const to = await registered();
    await until('it watches', () => api.openWatches() > 0);
    const spoil: [what: string, spoil: () => void][] = [
      ['deleted', () => api.remove(CONFIGURATIONS, '', 'kubeblame')],
      ['its rules', () => change((webhook) => ({ ...webhook, rules: [] }))],
      ['its namespaces', () => change((webhook) => ({ ...webhook, namespaceSelector: {} }))],
      ['its conditions', () => change((webhook) => ({ ...webhook, matchConditions: [{ name: 'no', expression: 'false' }] }))],
      ['whom it calls', () => change((webhook) => ({ ...webhook, clientConfig: { url: 'https://example.com' } }))],
    ]; // prettier-ignore
    const change = (edit: (webhook: JsonObject) => JsonObject): void => {
      const { webhooks, ...rest } = configuration();
      api.put(CONFIGURATIONS, { ...rest, webhooks: (webhooks as JsonObject[]).map(edit), ...without(rest) });
    };
    const without = ({ metadata }: JsonObject): JsonObject => {
      const { resourceVersion: _, ...kept } = metadata as JsonObject;
      return { metadata: kept };
    };
    const whole = JSON.stringify(configuration().webhooks);
    for (const [what, undo] of spoil) {
      undo();
      await until(`${what}: it is back`, () => JSON.stringify(configuration().webhooks) === whole);
    }
    assert.deepEqual(registeredAt(api), to);
    const events = async (): Promise<string[]> => {
      const reader = openSqliteReader(server.config.db);
      const all = await reader.coverage();
      await reader.close();
      return all.map(({ event }) => event).filter((event) => /register/.test(event));
    };
    const expected = 2 * spoil.length;
    // Before the first: there was none, and then there was.
    await until('coverage tells', async () => (await events()).length >= expected + 1);
    assert.deepEqual(
      (await events()).slice(-expected),
      Array(spoil.length).fill(['unregistered', 'registered']).flat(),
    );
  });

  it('leaves labels and annotations of others alone', async () => {
    await start();
    await registered();
    const { metadata, ...rest } = configuration();
    const { resourceVersion: _, ...kept } = metadata as JsonObject;
    api.put(CONFIGURATIONS, { ...rest, webhooks: [], metadata: { ...kept, annotations: { team: 'sre' } } });
    await until('it is back', () => registeredAt(api) !== null);
    assert.deepEqual((configuration().metadata as JsonObject).annotations, { team: 'sre' });
  });

  /** Calls the webhook over and over as it is registered, for as long as `during` takes; resolves with the answers. */
  async function load(server: TestServer, during: () => Promise<void>): Promise<Record<string, number>> {
    const answers: Record<string, number> = {};
    let over = false;
    const worker = async (): Promise<void> => {
      while (!over) {
        const to = registeredAt(api);
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
    clock -= 121 * DAY_MS;
    const server = await start();
    const old = await registered();
    const before = generations()?.current.pathSecret ?? '';
    const stages = new Set<string>();
    const watch = setInterval(() => {
      const { next, previous } = generations() ?? {};
      stages.add(next ? 'next' : previous ? 'previous' : 'alone');
    }, 5);
    const answers = await load(server, async () => {
      clock += 121 * DAY_MS;
      await rotated(before);
    });
    clearInterval(watch);
    assert.deepEqual(Object.keys(answers), ['200'], JSON.stringify(answers));
    assert.deepEqual([...stages], ['alone', 'next', 'previous']);
    await until('the old authority is out of the bundle', () => registeredAt(api)?.ca.includes(old.ca) === false);
    const to = await registered();
    assert.notEqual(to.path, old.path);
    // Every one is in the ledger.
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
      api.remove(SECRETS, 'kubeblame', 'kubeblame-tls');
      await until('it is back', () => secret() !== undefined);
      assert.equal(generations()?.current.pathSecret, before);
      await rotated(before);
    });
    assert.deepEqual(Object.keys(answers), ['200'], JSON.stringify(answers));
  });

  it('does the same where its Secret is spoilt', async () => {
    await start();
    await registered();
    const before = generations()?.current;
    const { data, metadata } = secret() ?? {};
    const { resourceVersion: _, ...kept } = metadata as JsonObject;
    api.put(SECRETS, { metadata: kept, data: { ...(isObject(data) ? data : {}), 'tls.crt': 'bm8gY2VydGlmaWNhdGU=' } });
    await until('it is restored', () => generations()?.current.pathSecret === before?.pathSecret);
  });

  it('starts anew from a Secret that is of no use', async () => {
    api.put(SECRETS, { metadata: { name: 'kubeblame-tls', namespace: 'kubeblame' }, data: { path: 'YQ==' } });
    const server = await start();
    assert.equal(await call(server, await registered()), 200);
  });

  it('heals after a clock that had jumped ahead', async () => {
    const real = clock;
    clock += 5 * 365 * DAY_MS;
    const server = await start();
    await registered();
    const wrong = generations()?.current.madeAt ?? 0;
    assert.ok(wrong > real + 1000 * DAY_MS);
    clock = real;
    await until('it is made anew', () => (generations()?.current.madeAt ?? wrong) <= real);
    await until(
      'it is registered anew',
      () => registeredAt(api)?.path.endsWith(generations()?.current.pathSecret ?? '-') === true,
    );
    assert.equal(await call(server, await registered()), 200);
  });

  it('writes its CA into our APIService, and into no other', async () => {
    const service = (namespace: string): JsonObject => ({
      spec: { group: 'kubeblame.io', service: { name: 'g', namespace } },
    });
    api.put(API_SERVICES, { metadata: { name: 'v1alpha1.kubeblame.io' }, ...service('kubeblame') });
    await start();
    const to = await registered();
    const found = (): JsonObject =>
      (api.find('apiservices.apiregistration.k8s.io', '', 'v1alpha1.kubeblame.io')?.spec ?? {}) as JsonObject;
    await until('it is there', () => found().caBundle !== undefined);
    assert.equal(Buffer.from(found().caBundle as string, 'base64').toString(), to.ca);
    const before = writes().length;
    api.put(API_SERVICES, { metadata: { name: 'v1alpha1.kubeblame.io' }, ...service('somewhere') });
    const gets = api.seen('get', 'apiservices.apiregistration.k8s.io').length;
    await until('it has looked', () => api.seen('get', 'apiservices.apiregistration.k8s.io').length > gets + 2);
    assert.equal(writes().length, before);
    assert.equal(found().caBundle, undefined);
  });

  it('does not go on with a rotation of which our APIService cannot be told', async () => {
    const spec = { group: 'kubeblame.io', service: { name: 'g', namespace: 'kubeblame' } };
    api.put(API_SERVICES, { metadata: { name: 'v1alpha1.kubeblame.io' }, spec });
    clock -= 121 * DAY_MS;
    const server = await start();
    await registered();
    const before = generations()?.current.pathSecret;
    const isApiService = ({ verb, type }: SeenRequest): boolean => verb === 'update' && type.startsWith('apiservices.');
    const allow = api.fail(isApiService, { status: 403 });
    clock += 121 * DAY_MS;
    await until('a next one has begun', () => generations()?.next !== null);
    await new Promise((resolve) => setTimeout(resolve, 2 * OVERLAP_MS));
    assert.equal(generations()?.current.pathSecret, before);
    assert.equal(await call(server, await registered()), 200);
    allow();
    await rotated(before ?? '');
  });

  it('does it as a process too, by its options', async function () {
    this.timeout(30_000);
    const addresses = ['--listen', '127.0.0.1:0', '--read-listen', '127.0.0.1:0'];
    const args = ['serve', '--db', file('process.db'), ...addresses, '--kubeconfig', api.kubeconfig];
    const process = await ServerProcess.start([
      ...args,
      '--register',
      '--service',
      'audit',
      '--namespace',
      'kubeblame',
    ]);
    try {
      const to = await registered();
      assert.equal(to.host, 'audit.kubeblame.svc');
      assert.equal(await callWebhook(process.admission, to, review()), 200);
      assert.equal(await callWebhook(process.admission, { ...to, path: '/admit' }, review()), 401);
    } finally {
      process.signal('SIGTERM');
    }
    const { code, stdout, stderr } = await process.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout.includes((await registered()).path.slice('/admit/'.length)), false);
  });

  it('uses certificate files, and their CA, where they are given', async () => {
    const server = await start({
      tls: { cert: file('tls.crt'), key: file('tls.key') },
      registration: { ...REGISTRATION, tlsCa: file('ca.crt') },
    });
    const to = await registered();
    assert.equal(to.ca, server.certificates.ca);
    assert.deepEqual(Object.keys((secret()?.data ?? {}) as JsonObject).sort(), ['made-at', 'path']);
    // The test's certificate is for localhost.
    assert.equal(await callWebhook(server.running.admission, { ...to, host: 'localhost' }, review()), 200);
  });

  it('says once what it may not do, and goes on recording', async () => {
    api.fail(({ verb }) => verb === 'create', { status: 403 }, Infinity);
    const made = { current: await makeGeneration(clock, NAMES), next: null, previous: null };
    api.put(SECRETS, { metadata: { name: 'kubeblame-tls', namespace: 'kubeblame' }, data: encodeGenerations(made) });
    const server = await start();
    await until('it has tried', () => api.seen('create').length > 3);
    const said = server.log.filter(({ msg }) => msg === 'registration not kept, trying again');
    assert.equal(said.length, 1);
    assert.match(String(said[0]?.reason), /^POST .*validatingwebhookconfigurations: 403 /);
  });
});
