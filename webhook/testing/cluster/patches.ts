import type { TestCluster } from './cluster.ts';
import { until, type Reply } from '../server/server.ts';

const USERS = ['alice@example.com', 'bob@example.com'];
const PATH = '/api/v1/namespaces/default/configmaps';

/** Creates the ConfigMap `contended`, and sends so many patches of it at once, by two users in turns. */
export async function patchAll(cluster: TestCluster, count: number): Promise<void> {
  const users = USERS.flatMap((user) => ['--user', user]);
  await cluster.kubectl('admin', ['create', 'clusterrolebinding', 'people', '--clusterrole=cluster-admin', ...users]);
  await cluster.kubectl('admin', ['create', 'configmap', 'contended']);
  const clients = USERS.map((user) => cluster.client(user, { connections: count }));
  const patch = (n: number, query = ''): Promise<Reply> => {
    const body = Buffer.from(JSON.stringify({ data: { [`key-${n}`]: String(n) } }));
    const headers = { 'Content-Type': 'application/merge-patch+json', 'Content-Length': String(body.length) };
    const client = clients[n % clients.length] ?? cluster.client('admin');
    return client.send('PATCH', `${PATH}/contended${query}`, headers, [body]);
  };
  for (const n of USERS.keys())
    await until('the users may', async () => (await patch(n, '?dryRun=All')).status === 200, 30_000);
  await Promise.all(Array.from({ length: count }, (_, n) => patch(n)));
}
