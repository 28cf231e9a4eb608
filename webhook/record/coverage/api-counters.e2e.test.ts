import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CoverageInterval, JsonObject } from '../../../shared/types.ts';
import { StoreReader } from '../../ask/questions/reader.ts';
import { isReal, type StoredChange } from '../../ledger/port/port.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { isFull } from '../../platform/files/durable-file.ts';
import { useCluster } from '../../testing/cluster/cluster.ts';
import { Balancer } from '../../testing/server/balancer.ts';
import { ServerProcess } from '../../testing/server/process.ts';
import { HttpsClient, until, type Reply } from '../../testing/server/server.ts';

/** An API server learns of a configuration in about a second, and what happened before is no gap of its own. */
const TAKES_EFFECT_MS = 6_000;
/** The counters are looked at twice a minute, and a change may wait half a minute for its review. */
const TOLD_MS = 75_000;
const FAIL_OPEN = 'apiserver_admission_webhook_fail_open_count';
const CONDITIONS = 'apiserver_admission_match_condition_evaluation_errors_total';
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/kubeblame';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/*
 * What the API server counts itself of requests that went on without us is the oracle: the coverage and the metrics must have the same
 * numbers, whatever was wrong. The server is a process of its own that registers itself; the API server reaches it by a Service of
 * type ExternalName, through a balancer.
 */
describe('coverage and metrics, compared with what a real API server counts', function () {
  this.timeout(180_000);
  const cluster = useCluster();
  const counted: Record<string, number> = {};
  let balancer: Balancer;
  let server: ServerProcess;
  let bob: HttpsClient;
  let own: HttpsClient;
  let isDropping = false;
  let disk = '';
  let isMounted = false;

  const db = (): string => `${disk}/ledger.db`;

  before(async () => {
    disk = mkdtempSync(join(tmpdir(), 'kubeblame-disk-'));
    isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', disk]).status === 0;
    balancer = await Balancer.start(() => (isDropping ? null : server.admission));
    const metadata = { name: 'kubeblame', namespace: 'kubeblame' };
    const spec = { type: 'ExternalName', externalName: 'localhost' };
    await cluster().kubectl('admin', ['create', 'namespace', 'kubeblame']);
    await cluster().kubectl('admin', ['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata, spec })); // prettier-ignore
    const registered = ['--register', '--namespace', 'kubeblame', '--service-port', String(balancer.address.port)];
    const addresses = ['--listen', '127.0.0.1:0', '--read-listen', '127.0.0.1:0', '--read-access', 'open'];
    server = await ServerProcess.start([
      ...['serve', '--db', db(), '--kubeconfig', cluster().kubeconfig('admin')],
      ...[...registered, ...addresses],
    ]);
    own = new HttpsClient(server.admission, '');
    own.agent.options.rejectUnauthorized = false;
    bob = cluster().client('admin', { headers: { 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:masters' } });
    let count = 0;
    await until(
      'reviews come',
      async () => {
        await create(`probe-${++count}`);
        return (await creations('probe-')).some(({ source }) => source === 'admission');
      },
      60_000,
    );
    await until('the server compares', async () => (await events()).includes('registered'), 30_000);
    await sleep(TAKES_EFFECT_MS);
    for (const name of [FAIL_OPEN, CONDITIONS]) counted[name] = await apiCounter(name);
  });
  after(async () => {
    own?.close();
    await server?.kill();
    balancer?.stop();
    if (isMounted) spawnSync('umount', ['-l', disk]);
    if (disk !== '') rmSync(disk, { recursive: true, force: true });
  });

  async function read<T>(ask: (reader: StoreReader) => Promise<T>): Promise<T> {
    const reader = new StoreReader(openSqliteReader(db()), () => Date.now());
    try {
      return await ask(reader);
    } finally {
      await reader.close();
    }
  }

  async function stored(resource: string): Promise<StoredChange[]> {
    const store = openSqliteReader(db());
    try {
      return (await store.changes({ type: { group: resource === 'configmaps' ? '' : 'rbac.authorization.k8s.io', resource } }, 1_000)).reverse(); // prettier-ignore
    } finally {
      await store.close();
    }
  }

  /** The creations that are told of ConfigMaps whose names begin so. */
  const creations = async (prefix: string): Promise<StoredChange[]> =>
    (await stored('configmaps')).filter((change) => change.operation === 'CREATE' && change.object.name.startsWith(prefix) && isReal(change)); // prettier-ignore
  const users = async (prefix: string): Promise<string[]> =>
    (await creations(prefix)).map(({ object, actor }) => `${object.name} ${actor?.username ?? '-'}`).sort();

  async function events(): Promise<string[]> {
    const store = openSqliteReader(db());
    const all = await store.coverage();
    await store.close();
    return all.map(({ event }) => event);
  }

  const coverage = (): Promise<CoverageInterval[]> => read((reader) => reader.coverage());
  const causes = async (): Promise<string[]> =>
    (await coverage()).filter(({ covered }) => !covered).map(({ cause }) => cause);

  const send = (method: string, path: string, body: JsonObject): Promise<Reply> =>
    bob.send(
      method,
      path,
      { 'Content-Type': method === 'PATCH' ? 'application/json-patch+json' : 'application/json' },
      [Buffer.from(JSON.stringify(body))],
    );

  async function create(name: string): Promise<void> {
    const reply = await send('POST', CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
    assert.equal(reply.status, 201, reply.text);
  }

  /** The sum of a metric over what its labels hold. */
  function sumOf(text: string, name: string, label: string): number {
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
  const apiCounter = async (name: string): Promise<number> =>
    sumOf((await cluster().client('admin').get('/metrics')).text, name, 'name="record.kubeblame.io"');
  const grown = async (name: string): Promise<number> => (await apiCounter(name)) - (counted[name] ?? 0);
  const metric = async (name: string, label = ''): Promise<number> =>
    sumOf((await own.get('/metrics')).text, `kubeblame_${name}`, label);
  const missed = (reason: string): Promise<number> => metric('requests_missed_total', `reason="${reason}"`);
  /** How many requests the coverage tells of, in all gaps that begin so. */
  const toldOf = async (words: string): Promise<number> =>
    (await causes())
      .filter((cause) => cause.startsWith(words))
      .reduce((sum, cause) => sum + Number(/(?:for|of) (\d+) /.exec(cause)?.[1] ?? 1), 0);

  it('agree on a full disk: nothing was missed, and who asked for what is known; then all is recorded again by itself', async function () {
    if (!isMounted) {
      console.error('      SKIPPED: mounting a small tmpfs is not allowed here');
      this.skip();
    }
    const ballast = openSync(`${disk}/ballast`, 'w');
    const chunk = Buffer.alloc(64 * 1024);
    try {
      for (;;) writeSync(ballast, chunk);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    closeSync(ballast);
    const gap = 'the disk was full, so that only who asked for what was recorded';
    let count = 0;
    await until(
      'the coverage tells of it',
      async () => {
        await create(`filling-${++count}`);
        return (await coverage()).find(({ to }) => to === null)?.cause === gap;
      },
      60_000,
    );
    const binding = {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'backdoor' } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bob' }],
    };
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    assert.equal((await send('POST', path, binding)).status, 201);
    assert.equal((await bob.send('DELETE', `${path}/backdoor`, {}, [])).status, 200);
    const ofBackdoor = async (): Promise<string[]> =>
      (await stored('clusterrolebindings'))
        .filter(({ object, source }) => object.name === 'backdoor' && source === 'admission')
        .map(({ operation, actor }) => `${operation} ${actor?.username ?? '-'}`);
    await until('both are recorded', async () => (await ofBackdoor()).length === 2, 30_000);
    assert.deepEqual(await ofBackdoor(), ['CREATE bob', 'DELETE bob']);
    assert.equal(await metric('coverage_gap', 'cause="disk-full"'), 1);

    rmSync(`${disk}/ballast`);
    await until('it is told that there is room', async () => (await coverage()).find(({ to }) => to === null)?.covered === true, 60_000); // prettier-ignore
    await create('room');
    await until('what was made right after is known', async () => (await users('room')).length === 1, 30_000);
    assert.deepEqual(await users('room'), ['room bob']);
    assert.deepEqual([await metric('coverage_gap', 'cause="disk-full"'), await causes()], [0, [gap]]);
    assert.deepEqual([await grown(FAIL_OPEN), await metric('reviews_total', 'result="lost"')], [0, 0]);
  });

  it('know what was made while a balancer drops every other connection', async () => {
    for (let n = 0; n < 20; n++) {
      isDropping = n % 2 === 1;
      await balancer.cut();
      await create(`dropped-${n}`);
    }
    isDropping = false;
    // The API server itself says that it let so many go on. No other request is sent to the webhook meanwhile.
    assert.equal(await grown(FAIL_OPEN), 10);
    await until('all are known', async () => (await creations('dropped-')).length === 20, 30_000);
    const known = (await users('dropped-')).filter((line) => line.endsWith(' bob'));
    assert.equal(known.length, 10);
  });

  it('know what was made while the server stood still, each once, and the time', async () => {
    // So that there is a connection, on which the first review arrives.
    await create('before');
    const before = await grown(FAIL_OPEN);
    const from = Date.now();
    server.signal('SIGSTOP');
    for (const n of [1, 2, 3]) await create(`slow${n}`);
    const waited = Date.now() - from;
    server.signal('SIGCONT');
    const to = Date.now();
    assert.equal((await grown(FAIL_OPEN)) - before, 3);
    // A second each, as the configuration has it.
    assert.ok(waited > 2_500 && waited < 10_000, `${waited} ms`);
    await until('all are known', async () => (await creations('slow')).length >= 3, 30_000);
    // The review that had arrived by then is read late, and takes the place of what the watch showed.
    await until('its review was read', async () => (await users('slow')).includes('slow1 bob'), 20_000);
    const names = (await creations('slow')).map(({ object }) => object.name).sort();
    assert.deepEqual(names, ['slow1', 'slow2', 'slow3']);
    const [still] = (await coverage()).filter(({ cause }) => cause === 'nobody answered reviews');
    assert.ok(
      still !== undefined && still.from >= from - 1_000 && (still.to ?? 0) <= to + 2_000,
      JSON.stringify(still),
    );
    assert.ok((still.to ?? 0) - still.from > 2_000, JSON.stringify(still));
    const { text } = await own.get('/metrics');
    assert.match(text, /^kubeblame_standstills_total 1$/m);
  });

  it('know what was made while a match condition could not be evaluated', async () => {
    // A server that runs would put the configuration back within a second.
    server.signal('SIGSTOP');
    try {
      const failing = { name: 'fails', expression: "object.metadata.annotations['nobody has this'] == 'x'" };
      const patch = [{ op: 'add', path: '/webhooks/0/matchConditions/0', value: failing }];
      const reply = await send('PATCH', CONFIGURATION, patch as unknown as JsonObject);
      assert.equal(reply.status, 200, reply.text);
      let count = 0;
      await until(
        'conditions fail',
        async () => {
          await create(`condition-${++count}`);
          return (await grown(CONDITIONS)) > 2;
        },
        30_000,
      );
    } finally {
      server.signal('SIGCONT');
    }
    await until('it is put back', async () => !(await cluster().client('admin').get(CONFIGURATION)).text.includes('nobody has this'), 30_000); // prettier-ignore
    await until('it is known what was made', async () => (await creations('condition-')).length > 2, 30_000);
  });

  it('have in the end the numbers of the API server, and tell of every change without a user', async () => {
    let [open, conditions] = [0, 0];
    // The API server may still count a call that it gave up late.
    const agree = async (): Promise<boolean> => {
      [open, conditions] = [await grown(FAIL_OPEN), await grown(CONDITIONS)];
      return (await missed('no-answer')) === open && (await missed('match-conditions')) === conditions;
    };
    await until('they agree', agree, TOLD_MS).catch(() => undefined);
    assert.ok(open >= 13 && conditions >= 3, `${open}, ${conditions}`);
    assert.deepEqual([await missed('no-answer'), await missed('match-conditions')], [open, conditions]);
    assert.deepEqual(
      [await toldOf('the API server got no answer'), await toldOf('the API server could not evaluate')],
      [open, conditions],
    );
    // Each change without a user says why it has none. What is seen after a full disk belongs to the request that was recorded then.
    const silent = async (): Promise<string[]> =>
      read(async (reader) => {
        const { changes } = await reader.changes({
          scope: { type: { group: '', resource: 'configmaps' } },
          limit: 1_000,
        });
        const nobodys = changes.filter(({ actor, source, cause, object }) => source === 'watch' && actor === null && cause === null && object.namespace === 'default'); // prettier-ignore
        assert.ok(nobodys.length >= 10);
        return nobodys.filter(({ gap }) => gap === '').map(({ object }) => object.name);
      });
    await until('those whose reviews did not come are told of', async () => (await silent()).length === 0, TOLD_MS);
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
    assert.equal(await toldOf('the API server could not evaluate'), await grown(CONDITIONS));
    // What the API server itself writes once the server has gone is counted, and can only be told at the next start.
    const told = await toldOf('the API server got no answer');
    assert.ok(told >= open && told <= (await grown(FAIL_OPEN)), `${told}, ${open}`);
  });
});
