import { parseJson } from '../../../shared/json.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import type { TestCluster } from './cluster.ts';
import { until } from '../server/server.ts';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';

/** What people do to a cluster with kubectl, in parts. No controller runs: where one is needed, the admin plays it. */
export class Scenario {
  constructor(private readonly cluster: TestCluster) {}

  /** Creates and applies objects of many kinds. */
  async install(): Promise<void> {
    await this.run('admin', 'create namespace shop');
    await this.run(
      'admin',
      `create clusterrolebinding people --clusterrole=cluster-admin --user=${ALICE} --user=${BOB}`,
    );
    await this.run(ALICE, 'create configmap settings --from-literal=level=info --from-literal=theme=dark -n shop');
    await this.give(ALICE, 'apply -f -', deployment('web:1', 2));
    await this.give(
      BOB,
      'apply --server-side --field-manager=deploy-bot -f -',
      configMap('shared', { a: '1', b: '1' }),
    );
    for (let n = 0; n < 2; n++)
      await this.give(ALICE, 'create -f -', {
        ...configMap('', { n: String(n) }),
        metadata: { generateName: 'run-', namespace: 'shop', labels: { kind: 'run' } },
      });
    await this.run(BOB, 'create secret generic db --from-literal=password=first-Passw0rd -n shop');
    await this.run(BOB, 'create serviceaccount ci -n shop');
    await this.run(BOB, 'create token ci -n shop');
    await this.give(ALICE, 'apply -f -', trainDefinition());
    await this.run(ALICE, 'wait --for=condition=Established crd/trains.example.com --timeout=30s');
    await this.give(ALICE, 'apply -f -', train('ice', 3));
    await this.give(BOB, 'apply -f -', scaler('autoscaling/v1', { targetCPUUtilizationPercentage: 50 }));
    for (const name of ['graceful', 'evicted', 'forced', 'bound']) await this.give(ALICE, 'create -f -', pod(name));
    for (const name of ['bound', 'evicted']) await this.bind(name);
  }

  /** Changes them in every way that kubectl has. */
  async edit(): Promise<void> {
    await this.give(ALICE, 'apply -f -', deployment('web:1', 2)); // nothing changes
    await this.give(ALICE, 'apply -f -', deployment('web:2', 2));
    await this.run(BOB, 'scale deployment web --replicas=5 -n shop');
    await this.run(BOB, 'set image deployment/web nginx=web:3 -n shop');
    await this.run(ALICE, 'label configmap settings tier=front -n shop');
    await this.run(BOB, 'annotate configmap settings reviewed-by=bob -n shop');
    await this.patch(ALICE, 'configmap/settings', 'merge', { data: { level: 'debug', theme: null } });
    await this.patch(BOB, 'configmap/settings', 'json', [{ op: 'add', path: '/data/__proto__', value: 'x' }]);
    await this.patch(ALICE, 'deployment/web', 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'nginx', env: [{ name: 'FEATURE', value: 'on' }] }] } } },
    });
    await this.give(ALICE, 'replace -f -', configMap('settings', { level: 'warn' }));
    await this.give(
      ALICE,
      'apply --server-side --force-conflicts --field-manager=alice -f -',
      configMap('shared', { a: '2' }),
    );
    await this.patch(BOB, 'secret/db', 'merge', { stringData: { password: 'second-Passw0rd' } });
    await this.run(ALICE, 'scale trains/ice --replicas=7 -n shop');
    await this.run(
      BOB,
      'patch trains/ice --subresource=status --type=merge -n shop -p {"status":{"speed":12345678901234567890}}',
    );
    await this.give(BOB, 'apply -f -', scaler('autoscaling/v1', { targetCPUUtilizationPercentage: 70 }));
    await this.give(ALICE, 'apply -f -', scaler('autoscaling/v2', {}));
    await this.run('admin', 'create configmap by-alice --from-literal=a=1 -n shop --as=alice@example.com');
    await this.run(ALICE, 'patch configmap settings -n shop --type=merge -p {"data":{"same":"second"}}');
    await this.run(BOB, 'patch configmap settings -n shop --type=merge -p {"data":{"same":"two"}}');
  }

  /** Asks for what is never persisted: dry runs, conflicts, a quota, another webhook, no right. */
  async refuse(): Promise<void> {
    for (const dry of [
      'create configmap never --from-literal=a=1',
      'delete configmap settings',
      'scale deployment web --replicas=9',
      'label configmap settings tier=back --overwrite',
    ])
      await this.run(ALICE, `${dry} -n shop --dry-run=server`);
    await this.fails(BOB, 'apply --server-side --field-manager=bob -f -', configMap('shared', { a: '3' }));
    await this.fails(ALICE, 'create -f -', configMap('settings', { level: 'again' }));
    await this.fails(ALICE, 'replace -f -', {
      ...configMap('settings', {}),
      metadata: { name: 'settings', namespace: 'shop', resourceVersion: '1' },
    });
    await this.fails('carol@example.com', 'create configmap hers -n shop');
    await this.fails(ALICE, 'create -f -', configMap('refused-1', { a: '1' }));
    await this.fails(BOB, 'create -f -', configMap('refused-1', { a: '2' }));

    await this.run('admin', 'create namespace limited');
    await this.run(BOB, 'create quota q --hard=configmaps=1 -n limited');
    // As the quota controller does.
    const status = JSON.stringify({ status: { hard: { configmaps: '1' }, used: { configmaps: '0' } } });
    await this.run('admin', `patch resourcequota q -n limited --subresource=status --type=merge -p ${status}`);
    const one = ['create', 'configmap', 'one', '-n', 'limited'];
    await until('the quota counts', async () => (await this.cluster.tryKubectl(ALICE, one)).code === 0, 30_000);
    await this.fails(ALICE, 'create configmap two -n limited');
    await this.fails(BOB, 'create configmap three -n limited');
    await this.fails(BOB, 'create configmap three --from-literal=b=1 -n limited');
  }

  /** Deletes what then waits: for finalizers, for a grace period, for its dependents. */
  async startDeleting(): Promise<void> {
    await this.give(BOB, 'create -f -', {
      ...configMap('guarded', {}),
      metadata: { name: 'guarded', namespace: 'shop', finalizers: ['example.com/guard'] },
    });
    await this.run(ALICE, 'delete configmap guarded -n shop --wait=false');
    await this.run(BOB, 'delete configmap guarded -n shop --wait=false'); // once more: nothing changes
    await this.run(ALICE, 'delete deployment web -n shop --cascade=foreground --wait=false');
    await this.run(BOB, 'delete trains ice -n shop --cascade=orphan --wait=false');
    await this.run(ALICE, 'delete pod bound -n shop --wait=false');
    await this.evict('evicted');
    await this.run(BOB, 'create namespace temp');
    await this.run(ALICE, 'create configmap inside -n temp');
    await this.run(BOB, 'delete namespace temp --wait=false');
    await this.fails(ALICE, 'create configmap late -n temp');
  }

  /** Lets all that end. */
  async finishDeleting(): Promise<void> {
    await this.patch(BOB, 'configmap/guarded', 'merge', { metadata: { finalizers: null } });
    for (const object of ['deployment/web', 'trains/ice'])
      await this.patch('admin', object, 'merge', { metadata: { finalizers: null } });
    // As the kubelet does at the end of the grace period.
    for (const name of ['bound', 'evicted'])
      await this.run('admin', `delete pod ${name} -n shop --grace-period=0 --force`);
    await this.run(ALICE, 'delete pod graceful -n shop');
    await this.run(ALICE, 'delete pod forced -n shop --grace-period=0 --force');
    await this.run(BOB, 'delete configmap settings -n shop --cascade=background');
    await this.run(ALICE, 'create configmap settings --from-literal=level=new -n shop'); // another incarnation
    await this.run(BOB, 'delete --raw /api/v1/namespaces/shop/configmaps?labelSelector=kind%3Drun');
    // As the namespace controller does.
    await this.run('admin', 'delete configmap --all -n temp');
    const path = '/api/v1/namespaces/temp';
    const namespace = parseJson(await this.run('admin', `get --raw ${path}`)) as JsonObject;
    await this.give('admin', `replace --raw ${path}/finalize -f -`, { ...namespace, spec: { finalizers: [] } });
  }

  /** Removes a definition with its objects. */
  async tearDown(): Promise<void> {
    for (const name of ['tgv', 'eurostar']) await this.give(ALICE, 'apply -f -', train(name, 1));
    await this.run(BOB, 'delete crd trains.example.com --timeout=60s');
    await this.give(ALICE, 'apply -f -', configMap('after', { all: 'done' }));
  }

  private async bind(name: string): Promise<void> {
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: 'node-1' } };
    await this.give('admin', `create --raw /api/v1/namespaces/shop/pods/${name}/binding -f -`, binding);
  }

  private async evict(name: string): Promise<void> {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'shop' } };
    await this.give(BOB, `create --raw /api/v1/namespaces/shop/pods/${name}/eviction -f -`, eviction);
  }

  private patch(user: string, object: string, type: string, patch: Json): Promise<string> {
    return this.cluster.kubectl(user, ['patch', object, '-n', 'shop', `--type=${type}`, '-p', JSON.stringify(patch)]);
  }

  private run(user: string, command: string): Promise<string> {
    return this.cluster.kubectl(user, command.split(' '));
  }

  private give(user: string, command: string, document: JsonObject): Promise<string> {
    return this.cluster.kubectl(user, command.split(' '), JSON.stringify(document));
  }

  private async fails(user: string, command: string, document: JsonObject = {}): Promise<void> {
    const { code, stdout } = await this.cluster.tryKubectl(user, command.split(' '), JSON.stringify(document));
    if (code === 0) throw new Error(`it was to fail: kubectl ${command}: ${stdout}`);
  }
}

function configMap(name: string, data: Record<string, string>): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data };
}

function deployment(image: string, replicas: number): JsonObject {
  const labels = { app: 'web' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'nginx', image }] } },
    },
  };
}

function pod(name: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels: { app: name } },
    spec: { containers: [{ name: 'main', image: 'busybox' }] },
  };
}

function scaler(apiVersion: string, spec: JsonObject): JsonObject {
  return {
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 9, ...spec },
  };
}

function train(name: string, cars: number): JsonObject {
  return { apiVersion: 'example.com/v1', kind: 'Train', metadata: { name, namespace: 'shop' }, spec: { cars } };
}

function trainDefinition(): JsonObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'trains.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'trains', singular: 'train', kind: 'Train' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          subresources: { status: {}, scale: { specReplicasPath: '.spec.cars', statusReplicasPath: '.status.cars' } },
        },
      ],
    },
  };
}
