import assert from 'node:assert/strict';
import { parseJson } from '../shared/json.ts';
import type { Json, JsonObject } from '../shared/types.ts';
import { useCluster } from '../webhook/testing/cluster/cluster.ts';
import { register } from '../webhook/testing/cluster/registration.ts';
import { TestServer, until } from '../webhook/testing/server/server.ts';
import { ask, type Answer } from './testing/ask.ts';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';

/*
 * Lines and causes on a real API server, and a real controller manager where there is one: what kubectl prints is what
 * the ledger has, and who is named is who did it.
 */
describe('who set what on a real cluster', () => {
  const cluster = useCluster();
  let server: TestServer;
  let controlled = false;

  before(async function () {
    this.timeout(300_000);
    server = await TestServer.start((name) => cluster().file(name), {
      kubeconfig: { file: cluster().kubeconfig('admin') },
    });
    await register(cluster(), server);
    await cluster().kubectl('admin', ['create', 'namespace', 'shop']);
    const people = ['create', 'clusterrolebinding', 'people', '--clusterrole=cluster-admin'];
    await cluster().kubectl('admin', [...people, `--user=${ALICE}`, `--user=${BOB}`]);
    controlled = cluster().startControllers([
      'deployment-controller',
      'replicaset-controller',
      'garbage-collector-controller',
    ]);
    await kubectl(ALICE, 'apply -n shop -f -', deployment('web:1', ['A', 'B'], { replicas: 2 }));
    await settledWith('deploy web -n shop', /\tcreate\t/);
    await kubectl(BOB, 'set image deployment/web nginx=web:2 -n shop');
    // Before the controller saw it, the next image would take its place.
    if (controlled) await settledWith('rs -n shop --limit 500', /← bob@example.com\tcreate/);
    await kubectl(BOB, 'scale deployment web --replicas=3 -n shop');
    // Her program does not own the size. It sorts the variables anew.
    const owned = deployment('web:3', ['B', 'C', 'A']);
    await kubectl(ALICE, 'apply --server-side --force-conflicts --field-manager=deployer -n shop -f -', owned);
  });
  after(() => server?.stop());

  async function kubectl(user: string, words: string, document?: Json): Promise<string> {
    return cluster().kubectl(user, words.split(' '), document === undefined ? '' : JSON.stringify(document));
  }

  const blame = (words: string, input = ''): Promise<Answer> =>
    ask(['--db', server.config.db, ...words.split(' ')], { now: Date.now(), input });

  async function settledWith(words: string, expected: RegExp): Promise<void> {
    await until(`${words} shows ${expected.source}`, async () => expected.test((await blame(words)).out), 60_000);
  }

  it('annotates what kubectl get prints, without a difference', async function () {
    this.timeout(120_000);
    await until(
      'the ledger has what the cluster has',
      async () =>
        /no line differs/.test((await blame('-f -', await kubectl('admin', 'get deploy -n shop -o yaml'))).err),
      60_000,
    );
    const { out } = await blame('-f -', await kubectl('admin', 'get deploy web -n shop -o yaml'));
    const line = (text: string): string[] => {
      const found = out.split('\n').find((one) => one.split('│')[1]?.trim().replace(/^- /, '') === text) ?? '';
      const [seq = '', user = ''] = found.trim().split(/ +/);
      return [seq, user];
    };
    const [created = ''] = line('kind: Deployment');
    assert.deepEqual(line('kind: Deployment'), [created, ALICE]);
    assert.deepEqual([line('name: A'), line('name: B')], Array(2).fill([created, ALICE]));
    const [applied = ''] = line('name: C');
    assert.notEqual(applied, created);
    assert.deepEqual([line('name: C'), line('image: web:3')], Array(2).fill([applied, ALICE]));
    assert.equal(line('replicas: 3')[1], BOB);
  });

  it('names the person for whom the controllers acted', async function () {
    this.timeout(120_000);
    if (!controlled) {
      process.stderr.write('!!! NO kube-controller-manager: causes were not tried on a real one\n');
      this.skip();
    }
    await until('pods are there', async () => (await blame('pods -n shop --limit 500')).out.includes('← '), 60_000);
    const list = parseJson((await blame('rs,pods -n shop --limit 500 -o json')).out) as JsonObject;
    const items = list.items as unknown as {
      operation: string;
      object: { resource: string };
      actor: { username: string };
      causes: { certain: boolean; actor: { username: string } | null }[];
    }[];
    const made = items.filter(({ operation, actor }) => operation === 'CREATE' && actor.username.startsWith('system:'));
    assert.ok(made.length >= 3, JSON.stringify(made.length));
    for (const { causes, object } of made) {
      const person = causes.at(-1)?.actor?.username ?? '';
      assert.ok([ALICE, BOB].includes(person), `${object.resource}: ${JSON.stringify(causes)}`);
    }
  });

  it('leads a replacement and a cascade to who began them', async function () {
    this.timeout(120_000);
    if (!controlled) this.skip();
    await kubectl(BOB, 'delete pods --all -n shop --wait=false');
    const machine = 'system:kube-controller-manager';
    await settledWith('pods -n shop --limit 500', new RegExp(`${machine} ← ${BOB}\tcreate`));
    await kubectl(BOB, 'delete deployment web -n shop');
    await settledWith('rs -n shop --limit 500', new RegExp(`${machine} ← ${BOB}\tdelete`));
  });
});

function deployment(image: string, variables: string[], spec: JsonObject = {}): JsonObject {
  const env = variables.map((name) => ({ name, value: name.toLowerCase() }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      ...spec,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'nginx', image, env }] } },
    },
  };
}
