import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { useSharedFolder } from '../../../testing/folder.ts';
import { TestServer } from '../../../testing/server/server.ts';

interface Rules {
  spec: {
    groups: {
      rules: { alert: string; expr: string; for?: string; annotations: { runbook_url: string; summary: string } }[];
    }[];
  };
}
interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

const REPOSITORY = 'https://github.com/kubeblame/kubeblame';

const RULES = (parse(read('manifests/monitoring/prometheus-rule.yaml')) as Rules).spec.groups.flatMap(
  ({ rules }) => rules,
);
const DASHBOARD = JSON.parse(read('manifests/monitoring/grafana-dashboard.json')) as Dashboard;

/** Every expression, with what it is from. Grafana's variables are not PromQL. */
const EXPRESSIONS: [string, string][] = [
  ...RULES.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...DASHBOARD.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }): [string, string] => [title, expr.replaceAll(/\$__\w+/g, '5m')]),
  ),
];

/** The metrics that an expression selects. Throws where it is not PromQL. */
function metricsOf(expression: string): string[] {
  const names: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${expression}`);
      if (type.name === 'Identifier' && node.parent?.type.name === 'VectorSelector')
        names.push(expression.slice(from, to));
    },
  });
  return names;
}

describe('monitoring', () => {
  const file = useSharedFolder();
  let server: TestServer;
  let offered: Set<string>;
  before(async () => {
    server = await TestServer.start(file);
    const { text } = await server.admission.get('/metrics');
    offered = new Set(text.split('\n').flatMap((line) => /^[a-z_]+(?=[{ ])/.exec(line)?.[0] ?? []));
  });
  after(() => server.stop());

  it('has 24 alerts and 19 queries of a dashboard', () => {
    assert.deepEqual([RULES.length, EXPRESSIONS.length - RULES.length], [24, 19]);
  });

  it('tells of a full disk at once, in words of its own, and of one that fills up before', () => {
    const rule = (name: string) => RULES.find(({ alert }) => alert === name);
    const [filling, full] = [rule('KubeblameVolumeFull'), rule('KubeblameDiskFull')];
    // Its value is a share, which the summary tells.
    assert.deepEqual(metricsOf(filling?.expr ?? ''), ['kubelet_volume_stats_available_bytes', 'kubelet_volume_stats_capacity_bytes']); // prettier-ignore
    assert.match(filling?.annotations.summary ?? '', /\{\{ \$value \| humanizePercentage \}\}/);
    assert.deepEqual(metricsOf(full?.expr ?? ''), ['kubeblame_coverage_gap']);
    assert.deepEqual([full?.for, full?.annotations.summary.includes('$value')], [undefined, false]);
  });

  const ELSEWHERE = [
    // Absent from this server, which watches nothing and has no attempt that is open.
    ...['kubeblame_watch_lag_seconds', 'kubeblame_pending_outcome_oldest_age_seconds'],
    // Only with --stream.
    'kubeblame_stream_behind_seconds',
    // The API server's.
    ...['apiserver_admission_webhook_fail_open_count', 'apiserver_admission_match_condition_evaluation_errors_total'],
    'aggregator_unavailable_apiservice',
    // The kubelet's, and those of kube-state-metrics.
    ...['kubelet_volume_stats_available_bytes', 'kubelet_volume_stats_capacity_bytes'],
    ...['kube_deployment_status_replicas_available', 'kube_job_status_failed'],
  ];
  for (const [where, expression] of EXPRESSIONS) {
    it(`${where}: ${expression} uses metrics that the server offers`, () => {
      const metrics = metricsOf(expression);
      assert.notEqual(metrics.length, 0);
      for (const metric of metrics) assert.ok(offered.has(metric) || ELSEWHERE.includes(metric), metric);
    });
  }

  it('has a section in the runbook for each alert, and no other', () => {
    const sections = [...read('docs/runbook.md').matchAll(/^## (Kubeblame\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(
      sections,
      RULES.map(({ alert }) => alert),
    );
    for (const { alert, annotations } of RULES)
      assert.equal(annotations.runbook_url, `${REPOSITORY}/blob/main/docs/runbook.md#${alert.toLowerCase()}`);
  });

  it('takes nothing for PromQL that is not', () => {
    assert.throws(() => metricsOf('sum(rate(kubeblame_reviews_total[5m])'), /not PromQL/);
    assert.deepEqual(metricsOf('sum by (result) (rate(kubeblame_reviews_total{result="lost"}[5m])) > time()'), [
      'kubeblame_reviews_total',
    ]);
  });
});
