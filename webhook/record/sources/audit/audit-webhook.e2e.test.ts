import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { Change, ChangeQuery, JsonObject } from '../../../../shared/types.ts';
import { openLedger } from '../../../ask/questions/open.ts';
import { useCluster } from '../../../testing/cluster/cluster.ts';
import { apply, register } from '../../../testing/cluster/registration.ts';
import { freePort } from '../../../testing/server/daemon.ts';
import { TestServer, until } from '../../../testing/server/server.ts';

const SECRET = 'the-secret-path-of-the-audit-webhook';
const RBAC = 'rbac.authorization.k8s.io';

/** docs/audit-logs.md, on a real API server that calls both webhooks: for admission and for its audit log. */
describe('the audit webhook of a real API server', function () {
  this.timeout(120_000);
  let server: TestServer | undefined;
  const cluster = useCluster(async (file) => {
    const listen = { host: '127.0.0.1', port: await freePort() };
    const webhook = { listen, proof: { by: 'path', secret: SECRET } } as const;
    server = await TestServer.start((name) => file(`server-${name}`), { audit: { logs: [], webhook } });
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'kubeblame',
          cluster: {
            server: `https://${listen.host}:${listen.port}/audit/${SECRET}`,
            'certificate-authority-data': Buffer.from(server.certificates.ca).toString('base64'),
          },
        },
      ],
      users: [{ name: 'api-server', user: {} }],
      contexts: [{ name: 'kubeblame', context: { cluster: 'kubeblame', user: 'api-server' } }],
      'current-context': 'kubeblame',
    };
    writeFileSync(file('audit-webhook.json'), JSON.stringify(config));
    return [
      `--audit-webhook-config-file=${file('audit-webhook.json')}`,
      '--audit-webhook-batch-max-wait=100ms',
      '--audit-webhook-initial-backoff=100ms',
    ];
  });
  after(() => server?.stop());

  before(async () => {
    await register(cluster(), server ?? assert.fail());
    const rule = (apiGroups: string[], resources: string[], verbs: string[]): JsonObject => ({ apiGroups, resources, verbs }); // prettier-ignore
    const roles: [name: string, rules: JsonObject[], user: string][] = [
      ['impersonators', [rule([''], ['users'], ['impersonate'])], 'bob@example.com'],
      ['editors', [rule([''], ['configmaps'], ['create', 'update', 'patch', 'get'])], 'carol@example.com'],
    ];
    for (const [name, rules, user] of roles) {
      const roleRef = { apiGroup: RBAC, kind: 'ClusterRole', name };
      const subjects = [{ apiGroup: RBAC, kind: 'User', name: user }];
      const metadata = { name };
      await apply(cluster(), { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata, rules });
      await apply(cluster(), { apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata, roleRef, subjects });
    }
  });

  async function changes(name: string, query: Partial<ChangeQuery> = {}): Promise<Change[]> {
    await server?.settled();
    const reader = await openLedger(cluster().file('server-ledger.db'), () => Date.now());
    const scope = { type: { group: '', resource: 'configmaps' }, namespace: 'default', ...(name === '*' ? {} : { names: [name] }) }; // prettier-ignore
    const page = await reader.changes({ scope, limit: 100, ...query });
    await reader.close();
    return page.changes;
  }

  it('tells who was behind an impersonated user, of the one change that the review told of', async () => {
    const as = ['--as', 'carol@example.com', '-n', 'default'];
    await cluster().kubectl('bob@example.com', ['create', 'configmap', 'settings', '--from-literal=a=1', ...as]);
    await cluster().kubectl('bob@example.com', ['patch', 'configmap', 'settings', '-p', '{"data":{"a":"2"}}', ...as]);
    let found: Change[] = [];
    await until('the log tells of both', async () => {
      found = await changes('settings');
      return found.length > 0 && found.every(({ audit }) => audit !== undefined);
    }, 60_000); // prettier-ignore
    assert.deepEqual(
      found.map(({ operation, actor, audit, outcome, source }) => [operation, actor?.username, audit?.impersonator?.username, audit?.verb, outcome, source]), // prettier-ignore
      [
        ['UPDATE', 'carol@example.com', 'bob@example.com', 'patch', 'committed', 'admission'],
        ['CREATE', 'carol@example.com', 'bob@example.com', 'create', 'committed', 'admission'],
      ],
    );
    assert.match(found[0]?.audit?.userAgent ?? '', /^kubectl\//);
    assert.deepEqual(found[0]?.audit?.sourceIPs, ['127.0.0.1']);
  });

  it('tells what was refused before any admission webhook was asked', async () => {
    // Of a creation that is not allowed the API server does not even read the name.
    for (const args of [
      ['create', 'configmap', 'forbidden'],
      ['delete', 'configmap', 'settings'],
    ])
      assert.equal((await cluster().tryKubectl('alice@example.com', [...args, '-n', 'default'])).code, 1);
    let found: Change[] = [];
    await until('the log tells of both', async () => {
      found = await changes('*', { refused: true });
      return found.length > 1;
    }, 60_000); // prettier-ignore
    assert.deepEqual(
      found.map(({ operation, object, actor, audit, outcome, source }) => [operation, object.name, actor?.username, audit?.code, outcome, source]), // prettier-ignore
      [
        ['DELETE', 'settings', 'alice@example.com', 403, 'dropped', 'audit'],
        ['CREATE', '', 'alice@example.com', 403, 'dropped', 'audit'],
      ],
    );
    assert.match(found[0]?.audit?.message ?? '', /User "alice@example\.com" cannot delete resource "configmaps"/);
  });
});
