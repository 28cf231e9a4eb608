import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { ROUTES } from '../../../../shared/api.ts';
import { deltas } from '../../../../shared/delta.ts';
import { normalise } from '../../../../shared/normalise.ts';
import { reviewDocument } from '../../../../shared/testing/reviews.ts';
import type { ChangePage, Json, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { useFolder } from '../../folder.ts';
import { TestRecorder } from '../../ledgers/recorder.ts';
import { TestServer } from '../../server/server.ts';

const [OLD, NEW] = ['hunter22-old', 'hunter22-new'];

const template = (password: string, level = 'info'): JsonObject => ({
  spec: {
    containers: [
      {
        name: 'app',
        image: 'app:1',
        command: ['app', '--log', level],
        env: [
          { name: 'DB_URL', value: `postgres://app:${password}@db/shop` },
          { name: 'DB_PASSWORD', value: password },
          { name: 'LEVEL', value: level },
        ],
      },
    ],
  },
});

const object = (kind: string, name: string, spec: JsonObject, resourceVersion = ''): JsonObject => ({
  kind,
  apiVersion: 'apps/v1',
  metadata: {
    ...{ name, namespace: 'shop', uid: `u-${kind}-${name}` },
    ...(resourceVersion === '' ? {} : { resourceVersion }),
  },
  spec,
});
const deployment = (password: string, level?: string, resourceVersion?: string): JsonObject =>
  object('Deployment', 'web', { replicas: 1, template: template(password, level) }, resourceVersion);
const DEPLOYMENTS = { group: 'apps', resource: 'deployments', kind: 'Deployment', name: 'web' };
const REF: ObjectRef = { ...DEPLOYMENTS, namespace: 'shop', uid: 'u-Deployment-web' };

describe('passwords that a pattern finds', () => {
  const file = useFolder();

  it('are in no file and no answer, and their change is seen', async () => {
    const server = await TestServer.start(file);
    const send = async (options: Parameters<typeof reviewDocument>[0]): Promise<void> => {
      assert.equal((await server.admission.admit(reviewDocument(options))).status, 200);
    };
    await send({ ...DEPLOYMENTS, object: deployment(OLD) });
    await send({ ...DEPLOYMENTS, operation: 'UPDATE', oldObject: deployment(OLD, 'info', '1'), object: deployment(NEW, 'info', '1') }); // prettier-ignore
    const command = ['sh', '-c', `mysql -uroot -p${OLD} shop -e 'select 1'`];
    await send({
      ...{
        operation: 'CONNECT',
        resource: 'pods',
        kind: 'PodExecOptions',
        subResource: 'exec',
        name: 'db-0',
        options: {},
      },
      object: { kind: 'PodExecOptions', apiVersion: 'v1', command, container: 'db' },
    });
    await send({ object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'settings', namespace: 'shop' }, data: { 'app.yaml': `user: a\npassword: ${NEW}\n` } } }); // prettier-ignore
    const { text } = await server.read.get(`${ROUTES.changes}?bodies=true`);
    const { changes } = JSON.parse(text) as ChangePage;
    const shown = changes.map((change) => JSON.stringify([change.options, change.deltas]).replaceAll(/redacted:[0-9a-f]{12}/g, 'redacted')); // prettier-ignore
    assert.match(shown[0] ?? '', /user: a\\npassword: redacted\\n/);
    assert.match(shown[1] ?? '', /mysql -uroot -predacted shop -e 'select 1'/);
    assert.deepEqual(changes[2]?.deltas.map(({ path }) => path.replace(/.*\./, '')), ['value', 'value']); // prettier-ignore
    assert.match(shown[2] ?? '', /"before":"postgres:\/\/app:redacted@db\/shop"/);
    await server.stop();
    for (const name of readdirSync(file('.'), { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      const content = readFileSync(`${name.parentPath}/${name.name}`, 'latin1');
      assert.ok(!content.includes(OLD) && !content.includes(NEW), name.name);
    }
    assert.ok(!text.includes(OLD) && !text.includes(NEW));
  });

  it('look the same in what a review and what a watch shows, which is no change', async () => {
    const on = await TestRecorder.open(file('ledger.db'));
    await on.review({ ...DEPLOYMENTS, object: deployment(OLD) });
    const seen = normalise(deployment(OLD, 'info', '7'));
    await on.recorder.observe(REF, seen, on.at + 1);
    await on.recorder.observe(REF, { ...seen, resourceVersion: '8' }, on.at + 2);
    assert.deepEqual(await on.summary(), ['1 admission CREATE committed@7']);
    await on.close();
  });

  it('look the same in what a review and what a watch shows of a Namespace, whose reviews bear its own name', async () => {
    const on = await TestRecorder.open(file('ledger.db'));
    const annotations = { 'example.com/database': JSON.stringify(template(OLD)) };
    const metadata = { name: 'shop', uid: 'u-shop', annotations };
    const body = { kind: 'Namespace', apiVersion: 'v1', metadata };
    const type = { group: '', resource: 'namespaces', kind: 'Namespace', name: 'shop' };
    await on.review({ ...type, namespace: 'shop', object: body });
    const stored = await on.store.body(1);
    assert.match(JSON.stringify(stored), /redacted:[0-9a-f]{12}/);
    const seen = normalise({ ...body, metadata: { ...metadata, resourceVersion: '7' } });
    await on.recorder.observe({ ...type, namespace: '', uid: 'u-shop' }, seen, on.at + 1);
    assert.deepEqual(await on.summary(), ['1 admission CREATE committed@7']);
    await on.close();
  });

  it('look the same in a Deployment and its ReplicaSet, so that causes are found', async () => {
    const on = await TestRecorder.open(file('ledger.db'));
    await on.review({ ...DEPLOYMENTS, object: deployment(OLD) });
    const set = { group: 'apps', resource: 'replicasets', kind: 'ReplicaSet', name: 'web-1' };
    await on.review({ ...set, object: object('ReplicaSet', 'web-1', { template: template(OLD) }) });
    const [of, by] = await Promise.all([on.store.body(1), on.store.body(2)]);
    assert.ok(of !== null && by !== null);
    const templateOf = (body: JsonObject): Json => (body.spec as JsonObject).template ?? null;
    assert.deepEqual(deltas(templateOf(of) as JsonObject, templateOf(by) as JsonObject), []);
    assert.match(JSON.stringify(templateOf(of)), /"DB_PASSWORD","value":"redacted:[0-9a-f]{12}"/);
    await on.close();
  });
});
