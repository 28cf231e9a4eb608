import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import pino from 'pino';
import { isUsable, makeGeneration } from '../../certs/generations.ts';
import type { JsonObject } from '../../shared/types.ts';
import { openApiClient } from '../platform/kubernetes/api-client.ts';
import { openSqliteReader } from '../ledger/sqlite/store/store.ts';
import { ServerProcess } from '../testing/server/process.ts';
import {
  callWebhook,
  CONFIGURATIONS,
  NAMES,
  OVERLAP_MS,
  newReview,
  REGISTRATION,
  registeredAt,
  SECRETS,
  useInstallation,
} from '../testing/cluster/installation.ts';
import { until } from '../testing/server/server.ts';
import { Registrar } from './registration/registrar.ts';
import { encodeGenerations } from './certificates/secret.ts';

describe('a server that registers itself', () => {
  const on = useInstallation();
  const { file, start, registered, secret, generations, configuration, call, writes } = on;

  it('makes its certificates and its configuration, by which the API server reaches it', async () => {
    const server = await start();
    const to = await registered();
    assert.match(to.path, /^\/admit\/[0-9a-f]{64}$/);
    assert.equal(await call(server, to), 200);
    const stored = generations();
    assert.ok(stored !== null);
    assert.equal(isUsable(stored.current, on.clock, NAMES), true);
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

  it('registers only once it is ready, and then keeps at it', async () => {
    let ready = false;
    const registrar = await Registrar.open({
      client: await openApiClient({ file: on.api.kubeconfig }),
      registration: REGISTRATION,
      configuration: 'kubeblame',
      usesPath: true,
      matchConditions: [],
      configMaps: [],
      authority: null,
      log: pino({ level: 'silent' }),
      now: () => on.clock,
      elapsed: () => performance.now(),
    });
    let asked = 0;
    const isReady = (): Promise<boolean> => Promise.resolve(++asked > 0 && ready);
    await registrar.start(isReady, () => Promise.resolve());
    try {
      await until('it has looked', () => asked > 3);
      assert.notEqual(secret(), undefined);
      assert.equal(registeredAt(on.api), null);
      ready = true;
      const to = await registered();
      ready = false;
      on.api.remove(CONFIGURATIONS, '', 'kubeblame');
      assert.deepEqual(await registered(), to);
    } finally {
      await registrar.close();
    }
  });

  it('goes on with what is there after a restart, and withdraws nothing in between', async () => {
    const first = await start();
    const to = await registered();
    await first.stop();
    const before = writes().length;
    assert.deepEqual(registeredAt(on.api), to);
    const second = await start();
    assert.equal(await call(second, to), 200);
    await until('it has looked', () => on.api.seen('get', 'secrets').length > 5);
    assert.equal(writes().length, before);
  });

  it('waits for an API server that is not there yet', async () => {
    const refuse = on.api.fail(({ verb, type }) => verb === 'get' && type === 'secrets', { status: 503 });
    const starting = start();
    await until('it has asked', () => on.api.seen('get', 'secrets').length > 2);
    refuse();
    assert.equal(await call(await starting, await registered()), 200);
  });

  it('puts a configuration back that was deleted or changed, and tells the coverage', async () => {
    const server = await start();
    const to = await registered();
    await until(
      'it watches',
      () => on.api.openWatches('validatingwebhookconfigurations.admissionregistration.k8s.io') === 1,
    );
    const spoil: [what: string, spoil: () => void][] = [
      ['deleted', () => on.api.remove(CONFIGURATIONS, '', 'kubeblame')],
      ['its rules', () => change((webhook) => ({ ...webhook, rules: [] }))],
      ['its namespaces', () => change((webhook) => ({ ...webhook, namespaceSelector: { matchLabels: { a: 'b' } } }))],
      ['its conditions', () => change((webhook) => ({ ...webhook, matchConditions: [{ name: 'no', expression: 'false' }] }))],
      ['whom it calls', () => change((webhook) => ({ ...webhook, clientConfig: { url: 'https://example.com' } }))],
    ]; // prettier-ignore
    const change = (edit: (webhook: JsonObject) => JsonObject): void => {
      const { webhooks, ...rest } = configuration();
      on.api.put(CONFIGURATIONS, { ...rest, webhooks: (webhooks as JsonObject[]).map(edit), ...without(rest) });
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
    assert.deepEqual(registeredAt(on.api), to);
    const events = async (): Promise<string[]> => {
      const reader = openSqliteReader(server.config.db);
      const all = await reader.coverage();
      await reader.close();
      return all.map(({ event }) => event).filter((event) => /register/.test(event));
    };
    const expected = 2 * spoil.length;
    // Before the first: it was registered.
    await until('coverage tells', async () => (await events()).length >= expected + 1);
    assert.deepEqual(
      (await events()).slice(-expected),
      Array(spoil.length).fill(['unregistered', 'registered']).flat(),
    );
  });

  it('puts a configuration back as soon as the watch shows that it was deleted, each time', async () => {
    await start({ registration: { ...REGISTRATION, timing: { everyMs: 3_600_000, overlapMs: OVERLAP_MS } } });
    await registered();
    const { api } = on;
    await until(
      'it is watched',
      () => api.openWatches('validatingwebhookconfigurations.admissionregistration.k8s.io') === 1,
    );
    for (let round = 0; round < 3; round++) {
      api.remove(CONFIGURATIONS, '', 'kubeblame');
      assert.equal(registeredAt(api), null);
      await registered();
    }
  });

  it('leaves a configuration that the API server itself has changed at that, and says so once', async () => {
    on.api.amend = (object) => {
      if (object.kind !== 'ValidatingWebhookConfiguration') return object;
      const [webhook] = object.webhooks as JsonObject[];
      return { ...object, webhooks: [{ ...webhook, objectSelector: { matchLabels: { 'control-plane': 'no' } } }] };
    };
    const server = await start();
    assert.equal(await call(server, await registered()), 200);
    const gets = on.api.seen('get', 'secrets').length;
    await until('it has looked again', () => on.api.seen('get', 'secrets').length > gets + 3);
    assert.equal(writes().filter(({ type }) => type.startsWith('validating')).length, 1);
    const said = server.log.filter(({ msg }) => msg.startsWith('the API server has changed the webhook configuration'));
    assert.equal(said.length, 1);
    // Nor is it taken for a fault, also not by the next server.
    await server.stop();
    const next = await start();
    await until('it has seen it', () => next.log.some(({ event }) => event === 'registered'));
    assert.equal(next.log.filter(({ event }) => event === 'unregistered').length, 0);
  });

  it('leaves labels and annotations of others alone', async () => {
    await start();
    await registered();
    const { metadata, ...rest } = configuration();
    const { resourceVersion: _, ...kept } = metadata as JsonObject;
    on.api.put(CONFIGURATIONS, { ...rest, webhooks: [], metadata: { ...kept, annotations: { team: 'sre' } } });
    await until('it is back', () => registeredAt(on.api) !== null);
    assert.deepEqual((configuration().metadata as JsonObject).annotations, { team: 'sre' });
  });

  it('does it as a process too, by its options', async function () {
    this.timeout(30_000);
    const addresses = ['--listen', '127.0.0.1:0', '--read-listen', '127.0.0.1:0'];
    const args = ['serve', '--db', file('process.db'), ...addresses, '--kubeconfig', on.api.kubeconfig];
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
      assert.equal(await callWebhook(process.admission, to, newReview()), 200);
      assert.equal(await callWebhook(process.admission, { ...to, path: '/admit' }, newReview()), 401);
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
    assert.equal(await callWebhook(server.running.admission, { ...to, host: 'localhost' }, newReview()), 200);
  });

  it('says once what it may not do, and goes on recording', async () => {
    on.api.fail(({ verb }) => verb === 'create', { status: 403 }, Infinity);
    const made = { current: await makeGeneration(on.clock, NAMES), next: null, previous: null };
    on.api.put(SECRETS, { metadata: { name: 'kubeblame-tls', namespace: 'kubeblame' }, data: encodeGenerations(made) });
    const server = await start();
    await until('it has tried', () => on.api.seen('create').length > 3);
    const said = server.log.filter(({ msg }) => msg === 'registration not kept, trying again');
    assert.equal(said.length, 1);
    assert.match(String(said[0]?.reason), /^POST .*validatingwebhookconfigurations: 403 /);
  });
});
