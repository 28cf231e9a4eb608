import { applyPatch, hashBody } from '../../../../shared/patch.ts';
import type { JsonObject, ObjectRef, Patch } from '../../../../shared/types.ts';
import { BODY_SNAPSHOT_EVERY } from '../../../ledger/port/port.ts';
import type { LedgerStore, NewChange, NewOutcome } from '../../../ledger/port/port.ts';

export interface LedgerSize {
  changes: number;
  objects: number;
  /** How many of the changes are about one object, the first. */
  hot: number;
  /** Changes a commit; 5,000 unless given. A server commits 256 at most. */
  batch?: number;
}

export const NAMESPACES = 50;
const USERS = 100;
const BATCH = 5_000;
/** A change a second. */
export const EVERY_MS = 1_000;
export const STARTED_AT = Date.UTC(2026, 0, 1);

/** An object that is made up, as its last change left it. */
export interface Live {
  object: ObjectRef;
  body: JsonObject;
  seq: number;
  depth: number;
  generation: number;
}

/**
 * Fills an empty store with made-up Deployments: each is created, then rolled out, scaled, and reported on by a
 * controller, in random order. The same seed gives the same ledger. About 10,000 changes a second.
 */
export async function generateLedger(store: LedgerStore, size: LedgerSize, seed = 1): Promise<void> {
  const random = randomNumbers(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const live: Live[] = [];
  const hotShare = size.hot / size.changes;
  for (let seq = 1; seq <= size.changes;) {
    const [changes, outcomes]: [NewChange[], NewOutcome[]] = [[], []];
    for (; changes.length < (size.batch ?? BATCH) && seq <= size.changes; seq++) {
      const at = STARTED_AT + seq * EVERY_MS;
      if (live.length < size.objects) {
        const created = create(live.length, seq);
        live.push(created);
        changes.push(changeOf(created, at, null, [{ op: 'add', path: '', value: created.body }], pick(USERS), false));
        continue;
      }
      const one = live[random() < hotShare ? 0 : pick(live.length)];
      if (one === undefined) continue;
      const byController = random() < 0.7;
      const parent = one.seq;
      const patch = byController ? reported(at, pick(10)) : rolledOut(++one.generation, pick(10));
      Object.assign(one, { body: applyPatch(one.body, patch), seq, depth: one.depth + 1 });
      outcomes.push({
        seq: parent,
        outcome: 'committed',
        resourceVersion: String(parent),
        reason: 'the watch shows it',
        at,
      });
      changes.push(changeOf(one, at, parent, patch, pick(USERS), byController));
    }
    await store.append({ changes, outcomes });
  }
}

/** The object that so many changes are about, or any other. */
export function generatedObject(index: number): ObjectRef {
  const [namespace, name] = [`team-${index % NAMESPACES}`, `app-${index}`];
  const uid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  return { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace, name, uid };
}

function create(index: number, seq: number): Live {
  const object = generatedObject(index);
  const labels = { app: object.name, tier: index % 2 === 0 ? 'web' : 'db' };
  const { namespace, name, uid } = object;
  const container = {
    name: 'main',
    image: 'registry.example.com/app:v1',
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: [{ name: 'LOG_LEVEL', value: 'info' }],
    resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  };
  const template = {
    metadata: { labels },
    spec: {
      containers: [container],
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
    },
  };
  const body = {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { name, namespace, uid, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z', labels },
    spec: { replicas: 1, selector: { matchLabels: labels }, template, revisionHistoryLimit: 10 },
    status: {
      observedGeneration: 1,
      replicas: 1,
      readyReplicas: 0,
      conditions: [{ type: 'Available', lastUpdateTime: '' }],
    },
  };
  return { object, body, seq, depth: 0, generation: 1 };
}

function reported(at: number, ready: number): Patch {
  return [
    { op: 'replace', path: '/status/conditions/0/lastUpdateTime', value: new Date(at).toISOString() },
    { op: 'replace', path: '/status/readyReplicas', value: ready },
  ];
}

function rolledOut(generation: number, replicas: number): Patch {
  const image = `registry.example.com/app:v${generation}`;
  return [
    { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image },
    { op: 'replace', path: '/spec/replicas', value: replicas },
    { op: 'replace', path: '/metadata/generation', value: generation },
  ];
}

/** The next change of an object, whose body is already the one after it. */
export function changeOf(
  one: Live,
  at: number,
  parent: number | null,
  patch: Patch,
  user: number,
  byController: boolean,
): NewChange {
  const whole = one.depth >= BODY_SNAPSHOT_EVERY;
  if (whole) one.depth = 0;
  return {
    seq: one.seq,
    at,
    object: one.object,
    operation: parent === null ? 'CREATE' : 'UPDATE',
    subresource: byController ? 'status' : '',
    source: 'admission',
    actor: byController
      ? { username: 'system:serviceaccount:kube-system:deployment-controller', groups: ['system:serviceaccounts'] }
      : { username: `user-${user}@example.com`, groups: ['dev-team', 'system:authenticated'] },
    manager: byController ? 'kube-controller-manager' : 'kubectl-edit',
    effect: parent === null ? 'created' : 'modified',
    statusOnly: byController,
    late: false,
    parent,
    depth: one.depth,
    apiVersion: typeof one.body.apiVersion === 'string' ? one.body.apiVersion : '',
    baseResourceVersion: parent === null ? '' : String(parent),
    resourceVersion: '',
    reviewUid: `00000000-0000-4000-9000-${String(one.seq).padStart(12, '0')}`,
    hash: hashBody(one.body),
    detail: { patch, options: null, cause: null, notBefore: null, managersHint: [] },
    bodySnapshot: whole ? one.body : null,
  };
}

/** Numbers from 0 to below 1: Tommy Ettinger's Mulberry32, small and good enough to scatter changes. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
