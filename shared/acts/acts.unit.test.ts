import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Change, ObjectRef } from '../types.ts';
import { actsOf } from './acts.ts';
import { compactRows } from './compact.ts';
import { countsOf, treeOf } from './consequences.ts';

let seq = 0;

function change(more: Partial<Change> & { name?: string; resource?: string } = {}): Change {
  const { name = 'web', resource = 'configmaps', ...rest } = more;
  const object: ObjectRef = { group: '', resource, kind: resource, namespace: 'shop', name, uid: `uid-${name}` };
  seq++;
  return {
    ...{
      seq,
      at: seq * 10,
      object,
      operation: 'UPDATE',
      subresource: '',
      source: 'admission',
      manager: 'kubectl-patch',
    },
    ...{ actor: { username: 'alice@example.com', groups: [] }, effect: 'modified', statusOnly: false },
    ...{ outcome: 'committed', outcomeReason: '', resourceVersion: '', baseResourceVersion: '', reviewUid: '' },
    ...{ options: null, cause: null, notBefore: 0, gap: '', managersHint: [], patch: [], deltas: [] },
    ...rest,
  };
}

const CONTROLLER = { username: 'system:serviceaccount:kube-system:replicaset-controller', groups: [] };
const follows = (from: Change): Pick<Change, 'causes' | 'actor'> => ({
  causes: [{ seq: from.seq, actor: from.actor, object: from.object, certain: true, why: '' }],
  actor: CONTROLLER,
});
const shape = (changes: readonly Change[]): unknown =>
  actsOf(changes).map((act) => [act.verb, act.changes.map(({ object }) => object.name)]);

describe('actsOf', () => {
  beforeEach(() => (seq = 0));

  it('is one act for one apply of many objects, also with pauses', () => {
    const apply = (name: string, at: number, operation: Change['operation']): Change =>
      change({ name, at, operation, manager: 'kubectl-client-side-apply' });
    const changes = [apply('a', 0, 'CREATE'), apply('b', 1400, 'UPDATE'), apply('c', 2900, 'CREATE')];
    assert.deepEqual(shape(changes), [['applied', ['a', 'b', 'c']]]);
    assert.deepEqual(shape([...changes, apply('d', 4401, 'CREATE')]), [
      ['applied', ['d']],
      ['applied', ['a', 'b', 'c']],
    ]);
  });

  it('tells an object once in an act, and a few commands of kubectl apart by the time that its start takes', () => {
    assert.deepEqual(shape([change(), change()]), [
      ['patched', ['web']],
      ['patched', ['web']],
    ]);
    const few = [change({ name: 'a', at: 0 }), change({ name: 'b', at: 75 }), change({ name: 'c', at: 90 })];
    assert.deepEqual(shape(few), [
      ['patched', ['b', 'c']],
      ['patched', ['a']],
    ]);
    const many = Array.from({ length: 5 }, (_, index) => change({ name: `o${index}`, at: index * 75 }));
    assert.deepEqual(shape(many), [['patched', ['o0', 'o1', 'o2', 'o3', 'o4']]]);
  });

  it('keeps apart what several users do at the same time, and what one does with several programs', () => {
    const bob = { username: 'bob@example.com', groups: [] };
    assert.deepEqual(
      shape([change({ name: 'a' }), change({ name: 'b', actor: bob }), change({ name: 'c' }), change({ name: 'd', manager: 'kubectl-edit' }), change({ name: 'e' })]),
      [['patched', ['e']], ['edited', ['d']], ['patched', ['b']], ['patched', ['a', 'c']]],
    ); // prettier-ignore
  });

  it('is a drain from the cordon to the last eviction', () => {
    const cordon = change({ name: 'node-2', resource: 'nodes', at: 0, manager: 'kubectl', deltas: [{ path: 'spec.unschedulable', kind: 'added', after: true }] }); // prettier-ignore
    const evict = (name: string, at: number): Change =>
      change({ name, at, resource: 'pods', subresource: 'eviction', operation: 'CREATE', effect: 'none', manager: 'kubectl' }); // prettier-ignore
    const changes = [cordon, evict('a', 40), evict('a', 5040), evict('b', 5050)];
    assert.deepEqual(shape(changes), [['drained', ['node-2', 'a', 'a', 'b']]]);
  });

  it('puts what follows under the act, counted by what became of it, as a tree', () => {
    const act = change();
    const set = change({
      name: 'set',
      resource: 'replicasets',
      ...follows(act),
      effect: 'created',
      operation: 'CREATE',
    });
    const pod = change({ name: 'pod', resource: 'pods', ...follows(set), effect: 'created', operation: 'CREATE' });
    const gone = change({ name: 'old', resource: 'pods', ...follows(set), operation: 'DELETE', effect: 'deleted' });
    const [only, ...others] = actsOf([gone, pod, set, act]);
    assert.ok(only !== undefined);
    assert.deepEqual(others, []);
    assert.deepEqual(countsOf(only).map(({ type, fate, objects }) => [type.resource, fate, objects]), [
      ['replicasets', 'created', 1],
      ['pods', 'created', 1],
      ['pods', 'gone', 1],
    ]); // prettier-ignore
    assert.deepEqual(
      treeOf(only).map(({ change: { seq: id }, branches }) => [id, branches.length]),
      [[set.seq, 2]],
    );
  });

  it('says behind whom a controller acted, where the act itself is not among the changes', () => {
    const act = change();
    const [alone] = actsOf([change({ name: 'pod', resource: 'pods', ...follows(act) })]);
    assert.deepEqual([alone?.kind, alone?.behind?.seq], ['robot', act.seq]);
  });

  it('loses no change and tells none twice, in whatever order they come', () => {
    const any = fc.array(
      fc.record({ name: fc.constantFrom('a', 'b', 'c'), at: fc.integer({ min: 0, max: 20_000 }), manager: fc.constantFrom('kubectl-patch', 'helm', ''), user: fc.constantFrom('alice', 'bob', 'system:kube-scheduler', null) }),
      { maxLength: 30 },
    ); // prettier-ignore
    fc.assert(
      fc.property(any, fc.infiniteStream(fc.nat()), (rows, random) => {
        seq = 0;
        const changes = [...rows].sort((a, b) => a.at - b.at).map(({ user, ...row }) => change({ ...row, actor: user === null ? null : { username: user, groups: [] } })); // prettier-ignore
        const told = actsOf(changes).flatMap((act) => [...act.changes, ...act.consequences].map((one) => one.seq));
        assert.deepEqual([...told].sort((a, b) => a - b), changes.map((one) => one.seq)); // prettier-ignore
        const shuffled = changes.map((one) => [random.next().value, one] as const).sort((a, b) => a[0] - b[0]);
        assert.deepEqual(actsOf(shuffled.map(([, one]) => one)), actsOf(changes));
      }),
    );
  });
});

describe('compactRows', () => {
  it('has one row for the end of a pod, that of who asked', () => {
    const mark = change({ resource: 'pods', name: 'pod', operation: 'DELETE', deltas: [{ path: 'metadata.deletionTimestamp', kind: 'added', after: '' }] }); // prettier-ignore
    const options = { gracePeriodSeconds: 0, preconditions: { uid: 'uid-pod' } };
    const report = change({ resource: 'pods', name: 'pod', operation: 'DELETE', effect: 'deleted', options });
    const { rows, folded } = compactRows([report, mark]);
    assert.deepEqual(rows.map((row) => [row.seq, row.effect]), [[mark.seq, 'deleted']]); // prettier-ignore
    assert.equal(folded, 1);
    assert.deepEqual(compactRows([report]).rows, [report], 'alone it is all that is known');
  });

  it('folds what controllers modified on objects that people changed too', () => {
    const [person, robot] = [change(), change({ actor: CONTROLLER })];
    const other = change({ name: 'other', actor: CONTROLLER });
    assert.deepEqual(compactRows([other, robot, person]), { rows: [other, person], folded: 1 });
  });
});
