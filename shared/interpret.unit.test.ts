import assert from 'node:assert/strict';
import { interpret, type Meaning } from './interpret.ts';
import { readReview } from './review.ts';
import { configMap, reviewDocument, SETTINGS, type ReviewOptions } from './testing/reviews.ts';
import type { JsonObject } from './types.ts';

const AT = Date.parse('2026-11-22T05:07:19.269Z');

const read = (options: ReviewOptions) => interpret(readReview(reviewDocument(options)), AT);

function state(meaning: Meaning): Extract<Meaning, { kind: 'state' }> {
  assert.equal(meaning.kind, 'state');
  return meaning;
}

function projected(meaning: Meaning, body: JsonObject, path = ['spec', 'replicas']): JsonObject {
  if (meaning.kind === 'scale') return meaning.apply(body, path);
  assert.equal(meaning.kind, 'projection');
  const after = meaning.apply(body);
  assert.ok(after !== null);
  return after;
}

describe('the meaning of a review', () => {
  it('is a whole object for a creation, without managedFields and resourceVersion', () => {
    const object = configMap({ a: '1' }, { resourceVersion: '7', managedFields: [{ manager: 'kubectl-create' }] });
    const { meaning, object: ref } = read({ object });
    assert.deepEqual(state(meaning).after, configMap({ a: '1' }));
    assert.deepEqual(ref, SETTINGS);
  });

  it('takes the name of a generateName from the object, and of a deletecollection from the old object', () => {
    assert.equal(read({ name: '', object: configMap({}, { name: 'debug-x7' }) }).object.name, 'debug-x7');
    const deleted = read({ name: '', operation: 'DELETE', object: null, oldObject: configMap({}, { name: 'c1' }) });
    assert.equal(deleted.object.name, 'c1');
  });

  it('keeps the old resourceVersion as a fact about the change', () => {
    const before = configMap({ a: '1' }, { resourceVersion: '41' });
    const { meaning, baseResourceVersion } = read({
      operation: 'UPDATE',
      oldObject: before,
      object: configMap({ a: '2' }, { resourceVersion: '41' }),
    });
    assert.equal(baseResourceVersion, '41');
    assert.deepEqual(state(meaning).patch, [{ op: 'replace', path: '/data/a', value: '2' }]);
  });

  it('has an empty patch where nothing but managedFields changes', () => {
    const before = configMap({}, { resourceVersion: '41', managedFields: [] });
    const object = configMap(
      {},
      { resourceVersion: '41', managedFields: [{ manager: 'kubectl', time: '2026-11-22T05:00:00Z' }] },
    );
    assert.deepEqual(state(read({ operation: 'UPDATE', oldObject: before, object }).meaning).patch, []);
  });

  it('names the field manager: the option, or else the newest entry that the request touched', () => {
    const old = { manager: 'helm', time: '2026-11-22T05:09:00Z' };
    const managedFields = [{ manager: 'kubectl-edit', time: '2026-11-22T05:07:00Z' }, old];
    const update = {
      operation: 'UPDATE',
      oldObject: configMap({}, { managedFields: [old] }),
      object: configMap({ a: '2' }, { managedFields }),
      options: {},
    };
    assert.equal(read(update).manager, 'kubectl-edit');
    assert.equal(read({ ...update, options: { fieldManager: 'argocd' } }).manager, 'argocd');
  });

  for (const subResource of ['status', 'finalize', 'approval', 'resize', 'ephemeralcontainers']) {
    it(`is the whole object for ${subResource}`, () => {
      const { meaning } = read({
        operation: 'UPDATE',
        subResource,
        oldObject: configMap({ a: '1' }),
        object: configMap({ a: '2' }),
      });
      assert.deepEqual(state(meaning).patch, [{ op: 'replace', path: '/data/a', value: '2' }]);
    });
  }

  describe('of a scale', () => {
    const scale = (spec: JsonObject): ReviewOptions => ({
      group: 'apps',
      resource: 'deployments',
      kind: 'Scale',
      subResource: 'scale',
      operation: 'UPDATE',
      name: 'web',
      object: {
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { name: 'web', namespace: 'shop', uid: 'd-1' },
        spec,
      },
      oldObject: { kind: 'Scale', metadata: { name: 'web', resourceVersion: '538' }, spec: { replicas: 3 } },
    });
    const body: JsonObject = { metadata: { generation: 4 }, spec: { replicas: 3, paused: true } };

    it('sets the replicas of the parent, and a new generation', () => {
      const { meaning, object, baseResourceVersion } = read(scale({ replicas: 5 }));
      assert.deepEqual(projected(meaning, body), { metadata: { generation: 5 }, spec: { replicas: 5, paused: true } });
      assert.equal(object.uid, 'd-1');
      assert.equal(baseResourceVersion, '538');
    });

    it('means zero where Go leaves it out', () => {
      assert.deepEqual(projected(read(scale({})).meaning, body).spec, { replicas: 0, paused: true });
    });

    it('changes nothing where the replicas are the same', () => {
      assert.equal(projected(read(scale({ replicas: 3 })).meaning, body), body);
    });

    it('goes to the path that a definition names', () => {
      const custom: JsonObject = { metadata: { generation: 1 }, spec: { pool: { size: 1 } } };
      assert.deepEqual(projected(read(scale({ replicas: 2 })).meaning, custom, ['spec', 'pool', 'size']).spec, {
        pool: { size: 2 },
      });
    });
  });

  it('of a binding puts the pod on its node', () => {
    const { meaning, object } = read({
      resource: 'pods',
      kind: 'Binding',
      subResource: 'binding',
      name: 'web-1',
      object: {
        kind: 'Binding',
        metadata: { name: 'web-1', namespace: 'shop', uid: 'p-1', annotations: { a: '1' } },
        target: { kind: 'Node', name: 'node-2' },
      },
    });
    assert.equal(object.uid, 'p-1');
    assert.deepEqual(
      projected(meaning, { metadata: { name: 'web-1' }, spec: { x: 1 }, status: { phase: 'Pending' } }),
      {
        metadata: { name: 'web-1', annotations: { a: '1' } },
        spec: { x: 1, nodeName: 'node-2' },
        status: {
          phase: 'Pending',
          conditions: [
            { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: '2026-11-22T05:07:19Z' },
          ],
        },
      },
    );
  });

  it('of an eviction is an act, with its options', () => {
    const { meaning, options, object } = read({
      resource: 'pods',
      kind: 'Eviction',
      subResource: 'eviction',
      name: 'web-1',
      object: {
        kind: 'Eviction',
        apiVersion: 'policy/v1',
        metadata: { name: 'web-1', uid: 'x' },
        deleteOptions: { gracePeriodSeconds: 5 },
      },
    });
    assert.equal(meaning.kind, 'act');
    assert.deepEqual(options, { deleteOptions: { gracePeriodSeconds: 5 } });
    assert.equal(object.uid, '', 'the uid of an act is its own');
  });

  it('of a token request is an act without the token', () => {
    const { meaning, options } = read({
      resource: 'serviceaccounts',
      kind: 'TokenRequest',
      subResource: 'token',
      object: {
        kind: 'TokenRequest',
        metadata: {},
        spec: { audiences: ['api'], expirationSeconds: 3600 },
        status: { token: 'secret' },
      },
    });
    assert.equal(meaning.kind, 'act');
    assert.deepEqual(options, { spec: { audiences: ['api'], expirationSeconds: 3600 } });
  });

  for (const subResource of ['exec', 'attach', 'portforward', 'proxy']) {
    it(`of ${subResource} is an act with what was asked for`, () => {
      const { meaning, options } = read({
        operation: 'CONNECT',
        resource: 'pods',
        kind: 'PodExecOptions',
        subResource,
        object: {
          kind: 'PodExecOptions',
          apiVersion: 'v1',
          stdin: true,
          container: 'nginx',
          command: ['sh', '-c', 'ls'],
        },
        options: {},
      });
      assert.equal(meaning.kind, 'act');
      assert.deepEqual(options, { stdin: true, container: 'nginx', command: ['sh', '-c', 'ls'] });
    });
  }

  it('of a request about a Namespace has no namespace', () => {
    const { object } = read({
      resource: 'namespaces',
      kind: 'Namespace',
      name: 'shop',
      namespace: 'shop',
      object: { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'shop', uid: 'n-1' } },
    });
    assert.equal(object.namespace, '');
  });
});
