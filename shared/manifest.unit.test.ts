import assert from 'node:assert/strict';
import { compareManifest, type CompareOptions, type Match } from './manifest.ts';
import type { Json, JsonObject, ObjectBlame, Owner, OwnerTree, Setter } from './types.ts';

type Cluster = Pick<ObjectBlame, 'body' | 'owners' | 'setters'>;

/** A change that an owner names. */
const setter = (seq: number, username: string | null, manager = 'kubectl-create'): Setter => ({
  seq,
  at: 0,
  notBefore: 0,
  source: username === null ? 'watch' : 'admission',
  operation: 'UPDATE',
  subresource: '',
  manager,
  outcome: 'committed',
  managersHint: [],
  cause: null,
  actor: username === null ? null : { username, groups: [] },
});

const ALICE = setter(1, 'alice@example.com');
const BOB = setter(2, 'bob@example.com', 'kubectl-edit');
const CONTROLLER = setter(3, 'system:serviceaccount:kube-system:deployment-controller', 'kube-controller-manager');
const UNKNOWN = setter(4, null, '');
const APPLY = setter(5, 'alice@example.com', 'kubectl-client-side-apply');

/** Owners by path; all else is of change 1. */
function owners(by: Record<string, number>): OwnerTree {
  const root: OwnerTree = { seq: 1 };
  for (const [path, seq] of Object.entries(by)) {
    let tree = root;
    for (const key of path.split('/')) {
      tree.members ??= {};
      tree = tree.members[key] ??= { seq: tree.seq } satisfies Owner;
    }
    tree.seq = seq;
  }
  return root;
}

function cluster(body: JsonObject, by: Record<string, number> = {}): Cluster {
  return { body, owners: owners(by), setters: [ALICE, BOB, CONTROLLER, UNKNOWN, APPLY] };
}

/** `state path` of every leaf that does not match, as the body that is shown has it. */
function marks(manifest: JsonObject, found: Cluster, options: CompareOptions = {}): string[] {
  const { body, match, differs } = compareManifest(manifest, found, options);
  const lines: string[] = [];
  const visit = (value: Json, at: string[]): void => {
    const entries = Array.isArray(value) ? [...value.entries()] : typeof value === 'object' && value !== null ? Object.entries(value) : []; // prettier-ignore
    const own: Match = match(at);
    if ((entries.length === 0 && own.state !== 'same') || own.comment !== undefined) {
      lines.push(`${own.state} ${at.join('.')}${own.comment === undefined ? '' : `: ${own.comment}`}`);
    }
    for (const [key, member] of entries) visit(member, [...at, String(key)]);
  };
  visit(body, []);
  assert.equal(differs, lines.some((line) => !line.startsWith('hidden')), lines.join()); // prettier-ignore
  return lines;
}

const deployment = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec,
});
const pods = (container: JsonObject, more: JsonObject = {}): JsonObject => ({
  template: { spec: { containers: [{ name: 'app', image: 'a:1', ...container }], ...more } },
});

describe('what only the cluster has', () => {
  it('is nothing where the API server has filled it in', () => {
    const found = deployment(
      {
        replicas: 1,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        ...pods(
          {
            imagePullPolicy: 'IfNotPresent',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            ports: [{ containerPort: 80, protocol: 'TCP' }],
            livenessProbe: { httpGet: { port: 80, path: '/', scheme: 'HTTP' }, periodSeconds: 10 },
          },
          { restartPolicy: 'Always', securityContext: {}, volumes: [{ name: 'v', configMap: { name: 'c', defaultMode: 420 } }] }, // prettier-ignore
        ),
      },
      { uid: 'x', generation: 3, creationTimestamp: 'x', annotations: { 'deployment.kubernetes.io/revision': '4' } },
    );
    const manifest = deployment(
      pods(
        { ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } } },
        { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
      ),
    );
    assert.deepEqual(marks(manifest, cluster({ ...found, status: { replicas: 1 } })), []);
  });

  it('is told where somebody set a field later, or to something else than the default', () => {
    const found = deployment({ replicas: 3, paused: true, minReadySeconds: 5, ...pods({ imagePullPolicy: 'Never', tty: true }) }); // prettier-ignore
    const by = { 'spec/paused': 2, 'spec/minReadySeconds': 4 };
    assert.deepEqual(marks(deployment(pods({})), cluster(found, by)), [
      'extra spec.template.spec.containers.0.imagePullPolicy',
      'extra spec.replicas',
      'extra spec.paused',
      'extra spec.minReadySeconds',
    ]);
  });

  it('is told where it has a name of its own, whoever set it: labels, env, a container', () => {
    const found = deployment(
      { template: { spec: { containers: [{ name: 'app', image: 'a:1', env: [{ name: 'A', value: '1' }, { name: 'X', value: '2' }] }, { name: 'proxy', image: 'p', imagePullPolicy: 'Always' }] } } }, // prettier-ignore
      { labels: { app: 'web', team: 'a' } },
    );
    const manifest = deployment(pods({ env: [{ name: 'A', value: '1' }] }), { labels: { app: 'web' } });
    assert.deepEqual(marks(manifest, cluster(found)), [
      'extra metadata.labels.team',
      'extra spec.template.spec.containers.0.env.1.name',
      'extra spec.template.spec.containers.0.env.1.value',
      'extra spec.template.spec.containers.1.name',
      'extra spec.template.spec.containers.1.image',
      'extra spec.template.spec.containers.1.imagePullPolicy',
    ]);
  });

  it('is nothing where the control plane set it, or somebody who does not count', () => {
    const found = deployment({ replicas: 4, paused: true, ...pods({}) }, { annotations: { note: 'x' } });
    const by = { 'spec/replicas': 3, 'spec/paused': 2, 'metadata/annotations/note': 3 };
    assert.deepEqual(marks(deployment(pods({})), cluster(found, by)), ['extra spec.paused']);
    assert.deepEqual(marks(deployment(pods({})), cluster(found, by), { hides: ({ seq }) => seq === 2 }), []);
  });

  it('is told where it was applied, and the manifest does not have it any more', () => {
    const applied = JSON.stringify(deployment({ replicas: 3, ...pods({ env: [{ name: 'A', value: '1' }] }) }));
    const found = deployment(
      { replicas: 3, minReadySeconds: 9, ...pods({ env: [{ name: 'A', value: '1' }] }) },
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': applied } },
    );
    // An apply of somebody who did not send minReadySeconds: it was filled in on the way.
    const by = { 'spec/minReadySeconds': 5, 'spec/replicas': 3 };
    assert.deepEqual(marks(deployment(pods({})), cluster(found, by)), [
      'extra spec.template.spec.containers.0.env.0.name',
      'extra spec.template.spec.containers.0.env.0.value',
      'extra spec.replicas',
    ]);
  });

  it('is told of custom resources where it came later than what is around it', () => {
    const custom = (spec: JsonObject): JsonObject => ({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' }, spec }); // prettier-ignore
    const found = custom({ size: 1, mode: 'defaulted', list: ['a', 'b'], extra: { deep: true } });
    const by = { 'spec/extra': 2, 'spec/list/1': 2 };
    assert.deepEqual(marks(custom({ size: 1 }), cluster(found, by)), ['extra spec.list.0', 'extra spec.extra.deep']);
  });
});

describe('compareManifest', () => {
  const map = (data: JsonObject, kind = 'ConfigMap'): JsonObject => ({ apiVersion: 'v1', kind, metadata: { name: 'm' }, data }); // prettier-ignore

  it('tells lines that only the cluster has, their order, and how a text ends', () => {
    const states = (wanted: string, found: string): string[] => {
      const { body, match } = compareManifest(map({ f: wanted }), cluster(map({ f: found })));
      const { f } = body.data as { f: string };
      const lines = f.replace(/\n$/, '').split('\n');
      const head = match(['data', 'f']);
      return [head.comment ?? head.state, ...lines.map((line, place) => `${match(['data', 'f', String(place)]).state} ${line}`)]; // prettier-ignore
    };
    assert.deepEqual(states('a\nc\n', 'a\nb\nc\n'), ['same', 'same a', 'extra b', 'same c']);
    assert.deepEqual(states('a\nb\n', 'a\nb'), ['ends without a line break', 'same a', 'same b']);
    assert.deepEqual(states('b\na\n', 'a\nb\n'), ['in another order', 'same b', 'same a']);
    assert.deepEqual(states('a\nx\nd\n', 'a\nb\nd\n'), ['same', 'same a', 'differs x', 'same d']);
  });

  it('takes no value for compared that is redacted, and equal tags for equal values', () => {
    const secret = map(
      { a: 'redacted:0123456789ab', b: 'redacted:0123456789ab', c: 'redacted:0123456789ab' },
      'Secret',
    );
    const own = { a: 'x', b: 'redacted:0123456789ab', c: 'redacted:ffffffffffff' };
    assert.deepEqual(marks(map(own, 'Secret'), cluster(secret)), ['hidden data.a', 'differs data.c']);
    const { body } = compareManifest(map(own, 'Secret'), cluster(secret));
    assert.deepEqual(body.data, { ...own, a: '***' });
  });

  it('knows stringData as data', () => {
    const secret = map({ a: 'redacted:0123456789ab', b: 'redacted:0123456789ab' }, 'Secret');
    const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'm' }, stringData: { a: 'x' } };
    assert.deepEqual(marks(manifest, cluster(secret)), ['extra data.b', 'hidden stringData.a']);
  });

  it('tells another order of a list', () => {
    const found = deployment(pods({ args: ['a', 'b'], env: [{ name: 'A' }, { name: 'B' }] }));
    const manifest = deployment(pods({ args: ['b', 'a'], env: [{ name: 'B' }, { name: 'A' }] }));
    assert.deepEqual(marks(manifest, cluster(found)), [
      'differs spec.template.spec.containers.0.args: in another order',
      'differs spec.template.spec.containers.0.env: in another order',
    ]);
  });

  it('pairs items without a key by what is wanted of them', () => {
    const policy = (ingress: Json[]): JsonObject => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p' }, spec: { podSelector: {}, ingress } }); // prettier-ignore
    const rule = (app: string, more: JsonObject = {}): JsonObject => ({ from: [{ podSelector: { matchLabels: { app } } }], ...more }); // prettier-ignore
    const ports = { ports: [{ port: 80, protocol: 'TCP' }] };
    const found = policy([rule('new'), rule('web', ports)]);
    assert.deepEqual(marks(policy([rule('web', { ports: [{ port: 80 }] })]), cluster(found)), [
      'extra spec.ingress.0.from.0.podSelector.matchLabels.app',
    ]);
  });

  it('misses nothing that the API server drops: null, what is empty, what is off', () => {
    const manifest = deployment({ paused: false, replicas: 1, ...pods({ resources: {}, env: [], tty: false }) }, { creationTimestamp: null, annotations: {} }); // prettier-ignore
    const found = deployment({ replicas: 1, ...pods({}) });
    assert.deepEqual(marks({ ...manifest, status: {} }, cluster(found)), []);
    // In a custom resource `false` is a value as any other.
    const custom = (spec: JsonObject): JsonObject => ({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' }, spec }); // prettier-ignore
    assert.deepEqual(marks(custom({ on: false, none: null }), cluster(custom({}))), ['absent spec.on']);
  });

  it('compares numbers by their value, and integers exactly', () => {
    const custom = (n: Json): JsonObject => ({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' }, spec: { n } }); // prettier-ignore
    const same: [Json, Json][] = [[1, '\u0000#1.0'], [0, '\u0000#-0'], ['\u0000#12345678901234567890', '\u0000#12345678901234567000']]; // prettier-ignore
    for (const [a, b] of same) assert.deepEqual(marks(custom(a), cluster(custom(b))), []);
    const other: [Json, Json][] = [['\u0000#9007199254740993', 9007199254740992], [1, '1'], [1, true]]; // prettier-ignore
    for (const [a, b] of other) assert.deepEqual(marks(custom(a), cluster(custom(b))), ['differs spec.n']);
  });

  it('compares amounts as amounts where the API server does', () => {
    const found = deployment(pods({ resources: { limits: { cpu: '1' } }, env: [{ name: 'A', value: '1000m' }] }));
    const wanted = deployment(pods({ resources: { limits: { cpu: '1000m' } }, env: [{ name: 'A', value: '1' }] }));
    assert.deepEqual(marks(wanted, cluster(found)), ['differs spec.template.spec.containers.0.env.0.value']);
  });
});
