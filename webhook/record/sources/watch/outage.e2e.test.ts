import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { Redactor } from '../../../../shared/redact.ts';
import type { CoverageInterval, JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { redactionKey } from '../../../ledger/files/redaction-key.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { useCluster } from '../../../testing/cluster/cluster.ts';
import { clusterTruth } from '../../../testing/cluster/cluster-truth.ts';
import { apply, register, webhookConfiguration } from '../../../testing/cluster/registration.ts';
import { TestServer, until } from '../../../testing/server/server.ts';
import { departures, NO_DEPARTURES, statesAt } from '../../../testing/ledgers/states.ts';

const CONFIGURATION = ['validatingwebhookconfiguration', 'kubeblame'];
/** Shorter than the time between two bookmarks: watches that show nothing are opened again. */
const SILENCE_MS = 4_000;
const RBAC = new URL('../../../../manifests/base/rbac.yaml', import.meta.url);

/*
 * Everything that can come between a real API server and us.
 */
describe('outages on a real API server', function () {
  this.timeout(180_000);
  const cluster = useCluster();
  let server: TestServer;
  before(async () => {
    await start();
    await register(cluster(), server);
  });
  after(() => server?.stop());

  async function start(kubeconfig = cluster().kubeconfig('admin')): Promise<void> {
    server = await TestServer.start((name) => cluster().file(name), {
      kubeconfig: { file: kubeconfig },
      timing: { watchSeconds: 20, silenceMs: SILENCE_MS, backoffMaxMs: 1_000, settleDiscoveryMs: 200 },
    });
  }

  async function read<T>(ask: (reader: StoreReader) => Promise<T>): Promise<T> {
    const reader = new StoreReader(openSqliteReader(server.config.db), () => Date.now());
    try {
      return await ask(reader);
    } finally {
      await reader.close();
    }
  }

  const coverage = (): Promise<CoverageInterval[]> => read((reader) => reader.coverage());
  const changesOf = async (name: string): Promise<StoredChange[]> => {
    await server.settled();
    const store = openSqliteReader(server.config.db);
    try {
      return (await store.changes({ names: [name] }, 100)).reverse();
    } finally {
      await store.close();
    }
  };
  const kubectl = (...args: string[]): Promise<string> => cluster().kubectl('admin', args);
  const lastCause = async (): Promise<string> => (await coverage()).at(-1)?.cause ?? 'none';
  const causeIs = (cause: string): Promise<void> =>
    until(`the coverage ends with ${JSON.stringify(cause)}`, async () => (await lastCause()) === cause, 60_000).catch(
      async (error: unknown) => assert.equal(await lastCause(), cause, String(error)),
    );
  const line = ({ source, operation, outcome, actor }: StoredChange): string =>
    `${source} ${operation} ${outcome} ${actor?.username ?? '-'}`;
  const history = async (name: string, count: number): Promise<string[]> => {
    await until(
      `${count} changes of ${name} are settled`,
      async () => {
        const changes = await changesOf(name);
        return changes.length >= count && changes.every(({ outcome }) => outcome !== 'pending');
      },
      60_000,
    ).catch(() => undefined);
    return (await changesOf(name)).map(line);
  };

  /** Waits until the ledger holds exactly what the cluster does, and says in what it departs. */
  async function departuresNow(): Promise<ReturnType<typeof departures>> {
    const redactor = new Redactor(redactionKey(server.config.keyFile, false));
    let found = departures(new Map([['never asked', '']]), new Map());
    await until(
      'the ledger knows all',
      async () => {
        const truth = await clusterTruth(cluster(), redactor);
        found = departures(truth, await read((reader) => statesAt(reader, Date.now())));
        return Object.values(found).flat().length === 0;
      },
      40_000,
    ).catch(() => undefined);
    return found;
  }

  it('a webhook configuration that is narrowed or deleted is a gap that names the manager', async () => {
    await until('the registration is seen', () => server.log.some(({ event }) => event === 'registered'), 30_000);
    const patch = JSON.stringify([{ op: 'replace', path: '/webhooks/0/rules/0/apiGroups', value: ['apps'] }]);
    await kubectl('patch', ...CONFIGURATION, '--type=json', '-p', patch, '--field-manager=saboteur');
    await causeIs('webhook configuration kubeblame no longer sends everything (changed by saboteur)');
    await kubectl('create', 'configmap', 'unseen', '--from-literal=a=1');
    assert.deepEqual(await history('unseen', 1), ['watch CREATE committed -']);
    await read(async (reader) => {
      const [change] = (await reader.changes({ scope: { names: ['unseen'] }, limit: 1 })).changes;
      assert.equal(change?.gap, 'webhook configuration kubeblame no longer sends everything (changed by saboteur)');
      assert.deepEqual(change.managersHint, ['kubectl-create']);
    });
    await apply(
      cluster(),
      webhookConfiguration(server),
      '--server-side',
      '--force-conflicts',
      '--field-manager=repair',
    );
    await causeIs('');
    await kubectl('delete', ...CONFIGURATION);
    await causeIs('webhook configuration kubeblame was deleted (last changed by repair)');
    await register(cluster(), server);
    await causeIs('');
  });

  it('an API server that stands still is left, and the watch goes on after it', async () => {
    await cluster().pauseApiServer();
    await new Promise((resolve) => setTimeout(resolve, 2 * SILENCE_MS));
    cluster().resumeApiServer();
    await until('the watches were given up', () =>
      server.log.some(({ reason }) => String(reason).includes('was silent for too long')),
    );
    await kubectl('create', 'configmap', 'after-stall', '--as=alice@example.com', '--as-group=system:masters');
    assert.deepEqual(await history('after-stall', 1), ['admission CREATE committed alice@example.com']);
    assert.deepEqual(await departuresNow(), NO_DEPARTURES);
  });

  it('an API server that is started again is a gap, and what it does then is seen', async () => {
    await cluster().stopApiServer();
    await until(
      'it is unreachable',
      async () => (await lastCause()).startsWith('the API server was unreachable: '),
      60_000,
    );
    await cluster().startApiServer();
    await kubectl('create', 'configmap', 'after-restart', '--as=bob@example.com', '--as-group=system:masters');
    await causeIs('');
    assert.deepEqual(await history('after-restart', 1), ['admission CREATE committed bob@example.com']);
    assert.deepEqual(await departuresNow(), NO_DEPARTURES);
  });

  it('follows definitions as they come and go', async () => {
    const names = { plural: 'ships', singular: 'ship', kind: 'Ship' };
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const definition: JsonObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'ships.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names,
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    };
    await apply(cluster(), definition);
    await kubectl('wait', '--for=condition=Established', 'crd/ships.example.com', '--timeout=30s');
    await apply(cluster(), { apiVersion: 'example.com/v1', kind: 'Ship', metadata: { name: 'titanic' } });
    // Settled by a watch: no later review tells.
    assert.deepEqual(await history('titanic', 1), ['admission CREATE committed admin']);
    await kubectl('delete', 'crd', 'ships.example.com');
    assert.deepEqual(await history('titanic', 2), ['admission CREATE committed admin', 'watch DELETE committed -']);
    const [, end] = await changesOf('titanic');
    const [, deletion] = (await changesOf('ships.example.com')).filter(({ source }) => source === 'admission');
    assert.equal(deletion?.operation, 'UPDATE');
    assert.ok(end?.detail().cause !== null);
    assert.deepEqual(await departuresNow(), NO_DEPARTURES);
  });

  it('a server that is stopped while people write misses who, not what', async () => {
    await kubectl('create', 'configmap', 'before-stop', '--from-literal=a=1');
    await kubectl('create', 'configmap', 'doomed', '--as=bob@example.com', '--as-group=system:masters');
    await history('before-stop', 1);
    await history('doomed', 1);
    await server.stop();
    const stoppedAt = Date.now();
    await kubectl(
      'patch',
      'configmap',
      'before-stop',
      '-p',
      '{"data":{"a":"2"}}',
      '--as=alice@example.com',
      '--as-group=system:masters',
    );
    await kubectl('create', 'configmap', 'in-the-gap');
    await kubectl('delete', 'configmap', 'doomed');
    const startedAt = Date.now();
    await start();
    await register(cluster(), server);
    assert.deepEqual(await departuresNow(), NO_DEPARTURES);
    assert.deepEqual(await history('before-stop', 2), ['admission CREATE committed admin', 'watch UPDATE committed -']);
    assert.deepEqual(await history('in-the-gap', 1), ['watch CREATE committed -']);
    assert.deepEqual(await history('doomed', 2), [
      'admission CREATE committed bob@example.com',
      'watch DELETE committed -',
    ]);
    const gap = (await coverage()).find(({ from, to }) => from <= stoppedAt && (to ?? 0) >= startedAt);
    assert.deepEqual([gap?.covered, gap?.cause], [false, 'the server was stopped']);
    await read(async (reader) => {
      const { changes } = await reader.changes({
        scope: { names: ['before-stop', 'in-the-gap', 'doomed'] },
        limit: 5,
      });
      assert.deepEqual(changes.map(({ source, gap }) => `${source} ${gap}`.trim()).sort(), [
        'admission',
        'admission',
        ...Array<string>(3).fill('watch the server was stopped'),
      ]);
    });
  });

  it('watches all that the shipped role lets it', async () => {
    await server.stop();
    await kubectl('create', 'namespace', 'kubeblame');
    await kubectl('create', 'serviceaccount', 'kubeblame', '-n', 'kubeblame');
    for (const document of parseAllDocuments(readFileSync(RBAC, 'utf8')))
      await apply(cluster(), document.toJSON() as JsonObject);
    const token = (await kubectl('create', 'token', 'kubeblame', '-n', 'kubeblame')).trim();
    await start(withToken(token));
    await register(cluster(), server);
    await kubectl('create', 'configmap', 'by-the-role');
    assert.deepEqual(await history('by-the-role', 1), ['admission CREATE committed admin']);
    assert.deepEqual(await departuresNow(), NO_DEPARTURES);
    assert.deepEqual(
      server.log.filter(({ msg }) => msg.startsWith('not allowed')),
      [],
    );
  });

  it('names what it may not watch once, and settles it by reviews', async () => {
    await server.stop();
    const rule = {
      apiGroups: ['*'],
      resources: ['namespaces', 'validatingwebhookconfigurations'],
      verbs: ['list', 'watch'],
    };
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'kubeblame' },
    };
    await apply(cluster(), { ...role, rules: [rule] });
    await start(withToken((await kubectl('create', 'token', 'kubeblame', '-n', 'kubeblame')).trim()));
    await register(cluster(), server);
    const refusals = (): string[] =>
      server.log
        .filter(({ msg }) => msg === 'not allowed to watch: settled by reviews alone')
        .map(({ resource }) => String(resource));
    await until('it has asked for all', () => refusals().includes('configmaps') && refusals().length > 40, 60_000);
    await kubectl('create', 'configmap', 'by-reviews', '--from-literal=a=1');
    assert.deepEqual(await changesOf('by-reviews').then((changes) => changes.map(line)), [
      'admission CREATE pending admin',
    ]);
    await kubectl('patch', 'configmap', 'by-reviews', '-p', '{"data":{"a":"2"}}');
    assert.deepEqual((await changesOf('by-reviews')).map(line), [
      'admission CREATE committed admin',
      'admission UPDATE pending admin',
    ]);
    assert.equal(new Set(refusals()).size, refusals().length, 'each once');
    assert.ok(!refusals().includes('namespaces'));
  });

  function withToken(token: string): string {
    const kubeconfig = JSON.parse(readFileSync(cluster().kubeconfig('admin'), 'utf8')) as JsonObject;
    const path = cluster().file('kubeblame.kubeconfig');
    writeFileSync(path, JSON.stringify({ ...kubeconfig, users: [{ name: 'user', user: { token } }] }));
    return path;
  }
});
