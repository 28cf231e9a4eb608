import assert from 'node:assert/strict';
import type { JsonObject } from '../types.ts';
import { nodeText } from '../testing/node-text.ts';
import { differenceOf, impactOfDifference } from './difference.ts';
import { factsOf } from './facts.ts';
import { resolve } from './resolve.ts';
import type { Graph } from './types.ts';

function graphOf(...bodies: JsonObject[]): Graph {
  return resolve(
    bodies.map((body) => {
      const { name, uid } = body.metadata as { name: string; uid: string };
      const kind = body.kind as string;
      const group = (body.apiVersion as string).split('/').slice(0, -1).join('/');
      return { object: { group, resource: `${kind.toLowerCase()}s`, kind, namespace: 'n', name, uid }, facts: factsOf(body) }; // prettier-ignore
    }),
  );
}

const meta = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  namespace: 'n',
  uid: `uid-${name}`,
  ...more,
});
const config = (data: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('c'), data });
const deployment = (name: string, optional: boolean): JsonObject => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta(name) },
  spec: {
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'x', env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'c', key: 'k', optional } } }] }] }, // prettier-ignore
    },
  },
});
const binding = (subject: string): JsonObject => ({
  ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: meta('b') },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
  subjects: [{ kind: 'User', name: subject }],
});

/** `deployment n/a breaks`, of all that is reached. */
function reached(before: Graph, after: Graph, changed: string): string[] {
  const difference = differenceOf(before, after);
  const start = difference.graph.nodes.findIndex((node) => nodeText(node) === changed);
  const { reached: found } = impactOfDifference(difference, [start]);
  return found.map(({ node, effect }) => `${nodeText(difference.graph.nodes[node])} ${effect}`);
}

describe('the difference of two graphs', () => {
  it('breaks who needs a key that is lost, and not who can do without it', () => {
    const users = [deployment('a', false), deployment('b', true)];
    const [before, after] = [graphOf(config({ k: '1' }), ...users), graphOf(config({ other: '1' }), ...users)];
    assert.deepEqual(reached(before, after, 'configmap n/c'), ['deployment n/a breaks', 'deployment n/b stale']);
    const { lost, gained } = differenceOf(before, after);
    assert.deepEqual([lost.length, gained.length], [2, 0]);
  });

  it('has nothing where the graphs are the same', () => {
    const graph = graphOf(config({ k: '1' }), deployment('a', false));
    const { lost, gained } = differenceOf(graph, graph);
    assert.deepEqual([lost, gained], [[], []]);
  });

  it('denies what a subject is not given any more', () => {
    const [before, after] = [graphOf(binding('alice')), graphOf(binding('bob'))];
    assert.deepEqual(reached(before, after, 'rolebinding n/b'), ['user alice denied']);
  });
});
