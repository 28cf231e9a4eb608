import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isObject } from '../../../shared/json.ts';
import { metadataOf } from '../../../shared/normalise.ts';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { Address } from '../../platform/http/listener.ts';
import { intervals } from '../../ledger/port/intervals.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { FakeApiServer } from '../../testing/api-server/api-server.ts';
import type { ServedType } from '../../testing/api-server/served-types.ts';
import { Balancer } from '../../testing/server/balancer.ts';
import { freePort } from '../../testing/server/daemon.ts';
import { useFolder } from '../../testing/folder.ts';
import { Load } from '../../testing/server/load.ts';
import type { ReplicaOptions } from '../../testing/server/replica.ts';
import { HttpsClient, TestCertificates, TestServer, until } from '../../testing/server/server.ts';
import type { Election, ElectionTiming } from './lease/election.ts';

const LEASES: ServedType = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', kind: 'Lease' };
const PODS: ServedType = { group: '', version: 'v1', resource: 'pods', kind: 'Pod' };
const NAMESPACE = 'kubeblame';
const TIMING: ElectionTiming = {
  durationMs: 60_000,
  retryMs: 50,
  handOverMs: 120_000,
  quietMs: 500,
  quietWithinMs: 60_000,
};
/** Of a Lease that is to end in the test. */
const SHORT = { durationMs: 3_000 };
const SLOW_MS = 180_000;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

describe('two servers of one ledger', function () {
  this.timeout(SLOW_MS);
  const file = useFolder();
  let api: FakeApiServer;
  let certificates: TestCertificates;
  let addresses: Address[];
  let balancer: Balancer;
  let load: Load;
  const ending: (() => Promise<unknown> | void)[] = [];

  beforeEach(async () => {
    api = await FakeApiServer.start(file, [LEASES, PODS]);
    certificates = await TestCertificates.make(file);
    addresses = [];
    for (const pod of [0, 1]) {
      addresses.push({ host: '127.0.0.1', port: await freePort() });
      api.put(PODS, { metadata: { name: `kubeblame-${pod}`, namespace: NAMESPACE, uid: `u-${file('')}-${pod}` } });
    }
    balancer = await Balancer.start(() => addresses[active().at(-1) ?? -1] ?? null);
    load = new Load(certificates.ca, 'r');
  });
  afterEach(async () => {
    load.stop();
    for (const end of ending.splice(0).reverse()) await end();
    balancer.stop();
    await api.stop();
  });

  /** The pods to which the Service would send; a pod that is being replaced last. */
  const leaving = new Set<number>();
  function active(): number[] {
    const labelled = [0, 1].filter((pod) => {
      const { labels } = metadataOf(api.find('pods', NAMESPACE, `kubeblame-${pod}`) ?? {});
      return isObject(labels) && labels['kubeblame.io/active'] === 'true';
    });
    const staying = labelled.filter((pod) => !leaving.has(pod));
    return staying.length > 0 ? staying : labelled;
  }
  const electionOf = (pod: number, timing: Partial<ElectionTiming> = {}): Election => ({
    ...{ namespace: NAMESPACE, name: 'kubeblame', identity: `kubeblame-${pod}`, isPod: true },
    timing: { ...TIMING, ...timing },
  });
  const holder = (): unknown => (api.find('leases.coordination.k8s.io', NAMESPACE, 'kubeblame')?.spec as JsonObject | undefined)?.holderIdentity; // prettier-ignore

  /** Starts a server in this process. A standby's promise is pending until its turn comes. */
  function start(pod: number, timing: Partial<ElectionTiming> = {}): Promise<TestServer> {
    const stopping = new AbortController();
    const starting = TestServer.start(file, {
      certificates,
      signal: stopping.signal,
      listen: addresses[pod] as Address,
      kubeconfig: { file: api.kubeconfig },
      election: electionOf(pod, timing),
    });
    ending.push(async () => {
      stopping.abort();
      await starting.then((server) => server.stop()).catch(() => undefined);
    });
    return starting;
  }

  /** Starts a server in a process of its own, and resolves when its log has this message. */
  async function startProcess(
    pod: number,
    message: string,
    timing: Partial<ElectionTiming> = {},
  ): Promise<ChildProcess> {
    const listen = addresses[pod] as Address;
    const options: ReplicaOptions = {
      folder: file(''),
      kubeconfig: api.kubeconfig,
      listen,
      election: electionOf(pod, timing),
    };
    const child = spawn(
      process.execPath,
      ['scripts/run-bundled.mjs', 'webhook/testing/server/replica.ts', JSON.stringify(options)],
      {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = once(child, 'close');
    ending.push(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    let text = '';
    child.stdout.on('data', (part: Buffer) => void (text += part.toString()));
    await until(`process ${pod}: ${message}`, () => text.includes(`"msg":"${message}`), SLOW_MS);
    return child;
  }

  const standsBy = async (pod: number): Promise<string> => {
    let text = '';
    await until(
      `${pod} stands by`,
      async () => (text = await page(pod, '/readyz')).includes('holds the lease'),
      60_000,
    );
    return text;
  };
  const page = async (pod: number, path: string): Promise<string> => {
    const client = new HttpsClient(addresses[pod] as Address, certificates.ca);
    client.agent.options.rejectUnauthorized = false;
    const reply = await client.get(path).catch(() => ({ status: 0, text: '' }));
    client.close();
    return `${reply.status} ${reply.text}`;
  };
  async function recorded(): Promise<string[]> {
    const reader = openSqliteReader(file('ledger.db'));
    try {
      const uids = (await reader.changes({}, 100_000)).map(({ reviewUid }) => reviewUid);
      // What the watch shows has none.
      return uids.filter((uid) => uid !== null && uid !== '').sort();
    } finally {
      await reader.close();
    }
  }
  /** Fifty more reviews were answered as recorded; none was not. */
  const comesAfter = (before: number): Promise<void> =>
    until('reviews come', () => {
      assert.deepEqual([[...load.unanswered], [...load.lost]], [[], []]);
      return load.recorded.size > before + 50;
    }, 60_000); // prettier-ignore
  const gaps = async (): Promise<string[]> => {
    const reader = openSqliteReader(file('ledger.db'));
    try {
      const last = (await reader.last())?.at ?? 0;
      return intervals(await reader.coverage(), last, last)
        .filter(({ covered }) => !covered)
        .map(({ cause }) => cause);
    } finally {
      await reader.close();
    }
  };

  it('one records; the other is ready, is not sent anything, and says who holds the lease', async () => {
    const first = await start(0);
    const second = start(1);
    assert.equal(await standsBy(1), '200 [+]standby: kubeblame-0 holds the lease\n');
    assert.deepEqual([holder(), active()], ['kubeblame-0', [0]]);
    assert.match(await page(0, '/readyz'), /^200 (.*\n)*\[\+\]lease held\n/);
    assert.match(await page(0, '/metrics'), /^kubeblame_lease_held 1$/m);
    assert.match(await page(1, '/metrics'), /^kubeblame_lease_held 0$/m);
    assert.match(await page(1, '/admit'), /^503 .*kubeblame-0 records/);
    await first.stop();
    const server = await second;
    assert.deepEqual([holder(), active()], ['kubeblame-1', [1]]);
    assert.equal((await server.admission.get('/readyz')).status, 200);
  });

  it('hands over under load, and back: no review is lost, none is there twice, and it is no gap', async () => {
    let [now, other] = [await start(0), start(1)];
    await standsBy(1);
    const running = load.run(balancer.address, 4);
    for (const pod of [0, 1]) {
      const before = load.recorded.size;
      await comesAfter(before);
      leaving.add(pod);
      await now.stop();
      now = await other;
      assert.deepEqual(active(), [1 - pod]);
      leaving.delete(pod);
      other = start(pod);
      await standsBy(pod);
    }
    const before = load.recorded.size;
    await comesAfter(before);
    load.stop();
    await running;
    await now.settled();
    assert.deepEqual([load.lost.size, load.unanswered.size, balancer.refused], [0, 0, 0]);
    assert.deepEqual(await recorded(), [...load.recorded].sort());
    assert.deepEqual(await gaps(), []);
    assert.equal(now.log.filter(({ msg }) => msg === 'review lost').length, 0);
  });

  it('takes over from one that was killed, as soon as its lease has ended', async () => {
    const first = await startProcess(0, 'serving', SHORT);
    const second = start(1, SHORT);
    await standsBy(1);
    const running = load.run(balancer.address, 2);
    await until('reviews come', () => load.recorded.size > 20, 60_000);
    first.kill('SIGKILL');
    const server = await second;
    await running;
    assert.deepEqual([holder(), active()], ['kubeblame-1', [1]]);
    await server.settled();
    const there = await recorded();
    assert.deepEqual(
      [...load.recorded].filter((uid) => !there.includes(uid)),
      [],
    );
    assert.equal(new Set(there).size, there.length);
    assert.deepEqual(await gaps(), ['the server ended without a stop']);
  });

  for (const [what, signal] of [
    ['killed', 'SIGKILL'],
    ['goes on', 'SIGCONT'],
  ] as const)
    // prettier-ignore
    it(`answers in the place of one that hangs, and has the ledger when that is ${what}`, async () => {
      const first = await startProcess(0, 'serving', SHORT);
      const second = start(1, SHORT);
      await standsBy(1);
      const own = new HttpsClient(addresses[0] as Address, certificates.ca);
      const admit = (client: HttpsClient, uid: string) =>
        client.admit(reviewDocument({ uid, name: uid, object: configMap({}, { name: uid, uid }) }));
      await admit(own, 'before');
      own.close();
      first.kill('SIGSTOP');
      await until('the other one answers', () => active().join() === '1', 60_000);
      const client = new HttpsClient(balancer.address, certificates.ca);
      const { response } = (await admit(client, 'meanwhile')).json();
      assert.deepEqual(response, { uid: 'meanwhile', allowed: true });
      assert.match(await page(1, '/readyz'), /^200 \[\+\]serving ok\n\[!\]ledger/);
      first.kill(signal);
      const server = await second;
      client.close();
      await server.settled();
      assert.deepEqual(await recorded(), ['before', 'meanwhile']);
      assert.equal(holder(), 'kubeblame-1');
    });

  it('goes on recording while the API server is not reached, and stays the one', async () => {
    const first = await start(0, { durationMs: 1_000 });
    const second = start(1, { durationMs: 1_000 });
    await standsBy(1);
    await api.stop();
    const [since, before] = [performance.now(), first.log.length];
    await until('it is told', () => first.log.slice(before).some(({ msg }) => msg === 'lease'));
    await until('the lease has ended', () => performance.now() > since + 2_500);
    const client = new HttpsClient(addresses[0] as Address, certificates.ca);
    const object = configMap({}, { name: 'a', uid: 'u-a' });
    await client.admit(reviewDocument({ uid: 'r-a', name: 'a', object }));
    assert.match((await client.get('/readyz')).text, /^\[!\]lease: not renewed: /m);
    client.close();
    await first.settled();
    assert.deepEqual(await recorded(), ['r-a']);
    await api.restart();
    await until('somebody holds it', () => first.log.slice(before).some(({ msg }) => msg === 'another server holds the lease') || holder() === 'kubeblame-0'); // prettier-ignore
    void second;
  });

  it('records without a Lease where it has no right to one, and says so', async () => {
    api.fail(({ type }) => type === 'leases.coordination.k8s.io', { status: 403 });
    const first = await start(0);
    assert.equal(first.log.filter(({ msg }) => msg.startsWith('there is no Lease to be had')).length, 1);
    await assert.rejects(start(1), { code: 'ledger-locked' });
  });

  it('puts back a label that somebody took away, and is not ready where it may not set it', async () => {
    const refuse = api.fail(({ verb, type }) => verb === 'patch' && type === 'pods', { status: 403 });
    await start(0);
    assert.match(await page(0, '/readyz'), /^503 (.*\n)*\[-\]lease: the pod is not labelled.* 403 /);
    refuse();
    await until('it is labelled', () => active().join() === '0');
    assert.match(await page(0, '/readyz'), /^200 /);
    const { resourceVersion: _, ...metadata } = metadataOf(api.find('pods', NAMESPACE, 'kubeblame-0') ?? {});
    api.put(PODS, { metadata: { ...metadata, labels: {} } });
    await until('it is labelled again', () => active().join() === '0');
  });

  it('says of a third one, in its log and its readiness, that it never takes a turn; it takes none', async () => {
    addresses.push({ host: '127.0.0.1', port: await freePort() });
    api.put(PODS, { metadata: { name: 'kubeblame-2', namespace: NAMESPACE, uid: 'u-2' } });
    const third = await startProcess(2, 'this pod never takes a turn');
    const told =
      'kubeblame-2 is one too many: only kubeblame-0 and kubeblame-1 record and stand by; scale to 2 replicas';
    assert.equal(await page(2, '/readyz'), `503 [-]standby: ${told}\n`);
    assert.match(await page(2, '/livez'), /^200 /);
    assert.equal(holder(), undefined);
    await start(0);
    assert.equal(holder(), 'kubeblame-0');
    assert.equal(await page(2, '/readyz'), `503 [-]standby: ${told}\n`);
    third.kill('SIGTERM');
    await once(third, 'exit');
  });

  it('stops as a standby at once', async () => {
    await start(0);
    const second = await startProcess(1, 'standing by');
    second.kill('SIGTERM');
    const [code, signal] = (await once(second, 'exit')) as [number | null, string | null];
    assert.deepEqual([code, signal], [null, 'SIGTERM']);
  });
});
