import assert from 'node:assert/strict';
import { change, deployment, WEB } from '../plugin/testing/changes.ts';
import { keepersOf } from './keepers.ts';
import type { Change, JsonObject } from './types.ts';
import { undo, type Undo } from './undo.ts';

const web = (image: string, replicas: number, metadata: JsonObject = {}): JsonObject => {
  const body = deployment(image, replicas);
  return { ...body, metadata: { ...(body.metadata as JsonObject), uid: WEB.uid, ...metadata } };
};
const ONE = web('web:1', 3);
const TWO = web('web:2', 3);
const at = (body: JsonObject | null, resourceVersion = '700') => (body === null ? null : { body, resourceVersion });
const take = (changes: Change[], body: JsonObject | null, more: Partial<Parameters<typeof undo>[0]> = {}): Undo =>
  undo({ changes, present: at(body), later: [], force: false, ...more });

describe('undo', () => {
  it('patches an update away, guarded by the version and by each value it replaces', () => {
    const result = take([change(ONE, TWO)], TWO);
    const path = '/spec/template/spec/containers/0/image';
    assert.deepEqual(result.step, {
      kind: 'patch',
      apiVersion: 'apps/v1',
      subresource: '',
      patch: [
        { op: 'test', path: '/metadata/resourceVersion', value: '700' },
        { op: 'test', path, value: 'web:2' },
        { op: 'replace', path, value: 'web:1' },
      ],
    });
    assert.deepEqual(result.problems, []);
    const free = take([change(ONE, TWO)], TWO, { anyVersion: true });
    assert.equal(free.step.kind === 'patch' && free.step.patch.length, 2);
  });

  it('takes several back at once, the newest first', () => {
    const three = web('web:3', 9);
    const changes = [change(ONE, TWO, { seq: 1 }), change(TWO, three, { seq: 2 })];
    const result = take(changes, three);
    assert.deepEqual(result.step.kind === 'patch' && result.step.patch.filter(({ op }) => op === 'replace'), [
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'web:1' },
      { op: 'replace', path: '/spec/replicas', value: 3 },
    ]);
  });

  it('names the later change that a conflict is with', () => {
    const three = web('web:3', 3);
    const later = change(TWO, three, { seq: 9 });
    const { problems, step } = take([change(ONE, TWO)], three, { later: [later] });
    assert.deepEqual(problems, [
      {
        kind: 'changed',
        path: 'spec.template.spec.containers[nginx].image',
        wanted: 'web:1',
        present: 'web:3',
        seq: 7,
        by: later,
      },
    ]);
    assert.deepEqual(step, { kind: 'none' });
  });

  it('creates what was deleted, without what the server sets', () => {
    const gone = web('web:1', 3, { creationTimestamp: 'x', generation: 4, labels: { a: 'b' } });
    const { step } = take([change({ ...gone, status: { replicas: 3 } }, null)], null);
    assert.deepEqual(step, {
      kind: 'create',
      manifest: { ...ONE, metadata: { name: 'web', namespace: 'shop', labels: { a: 'b' } } },
    });
  });

  it('deletes what was created, by name, and tells what is lost with it', () => {
    const later = change(ONE, TWO, { seq: 8 });
    const { step, lost } = take([change(null, ONE)], TWO, { later: [later] });
    assert.deepEqual(step, {
      kind: 'delete',
      manifest: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } },
    });
    assert.deepEqual(lost, [later]);
  });

  it('says what cannot be undone', () => {
    const kinds = (changes: Change[], body: JsonObject | null): string[] =>
      take(changes, body).problems.map(({ kind }) => kind);
    assert.deepEqual(kinds([change(ONE, ONE, { effect: 'none', subresource: 'exec' })], ONE), ['act']);
    assert.deepEqual(kinds([change(ONE, TWO, { outcome: 'dropped' })], ONE), ['never-persisted']);
    assert.deepEqual(kinds([change(ONE, TWO, { subresource: 'binding' })], TWO), ['subresource']);
    assert.deepEqual(kinds([change(ONE, TWO)], null), ['gone']);
    assert.deepEqual(kinds([change(ONE, TWO)], web('web:2', 3, { uid: 'another' })), ['other-object']);
    assert.deepEqual(kinds([change(ONE, null)], web('web:2', 3, { uid: 'another' })), ['exists']);
    const marked = web('web:1', 3, { deletionTimestamp: 'x' });
    assert.deepEqual(kinds([change(ONE, marked, { operation: 'DELETE' })], marked), ['deleting']);
  });

  it('does not take back what nobody did', () => {
    const kinds = (more: Partial<Change>, body: JsonObject | null): unknown[] =>
      take([change(null, ONE, { source: 'baseline', actor: null, ...more })], body, { force: true }).problems;
    assert.deepEqual(kinds({}, ONE), [{ kind: 'baseline', seq: 7 }]);
    // What is in another API version now is no change either; its object may be gone since.
    assert.deepEqual(kinds({ operation: 'UPDATE', effect: 'modified' }, null), [{ kind: 'translation', seq: 7 }]);
    // Somebody unknown did this: the watch saw it.
    assert.deepEqual(take([change(ONE, TWO, { source: 'watch', actor: null })], TWO).problems, []);
  });

  it('deletes a node, or a namespace of Kubernetes itself, only where that is forced', () => {
    const made = (resource: string, name: string): Change =>
      change(
        null,
        { metadata: { name, uid: WEB.uid } },
        { object: { ...WEB, group: '', resource, name, namespace: '' } },
      );
    for (const [resource, name] of [
      ['nodes', 'node-1'],
      ['namespaces', 'kube-system'],
      ['namespaces', 'default'],
    ] as const) {
      // prettier-ignore
      const creation = made(resource, name);
      const result = take([creation], creation.after ?? null);
      assert.deepEqual([result.problems, result.step], [[{ kind: 'vital', seq: 7 }], { kind: 'none' }]);
      assert.equal(take([creation], creation.after ?? null, { force: true }).step.kind, 'delete');
    }
    const shop = made('namespaces', 'shop');
    assert.equal(take([shop], shop.after ?? null).step.kind, 'delete');
  });

  it('names what of a Secret it cannot restore, its annotations too, and leaves them', () => {
    const key = 'kubectl.kubernetes.io/last-applied-configuration';
    const secret = (tag: string, labels: JsonObject): JsonObject => ({
      ...ONE,
      kind: 'Secret',
      metadata: { ...(ONE.metadata as JsonObject), labels, annotations: { [key]: `{"data":{"k":"redacted:${tag}"}}` } },
      data: { k: 'redacted:0123456789ab' },
    });
    const [before, after] = [secret('0123456789ab', { a: '1' }), secret('ba9876543210', { a: '2' })];
    const path = `metadata.annotations["${key}"]`;
    const { problems, step } = take([change(before, after)], after);
    assert.deepEqual(
      problems.map((problem) => ('path' in problem ? [problem.kind, problem.path] : [])),
      [['unrecorded', path]],
    );
    assert.deepEqual(step.kind === 'patch' && step.patch.slice(1), [
      { op: 'test', path: '/metadata/labels/a', value: '2' },
      { op: 'replace', path: '/metadata/labels/a', value: '1' },
    ]);
    const recreated = take([change(before, null)], null);
    assert.deepEqual(recreated.problems, [{ kind: 'unrecorded-parts', seq: 7, paths: [path, 'data.k'] }]);
  });

  it('patches a status through its subresource, and nothing else with it', () => {
    const ready = { ...TWO, status: { ready: true } };
    const { step } = take([change({ ...ONE, status: { ready: false } }, ready, { subresource: 'status' })], ready);
    assert.deepEqual(step.kind === 'patch' && [step.subresource, step.patch.at(-1)], [
      'status',
      { op: 'replace', path: '/status/ready', value: false },
    ]);
  });
});

describe('keepersOf', () => {
  it('knows GitOps tools by their marks, and the controller that owns the object', () => {
    const body: JsonObject = {
      metadata: {
        annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web' },
        labels: { 'app.kubernetes.io/managed-by': 'kustomize' },
        ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1', controller: true }],
      },
    };
    assert.deepEqual(
      keepersOf(body, [], []).map(({ who, kind }) => `${kind} ${who}`),
      ['gitops Argo CD', 'owner replicaset web-1'],
    );
    assert.deepEqual(keepersOf({ metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } } }, [], []), [
      { who: 'Helm', kind: 'gitops', evidence: 'app.kubernetes.io/managed-by: Helm', path: '' },
    ]);
  });

  it('knows a controller by its own changes of the same field, and no other', () => {
    const username = 'system:serviceaccount:kube-system:horizontal-pod-autoscaler';
    const scaled = change(ONE, web('web:1', 9), { seq: 3, actor: { username, groups: [] }, manager: 'autoscaler' });
    assert.deepEqual(keepersOf(ONE, ['spec.replicas'], [scaled]), [
      { who: username, kind: 'controller', evidence: 'change 3', path: 'spec.replicas' },
    ]);
    assert.deepEqual(keepersOf(ONE, ['spec.paused'], [scaled]), []);
    // Of the whole object: who sets a field of it does not make it anew.
    assert.deepEqual(keepersOf(ONE, [''], [scaled]), []);
    assert.deepEqual(keepersOf(ONE, [''], [{ ...scaled, manager: 'argocd-controller' }]), [
      { who: 'Argo CD', kind: 'gitops', evidence: 'change 3', path: '' },
    ]);
    assert.deepEqual(keepersOf(ONE, ['spec.replicas'], [{ ...scaled, manager: 'kubectl-scale' }]), []);
  });
});
