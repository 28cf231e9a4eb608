import assert from 'node:assert/strict';
import { afterDelete, updateEnds } from './deletion.ts';
import type { JsonObject } from './types.ts';

const AT = Date.parse('2026-11-22T05:07:19.269Z');
const CONFIG_MAPS = { group: '', resource: 'configmaps' };
const DEPLOYMENTS = { group: 'apps', resource: 'deployments' };
const PODS = { group: '', resource: 'pods' };
const NAMESPACES = { group: '', resource: 'namespaces' };
const DEFINITIONS = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' };

const object = (metadata: JsonObject, rest: JsonObject = {}): JsonObject => ({
  metadata: { name: 'x', ...metadata },
  ...rest,
});
const pod = (metadata: JsonObject, spec: JsonObject = { nodeName: 'node-1' }, phase = 'Running'): JsonObject =>
  object(metadata, { spec, status: { phase } });

describe('a DELETE', () => {
  it('ends an object that nothing holds', () => {
    assert.equal(afterDelete(object({}), CONFIG_MAPS, { propagationPolicy: 'Background' }, AT), null);
    assert.equal(afterDelete(object({}), CONFIG_MAPS, null, AT), null);
  });

  it('of a pod is understood whatever its grace period: the API takes any int64 of seconds', () => {
    const forever = pod({}, { nodeName: 'node-1', terminationGracePeriodSeconds: Number.MAX_SAFE_INTEGER });
    const marked = afterDelete(forever, PODS, null, AT)?.metadata as JsonObject;
    assert.equal(marked.deletionTimestamp, '9999-12-31T23:59:59Z');
    const odd = pod({ deletionTimestamp: 'some day', deletionGracePeriodSeconds: 30 });
    const sooner = afterDelete(odd, PODS, { gracePeriodSeconds: 0 }, AT)?.metadata as JsonObject;
    assert.equal(sooner.deletionTimestamp, '2026-11-22T05:07:19Z');
  });

  it('marks an object that a finalizer holds', () => {
    assert.deepEqual(
      afterDelete(object({ finalizers: ['a/b'] }), CONFIG_MAPS, { propagationPolicy: 'Background' }, AT),
      {
        metadata: {
          name: 'x',
          finalizers: ['a/b'],
          deletionTimestamp: '2026-11-22T05:07:19Z',
          deletionGracePeriodSeconds: 0,
        },
      },
    );
  });

  it('marks an object in the foreground, with a new generation', () => {
    assert.deepEqual(afterDelete(object({ generation: 7 }), DEPLOYMENTS, { propagationPolicy: 'Foreground' }, AT), {
      metadata: {
        name: 'x',
        generation: 8,
        deletionTimestamp: '2026-11-22T05:07:19Z',
        deletionGracePeriodSeconds: 0,
        finalizers: ['foregroundDeletion'],
      },
    });
  });

  it('takes back a foreground deletion that another policy replaces', () => {
    assert.equal(
      afterDelete(object({ finalizers: ['foregroundDeletion'] }), DEPLOYMENTS, { propagationPolicy: 'Background' }, AT),
      null,
    );
  });

  it('changes nothing on an object that is being deleted already', () => {
    const marked = object({ finalizers: ['a/b'], deletionTimestamp: '2026-11-22T05:00:00Z' });
    assert.equal(afterDelete(marked, CONFIG_MAPS, null, AT), marked);
  });

  it('gives a running pod its grace', () => {
    assert.deepEqual(afterDelete(pod({ generation: 1 }), PODS, { gracePeriodSeconds: 30 }, AT), {
      metadata: { name: 'x', deletionTimestamp: '2026-11-22T05:07:49Z', generation: 2, deletionGracePeriodSeconds: 30 },
      spec: { nodeName: 'node-1' },
      status: { phase: 'Running' },
    });
    const own = afterDelete(pod({}, { nodeName: 'node-1', terminationGracePeriodSeconds: 60 }), PODS, null, AT);
    assert.equal((own?.metadata as JsonObject).deletionGracePeriodSeconds, 60);
  });

  for (const [what, candidate] of [
    ['is on no node', pod({}, {})],
    ['has succeeded', pod({}, { nodeName: 'node-1' }, 'Succeeded')],
    ['has failed', pod({}, { nodeName: 'node-1' }, 'Failed')],
  ] as const) {
    it(`gives no grace to a pod that ${what}`, () => {
      const after = afterDelete(candidate, PODS, { gracePeriodSeconds: 30 }, AT);
      assert.equal((after?.metadata as JsonObject).deletionGracePeriodSeconds, 0);
    });
  }

  it('brings a pending deletion of a pod forward, not into the past, and ends it in a second step', () => {
    const pending = pod({ deletionTimestamp: '2026-11-22T05:07:48Z', deletionGracePeriodSeconds: 30 });
    const shortened = afterDelete(pending, PODS, { gracePeriodSeconds: 0 }, AT);
    assert.deepEqual(shortened?.metadata, {
      name: 'x',
      deletionTimestamp: '2026-11-22T05:07:19Z',
      deletionGracePeriodSeconds: 0,
    });
    assert.ok(shortened !== null);
    assert.equal(afterDelete(shortened, PODS, { gracePeriodSeconds: 0 }, AT), null);
    assert.equal(afterDelete(pending, PODS, { gracePeriodSeconds: 30 }, AT), pending, 'a longer grace changes nothing');
  });

  it('marks a namespace as terminating, and ends it when it is empty', () => {
    const active = object({}, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
    const terminating = afterDelete(active, NAMESPACES, null, AT);
    assert.deepEqual(terminating, {
      metadata: { name: 'x', deletionTimestamp: '2026-11-22T05:07:19Z' },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Terminating' },
    });
    assert.ok(terminating !== null);
    assert.equal(afterDelete(terminating, NAMESPACES, null, AT), terminating);
    assert.equal(afterDelete({ ...terminating, spec: {} }, NAMESPACES, null, AT), null);
  });

  it('holds a definition until its objects are cleaned up', () => {
    assert.deepEqual((afterDelete(object({}), DEFINITIONS, null, AT)?.metadata as JsonObject).finalizers, [
      'customresourcecleanup.apiextensions.k8s.io',
    ]);
  });
});

describe('an UPDATE ends an object', () => {
  const marked: JsonObject = { deletionTimestamp: '2026-11-22T05:07:19Z', deletionGracePeriodSeconds: 0 };

  it('when it removes the last finalizer of a marked one', () => {
    assert.equal(
      updateEnds(object({ ...marked, finalizers: ['a', 'b'] }), object({ ...marked, finalizers: ['b'] }), CONFIG_MAPS),
      false,
    );
    assert.equal(updateEnds(object({ ...marked, finalizers: ['b'] }), object(marked), CONFIG_MAPS), true);
  });

  it('never when it is not marked', () => {
    assert.equal(updateEnds(object({ finalizers: ['b'] }), object({}), CONFIG_MAPS), false);
  });

  it('never while a pod has grace left', () => {
    assert.equal(updateEnds(pod({ ...marked, deletionGracePeriodSeconds: 30 }), pod({}), PODS), false);
  });

  it('of a namespace only when its own finalizers are gone too', () => {
    const before = object(marked, { spec: { finalizers: ['kubernetes'] } });
    assert.equal(updateEnds(before, before, NAMESPACES), false);
    assert.equal(updateEnds(before, object(marked, { spec: {} }), NAMESPACES), true);
  });
});
