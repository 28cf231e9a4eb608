import assert from 'node:assert/strict';
import fc from 'fast-check';
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

  describe('with redacted values in lists', () => {
    const TAGS = ['redacted:0123456789ab', 'redacted:ba9876543210'] as const;
    const env = (...variables: [string, string][]): JsonObject =>
      variables.length === 0 ? {} : { env: variables.map(([name, value]) => ({ name, value })) };
    const pod = (container: JsonObject): JsonObject => {
      const body = web('web:1', 3);
      return { ...body, spec: { containers: [{ name: 'app', ...container }] } };
    };
    const a: [string, string] = ['A', '1'];
    const b: [string, string] = ['DB_PASSWORD', TAGS[0]];
    const c: [string, string] = ['C', '3'];
    const step = (before: JsonObject, after: JsonObject): unknown => {
      const { step: result } = take([change(before, after)], after, { anyVersion: true });
      return result.kind === 'patch' ? result.patch : result.kind;
    };
    const lost = (before: JsonObject, after: JsonObject): unknown =>
      take([change(before, after)], after).problems.map((problem) => ['path' in problem && problem.path, problem.kind]);
    const at = '/spec/containers/0/env';

    it('never writes one: items keep their places by what goes and comes', () => {
      assert.deepEqual(step(pod(env(b, c)), pod(env(a, b, c))), [
        { op: 'test', path: `${at}/0`, value: { name: 'A', value: '1' } },
        { op: 'remove', path: `${at}/0` },
      ]);
      assert.deepEqual(step(pod(env(a, b, c)), pod(env(b, c))), [
        { op: 'add', path: `${at}/0`, value: { name: 'A', value: '1' } },
      ]);
      assert.deepEqual(lost(pod(env(a, b, c)), pod(env(b, c))), []);
    });

    it('takes one away that was added, without a test of what is not known', () => {
      assert.deepEqual(step(pod(env(a)), pod(env(b, a))), [{ op: 'remove', path: `${at}/0` }]);
    });

    it('names one that went or changed, and leaves it as it is', () => {
      const path = 'spec.containers[app].env[DB_PASSWORD]';
      const other: [string, string] = ['DB_PASSWORD', TAGS[1]];
      assert.equal(step(pod(env(a, b)), pod(env(a))), 'none');
      assert.equal(step(pod(env(a, b)), pod(env(a, other))), 'none');
      assert.deepEqual(lost(pod(env(a, b)), pod(env(a))), [[`${path}.value`, 'unrecorded']]);
      assert.deepEqual(lost(pod(env(a, b)), pod(env(a, other))), [[`${path}.value`, 'unrecorded']]);
    });

    it('leaves a command whole, as no part of it is one', () => {
      const command = (password: string): JsonObject => ({ command: ['sh', '-c', `mysql -p${password}`] });
      assert.equal(step(pod(command(TAGS[0])), pod({ command: ['true'] })), 'none');
      assert.deepEqual(lost(pod(command(TAGS[0])), pod({ command: ['true'] })), [
        ['spec.containers[app].command', 'unrecorded'],
      ]);
    });

    it('moves an item without writing it', () => {
      assert.deepEqual(step(pod(env(c, b)), pod(env(b, c))), [
        { op: 'test', path: `${at}/1`, value: { name: 'C', value: '3' } },
        { op: 'move', from: `${at}/1`, path: `${at}/0` },
      ]);
    });

    it('writes none, whatever changed', () => {
      const variables = fc.uniqueArray(
        fc.tuple(fc.constantFrom('A', 'B', 'C', 'D'), fc.constantFrom('1', '2', ...TAGS)),
        {
          selector: ([name]) => name,
        },
      );
      const args = fc.array(fc.constantFrom('x', 'y', ...TAGS), { maxLength: 3 });
      const body = fc.tuple(variables, args).map(([list, command]) => pod({ command, ...env(...list) }));
      fc.assert(
        fc.property(body, body, body, fc.boolean(), (before, after, now, force) => {
          for (const present of [after, now]) {
            const { step: result } = take([change(before, after)], present, { force });
            const written = result.kind === 'patch' ? result.patch.filter(({ op }) => op === 'add' || op === 'replace') : [result]; // prettier-ignore
            assert.doesNotMatch(JSON.stringify(written), /redacted:/);
          }
        }),
        { numRuns: 300 },
      );
    });

    it('leaves both out of an object that is created again, and names them', () => {
      const body = pod({ command: ['mysql', `-p${TAGS[0]}`], ...env(a, b) });
      const gone = change(body, null, { operation: 'DELETE', effect: 'deleted' });
      const { step: result, problems } = take([gone], null);
      assert.ok(result.kind === 'create');
      assert.deepEqual((result.manifest.spec as JsonObject).containers, [{ name: 'app', env: [{ name: 'A', value: '1' }] }]); // prettier-ignore
      assert.deepEqual(problems, [
        {
          kind: 'unrecorded-parts',
          seq: 7,
          paths: ['spec.containers[app].command', 'spec.containers[app].env[DB_PASSWORD].value'],
        },
      ]);
    });
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
