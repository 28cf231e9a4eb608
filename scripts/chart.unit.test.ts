import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isObject } from '../shared/json.ts';
import type { Json, JsonObject } from '../shared/types.ts';
import { chartFiles, idOf, objectsOf, withComponents } from './chart.mjs';
import { renderChart } from './testing/render-chart.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CHART = `${ROOT}manifests/chart/`;

/** Lists of what has a name, by that: kustomize puts what a component adds first, and the order means nothing. */
function ordered(value: Json): Json {
  if (Array.isArray(value)) {
    const items = value.map(ordered);
    const nameOf = (item: Json): string => (isObject(item) && typeof item.name === 'string' ? item.name : '');
    return items.every((item) => nameOf(item) !== '') ? items.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) : items;
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ordered(item)]));
}

/** By kind, namespace and name, without the Namespace: Helm makes that, or an administrator. */
function byId(objects: JsonObject[]): Record<string, JsonObject> {
  const rest = objects.filter(({ kind }) => kind !== 'Namespace');
  const entries = rest.map((object): [string, JsonObject] => [idOf(object), ordered(object) as JsonObject]);
  assert.equal(new Set(entries.map(([id]) => id)).size, entries.length);
  return Object.fromEntries(entries);
}

describe('the Helm chart', () => {
  const files = Object.fromEntries(
    readdirSync(CHART, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.yaml'))
      .map((path): [string, string] => [path, readFileSync(CHART + path, 'utf8')]),
  );
  const render = (values: JsonObject = {}, namespace = 'kubeblame'): JsonObject[] =>
    renderChart(files, { namespace, values });

  describe('against the kustomize manifests', () => {
    before(function () {
      if (spawnSync('kubectl', ['kustomize', '--help']).error === undefined) return;
      process.stderr.write('\n!!! THE HELM CHART IS NOT COMPARED WITH THE MANIFESTS: there is no kubectl here\n\n');
      this.skip();
    });

    it('is what the script makes of them', async () => {
      assert.deepEqual(files, await chartFiles(ROOT));
    });

    it('renders to the base by default', () => {
      assert.deepEqual(byId(render()), byId(objectsOf(`${ROOT}manifests`)));
    });

    const parts: [component: string, value: string][] = [
      ['native-api', 'nativeApi'],
      ['cert-manager', 'certManager'],
      ['protection', 'protection'],
      ['jobs', 'jobs'],
    ];
    for (const [component, value] of parts) {
      it(`renders to the base with ${component} where ${value} is enabled`, async () => {
        const expected = await withComponents(ROOT, [component]);
        assert.deepEqual(byId(render({ [value]: { enabled: true } })), byId(expected));
      });
    }

    it('renders to the base with all components, where all are enabled: they combine', async () => {
      const expected = byId(await withComponents(ROOT, parts.map(([component]) => component))); // prettier-ignore
      const actual = byId(render(Object.fromEntries(parts.map(([, value]) => [value, { enabled: true }]))));
      assert.deepEqual(actual, expected);
      assert.ok(Object.keys(expected).length > 40);
    });

    it('renders the monitoring as the manifests have it', () => {
      const monitoring = byId(objectsOf(`${ROOT}manifests/monitoring`));
      const actual = byId(render({ monitoring: { podMonitor: true, prometheusRule: true, dashboard: true } }));
      for (const [id, object] of Object.entries(monitoring)) assert.deepEqual(actual[id], object, id);
      assert.equal(Object.keys(monitoring).length, 3);
    });
  });

  it('puts everything into the namespace of the release', () => {
    const every = { enabled: true };
    const monitoring = { podMonitor: true, prometheusRule: true, dashboard: true };
    const all = { nativeApi: every, certManager: every, protection: every, jobs: every, monitoring };
    const text = JSON.stringify(render(all, 'audit'));
    for (const left of ['"namespace":"kubeblame"', 'kubeblame/kubeblame-checkpoint', 'kubeblame.kubeblame.svc'])
      assert.equal(text.includes(left), false, left);
    assert.equal(text.includes('serviceaccount:kubeblame:'), false);
    assert.equal(text.includes('namespace=\\"kubeblame\\"'), false);
    assert.match(text, /--checkpoint-configmap=audit\/kubeblame-checkpoint/);
    assert.match(text, /https:\/\/kubeblame\.audit\.svc:8444/);
    assert.match(text, /"resources":\["namespaces"\],"verbs":\["get"\]/);
    const role = byId(render({}, 'audit'))['ClusterRole//kubeblame'] as { rules: JsonObject[] } | undefined;
    const names = role?.rules.find(({ resources }) => (resources as string[]).includes('namespaces'))?.resourceNames;
    assert.deepEqual(names, ['audit']);
  });

  it('takes values for what operators decide', () => {
    const set = byId(
      render({
        clusterName: 'prod-eu',
        image: { repository: 'registry.example.com/kubeblame', tag: '1.2.3', pullPolicy: 'Always' },
        imagePullSecrets: [{ name: 'registry' }],
        retention: { age: '', size: '40Gi' },
        storage: { size: '60Gi', storageClassName: 'fast' },
        resources: { requests: { memory: '1Gi' } },
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ operator: 'Exists' }],
        replicas: 1,
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
        priorityClass: { create: false, name: 'system-cluster-critical' },
        webhook: { failurePolicy: 'Fail', timeoutSeconds: 5, namespaceSelector: 'env in (prod)' },
        networkPolicy: { enabled: false },
      }),
    );
    const { spec } = set['StatefulSet/kubeblame/kubeblame'] as unknown as {
      spec: {
        replicas: number;
        template: { spec: { containers: JsonObject[]; affinity: JsonObject } & JsonObject };
      };
    };
    const { containers, ...pod } = spec.template.spec;
    assert.equal(containers[0]?.image, 'registry.example.com/kubeblame:1.2.3');
    assert.equal(containers[0]?.imagePullPolicy, 'Always');
    // As Helm does: a value is merged into the default key by key.
    assert.deepEqual(containers[0]?.resources, {
      limits: { memory: '768Mi' },
      requests: { cpu: '50m', memory: '1Gi' },
    });
    assert.deepEqual(containers[0]?.env, [
      { name: 'KUBEBLAME_CLUSTER', value: 'prod-eu' },
      { name: 'KUBEBLAME_FAILURE_POLICY', value: 'Fail' },
      { name: 'KUBEBLAME_NAMESPACE_SELECTOR', value: 'env in (prod)' },
      { name: 'KUBEBLAME_RETAIN_EVENTS', value: '30d' },
      { name: 'KUBEBLAME_RETAIN_EVENTS_SIZE', value: '256Mi' },
      { name: 'KUBEBLAME_RETAIN_SIZE', value: '40Gi' },
      { name: 'KUBEBLAME_WEBHOOK_TIMEOUT', value: '5' },
    ]);
    assert.deepEqual(pod.imagePullSecrets, [{ name: 'registry' }]);
    assert.deepEqual(pod.nodeSelector, { disk: 'ssd' });
    assert.deepEqual(pod.tolerations, [{ operator: 'Exists' }]);
    assert.deepEqual(pod.affinity.nodeAffinity, { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } }); // prettier-ignore
    assert.notEqual(pod.affinity.podAffinity, undefined);
    assert.equal(spec.replicas, 1);
    assert.equal(pod.priorityClassName, 'system-cluster-critical');
    const claim = set['PersistentVolumeClaim/kubeblame/ledger-kubeblame-0']?.spec as JsonObject;
    assert.deepEqual([claim.storageClassName, claim.resources], ['fast', { requests: { storage: '60Gi' } }]);
    const kinds = new Set(Object.values(set).map(({ kind }) => kind));
    assert.deepEqual([kinds.has('NetworkPolicy'), kinds.has('PriorityClass')], [false, false]);
  });

  it('narrows the way out to the API server that is named', () => {
    const apiServer = [{ ipBlock: { cidr: '203.0.113.7/32' } }];
    const set = byId(render({ networkPolicy: { apiServer }, nativeApi: { enabled: true } }));
    for (const name of ['kubeblame', 'kubeblame-gateway']) {
      const { spec } = set[`NetworkPolicy/kubeblame/${name}`] as unknown as {
        spec: { egress: { to: JsonObject[] }[] };
      };
      assert.deepEqual(spec.egress[0]?.to, apiServer);
    }
  });

  it('is rendered by what knows five forms, and refuses every other', () => {
    const one = (text: string): (() => JsonObject[]) =>
      () => renderChart({ 'values.yaml': 'a: {b: 1}', 'templates/x.yaml': text }, { namespace: 'n', values: {} }); // prettier-ignore
    assert.deepEqual(one('a: {{ toJson .Values.a }}\nb: "{{ "{{" }}x}}"\nc: {{ .Release.Namespace }}')(), [
      { a: { b: 1 }, b: '{{x}}', c: 'n' },
    ]);
    assert.throws(one('a: {{ .Values.a.c }}'), /values\.yaml has no \.Values\.a\.c/);
    assert.throws(one('a: {{ .Values.a.b | quote }}'), /not one of the forms/);
    assert.throws(one('a: {{ include "x" . }}'), /not one of the forms/);
    assert.throws(one('{{- if .Values.a }}\na: 1'), /an if without an end/);
    assert.throws(one('a: 1\n{{- end }}'), /an end without an if/);
  });
});
