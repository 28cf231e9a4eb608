import assert from 'node:assert/strict';
import type { JsonObject, ObjectRef } from '../types.ts';
import { cascadeCause, markCause } from './deletion.ts';
import type { Fact } from './fact.ts';
import { jobPodCause, podCause, statefulPodCause, type PodEvent } from './pods.ts';
import { replicaSetCause, revisionCause } from './rollout.ts';

const CONTROLLER = 'system:serviceaccount:kube-system:replicaset-controller';

function object(resource: string, name: string): ObjectRef {
  return { group: 'apps', resource, kind: resource, namespace: 'shop', name, uid: name };
}

/** A change from one body to another; null: there was none. */
function fact(
  seq: number,
  ref: ObjectRef,
  before: JsonObject | null,
  after: JsonObject | null,
  more: Partial<Fact> = {},
): Fact {
  const effect = before === null ? 'created' : after === null ? 'deleted' : 'modified';
  const actor = { username: `user-${seq}`, groups: [] };
  return {
    seq,
    object: ref,
    operation: 'UPDATE',
    subresource: '',
    source: 'admission',
    actor,
    effect,
    before,
    after,
    ...more,
  };
}

const deployment = (image: string, replicas: number, annotations: JsonObject = {}): JsonObject => ({
  metadata: { annotations },
  spec: { replicas, template: { metadata: { labels: { app: 'web' } }, spec: { image } } },
});
const set = (
  image: string,
  replicas: number,
  desired: number,
  revision: string,
  more: JsonObject = {},
): JsonObject => ({
  metadata: {
    annotations: {
      'deployment.kubernetes.io/desired-replicas': String(desired),
      'deployment.kubernetes.io/revision': revision,
      ...more,
    },
  },
  spec: { replicas, template: { metadata: { labels: { app: 'web', 'pod-template-hash': image } }, spec: { image } } },
});

describe('what led to a change of a ReplicaSet', () => {
  const web = object('deployments', 'web');
  const [one, two] = [object('replicasets', 'web-1'), object('replicasets', 'web-2')];
  const changes = [
    fact(1, web, null, deployment('1', 3)),
    fact(10, web, deployment('1', 3), deployment('2', 3)),
    fact(20, web, deployment('2', 3), deployment('2', 5)),
    fact(40, web, deployment('2', 5), deployment('1', 5)),
  ];
  const made = fact(2, one, null, set('1', 3, 3, '1'));
  const next = fact(11, two, null, set('2', 1, 3, '2'));

  const cause = (change: Fact, ...others: Fact[]): [number, boolean] | null => {
    const found = replicaSetCause(change, changes, [made, next, ...others, change]);
    return found === null ? null : [found.seq, found.certain];
  };

  it('is the template for what is made, and for the steps of its rollout', () => {
    assert.deepEqual(cause(made), [1, true]);
    assert.deepEqual(cause(next), [10, true]);
    assert.deepEqual(cause(fact(12, one, set('1', 3, 3, '1'), set('1', 2, 3, '1'))), [10, true]);
    assert.deepEqual(cause(fact(30, two, set('2', 2, 5, '2'), set('2', 3, 5, '2'))), [10, true]);
  });

  it('is the size where desired-replicas comes with it', () => {
    assert.deepEqual(cause(fact(21, two, set('2', 1, 3, '2'), set('2', 3, 5, '2'))), [20, true]);
    assert.deepEqual(cause(fact(22, one, set('1', 2, 3, '1'), set('1', 3, 5, '1'))), [20, true]);
  });

  it('is the rollback, not an old size, where a ReplicaSet is woken from zero', () => {
    const adopted = fact(41, one, set('1', 0, 3, '1'), set('1', 0, 3, '3'));
    assert.deepEqual(cause(adopted), [40, true]);
    assert.deepEqual(cause(fact(42, one, set('1', 0, 3, '3'), set('1', 2, 5, '3')), adopted), [40, true]);
    assert.deepEqual(cause(fact(43, two, set('2', 5, 5, '2'), set('2', 4, 5, '2')), adopted), [40, true]);
  });

  it('is not a template that the controller has not acted on yet', () => {
    assert.deepEqual(cause(fact(41, one, set('1', 2, 5, '1'), set('1', 1, 5, '1'))), [10, true]);
  });

  it('is not named where nothing fits, or where it is older than the record', () => {
    assert.equal(cause(fact(30, two, set('2', 3, 5, '2'), set('2', 2, 5, '2'))), null);
    assert.equal(cause(fact(30, two, set('2', 3, 5, '2'), set('2', 3, 5, '2', { a: 'b' }))), null);
    const old = [fact(1, web, null, deployment('1', 3), { source: 'baseline' })];
    assert.equal(replicaSetCause(made, old, [made]), null);
  });

  it('is who set the annotation that is copied', () => {
    const noted = fact(50, web, deployment('1', 5), deployment('1', 5, { by: 'me' }));
    const copied = fact(51, one, set('1', 5, 5, '3'), set('1', 5, 5, '3', { by: 'me' }));
    assert.deepEqual(replicaSetCause(copied, [...changes, noted], [made, copied])?.seq, 50);
  });

  it('is told of the revision that the Deployment gets', () => {
    const revised = fact(13, web, deployment('2', 3), deployment('2', 3, { 'deployment.kubernetes.io/revision': '2' }));
    assert.deepEqual(revisionCause(revised, changes, [made, next])?.seq, 10);
    assert.equal(revisionCause(fact(14, web, deployment('2', 3), deployment('2', 3)), changes, [made, next]), null);
  });
});

describe('what led to a pod of a ReplicaSet', () => {
  const ref = object('replicasets', 'web-1');
  const sized = (seq: number, from: number | null, to: number): Fact =>
    fact(seq, ref, from === null ? null : set('1', from, from, '1'), set('1', to, to, '1'));
  const pod = (seq: number, name: string, came: boolean, username = CONTROLLER): PodEvent => ({
    ...{ seq, pod: name, came },
    actor: { username, groups: [] },
  });
  const made = (seq: number, owner: Fact[], pods: PodEvent[]): [number, boolean] | null => {
    const cause = podCause({ seq, effect: 'created' }, owner, pods, CONTROLLER);
    return cause === null ? null : [cause.seq, cause.certain];
  };

  it('is the size for the pods that it asks for or gives up', () => {
    const owner = [sized(1, null, 2), sized(10, 2, 3), sized(20, 3, 2)];
    const pods = [pod(2, 'a', true), pod(3, 'b', true), pod(11, 'c', true)];
    assert.deepEqual(made(2, owner, pods), [1, true]);
    assert.deepEqual(made(11, owner, pods), [10, true]);
    assert.deepEqual(podCause({ seq: 21, effect: 'modified' }, owner, pods, CONTROLLER)?.seq, 20);
    assert.equal(made(12, owner, pods), null);
  });

  it('is who removed the pod that it replaces', () => {
    const pods = [pod(2, 'a', true), pod(3, 'a', false, 'bob'), pod(4, 'b', true), pod(5, 'b', false, 'bob')];
    assert.deepEqual(made(4, [sized(1, null, 1)], pods), [3, true]);
    assert.deepEqual(made(6, [sized(1, null, 1)], pods), [5, true]);
  });

  it('is doubtful while several changes wait, and for what waits on after them', () => {
    const pods = [pod(2, 'a', true), pod(3, 'a', false, 'bob')];
    assert.deepEqual(made(5, [sized(1, null, 2)], pods), [1, false]);
    assert.deepEqual(made(6, [sized(1, null, 2)], [...pods, pod(5, 'b', true)]), [3, false]);
    const both = [pod(2, 'a', true), pod(3, 'b', true), pod(4, 'a', false, 'bob'), pod(5, 'b', false, 'bob')];
    assert.deepEqual(podCause({ seq: 6, effect: 'created' }, [sized(1, null, 2)], both, CONTROLLER), {
      ...{ seq: 4, certain: false, others: [5] },
      why: 'it replaces pod a, which this change removed',
    });
  });

  it('counts from the first sight on where all its pods were there then, and not otherwise', () => {
    const seen = (replicas: number): Fact[] => {
      const body = { ...set('1', 2, 2, '1'), status: { replicas } };
      return [fact(5, ref, null, body, { source: 'baseline', actor: null })];
    };
    const pods = [pod(3, 'a', false, 'carol'), pod(7, 'b', false, 'bob')];
    assert.deepEqual(made(8, seen(2), pods), [7, true]);
    assert.equal(made(8, seen(1), pods), null);
    assert.equal(made(8, [], pods), null);
  });

  it('does not give an unexplained pod to the next one who removes another', () => {
    const pods = [pod(2, 'a', true), pod(3, 'b', true), pod(4, 'a', false, 'bob')];
    assert.equal(made(5, [sized(1, null, 1)], pods), null);
  });
});

describe('what led to a pod of a StatefulSet or a Job', () => {
  const ref = object('statefulsets', 'db');
  const sized = (seq: number, from: number, to: number): Fact =>
    fact(seq, ref, { spec: { replicas: from } }, { spec: { replicas: to } });
  const stateful = (
    seq: number,
    effect: 'created' | 'modified',
    owner: Fact[],
    pods: PodEvent[] = [],
  ): [number, boolean] | null => {
    const body = { metadata: {} };
    const cause = statefulPodCause(fact(seq, object('pods', 'db-2'), body, body, { effect }), owner, pods);
    return cause === null ? null : [cause.seq, cause.certain];
  };

  it('is the size that takes its place in or out', () => {
    const owner = [sized(1, 0, 2), sized(2, 2, 3), sized(5, 3, 4), sized(8, 4, 1)];
    assert.deepEqual(stateful(3, 'created', owner), [2, true]);
    assert.deepEqual(stateful(9, 'modified', owner, [{ seq: 3, pod: 'db-2', came: true, actor: null }]), [8, true]);
    assert.equal(stateful(6, 'modified', owner), null);
  });

  it('is who removed the pod of its name, and doubtful where people took it to and fro', () => {
    const gone: PodEvent = { seq: 4, pod: 'db-2', came: false, actor: null };
    assert.deepEqual(stateful(6, 'created', [sized(1, 0, 3)], [gone]), [4, true]);
    assert.deepEqual(
      stateful(9, 'created', [sized(1, 0, 3), sized(5, 3, 2), sized(6, 2, 3), sized(7, 3, 0), sized(8, 0, 3)], [gone]),
      [8, false],
    );
  });

  it('is the Job for its first pods only', () => {
    const job = fact(1, object('jobs', 'report'), null, { spec: { parallelism: 1 } });
    const pod = fact(5, object('pods', 'report-x'), null, {});
    assert.equal(jobPodCause(pod, [job], [])?.seq, 1);
    assert.equal(jobPodCause(pod, [job], [{ seq: 3, pod: 'report-y', came: true, actor: null }]), null);
  });
});

describe('what led to an end', () => {
  const marked = { metadata: { deletionTimestamp: 'T', ownerReferences: [{ kind: 'A', name: 'a', uid: 'a' }] } };
  const plain = { metadata: { ownerReferences: [{ kind: 'A', name: 'a', uid: 'a' }] } };

  it('is the change that marked it, the first one', () => {
    const own = [
      fact(1, object('x', 'x'), null, plain),
      fact(2, object('x', 'x'), plain, marked),
      fact(3, object('x', 'x'), marked, marked),
    ];
    assert.equal(markCause(fact(4, object('x', 'x'), marked, null), own)?.seq, 2);
    assert.equal(markCause(fact(4, object('x', 'x'), marked, null), own.slice(0, 1)), null);
  });

  it('is the end of its owner, for certain where it has only one', () => {
    const owner = [fact(3, object('a', 'a'), plain, null)];
    assert.deepEqual(cascadeCause(fact(4, object('x', 'x'), plain, null), owner)?.certain, true);
    const two = { metadata: { ownerReferences: [{ uid: 'a' }, { uid: 'b' }] } };
    assert.deepEqual(cascadeCause(fact(4, object('x', 'x'), two, null), owner)?.certain, false);
    assert.equal(cascadeCause(fact(2, object('x', 'x'), plain, null), owner), null);
  });
});
