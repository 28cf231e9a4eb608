import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { canonicalJson, isObject, parseJson } from '../shared/json.ts';
import { metadataOf } from '../shared/normalise.ts';
import type { Change, JsonObject, LedgerReader } from '../shared/types.ts';
import { openLedger } from '../webhook/ask/questions/open.ts';
import { useCluster } from '../webhook/testing/cluster/cluster.ts';
import { register } from '../webhook/testing/cluster/registration.ts';
import { TestServer, until } from '../webhook/testing/server/server.ts';
import { ask } from './testing/ask.ts';

const POD = { containers: [{ name: 'app', image: 'app:1', env: [{ name: 'A', value: '1' }] }] };
const TEMPLATE = { metadata: { labels: { app: 'x' } }, spec: POD };
const SELECTOR = { matchLabels: { app: 'x' } };
const PORTS = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }];
const BACKEND = { service: { name: 'x', port: { number: 80 } } };

/** What is made of each kind, and how it is changed then: a patch of `type`, by a person. */
const KINDS: { kind: string; apiVersion: string; body: JsonObject; type?: string; patch: JsonObject }[] = [
  { kind: 'ConfigMap', apiVersion: 'v1', body: { metadata: { name: 'x', namespace: 'undo', annotations: { 'b/c': '2' } }, data: { a: '1', b: '2' } }, patch: { metadata: { annotations: { 'b/c': null } }, data: { a: '2', b: null, e: '' } } },
  { kind: 'Secret', apiVersion: 'v1', body: { stringData: { password: 'x' } }, patch: { metadata: { labels: { team: 'a' } } } },
  { kind: 'Service', apiVersion: 'v1', body: { spec: { selector: { app: 'x' }, ports: PORTS } }, type: 'strategic', patch: { spec: { ports: [{ port: 443, name: 'https' }], selector: { app: 'y' } } } },
  { kind: 'ServiceAccount', apiVersion: 'v1', body: {}, patch: { automountServiceAccountToken: false, metadata: { annotations: { a: 'b' } } } },
  { kind: 'Pod', apiVersion: 'v1', body: { spec: POD }, type: 'strategic', patch: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'app', image: 'app:2' }] } } },
  { kind: 'Deployment', apiVersion: 'apps/v1', body: { spec: { replicas: 3, selector: SELECTOR, template: TEMPLATE } }, type: 'strategic', patch: { spec: { replicas: 5, template: { spec: { containers: [{ name: 'sidecar', image: 'side:1' }, { name: 'app', env: [{ name: 'B', value: '2' }] }] } } } } },
  { kind: 'StatefulSet', apiVersion: 'apps/v1', body: { spec: { serviceName: 'x', selector: SELECTOR, template: TEMPLATE } }, patch: { spec: { replicas: 4 } } },
  { kind: 'Job', apiVersion: 'batch/v1', body: { spec: { template: { spec: { ...POD, restartPolicy: 'Never' } } } }, patch: { spec: { suspend: true } } },
  { kind: 'CronJob', apiVersion: 'batch/v1', body: { spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template: { spec: { ...POD, restartPolicy: 'Never' } } } } } }, patch: { spec: { schedule: '0 4 * * *' } } },
  { kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', body: { spec: { rules: [{ host: 'a.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend: BACKEND }] } }] } }, patch: { spec: { defaultBackend: BACKEND, rules: null } } },
  { kind: 'Role', apiVersion: 'rbac.authorization.k8s.io/v1', body: { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }] }, patch: { rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] }] } },
  { kind: 'PersistentVolumeClaim', apiVersion: 'v1', body: { spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } } }, patch: { metadata: { labels: { tier: 'db' }, annotations: { 'b/c': '2' } } } },
  { kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v2', body: { spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } } }, patch: { spec: { minReplicas: 2, maxReplicas: 9 } } },
]; // prettier-ignore

/*
 * What undo prints, given to kubectl as it says, against a real API server: an update, a deletion and a creation of each
 * kind. The judge is what `kubectl get` shows before and after.
 */
describe('kubectl blame undo on a real API server', () => {
  const cluster = useCluster();
  let server: TestServer;
  let reader: LedgerReader;
  before(async function () {
    this.timeout(120_000);
    server = await TestServer.start((name) => cluster().file(name), {
      kubeconfig: { file: cluster().kubeconfig('admin') },
    });
    await register(cluster(), server);
    reader = await openLedger(server.config.db, () => Date.now());
    await cluster().kubectl('admin', ['create', 'namespace', 'undo']);
    await cluster().kubectl('admin', ['create', 'serviceaccount', 'default', '-n', 'undo']);
  });
  after(async () => {
    await reader?.close();
    await server?.stop();
  });

  /** The object as kubectl shows it, without what each write sets anew; null where there is none. */
  const live = async (kind: string): Promise<JsonObject | null> => {
    const { code, stdout } = await cluster().tryKubectl('admin', ['get', kind, 'x', '-n', 'undo', '-o', 'json', '--show-managed-fields=false']); // prettier-ignore
    if (code !== 0) return null;
    const body = parseJson(stdout) as JsonObject;
    const { resourceVersion: _version, generation: _generation, ...metadata } = metadataOf(body);
    return { ...body, metadata };
  };

  /** The same without what belongs to one incarnation, spelled out here. */
  const withoutIncarnation = (body: JsonObject | null): string => {
    const own = new Set(['uid', 'creationTimestamp', 'clusterIP', 'clusterIPs', 'controller-uid', 'batch.kubernetes.io/controller-uid']); // prettier-ignore
    const strip = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(strip);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).flatMap(([key, inner]) => (own.has(key) ? [] : [[key, strip(inner)]])),
      );
    };
    const { status: _, ...rest } = body ?? {};
    return canonicalJson(strip(rest) as JsonObject);
  };

  /** The newest change of the object, once it is settled. */
  const newest = async (kind: string, operation: Change['operation']): Promise<Change> => {
    let found: Change | undefined;
    await until(
      `the ${operation} of the ${kind} is committed`,
      async () => {
        await server.settled();
        const { changes } = await reader.changes({ scope: { namespace: 'undo', names: ['x'] }, limit: 500 });
        found = changes.find((change) => change.object.kind === kind && change.operation === operation);
        return found?.outcome === 'committed' && changes.find(({ object }) => object.kind === kind)?.outcome === 'committed'; // prettier-ignore
      },
      30_000,
    );
    assert.ok(found);
    return found;
  };

  /** A claim's finalizer is taken away by its controller, and none runs here. */
  const release = async (kind: string): Promise<void> => {
    if (kind !== 'PersistentVolumeClaim') return;
    const isMarked = async (): Promise<boolean> => metadataOf(await live(kind)).deletionTimestamp !== undefined;
    await until(`the ${kind} is to go`, isMarked, 20_000);
    await cluster().kubectl('admin', ['patch', kind, 'x', '-n', 'undo', '--type', 'merge', '-p', '{"metadata":{"finalizers":null}}']); // prettier-ignore
  };

  /** Runs undo, and gives what it prints to the command that it names. */
  const undo = async (change: Change): Promise<string> => {
    const { out, err } = await ask(['undo', String(change.seq), '--db', server.config.db], { now: Date.now() });
    const command = /pipe it into: kubectl (.*)\n/.exec(err)?.[1];
    assert.ok(command !== undefined, err);
    // Here stdin is a socket, which /dev/stdin cannot open; in a shell it is a pipe.
    const file = cluster().file('undo.txt');
    writeFileSync(file, out);
    const words = command.split(' ').map((word) => (word === '/dev/stdin' ? file : word));
    await cluster().kubectl('admin', words, out);
    return err;
  };

  for (const { kind, apiVersion, body, type = 'merge', patch } of KINDS) {
    it(`takes back an update, a deletion and a creation of a ${kind}`, async function () {
      this.timeout(120_000);
      const manifest = { apiVersion, kind, metadata: { name: 'x', namespace: 'undo' }, ...body };
      await cluster().kubectl('admin', ['create', '-f', '-'], JSON.stringify(manifest));
      const original = await live(kind);
      assert.ok(original !== null && isObject(original));

      await cluster().kubectl('admin', ['patch', kind, 'x', '-n', 'undo', '--type', type, '-p', JSON.stringify(patch)]);
      assert.notEqual(canonicalJson(await live(kind)), canonicalJson(original), 'the patch changes something');
      await undo(await newest(kind, 'UPDATE'));
      assert.deepEqual(await live(kind), original);
      await newest(kind, 'UPDATE');

      await cluster().kubectl('admin', ['delete', kind, 'x', '-n', 'undo', '--grace-period=0', '--force', '--cascade=background', '--wait=false']); // prettier-ignore
      await release(kind);
      await until(`the ${kind} is gone`, async () => (await live(kind)) === null, 20_000);
      const notes = await undo(await newest(kind, 'DELETE'));
      const again = await live(kind);
      if (kind === 'Secret') {
        assert.match(notes, /data\.password: never recorded, so left out/);
        assert.equal(again?.data, undefined);
      } else assert.equal(withoutIncarnation(again), withoutIncarnation(original));

      await Promise.all([undo(await newest(kind, 'CREATE')), release(kind)]);
      await until(`the ${kind} is gone again`, async () => (await live(kind))?.kind === undefined || metadataOf(await live(kind)).deletionTimestamp !== undefined, 20_000); // prettier-ignore
    });
  }
});
