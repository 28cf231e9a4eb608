import assert from 'node:assert/strict';
import { nodeText } from '../testing/node-text.ts';
import { graphOf, made } from '../testing/said.ts';
import type { JsonObject } from '../types.ts';
import type { Blow } from './effects.ts';
import { impactOf } from './impact.ts';

const template = (app: string, spec: JsonObject): JsonObject => ({ spec: { replicas: 0, template: { metadata: { labels: { app } }, spec } } }); // prettier-ignore
const from = (member: string, name: string, more: JsonObject = {}): JsonObject => ({ containers: [{ name: 'c', envFrom: [{ [member]: { name, ...more } }] }] }); // prettier-ignore
const service = (name: string): JsonObject => made('v1', 'Service', name, { spec: { selector: { app: name }, ports: [{ port: 80 }] } }); // prettier-ignore
const calls = (name: string): JsonObject => ({ containers: [{ name: 'c', env: [{ name: 'URL', value: `http://${name}` }] }] }); // prettier-ignore

/** What the loss or change of something reaches, a line each, indented by the way. */
function reached(start: string, blow: Blow, bodies: JsonObject[], hops?: number): string[] {
  const graph = graphOf(...bodies);
  const place = graph.nodes.findIndex((node) => nodeText(node) === start);
  assert.ok(place >= 0, start);
  const impact = impactOf(graph, [place], blow, hops);
  const lines: string[] = [];
  const print = (via: number | null, depth: number): void => {
    for (const [index, entry] of impact.reached.entries()) {
      if (entry.via !== via) continue;
      lines.push(`${'  '.repeat(depth)}${nodeText(graph.nodes[entry.node])}: ${entry.effect}, ${entry.certainty}`);
      print(index, depth + 1);
    }
  };
  print(null, 0);
  return impact.beyond === 0 ? lines : [...lines, `${impact.beyond} more`];
}

const SHOP = [
  made('v1', 'Secret', 'db', { data: { p: 'x' } }),
  made('apps/v1', 'Deployment', 'api', template('api', from('secretRef', 'db'))),
  service('api'),
  made('apps/v1', 'Deployment', 'web', template('web', calls('api'))),
  service('web'),
  made('networking.k8s.io/v1', 'Ingress', 'shop', { spec: { rules: [{ host: 'shop.example.com', http: { paths: [{ backend: { service: { name: 'web' } } }] } }] } }), // prettier-ignore
];

describe('an impact', () => {
  it('goes from a Secret over the environment, selectors, names and routes to the hosts, though nothing runs', () => {
    const behind = ['    deployment shop/web: may notice, inferred', '      service shop/web: may notice, inferred', '        ingress shop/shop: may notice, inferred', '          host shop.example.com: may notice, inferred']; // prettier-ignore
    assert.deepEqual(reached('secret shop/db', 'changed', SHOP), ['deployment shop/api: stale, declared', '  service shop/api: may notice, selected', ...behind]); // prettier-ignore
    assert.deepEqual(reached('secret shop/db', 'gone', SHOP), ['deployment shop/api: breaks, declared', '  service shop/api: breaks, selected', ...behind]); // prettier-ignore
  });

  it('counts the workloads behind the last hop', () => {
    assert.deepEqual(reached('secret shop/db', 'gone', SHOP, 1), ['deployment shop/api: breaks, declared', '  service shop/api: breaks, selected', '1 more']); // prettier-ignore
  });

  it('breaks nothing that can do without', () => {
    const optional = made('apps/v1', 'Deployment', 'api', template('api', from('secretRef', 'db', { optional: true })));
    assert.deepEqual(reached('secret shop/db', 'gone', [...SHOP.slice(0, 1), optional]), ['deployment shop/api: may notice, declared']); // prettier-ignore
  });

  it('does not break a Service behind which something else is', () => {
    const second = made('apps/v1', 'Deployment', 'api-2', template('api', {}));
    assert.deepEqual(reached('deployment shop/api', 'gone', [...SHOP.slice(1, 3), second]), ['service shop/api: may notice, selected']); // prettier-ignore
  });

  it('lets go what is owned, what is in a namespace, and the objects of a definition', () => {
    const owned = made('v1', 'ConfigMap', 'made', {}, { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'api', uid: 'uid of Deployment api' }] }); // prettier-ignore
    assert.deepEqual(reached('deployment shop/api', 'gone', [SHOP[1] ?? {}, owned]), ['configmap shop/made: goes, declared']); // prettier-ignore
    const namespace = made('v1', 'Namespace', 'shop', {}, { namespace: '' });
    assert.deepEqual(reached('namespace /shop', 'gone', [namespace, owned]), ['configmap shop/made: goes, declared']);
    const definition = made('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'f', { spec: { group: 'example.com', names: { kind: 'Feature', plural: 'features' } } }, { namespace: '' }); // prettier-ignore
    assert.deepEqual(reached('customresourcedefinition /f', 'gone', [definition, made('example.com/v1', 'Feature', 'x')]), ['feature shop/x: goes, declared']); // prettier-ignore
  });

  it('denies by a role, by a policy, and by a webhook that fails closed', () => {
    const rbac = 'rbac.authorization.k8s.io/v1';
    const role = made(rbac, 'Role', 'r');
    const binding = made(rbac, 'RoleBinding', 'b', { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 'ci' }, { kind: 'User', name: 'alice' }] }); // prettier-ignore
    const runner = made('apps/v1', 'Deployment', 'ci', template('ci', { serviceAccountName: 'ci' }));
    assert.deepEqual(reached('role shop/r', 'changed', [role, binding, made('v1', 'ServiceAccount', 'ci'), runner]), [
      'rolebinding shop/b: denied, declared',
      '  serviceaccount shop/ci: denied, declared',
      '    deployment shop/ci: denied, declared',
      '  user alice: denied, declared',
    ]);
    const policy = made('networking.k8s.io/v1', 'NetworkPolicy', 'p', { spec: { podSelector: {} } });
    assert.deepEqual(reached('networkpolicy shop/p', 'changed', [policy, SHOP[1] ?? {}]), ['deployment shop/api: denied, selected']); // prettier-ignore
    const webhook = (failurePolicy: string): JsonObject => made('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', failurePolicy, { webhooks: [{ name: 'w', failurePolicy, clientConfig: { service: { namespace: 'shop', name: 'api' } } }] }, { namespace: '' }); // prettier-ignore
    assert.deepEqual(reached('service shop/api', 'gone', [service('api'), webhook('Fail'), webhook('Ignore')]), [
      'validatingwebhookconfiguration /Fail: denied, declared',
      'validatingwebhookconfiguration /Ignore: may notice, declared',
    ]);
  });

  it('lets a workload notice that one of its pods goes, and ends where things depend on each other', () => {
    const set = made('apps/v1', 'StatefulSet', 'db', template('db', calls('db')));
    const pod = made('v1', 'Pod', 'db-0', { spec: calls('db') }, { labels: { app: 'db' }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid of StatefulSet db', controller: true }] }); // prettier-ignore
    assert.deepEqual(reached('pod shop/db-0', 'gone', [set, pod, service('db')]), [
      'statefulset shop/db: may notice, declared',
      '  service shop/db: may notice, selected',
    ]);
  });
});
