import assert from 'node:assert/strict';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import { finishedRequests, succeeded, userOf, type AuditEvent } from '../../server/audit.ts';
import { useCluster } from '../../cluster/cluster.ts';
import { patchAll } from '../../cluster/patches.ts';
import { register } from '../../cluster/registration.ts';
import { TestServer, until } from '../../server/server.ts';

const PATCHES = 60;

/*
 * Many at once on one object: the API server runs what conflicts again, through the webhooks, on the newer object.
 */
describe('sixty concurrent patches of one object by two users', () => {
  const cluster = useCluster();
  let server: TestServer;
  before(async function () {
    this.timeout(120_000);
    server = await TestServer.start((name) => cluster().file(name), {
      kubeconfig: { file: cluster().kubeconfig('admin') },
    });
    await register(cluster(), server);
  });
  after(() => server?.stop());

  it('end as exactly the commits that the API server made, each with its user', async function () {
    this.timeout(120_000);
    await patchAll(cluster(), PATCHES);
    const made = finishedRequests(cluster().auditLog() as unknown as AuditEvent[])
      .filter((event) => event.objectRef?.name === 'contended' && event.verb === 'patch' && succeeded(event))
      .map((event) => `${event.responseObject?.metadata?.resourceVersion} ${userOf(event)}`);
    // Reviews are in the ledger up to half a second after they were answered: decisions/0054.
    await server.settled();
    const store = openSqliteReader(server.config.db);
    const changes = (): Promise<StoredChange[]> =>
      store.changes({ names: ['contended'], type: { group: '', resource: 'configmaps' } }, 100_000);
    await until('all are settled', async () => (await changes()).every(({ outcome }) => outcome !== 'pending'), 30_000);
    const reviewed = (await changes()).filter(({ operation }) => operation === 'UPDATE');
    await store.close();
    const committed = reviewed.filter(({ outcome }) => outcome === 'committed');
    console.log(
      `      ${PATCHES} patches, ${made.length} made by the API server, ${reviewed.length} reviews, ` +
        `${committed.length} committed, ${reviewed.length - committed.length} dropped`,
    );
    assert.deepEqual(
      committed.map((change) => `${change.resourceVersion} ${change.actor?.username}`).sort(),
      made.sort(),
    );
    assert.deepEqual(new Set(committed.map(({ source }) => source)), new Set(['admission']));
    assert.ok(reviewed.length > committed.length, 'some conflicted');
  });
});
