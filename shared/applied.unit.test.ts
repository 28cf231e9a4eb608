import assert from 'node:assert/strict';
import { afterApply } from './applied.ts';
import type { JsonObject } from './types.ts';

const LAST = 'kubectl.kubernetes.io/last-applied-configuration';

/** A ConfigMap of the cluster, all of it set by one change, with what was applied last. */
function cluster(data: JsonObject, applied: JsonObject | null) {
  const annotations = applied === null ? {} : { [LAST]: JSON.stringify({ data: applied }) };
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', annotations }, data };
  return { body, owners: { seq: 1 }, setters: [] };
}

function manifest(data: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data };
}

describe('what kubectl apply makes of an object', () => {
  it('takes away what was applied before and is not in the manifest, and keeps what others set', () => {
    const there = cluster({ kept: '1', own: '2', gone: '3' }, { kept: '1', gone: '3' });
    assert.deepEqual(afterApply(manifest({ kept: '9' }), there)?.data, { kept: '9', own: '2' });
  });

  it('takes away what somebody has set where it is not known what was applied', () => {
    assert.deepEqual(afterApply(manifest({ kept: '1' }), cluster({ kept: '1', own: '2' }, null))?.data, { kept: '1' });
  });

  it('is null where nothing changes', () => {
    assert.equal(afterApply(manifest({ kept: '1' }), cluster({ kept: '1' }, { kept: '1' })), null);
    assert.equal(afterApply(manifest({ kept: '1' }), cluster({ kept: '1', own: '2' }, { kept: '1' })), null);
  });

  it('takes a field away that is null in the manifest', () => {
    assert.deepEqual(afterApply(manifest({ a: '1', b: null }), cluster({ a: '1', b: '2' }, {}))?.data, { a: '1' });
  });

  it('pairs the items of a list by their key, and replaces lists of plain values', () => {
    const body = (containers: JsonObject[]): JsonObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers } }); // prettier-ignore
    const there = {
      body: body([{ name: 'a', image: 'x:1', args: ['1', '2'], terminationMessagePath: '/dev/termination-log' }]),
      ...{ owners: { seq: 1 }, setters: [] },
    };
    const spec = afterApply(body([{ name: 'a', image: 'x:2', args: ['3'] }]), there)?.spec;
    assert.deepEqual(spec, {
      containers: [{ terminationMessagePath: '/dev/termination-log', name: 'a', image: 'x:2', args: ['3'] }],
    });
  });
});
