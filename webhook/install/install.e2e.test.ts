import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { renderChart } from '../../scripts/testing/render-chart.ts';
import type { JsonObject } from '../../shared/types.ts';
import type { RegistrationTiming } from './registration/registration.ts';
import { openSqliteReader } from '../ledger/sqlite/store/store.ts';
import type { StoredChange } from '../ledger/port/port.ts';
import { USUAL_WEBHOOK } from './registration/configuration.ts';
import { useCluster, type KubectlResult } from '../testing/cluster/cluster.ts';
import { freePort } from '../testing/server/daemon.ts';
import { HttpsClient, TestServer, until } from '../testing/server/server.ts';

/*
 * The installation on a real API server: what kubectl applies, with the rights that it gives, and nothing else. There is
 * no kubelet: the server runs here, and a Service of type ExternalName leads to it.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The files of the chart, by their paths. */
function readChart(): Record<string, string> {
  const folder = `${ROOT}manifests/chart/`;
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml'));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(folder + path, 'utf8')]));
}

const JSON_TYPE = { 'Content-Type': 'application/json' };
const SLOW_MS = 120_000;

describe('an installation', () => {
  const cluster = useCluster();
  const admin = (args: readonly string[], stdin = ''): Promise<string> => cluster().kubectl('admin', args, stdin);
  const apply = (object: JsonObject): Promise<string> => admin(['apply', '-f', '-'], JSON.stringify(object));
  let port = 0;
  let server: TestServer | undefined;
  let client: HttpsClient;

  before(async function () {
    this.timeout(SLOW_MS);
    port = await freePort();
    client = cluster().client('admin', { connections: 8 });
    await admin(['create', 'namespace', 'shop']);
    await admin(['apply', '-k', `${ROOT}manifests`, '--validate=strict']);
    // In the place of its Service, since there is no network for that.
    await admin(['delete', '-n', 'kubeblame', 'service/kubeblame', 'statefulset/kubeblame']);
    const spec = { type: 'ExternalName', externalName: 'localhost' };
    await apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kubeblame', namespace: 'kubeblame' }, spec });
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  /** Starts the server as the installation's ServiceAccount, where the API server finds it. */
  async function start(timing: RegistrationTiming, gatewayService: string | null = null): Promise<TestServer> {
    server = await TestServer.start((name) => cluster().file(name), {
      tls: null,
      callers: { by: 'path', secret: null },
      registration: {
        namespace: 'kubeblame',
        service: 'kubeblame',
        servicePort: port,
        secret: 'kubeblame-tls',
        tlsCa: null,
        gatewayService,
        gatewaySecret: 'kubeblame-gateway-tls',
        webhook: USUAL_WEBHOOK,
        timing,
      },
      listen: { host: '127.0.0.1', port },
      kubeconfig: { file: await accountKubeconfig() },
    });
    await until('reviews come', async () => (await probe()) === 'recorded', 60_000);
    const { log } = server;
    await until('it has seen its registration', () => log.some(({ event }) => event === 'registered'), 10_000);
    return server;
  }

  async function accountKubeconfig(): Promise<string> {
    const token = (await admin(['create', 'token', 'kubeblame', '-n', 'kubeblame'])).trim();
    const certificate = Buffer.from(cluster().ca).toString('base64');
    const path = cluster().file('account.kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: cluster().url, 'certificate-authority-data': certificate } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  let count = 0;
  /** Creates a ConfigMap as admin; resolves with its name, or rejects where the API server does not take it. */
  async function write(prefix: string): Promise<string> {
    const name = `${prefix}-${++count}`;
    const body = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: {} }));
    const reply = await client.send('POST', '/api/v1/namespaces/shop/configmaps', JSON_TYPE, [body]);
    assert.equal(reply.status, 201, reply.text);
    return name;
  }

  /** Whether a review comes to the server within a moment. */
  async function probe(): Promise<'recorded' | 'missed'> {
    const name = await write('probe');
    const found = (await changesOf('probe')).some(
      ({ object, source }) => object.name === name && source === 'admission',
    );
    return found ? 'recorded' : 'missed';
  }

  /** The changes of ConfigMaps whose name starts so, oldest first. */
  async function changesOf(prefix: string): Promise<StoredChange[]> {
    await server?.settled();
    const reader = openSqliteReader(cluster().file('ledger.db'));
    const changes = await reader.changes({ type: { group: '', resource: 'configmaps' } }, 100_000);
    await reader.close();
    return changes.reverse().filter(({ object }) => object.name.startsWith(`${prefix}-`));
  }

  async function coverage(): Promise<{ event: string; detail: string; at: number }[]> {
    const reader = openSqliteReader(cluster().file('ledger.db'));
    const events = await reader.coverage();
    await reader.close();
    return events;
  }

  async function reviews(): Promise<Record<string, number>> {
    assert.ok(server !== undefined);
    // Reviews count when they are committed, some of them together.
    await server.settled();
    const plain = new HttpsClient(server.running.admission, await caOf(), { servername: 'kubeblame.kubeblame.svc' });
    const { text } = await plain.get('/metrics');
    plain.close();
    const lines = text.matchAll(/^kubeblame_reviews_total\{result="([a-z-]+)"\} (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, result = '', value]) => [result, Number(value)]));
  }

  async function caOf(): Promise<string> {
    const text = await admin(['get', 'secret', 'kubeblame-tls', '-n', 'kubeblame', '-o', 'json']);
    const { data } = JSON.parse(text) as { data: Record<string, string> };
    return Buffer.from(data['ca.crt'] ?? '', 'base64').toString();
  }

  /** The webhook configuration's generation, uid and so on; null where it is not there. */
  async function configuration(): Promise<{ metadata: { uid: string } } | null> {
    const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/kubeblame';
    const reply = await client.get(path);
    return reply.status === 200 ? (JSON.parse(reply.text) as { metadata: { uid: string } }) : null;
  }

  it('is accepted by the API server with strict validation, overlay by overlay', async function () {
    this.timeout(SLOW_MS);
    // What cert-manager and the Prometheus operator would bring, as far as the API server needs it.
    const definitions = [
      ...[
        ['Issuer', 'issuers.cert-manager.io'],
        ['Certificate', 'certificates.cert-manager.io'],
      ],
      ...[
        ['PodMonitor', 'podmonitors.monitoring.coreos.com'],
        ['PrometheusRule', 'prometheusrules.monitoring.coreos.com'],
      ],
    ] as [string, string][];
    for (const [kind, name] of definitions) {
      const [plural = '', ...group] = name.split('.');
      const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
      await apply({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name },
        spec: {
          group: group.join('.'),
          scope: 'Namespaced',
          names: { kind, plural },
          versions: [{ name: 'v1', served: true, storage: true, schema }],
        },
      });
    } // prettier-ignore
    await admin(['wait', '--for=condition=Established', ...definitions.map(([, name]) => `crd/${name}`)]);
    const dry = ['apply', '--validate=strict', '--dry-run=server'];
    for (const folder of [
      '',
      '/overlays/cert-manager',
      '/overlays/native-api',
      '/overlays/protection',
      '/overlays/jobs',
    ]) {
      const text = await admin([...dry, '-k', `${ROOT}manifests${folder}`]);
      assert.match(text, /^statefulset\.apps\/kubeblame created \(server dry run\)$/m, folder);
    }
    assert.match(await admin([...dry, '-k', `${ROOT}manifests/monitoring`]), /^podmonitor\..* created/m);
    // The chart, with everything that it has.
    const on = { enabled: true };
    const monitoring = { podMonitor: true, prometheusRule: true, dashboard: true };
    const values = { nativeApi: on, certManager: on, protection: on, jobs: on, monitoring };
    const objects = renderChart(readChart(), { namespace: 'kubeblame', values });
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    const text = await admin([...dry, '-f', '-'], JSON.stringify(list));
    assert.equal(text.trim().split('\n').length, objects.length);
  });

  it('has pods that the restricted profile admits', async () => {
    const rendered = await admin(['kustomize', `${ROOT}manifests/overlays/cert-manager`]);
    const objects = parseAllDocuments(rendered).map((document) => document.toJS() as JsonObject);
    const set = objects.find(({ kind }) => kind === 'StatefulSet') as unknown as {
      spec: { template: { spec: { volumes: JsonObject[] } & JsonObject } };
    };
    const { volumes, ...spec } = set.spec.template.spec;
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'as-in-the-set', namespace: 'kubeblame' } };
    const claimed = { name: 'ledger', emptyDir: {} };
    const dry = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];
    const text = JSON.stringify({
      ...pod,
      spec: { ...spec, volumes: [...volumes.filter(({ name }) => name !== 'ledger'), claimed] },
    });
    assert.equal(await admin(dry, text), 'pod/as-in-the-set created (server dry run)\n');
    const rootful = JSON.stringify({ ...pod, spec: { containers: [{ name: 'c', image: 'i' }] } });
    assert.match((await cluster().tryKubectl('admin', dry, rootful)).stderr, /violates PodSecurity "restricted/);
  });

  it('registers itself with no more rights than it is given, and is called', async function () {
    this.timeout(SLOW_MS);
    const running = await start({ everyMs: 1_000, overlapMs: 60_000 });
    const [change] = (await changesOf('probe')).filter(({ source }) => source === 'admission');
    assert.equal(change?.actor?.username, 'admin');
    const complaints = running.log.filter(({ level, event }) => Number(level) >= 40 && event === undefined);
    assert.deepEqual(complaints, []);
    // The API server shows what was written: otherwise it would be written again and again.
    assert.equal(running.log.filter(({ msg }) => msg === 'webhook configuration written').length, 1);
    const account = 'system:serviceaccount:kubeblame:kubeblame';
    const may = async (...args: string[]): Promise<string> =>
      (await cluster().tryKubectl('admin', ['auth', 'can-i', ...args, `--as=${account}`])).stdout.trim();
    assert.equal(await may('watch', 'secrets', '-A'), 'yes');
    for (const args of [
      ['create', 'configmaps', '-n', 'default'],
      ['update', 'validatingwebhookconfigurations/other'],
      ['delete', 'validatingwebhookconfigurations/kubeblame'],
      ['update', 'secrets/other', '-n', 'kubeblame'],
      ['get', 'secrets/kubeblame-tls', '-n', 'shop'],
      ['create', 'secrets', '-n', 'shop'],
      ['create', 'pods', '-n', 'kubeblame'],
      ['create', 'serviceaccounts/token', '-n', 'kubeblame'],
    ]) assert.equal(await may(...args), 'no', args.join(' ')); // prettier-ignore
  });

  it('is not called for noise: the API server itself leaves it out', async function () {
    this.timeout(SLOW_MS);
    await start({ everyMs: 1_000, overlapMs: 60_000 });
    const condition = {
      type: 'Ready',
      status: 'True',
      lastHeartbeatTime: '2026-03-03T14:30:00Z',
      reason: 'KubeletReady',
    };
    await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
    const patch = (conditions: JsonObject[]): Promise<string> => {
      const status = JSON.stringify({ status: { conditions } });
      return admin(['patch', 'node', 'node-1', '--subresource=status', '--type=merge', '-p', status]);
    };
    await patch([condition]);
    const before = await reviews();
    await patch([{ ...condition, lastHeartbeatTime: '2026-03-03T14:35:00Z' }]);
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l', namespace: 'shop' } };
    await apply({ ...lease, spec: { holderIdentity: 'x' } });
    await apply({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'e', namespace: 'shop' } });
    const involvedObject = { kind: 'Pod', namespace: 'shop', name: 'p' };
    await apply({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'v', namespace: 'shop' }, involvedObject });
    await admin(['auth', 'can-i', 'get', 'pods']);
    await admin(['auth', 'whoami']);
    assert.deepEqual(await reviews(), before);
    // A change of the node is none.
    await patch([{ ...condition, status: 'False', lastHeartbeatTime: '2026-03-03T14:40:00Z' }]);
    assert.deepEqual(await reviews(), { ...before, recorded: (before.recorded ?? 0) + 1 });
  });

  it('puts the webhook configuration back within 10 seconds, and tells when it was gone', async function () {
    this.timeout(SLOW_MS);
    await start({ everyMs: 5_000, overlapMs: 600_000 });
    const old = await configuration();
    const from = Date.now();
    await admin(['delete', 'validatingwebhookconfiguration', 'kubeblame']);
    await until('it is back', async () => {
      const found = await configuration();
      return found !== null && found.metadata.uid !== old?.metadata.uid;
    }, 10_000); // prettier-ignore
    const seconds = (Date.now() - from) / 1000;
    await until('it is called again', async () => (await probe()) === 'recorded');
    const events = async (): Promise<string[]> =>
      (await coverage()).filter(({ at }) => at >= from).map(({ event, detail }) => `${event} ${detail}`.trim());
    await until('it is told', async () => (await events()).includes('registered'));
    assert.deepEqual(await events(), [
      'unregistered webhook configuration kubeblame was deleted (last changed by kubeblame)',
      'registered',
    ]);
    console.log(`      back after ${seconds.toFixed(1)} s`);
  });

  it('rotates its certificates under load, and neither loses nor refuses a request', async function () {
    this.timeout(SLOW_MS);
    const running = await start({ everyMs: 500, overlapMs: 4_000 });
    const first = await caOf();
    const written: string[] = [];
    let over = false;
    const writer = async (): Promise<void> => {
      while (!over) written.push(await write('load'));
    };
    const writers = Promise.all(Array.from({ length: 4 }, writer));
    const from = Date.now();
    await admin(['delete', 'secret', 'kubeblame-tls', '-n', 'kubeblame']);
    await until('the new certificates serve, and the old ones are over', async () => {
      const text = await admin(['get', 'secret', 'kubeblame-tls', '-n', 'kubeblame', '-o', 'json']).catch(() => '{}');
      const { data = {} } = JSON.parse(text) as { data?: Record<string, string> };
      const keys = Object.keys(data).sort().join();
      return keys === 'ca.crt,made-at,path,tls.crt,tls.key' && (await caOf()) !== first;
    }, 60_000); // prettier-ignore
    const before = written.length;
    await until('more is written with the new ones', () => written.length > before + 20, 20_000);
    over = true;
    await writers;
    const seconds = (Date.now() - from) / 1000;
    const changes = (await changesOf('load')).filter(({ source }) => source === 'admission');
    assert.deepEqual(changes.map(({ object }) => object.name).sort(), [...written].sort());
    assert.equal(changes.filter(({ actor }) => actor?.username !== 'admin').length, 0);
    const { lost, refused, 'turned-away': turnedAway } = await reviews();
    assert.deepEqual({ lost, refused, turnedAway }, { lost: 0, refused: 0, turnedAway: 0 });
    assert.equal((await coverage()).filter(({ event, at }) => event === 'unregistered' && at >= from).length, 0);
    assert.equal(running.log.filter(({ msg }) => msg === 'certificates changed').length, 3);
    console.log(`      ${written.length} writes in ${seconds.toFixed(1)} s, all recorded`);
  });

  it('lets writes go on while it is stopped, and records afterwards what they came to', async function () {
    this.timeout(SLOW_MS);
    const first = await start({ everyMs: 1_000, overlapMs: 60_000 });
    const kept = await configuration();
    await first.stop();
    server = undefined;
    const written: string[] = [];
    const slowest = { ms: 0 };
    for (let n = 0; n < 100; n++) {
      const from = performance.now();
      written.push(await write('gap'));
      slowest.ms = Math.max(slowest.ms, performance.now() - from);
    }
    await admin(['delete', 'configmap', '-n', 'shop', written[0] ?? '']);
    // Nothing was withdrawn, and nothing stands in the way.
    assert.equal((await configuration())?.metadata.uid, kept?.metadata.uid);
    await start({ everyMs: 1_000, overlapMs: 60_000 });
    await until('all are recorded', async () => (await changesOf('gap')).length >= 99, 30_000);
    const changes = await changesOf('gap');
    assert.deepEqual(changes.map(({ object }) => object.name).sort(), written.slice(1).sort());
    assert.deepEqual(
      [...new Set(changes.map(({ source, actor }) => `${source} by ${actor?.username ?? 'nobody'}`))],
      ['watch by nobody'],
    );
    console.log(
      `      100 writes meanwhile, the slowest after ${slowest.ms.toFixed(0)} ms; ${changes.length} differences`,
    );
  });

  it('registers the native API once a gateway is ready, with no more rights than it is given', async function () {
    this.timeout(SLOW_MS);
    await admin(['apply', '-f', `${ROOT}manifests/components/native-api/rbac.yaml`]);
    const running = await start({ everyMs: 500, overlapMs: 60_000 }, 'kubeblame-gateway');
    const registered = async (): Promise<JsonObject | null> => {
      const reply = await client.get('/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.kubeblame.io');
      return reply.status === 200 ? reply.json() : null;
    };
    const secret = ['get', 'secret', 'kubeblame-gateway-tls', '-n', 'kubeblame', '-o', 'json'];
    await until('gateways have certificates', async () => (await cluster().tryKubectl('admin', secret)).code === 0);
    assert.equal(await registered(), null);
    await apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'kubeblame-gateway-1',
        namespace: 'kubeblame',
        labels: { 'kubernetes.io/service-name': 'kubeblame-gateway' },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
    });
    await until('it is registered', async () => (await registered()) !== null);
    const { data } = JSON.parse(await admin(secret)) as { data: Record<string, string> };
    const { metadata, spec } = (await registered()) as { metadata: JsonObject; spec: JsonObject };
    assert.equal(spec.caBundle, data['ca.crt']);
    assert.deepEqual((metadata.ownerReferences as JsonObject[]).map(({ kind, name }) => [kind, name]), [['ClusterRoleBinding', 'kubeblame-apiservice']]); // prettier-ignore
    // The API server shows what was written: otherwise it would be written again and again.
    assert.equal(running.log.filter(({ msg }) => msg === 'APIService written').length, 0);
    await admin(['delete', 'clusterrolebinding', 'kubeblame-apiservice']);
    await admin(['delete', 'apiservice', 'v1alpha1.kubeblame.io']);
    assert.equal(await registered(), null);
  });

  it('is not switched off by one act where the policy protects it', async function () {
    this.timeout(SLOW_MS);
    await start({ everyMs: 1_000, overlapMs: 60_000 });
    const policy = `${ROOT}manifests/components/protection/policy.yaml`;
    await admin(['apply', '-f', policy]);
    const name = 'validatingwebhookconfiguration/kubeblame';
    const attempt = (...args: string[]): Promise<KubectlResult> => cluster().tryKubectl('admin', args);
    await until('it is in force', async () => (await attempt('delete', name, '--dry-run=server')).code !== 0, 30_000);
    const less = '[{"op":"replace","path":"/webhooks/0/namespaceSelector","value":{"matchLabels":{"a":"b"}}}]';
    const owner = '[{"op":"replace","path":"/metadata/ownerReferences/0/uid","value":"no-such-uid"}]';
    for (const args of [
      ['delete', name],
      ['delete', 'validatingwebhookconfigurations', '--all'],
      ['patch', name, '--type=json', '-p', less],
      ['patch', name, '--type=json', '-p', owner],
    ]) {
      const { code, stderr } = await attempt(...args);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, /Kubeblame records changes by this configuration, which is protected/);
    }
    const all = await client.send(
      'DELETE',
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      {},
      [],
    );
    assert.equal(all.status, 403, all.text);
    // The server may repair it, and labels are anybody's.
    const account = 'system:serviceaccount:kubeblame:kubeblame';
    assert.equal((await attempt('patch', name, '--type=json', '-p', less, `--as=${account}`, '--dry-run=server')).stderr.includes('protected'), false); // prettier-ignore
    await admin(['label', name, 'team=sre']);
    // The second act, after the first one.
    await admin(['annotate', name, 'kubeblame.io/unprotected=true']);
    await admin(['delete', name]);
    await until('it is made again, protected', async () => (await configuration()) !== null);
    assert.equal((await attempt('delete', name)).code, 1);
    await admin(['delete', '-f', policy]);
    await until('it is over', async () => (await attempt('delete', name, '--dry-run=server')).code === 0, 30_000);
  });

  it('deletes namespaces while it is stopped', async function () {
    this.timeout(SLOW_MS);
    // The last one lets claims go that no pod uses: the ledger's is in the manifests.
    const controllers = [
      'namespace-controller',
      'garbage-collector-controller',
      'persistentvolumeclaim-protection-controller',
    ];
    if (!cluster().startControllers(controllers)) this.skip();
    await admin(['create', 'namespace', 'gone']);
    await admin(['delete', 'namespace', 'gone', '--timeout=60s']);
    // The registration goes with the namespace of the installation.
    await admin(['delete', 'namespace', 'kubeblame', '--timeout=60s']);
    await until('the registration is collected', async () => (await configuration()) === null, 60_000);
  });
});
