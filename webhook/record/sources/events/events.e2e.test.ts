import assert from 'node:assert/strict';
import { eventFacts, readEvent } from '../../../../shared/events/event.ts';
import { canonicalJson, parseJson } from '../../../../shared/json.ts';
import type { JsonObject, RecordedEvent } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { openSqliteReader, type SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { useCluster } from '../../../testing/cluster/cluster.ts';
import { register } from '../../../testing/cluster/registration.ts';
import { TestServer, until } from '../../../testing/server/server.ts';
import { eventDocument } from '../../../testing/ledgers/event-ledger.ts';

const CONTROLLERS = [
  'serviceaccount-controller',
  'resourcequota-controller',
  'replicaset-controller',
  'deployment-controller',
];

/*
 * Events of a real API server, as the watch shows them; `kubectl get events` judges.
 */
describe('Events of a real API server', function () {
  this.timeout(120_000);
  const cluster = useCluster();
  let server: TestServer;
  let store: SqliteStore;
  before(async () => {
    server = await TestServer.start((name) => cluster().file(name), {
      kubeconfig: { file: cluster().kubeconfig('admin') },
      timing: { settleDiscoveryMs: 200, sweepMs: 500, dropAfterMs: 5_000 },
    });
    store = openSqliteReader(server.config.db);
    await register(cluster(), server);
    await kubectl(['create', 'namespace', 'shop']);
  });
  after(async () => {
    await store?.close();
    await server?.stop();
  });

  const kubectl = (args: string[], input?: string): Promise<string> => cluster().kubectl('admin', args, input);
  /** Those that the API server has, as it has them. */
  const truth = async (): Promise<string[]> => {
    const { items } = parseJson(await kubectl(['get', 'events', '-n', 'shop', '-o', 'json'])) as {
      items: JsonObject[];
    };
    return items.map((item) => canonicalJson(readEvent(item))).sort();
  };
  const recorded = async (): Promise<string[]> => {
    const events = await store.events({ namespace: 'shop' }, 1_000);
    return events.filter(({ goneAt }) => goneAt === null).map(({ states }) => canonicalJson(states.at(-1) ?? {})).sort(); // prettier-ignore
  };
  const equal = async (): Promise<void> => {
    const same = async (): Promise<boolean> => canonicalJson(await truth()) === canonicalJson(await recorded());
    await until('the ledger has what the API server has', same, 20_000).catch(() => undefined);
    assert.deepEqual(await recorded(), await truth());
  };

  it('are recorded as they come, whichever API they are made through, with each count; and stay when they are gone there', async () => {
    const { metadata: _, ...core } = eventDocument({ involvedObject: { uid: 'p-1' } });
    const metadata = { name: 'web.1', namespace: 'shop' };
    await kubectl(['create', '-f', '-'], JSON.stringify({ ...core, metadata }));
    const newer = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'web.2', namespace: 'shop' },
      regarding: core.involvedObject,
      note: 'Started container web',
      reason: 'Started',
      action: 'Starting',
      type: 'Normal',
      eventTime: '2026-11-30T13:00:01.234567Z',
      reportingController: 'kubelet',
      reportingInstance: 'node-1',
    };
    await kubectl(['create', '-f', '-'], JSON.stringify(newer));
    await equal();
    for (const count of [2, 3]) {
      const patch = JSON.stringify({ count, lastTimestamp: `2026-11-30T13:0${count}:00Z` });
      await kubectl(['patch', 'event', 'web.1', '-n', 'shop', '--type', 'merge', '-p', patch]);
    }
    await equal();
    const [event] = await store.events({ namespace: 'shop', names: ['web'], types: ['Warning'] }, 10);
    assert.deepEqual(event?.states.map((state) => eventFacts(state).count), [1, 2, 3]); // prettier-ignore
    await kubectl(['delete', 'event', 'web.1', '-n', 'shop']);
    await equal();
    const [gone] = await store.events({ namespace: 'shop', names: ['web'], types: ['Warning'] }, 10);
    assert.equal(gone?.facts.count, 3);
    // Nobody changed anything: Events are no changes.
    assert.deepEqual((await store.changes({ type: { group: '', resource: 'events' } }, 10)).length, 0);
    const { text } = await server.admission.get('/metrics');
    assert.match(text, /^kubeblame_event_states_total\{result="recorded"\} [4-9]/m);
    assert.match(text, /^kubeblame_events [2-9]/m);
  });

  it('that a quota makes lead to the attempts that it refused', async function () {
    if (!cluster().startControllers(CONTROLLERS)) this.skip();
    await kubectl(['create', 'quota', 'pods', '-n', 'shop', '--hard=pods=1']);
    const hasAccount = async (): Promise<boolean> => (await cluster().tryKubectl('admin', ['get', '-n', 'shop', 'serviceaccount', 'default'])).code === 0; // prettier-ignore
    await until('the account is made', hasAccount, 50_000);
    await kubectl(['create', 'deployment', 'web', '-n', 'shop', '--image=registry.example.com/web:1', '--replicas=3']);
    const reader = new StoreReader(store, () => Date.now());
    const failed = async (): Promise<RecordedEvent[]> => {
      const { events } = await reader.events({
        scope: { namespace: 'shop' },
        limit: 500,
        related: true,
        types: ['Warning'],
      });
      return events.filter(({ reason, attempt }) => reason === 'FailedCreate' && attempt !== undefined);
    };
    await until('an Event leads to its attempt', async () => (await failed()).length > 0, 60_000);
    const [event] = await failed();
    assert.ok(event !== undefined);
    const change = await store.change(event.attempt ?? 0);
    assert.deepEqual([change?.object.kind, change?.outcome], ['Pod', 'dropped']);
    assert.ok(event.message.includes(`"${change?.object.name ?? '?'}" is forbidden: exceeded quota`), event.message);
    assert.deepEqual([event.owner?.kind, event.owner?.name], ['Deployment', 'web']);
  });
});
