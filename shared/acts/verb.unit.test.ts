import assert from 'node:assert/strict';
import { deltas } from '../delta.ts';
import type { Change, Json, JsonObject, ObjectRef } from '../types.ts';
import { verbOf } from './verb.ts';

const WEB: ObjectRef = {
  group: 'apps',
  resource: 'deployments',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: '1',
};
const POD: ObjectRef = { ...WEB, group: '', resource: 'pods', kind: 'Pod' };
const NODE: ObjectRef = { ...POD, resource: 'nodes', kind: 'Node', namespace: '' };
const APPLICATION: ObjectRef = { ...WEB, group: 'argoproj.io', resource: 'applications', kind: 'Application' };

type More = Partial<Change>;

function change(more: More): Change {
  return {
    ...{ seq: 1, at: 0, object: WEB, operation: 'UPDATE', subresource: '', source: 'admission', manager: '' },
    ...{
      actor: { username: 'alice@example.com', groups: [] },
      effect: 'modified',
      statusOnly: false,
      outcome: 'committed',
    },
    ...{ outcomeReason: '', resourceVersion: '', baseResourceVersion: '', reviewUid: '', options: null, cause: null },
    ...{ notBefore: 0, gap: '', managersHint: [], patch: [], deltas: [] },
    ...more,
  };
}

/** An update from one body to another. */
function update(before: JsonObject, after: JsonObject, more: More = {}): Change {
  return change({ deltas: deltas(before, after), ...more });
}

const template = (pod: Json, metadata: Json = {}): JsonObject => ({ spec: { template: { metadata, spec: pod } } });
const container = (more: JsonObject): JsonObject => template({ containers: [{ name: 'nginx', ...more }] });
const IMAGE = [container({ image: 'web:1' }), container({ image: 'web:2' })] as const;
const STRICT = { fieldValidation: 'Strict' };
const labelled = [{ metadata: { labels: { a: '1' } } }, { metadata: { labels: { a: '2' } } }] as const;

describe('verbOf', () => {
  const act = (subresource: string, more: More = {}): Change =>
    change({ object: POD, subresource, effect: 'none', operation: 'CREATE', ...more });
  const connect = (subresource: string): Change => act(subresource, { operation: 'CONNECT' });
  const approval = (type: string): Change =>
    update(
      { status: { conditions: [] } },
      { status: { conditions: [{ type, status: 'True' }] } },
      { subresource: 'approval' },
    );

  const VERBS: [verb: string, what: string, change: Change][] = [
    ['found', 'the first sight of an object', change({ source: 'baseline', operation: 'CREATE', actor: null })],
    ["exec'd into", 'kubectl exec', connect('exec')],
    ['attached to', 'kubectl attach', connect('attach')],
    ['port-forwarded to', 'kubectl port-forward', connect('portforward')],
    ['connected through the proxy to', 'kubectl proxy', connect('proxy')],
    ['connected to', 'another connection', connect('other')],
    ['evicted', 'an eviction', act('eviction')],
    ['requested a token for', 'kubectl create token', act('token')],
    ['bound', 'a binding by the scheduler', act('binding', { effect: 'modified' })],
    ['debugged', 'kubectl debug', act('ephemeralcontainers', { operation: 'UPDATE', effect: 'modified' })],
    ['resized', 'a resize of a pod', act('resize', { operation: 'UPDATE', effect: 'modified' })],
    ['approved', 'kubectl certificate approve', approval('Approved')],
    ['denied', 'kubectl certificate deny', approval('Denied')],
    ['deleted', 'kubectl delete', change({ operation: 'DELETE', effect: 'deleted' })],
    ['deleted', 'a deletion that has only begun', change({ operation: 'DELETE' })],
    ['created', 'kubectl create', change({ operation: 'CREATE', effect: 'created', manager: 'kubectl-create' })],
    ['ran', 'kubectl run', change({ operation: 'CREATE', effect: 'created', manager: 'kubectl-run' })],
    [
      'applied',
      'kubectl apply of something new',
      change({ operation: 'CREATE', effect: 'created', manager: 'kubectl-client-side-apply' }),
    ],
    [
      'applied',
      'a server-side apply under any name',
      change({ operation: 'CREATE', effect: 'created', manager: 'gitops', options: { serverSideApply: true } }),
    ],
    ['applied', 'kubectl apply', update(...IMAGE, { manager: 'kubectl-client-side-apply', options: STRICT })],
    [
      'applied',
      'a server-side apply',
      update(...IMAGE, { manager: 'kubectl', options: { ...STRICT, serverSideApply: true } }),
    ],
    ['applied', 'Flux', update(...IMAGE, { manager: 'kustomize-controller' })],
    ['applied', 'Helm', update(...IMAGE, { manager: 'helm' })],
    [
      'updated',
      'Argo CD on its own Application',
      update({ operation: {} }, {}, { manager: 'argocd-controller', object: APPLICATION }),
    ],
    ['edited', 'kubectl edit', update(...IMAGE, { manager: 'kubectl-edit' })],
    ['patched', 'kubectl patch', update(...IMAGE, { manager: 'kubectl-patch' })],
    [
      'patched',
      'kubectl patch of replicas',
      update({ spec: { replicas: 1 } }, { spec: { replicas: 2 } }, { manager: 'kubectl-patch' }),
    ],
    ['replaced', 'kubectl replace', update(...IMAGE, { manager: 'kubectl-replace' })],
    ['labelled', 'kubectl label', update(...labelled, { manager: 'kubectl-label' })],
    ['labelled', 'a program that changes labels alone', update(...labelled, { manager: 'operator' })],
    ['annotated', 'kubectl annotate', change({ manager: 'kubectl-annotate' })],
    [
      'annotated',
      'a program that changes annotations alone',
      update({ metadata: { annotations: { a: '1' } } }, { metadata: { annotations: { a: '2' } } }),
    ],
    ['scaled', 'kubectl scale', update({ spec: { replicas: 3 } }, { spec: { replicas: 5 } }, { subresource: 'scale' })],
    [
      'scaled',
      'a program that changes replicas alone',
      update(
        { spec: { replicas: 3 }, metadata: { generation: 1 } },
        { spec: { replicas: 5 }, metadata: { generation: 2 } },
      ),
    ],
    ['set image of', 'kubectl set image', update(...IMAGE, { manager: 'kubectl-set' })],
    [
      'set environment of',
      'kubectl set env',
      update(container({}), container({ env: [{ name: 'A', value: '1' }] }), { manager: 'kubectl-set' }),
    ],
    [
      'set resources of',
      'kubectl set resources',
      update(container({}), container({ resources: { limits: { cpu: '1' } } }), { manager: 'kubectl-set' }),
    ],
    [
      'updated',
      'kubectl set serviceaccount',
      update(template({}), template({ serviceAccountName: 'a' }), { manager: 'kubectl-set' }),
    ],
    [
      'restarted',
      'kubectl rollout restart',
      update(template({}), template({}, { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } }), {
        manager: 'kubectl-rollout',
      }),
    ],
    ['rolled back', 'kubectl rollout undo', update(...IMAGE, { manager: 'kubectl' })],
    [
      'paused',
      'kubectl rollout pause',
      update({ spec: {} }, { spec: { paused: true } }, { manager: 'kubectl-rollout' }),
    ],
    [
      'resumed',
      'kubectl rollout resume',
      update({ spec: { paused: true } }, { spec: {} }, { manager: 'kubectl-rollout' }),
    ],
    ['cordoned', 'kubectl cordon', update({ spec: {} }, { spec: { unschedulable: true } }, { object: NODE })],
    ['uncordoned', 'kubectl uncordon', update({ spec: { unschedulable: true } }, { spec: {} }, { object: NODE })],
    ['tainted', 'kubectl taint', update({ spec: {} }, { spec: { taints: [{ key: 'a' }] } }, { object: NODE })],
    [
      'untainted',
      'a taint that was taken away',
      update({ spec: { taints: [{ key: 'a' }] } }, { spec: {} }, { object: NODE }),
    ],
    ['updated', 'an image, by a program that says no more', update(...IMAGE, { manager: 'operator' })],
    [
      'updated',
      'the last finalizer, by a program',
      update({ metadata: { finalizers: ['a'] } }, { metadata: {} }, { effect: 'deleted' }),
    ],
    ['deleted', 'an end that only a watch showed', change({ source: 'watch', effect: 'deleted', actor: null })],
    [
      'created',
      'an object that only a watch showed',
      change({ source: 'watch', operation: 'CREATE', effect: 'created', actor: null }),
    ],
  ];
  for (const [verb, what, one] of VERBS) it(`is ${verb} for ${what}`, () => assert.equal(verbOf(one), verb));
});
