import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { isObject } from '../../../shared/json.ts';
import { metadataOf } from '../../../shared/normalise.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { Address } from '../../platform/http/listener.ts';
import { USUAL_WEBHOOK } from '../../install/registration/configuration.ts';
import { StoreReader } from '../../ask/questions/reader.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { Balancer } from '../../testing/server/balancer.ts';
import { useCluster } from '../../testing/cluster/cluster.ts';
import { freePort } from '../../testing/server/daemon.ts';
import { HttpsClient, TestCertificates, TestServer, until } from '../../testing/server/server.ts';
import { ELECTION_TIMING } from './lease/election.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const MANIFESTS = new URL('../../../manifests/base/', import.meta.url);
const ACTIVE = 'kubeblame.io/active';
const CHANGES = 60;

/*
 * A restart on a real API server, with the rights that the manifests give. There is no kubelet and no kube-proxy: the two servers run
 * here, and a balancer, behind a Service of type ExternalName, sends to the pod that has the label, as EndpointSlices do.
 */
describe('a restart under load on a real API server', function () {
  this.timeout(300_000);
  const cluster = useCluster();
  const admin = (args: readonly string[], stdin = ''): Promise<string> => cluster().kubectl('admin', args, stdin);
  const apply = (object: JsonObject): Promise<string> => admin(['apply', '-f', '-'], JSON.stringify(object));
  const addresses: Address[] = [];
  const servers: (Promise<TestServer> | null)[] = [null, null];
  const leaving = new Set<number>();
  let labelled: number[] = [];
  let looking: Promise<void> = Promise.resolve();
  let isOver = false;
  let balancer: Balancer;
  let client: HttpsClient;
  let kubeconfig = '';
  let certificates: TestCertificates;
  const stopping = new AbortController();

  before(async () => {
    client = cluster().client('admin', { connections: 4 });
    certificates = await TestCertificates.make((name) => cluster().file(name));
    for (const name of ['kubeblame', 'shop']) await admin(['create', 'namespace', name]);
    await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'kubeblame', namespace: 'kubeblame' } });
    for (const document of parseAllDocuments(readFileSync(new URL('rbac.yaml', MANIFESTS), 'utf8'))) {
      const object = document.toJS() as JsonObject;
      const namespace = ['Role', 'RoleBinding'].includes(object.kind as string) ? { namespace: 'kubeblame' } : {};
      await apply({ ...object, metadata: { ...metadataOf(object), ...namespace } });
    }
    for (const pod of [0, 1]) {
      addresses.push({ host: '127.0.0.1', port: await freePort() });
      const metadata = { name: `kubeblame-${pod}`, namespace: 'kubeblame' };
      const spec = { serviceAccountName: 'kubeblame', containers: [{ name: 'kubeblame', image: 'kubeblame:dev' }] };
      await apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    }
    const own = cluster().client('admin');
    looking = (async () => {
      while (!isOver) {
        const { items } = (await own.get('/api/v1/namespaces/kubeblame/pods')).json();
        labelled = (items as JsonObject[]).flatMap((pod, index) => {
          const { labels } = metadataOf(pod);
          return isObject(labels) && labels[ACTIVE] === 'true' ? [index] : [];
        });
        // As long as endpoints take.
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    balancer = await Balancer.start(() => {
      const staying = labelled.filter((pod) => !leaving.has(pod));
      return addresses[(staying.length > 0 ? staying : labelled).at(-1) ?? -1] ?? null;
    });
    const spec = { type: 'ExternalName', externalName: 'localhost' };
    await apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kubeblame', namespace: 'kubeblame' }, spec });
    kubeconfig = await accountKubeconfig();
  });
  after(async () => {
    stopping.abort();
    for (const server of servers) await server?.then((running) => running.stop()).catch(() => undefined);
    isOver = true;
    await looking.catch(() => undefined);
    balancer?.stop();
  });

  async function accountKubeconfig(): Promise<string> {
    const token = (await admin(['create', 'token', 'kubeblame', '-n', 'kubeblame'])).trim();
    const config = JSON.parse(readFileSync(cluster().kubeconfig('admin'), 'utf8')) as JsonObject;
    const path = cluster().file('account.kubeconfig');
    writeFileSync(path, JSON.stringify({ ...config, users: [{ name: 'user', user: { token } }] }), { mode: 0o600 });
    return path;
  }

  function start(pod: number): Promise<TestServer> {
    const starting = TestServer.start((name) => cluster().file(name), {
      certificates,
      signal: stopping.signal,
      tls: null,
      callers: { by: 'path', secret: null },
      registration: {
        ...{
          namespace: 'kubeblame',
          service: 'kubeblame',
          servicePort: balancer.address.port,
          secret: 'kubeblame-tls',
        },
        ...{ tlsCa: null, gatewayService: null, gatewaySecret: 'kubeblame-gateway-tls', webhook: USUAL_WEBHOOK },
        timing: { everyMs: 1_000, overlapMs: 600_000 },
      },
      listen: addresses[pod] as Address,
      kubeconfig: { file: kubeconfig },
      election: {
        ...{ namespace: 'kubeblame', name: 'kubeblame', identity: `kubeblame-${pod}`, isPod: true },
        timing: ELECTION_TIMING,
      },
    });
    servers[pod] = starting;
    starting.catch(() => undefined);
    return starting;
  }

  async function write(name: string): Promise<void> {
    const body = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: {} }));
    const reply = await client.send('POST', '/api/v1/namespaces/shop/configmaps', JSON_TYPE, [body]);
    assert.equal(reply.status, 201, reply.text);
  }

  /** How many of these have a user, and how many have none. */
  async function users(prefix: string): Promise<{ known: number; unknown: number }> {
    const reader = openSqliteReader(cluster().file('ledger.db'));
    try {
      const all = await reader.changes({ type: { group: '', resource: 'configmaps' } }, 10_000);
      const found = all.filter(({ object, operation }) => object.name.startsWith(prefix) && operation === 'CREATE');
      const known = found.filter(({ source }) => source === 'admission').length;
      return { known, unknown: found.length - known };
    } finally {
      await reader.close();
    }
  }

  async function gaps(since: number): Promise<string[]> {
    const reader = new StoreReader(openSqliteReader(cluster().file('ledger.db')), () => Date.now());
    try {
      return (await reader.coverage())
        .filter(({ covered, from }) => !covered && from >= since)
        .map(({ cause }) => cause);
    } finally {
      await reader.close();
    }
  }

  async function failOpen(): Promise<number> {
    const { text } = await client.get('/metrics');
    const lines = text.split('\n').filter((line) => line.startsWith('apiserver_admission_webhook_fail_open_count{'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  it(`has the user of each of ${CHANGES} changes, with a standby`, async () => {
    const first = await start(0);
    await until('reviews come', async () => {
      await write(`probe-${Math.random().toString(36).slice(2)}`);
      return (await users('probe-')).known > 0;
    }, 120_000); // prettier-ignore
    await until('the configuration is known', () => first.log.some(({ event }) => event === 'registered'), 60_000);
    const second = start(1);
    const probe = new HttpsClient(addresses[1] as Address, '');
    probe.agent.options.rejectUnauthorized = false;
    await until('the other one stands by', async () => {
      const reply = await probe.get('/readyz').catch(() => null);
      return reply?.text === '[+]standby: kubeblame-0 holds the lease\n';
    }, 60_000); // prettier-ignore
    probe.close();
    const [from, failed] = [Date.now(), await failOpen()];
    // Changes come all the time: before, while it stops, and afterwards.
    let [isStopped, count] = [false, 0];
    leaving.add(0);
    const stopped = first.stop().then(() => (isStopped = true));
    const writers = Array.from({ length: 4 }, async () => {
      // At least so many, and some behind the end of the stop.
      for (let after = 0; count < CHANGES || after < 5; after += isStopped ? 1 : 0) {
        await write(`load-${++count}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
    await Promise.all(writers);
    await stopped;
    const server = await second;
    await server.settled();
    await until('all are known', async () => (await users('load-')).known >= count, 60_000);
    const { known, unknown } = await users('load-');
    const seconds = ((Date.now() - from) / 1000).toFixed(1);
    console.log(`      ${count} changes in ${seconds} s of a restart: ${known} with a user, ${unknown} without`);
    assert.deepEqual([unknown, (await failOpen()) - failed, await gaps(from)], [0, 0, []]);
  });
});
