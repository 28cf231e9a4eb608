import { applyPatch } from '../../../../shared/patch.ts';
import type { JsonObject, ObjectRef, Patch } from '../../../../shared/types.ts';
import type { LedgerStore, NewChange, NewOutcome } from '../../../ledger/port/port.ts';
import { changeOf, EVERY_MS, NAMESPACES, randomNumbers, STARTED_AT, type Live } from './generate.ts';

export interface LandscapeSize {
  changes: number;
  /** Each has about ten objects: OBJECTS_OF_APPLICATION. */
  applications: number;
  /** Changes a commit, about. A server commits 256 at most. */
  batch?: number;
}

/** A Deployment, its ReplicaSet and three pods, a Service and its EndpointSlice, a ConfigMap, a Secret, an account. */
export const OBJECTS_OF_APPLICATION = 10;

const PODS = 3;
const NODES = 30;
/** One of so many acts is a rollout (18 changes), one of twice as many a change of a ConfigMap; the rest is status. With it about one change in eight changes facts. */
const ROLLOUT_EVERY = 90;
const RUNS_IN = 'kubelet';

interface Application {
  index: number;
  release: number;
  deployment: Live;
  replicaSet: Live;
  pods: Live[];
  config: Live;
}

/**
 * Fills an empty store with made-up applications that refer to each other: by Services in URLs, ConfigMaps, Secrets, labels, owners and,
 * every fifth, an Ingress. Then they are rolled out and reported on, in random order. The same seed gives the same ledger.
 */
export async function generateLandscape(store: LedgerStore, size: LandscapeSize, seed = 1): Promise<void> {
  await new Landscape(store, size, seed).write();
}

/** The name and namespace that the objects of an application have. */
export function applicationName(index: number): { namespace: string; name: string } {
  return { namespace: `team-${index % NAMESPACES}`, name: `app-${index}` };
}

class Landscape {
  private readonly random: () => number;
  private changes: NewChange[] = [];
  private outcomes: NewOutcome[] = [];
  private seq = 0;
  private uids = 0;
  private readonly applications: Application[] = [];

  constructor(
    private readonly store: LedgerStore,
    private readonly size: LandscapeSize,
    seed: number,
  ) {
    this.random = randomNumbers(seed);
  }

  async write(): Promise<void> {
    for (let index = 0; index < NAMESPACES; index++) this.create('', 'v1', 'Namespace', '', `team-${index}`, { metadata: { labels: { team: `team-${index % 7}` } } }); // prettier-ignore
    for (let index = 0; index < NODES; index++) this.create('', 'v1', 'Node', '', `node-${index}`, {});
    for (let index = 0; index < this.size.applications; index++) {
      this.applications.push(this.start(index));
      await this.flush(this.size.batch ?? BATCH);
    }
    for (let acts = 0; this.seq < this.size.changes; acts++) {
      const application = this.applications[this.pick(this.applications.length)];
      if (application === undefined) break;
      if (acts % ROLLOUT_EVERY === 0) this.rollOut(application);
      else if (acts % (ROLLOUT_EVERY * 2) === 1) this.configure(application);
      else this.report(application);
      await this.flush(this.size.batch ?? BATCH);
    }
    await this.flush(1);
  }

  private async flush(batch: number): Promise<void> {
    if (this.changes.length < batch) return;
    const entries = { changes: this.changes, outcomes: this.outcomes };
    [this.changes, this.outcomes] = [[], []];
    await this.store.append(entries);
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count);
  }

  private start(index: number): Application {
    const { namespace, name } = applicationName(index);
    const labels = labelsOf(index, 1);
    const other = applicationName((index + NAMESPACES * 7) % this.size.applications);
    const far = applicationName((index + 1) % this.size.applications);
    const data = {
      LOG_LEVEL: 'info',
      UPSTREAM: `http://${far.name}.${far.namespace}.svc:8080/v1`,
      'app.yaml': `peer: ${other.name}:8080\n`,
    };
    const config = this.create('', 'v1', 'ConfigMap', namespace, `${name}-config`, { data });
    this.create('', 'v1', 'Secret', namespace, `${name}-secret`, { type: 'Opaque', data: { password: '[redacted]' } });
    this.create('', 'v1', 'ServiceAccount', namespace, name, {});
    const service = this.create('', 'v1', 'Service', namespace, name, {
      spec: {
        selector: { app: name },
        type: 'ClusterIP',
        clusterIP: '10.0.0.1',
        ports: [{ name: 'http', port: 8080 }],
      },
    });
    this.create('discovery.k8s.io', 'discovery.k8s.io/v1', 'EndpointSlice', namespace, `${name}-1`, {
      metadata: { labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }, ownerReferences: [ownedBy(service)] }, // prettier-ignore
      endpoints: [],
    });
    if (index % 5 === 0) {
      const backend = { service: { name, port: { number: 8080 } } };
      this.create('networking.k8s.io', 'networking.k8s.io/v1', 'Ingress', namespace, name, {
        spec: {
          rules: [{ host: `${name}.example.com`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
        },
      });
    }
    const deployment = this.create('apps', 'apps/v1', 'Deployment', namespace, name, {
      metadata: { labels },
      spec: { replicas: PODS, selector: { matchLabels: { app: name } }, template: this.template(index, 1) },
      status: { readyReplicas: PODS, observedAt: 0 },
    });
    const replicaSet = this.replicaSet(index, 1, deployment);
    const pods = Array.from({ length: PODS }, () => this.pod(index, 1, replicaSet));
    return { index, release: 1, deployment, replicaSet, pods, config };
  }

  private template(index: number, release: number): JsonObject {
    const { name } = applicationName(index);
    const peer = applicationName((index + NAMESPACES * 3) % this.size.applications).name;
    const container = {
      name: 'main',
      image: `registry.example.com/${name}:1.${release}`,
      ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
      env: [
        { name: 'API_URL', value: `http://${peer}:8080` },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: `${name}-secret`, key: 'password' } } },
      ],
      envFrom: [{ configMapRef: { name: `${name}-config` } }],
      resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
      imagePullPolicy: 'IfNotPresent',
      volumeMounts: [{ name: 'config', mountPath: '/etc/app' }],
    };
    return {
      metadata: { labels: labelsOf(index, release) },
      spec: {
        containers: [container],
        volumes: [{ name: 'config', configMap: { name: `${name}-config` } }],
        serviceAccountName: name,
        restartPolicy: 'Always',
        dnsPolicy: 'ClusterFirst',
      },
    };
  }

  private replicaSet(index: number, release: number, deployment: Live): Live {
    const { namespace, name } = applicationName(index);
    const template = this.template(index, release);
    const hash = hashOf(index, release);
    const labels = { ...labelsOf(index, release), 'pod-template-hash': hash };
    return this.create('apps', 'apps/v1', 'ReplicaSet', namespace, `${name}-${hash}`, {
      metadata: { labels, ownerReferences: [ownedBy(deployment)] },
      spec: { replicas: PODS, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
      status: { readyReplicas: PODS, observedAt: 0 },
    });
  }

  /** Created, then bound to a node. */
  private pod(index: number, release: number, replicaSet: Live): Live {
    const { namespace } = applicationName(index);
    const { spec } = this.template(index, release) as { spec: JsonObject };
    const labels = { ...labelsOf(index, release), 'pod-template-hash': hashOf(index, release) };
    const name = `${replicaSet.object.name}-${this.uids.toString(36)}`;
    const pod = this.create('', 'v1', 'Pod', namespace, name, {
      metadata: { labels, ownerReferences: [ownedBy(replicaSet)] },
      spec,
      status: { phase: 'Pending', observedAt: 0 },
    });
    this.change(pod, [{ op: 'add', path: '/spec/nodeName', value: `node-${this.pick(NODES)}` }], 'kube-scheduler', false); // prettier-ignore
    return pod;
  }

  private rollOut(application: Application): void {
    const { index, deployment, replicaSet, pods } = application;
    const release = ++application.release;
    const image = `registry.example.com/${applicationName(index).name}:1.${release}`;
    const labels = labelsOf(index, release);
    this.change(
      deployment,
      [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image },
        { op: 'replace', path: '/spec/template/metadata/labels', value: labels },
        { op: 'replace', path: '/metadata/labels', value: labels },
      ],
      `user-${this.pick(100)}@example.com`,
      false,
    );
    application.replicaSet = this.replicaSet(index, release, deployment);
    for (const [place, pod] of pods.entries()) {
      pods[place] = this.pod(index, release, application.replicaSet);
      this.report(application, pods[place]);
      this.delete(pod);
    }
    this.delete(replicaSet);
    this.report(application, deployment);
  }

  private configure({ config }: Application): void {
    const value = ['info', 'debug', 'warn'][this.pick(3)] ?? '';
    this.change(
      config,
      [{ op: 'replace', path: '/data/LOG_LEVEL', value }],
      `user-${this.pick(100)}@example.com`,
      false,
    );
  }

  private report(application: Application, one?: Live): void {
    const { deployment, replicaSet, pods } = application;
    const live = one ?? [deployment, replicaSet, ...pods][this.pick(2 + PODS)] ?? deployment;
    this.change(live, [{ op: 'replace', path: '/status/observedAt', value: this.seq }], RUNS_IN, true);
  }

  private create(
    group: string,
    apiVersion: string,
    kind: string,
    namespace: string,
    name: string,
    body: JsonObject,
  ): Live {
    // prettier-ignore
    const uid = `00000000-0000-4000-8000-${String(++this.uids).padStart(12, '0')}`;
    const object: ObjectRef = { group, resource: `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`, kind, namespace, name, uid }; // prettier-ignore
    const own = { name, uid, creationTimestamp: '2026-01-01T00:00:00Z', ...(namespace === '' ? {} : { namespace }) };
    const { metadata = {}, ...rest } = body as { metadata?: JsonObject };
    const whole: JsonObject = { apiVersion, kind, metadata: { ...own, ...metadata }, ...rest };
    const live: Live = { object, body: whole, seq: 0, depth: -1, generation: 1 };
    this.append(live, null, [{ op: 'add', path: '', value: whole }], 'system:admin', false);
    return live;
  }

  private change(live: Live, patch: Patch, user: string, statusOnly: boolean): void {
    live.body = applyPatch(live.body, patch) as JsonObject;
    this.append(live, live.seq, patch, user, statusOnly);
  }

  private delete(live: Live): void {
    const change = this.append(live, live.seq, [{ op: 'remove', path: '' }], RUNS_IN, false);
    Object.assign(change, { operation: 'DELETE', effect: 'deleted', hash: null, bodySnapshot: null });
  }

  private append(live: Live, parent: number | null, patch: Patch, user: string, statusOnly: boolean): NewChange {
    const at = STARTED_AT + ++this.seq * EVERY_MS;
    if (parent !== null) this.outcomes.push({ seq: parent, outcome: 'committed', resourceVersion: String(parent), reason: 'the watch shows it', at }); // prettier-ignore
    live.seq = this.seq;
    live.depth++;
    const change = {
      ...changeOf(live, at, parent, patch, 0, statusOnly),
      actor: { username: user, groups: ['system:authenticated'] },
      manager: user,
    };
    this.changes.push(change);
    return change;
  }
}

const BATCH = 5_000;

function labelsOf(index: number, release: number): Record<string, string> {
  const { name } = applicationName(index);
  return { app: name, 'app.kubernetes.io/name': name, 'app.kubernetes.io/version': `1.${release}`, team: `team-${index % 7}` }; // prettier-ignore
}

function hashOf(index: number, release: number): string {
  return (index * 7_919 + release * 104_729).toString(36);
}

function ownedBy({ object, body }: Live): JsonObject {
  const { kind, name, uid } = object;
  return { apiVersion: body.apiVersion ?? '', kind, name, uid, controller: true, blockOwnerDeletion: true };
}
