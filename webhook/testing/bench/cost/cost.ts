import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import type { JsonObject } from '../../../../shared/types.ts';
import { newConfiguration, USUAL_WEBHOOK, webhooks } from '../../../install/registration/configuration.ts';
import { TestCluster } from '../../cluster/cluster.ts';
import { apply } from '../../cluster/registration.ts';
import { until } from '../../server/server.ts';
import type { ClusterTarget, CostOrder, Shape, WebhookTarget } from './cost-load.ts';
import { BenchServer } from '../processes/servers.ts';
import { cpuSince, processCpuMs, threadCpu, type ThreadCpu } from './thread-cpu.ts';
import { forkBundled } from '../processes/bundled.ts';

/** Writes a second; null: as fast as they are answered. */
const STEPS: { shape: Shape; perSecond: number | null; writes: number }[] = [
  { shape: 'small', perSecond: null, writes: 3000 },
  { shape: 'small', perSecond: 200, writes: 800 },
  { shape: 'small', perSecond: 50, writes: 400 },
  { shape: 'large', perSecond: null, writes: 1500 },
  { shape: 'large', perSecond: 200, writes: 800 },
];
/** Before anything is measured: by then the code that matters is compiled. */
const WARM_WRITES = 3000;
/** After the last answer, all is mostly in the ledger, and settled by the watch, within this time. It is measured too. */
const SETTLE_MS = 2_000;
const NOTHING: ThreadCpu = { total: 0, main: 0, answering: 0, writer: 0, others: 0, garbage: 0 };

/** The median over the rounds of one step, in microseconds of CPU time a write. */
export interface CostRow {
  /** Which program was measured. */
  program: string;
  against: 'API server' | 'stand-in';
  shape: Shape;
  perSecond: number | null;
  ours: ThreadCpu;
  /** The API server's; of the stand-in, that of a server that only parses the reviews and allows them. */
  baseline: number;
  ratio: number;
  /** The least and the most of the rounds. */
  totals: [number, number];
  ratios: [number, number];
}

export interface Setting {
  path: (name: string) => string;
  /** Builds to measure, in turns: name and path. */
  programs: Readonly<Record<string, string>>;
  /** Of the server that only parses and allows, for the stand-in. */
  baseline: readonly string[];
  rounds: number;
}

interface Sample {
  ours: ThreadCpu;
  baseline: number;
}

/**
 * What a write costs in CPU time, its review, its watch event and what they are settled to included, over eight connections:
 * against a real API server, from the binaries of a folder. The machine may be busy with something else: it is CPU time, and
 * the builds are measured in turns.
 */
export async function measureLive(setting: Setting, assets: string): Promise<CostRow[]> {
  // Without an audit log, which would make the API server dearer, and the ratio kinder.
  const cluster = await TestCluster.start(assets, () => Promise.resolve(['--audit-log-path=']));
  const load = new CostLoad();
  try {
    const { hostname: host, port } = new URL(cluster.url);
    const target: ClusterTarget = {
      address: { host, port: Number(port) },
      ca: cluster.ca,
      token: cluster.token('admin'),
    };
    return await rounds(setting, 'API server', cluster.kubeconfig('admin'), async (server, measure) => {
      await register(cluster, server, readFileSync(setting.path('ca.crt'), 'utf8'));
      for (const [salt, step] of warmed(STEPS)) {
        await load.order({ do: 'prepare', shape: step.shape, salt, cluster: target, webhook: null });
        await measure(step, load, () => processCpuMs(cluster.apiServerPid));
      }
      await cluster.kubectl('admin', ['delete', 'validatingwebhookconfiguration', 'kubeblame']);
    });
  } finally {
    load.stop();
    await cluster.stop();
  }
}

/** The same against a stand-in, which sends the reviews and the watch events of the same writes. */
export async function measureStandIn(setting: Setting): Promise<CostRow[]> {
  const folder = setting.path('stand-in');
  mkdirSync(folder);
  const load = new CostLoad();
  const plain = await BenchServer.start(setting.baseline);
  try {
    const kubeconfig = (await load.order({ do: 'stand in', folder })) as string;
    const ca = readFileSync(setting.path('ca.crt'), 'utf8');
    return await rounds(setting, 'stand-in', kubeconfig, async (server, measure) => {
      for (const [salt, step] of warmed(STEPS)) {
        const prepare = (webhook: WebhookTarget): Promise<unknown> =>
          load.order({ do: 'prepare', shape: step.shape, salt, cluster: null, webhook });
        await prepare({ port: plain.port, ca, watched: false });
        const before = plain.cpuMs();
        await load.order({ do: 'write', writes: step.writes, perSecond: step.perSecond });
        const baseline = plain.cpuMs() - before;
        await prepare({ port: server.port, ca, watched: true });
        await measure(step, load, () => 0, baseline);
      }
    });
  } finally {
    load.stop();
    await plain.stop();
  }
}

let lastSalt = 0;

/** The steps, each with a salt of its own; first one that nobody counts. */
function warmed(steps: typeof STEPS): [number, (typeof STEPS)[number] & { counts: boolean }][] {
  const warm = (['large', 'small'] as const).map((shape) => ({
    ...{ shape, perSecond: null, writes: WARM_WRITES / 2, counts: false },
  }));
  return [...warm, ...steps.map((step) => ({ ...step, counts: true }))].map((step) => [++lastSalt, step]);
}

type Step = ReturnType<typeof warmed>[number][1];
type Measure = (step: Step, load: CostLoad, baselineMs: () => number, baseline?: number) => Promise<void>;

/** Starts each build anew in each round, with a ledger of its own. */
async function rounds(
  setting: Setting,
  against: CostRow['against'],
  kubeconfig: string,
  run: (server: BenchServer, measure: Measure) => Promise<void>,
): Promise<CostRow[]> {
  const samples = new Map<string, Sample[]>();
  const ca = readFileSync(setting.path('ca.crt'), 'utf8');
  for (let round = 0; round < setting.rounds; round++) {
    for (const [program, file] of Object.entries(setting.programs)) {
      const name = `${against === 'stand-in' ? 's' : 'l'}${round}-${program}`;
      const threads = setting.path(`threads-${name}`);
      mkdirSync(threads);
      const server = await startServer(setting, file, kubeconfig, threads, name);
      try {
        await run(server, async (step, load, baselineMs, baseline = 0) => {
          await sleep(SETTLE_MS);
          const [before, baselineBefore] = [threadCpu(server.pid, threads), baselineMs()];
          await load.order({ do: 'write', writes: step.writes, perSecond: step.perSecond });
          let after: ThreadCpu;
          let baselineAfter: number;
          do {
            await sleep(SETTLE_MS);
            [after, baselineAfter] = [threadCpu(server.pid, threads), baselineMs()];
          } while (!(await isSettled(server, ca)));
          if (!step.counts) return;
          const each = (ms: number): number => (ms * 1000) / step.writes;
          const ours = { ...NOTHING };
          const used = cpuSince(before, after);
          for (const part of Object.keys(NOTHING) as (keyof ThreadCpu)[]) ours[part] = each(used[part]);
          console.error(`${against} ${program} ${step.shape} ${step.perSecond ?? 'all'}: ${ours.total.toFixed(0)} us`);
          const sample = { ours, baseline: each(baseline + baselineAfter - baselineBefore) };
          const key = JSON.stringify([program, step.shape, step.perSecond]);
          samples.set(key, [...(samples.get(key) ?? []), sample]);
        });
      } finally {
        await server.stop();
      }
    }
  }
  return [...samples].map(([key, of]) => {
    const [program, shape, perSecond] = JSON.parse(key) as [string, Shape, number | null];
    return { program, against, shape, perSecond, ...summary(of) };
  });
}

function summary(samples: readonly Sample[]): Pick<CostRow, 'ours' | 'baseline' | 'ratio' | 'totals' | 'ratios'> {
  const ours = { ...NOTHING };
  for (const part of Object.keys(NOTHING) as (keyof ThreadCpu)[])
    ours[part] = median(samples.map((one) => one.ours[part]));
  const totals = samples.map((one) => one.ours.total);
  const ratios = samples.map((one) => one.ours.total / one.baseline);
  return {
    ours,
    baseline: median(samples.map(({ baseline }) => baseline)),
    ratio: median(ratios),
    totals: [Math.min(...totals), Math.max(...totals)],
    ratios: [Math.min(...ratios), Math.max(...ratios)],
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function startServer(
  { path }: Setting,
  file: string,
  kubeconfig: string,
  threads: string,
  name: string,
): Promise<BenchServer> {
  const clock = new URL('thread-clock.mjs', import.meta.url).href;
  return BenchServer.start(
    [
      ...['--import', clock, file, 'serve', '--db', path(`cost-${name}.db`), '--cluster', 'bench'],
      ...['--tls-cert', path('tls.crt'), '--tls-key', path('tls.key'), '--kubeconfig', kubeconfig],
      ...['--listen', '127.0.0.1:0', '--read-listen', '127.0.0.1:0', '--log-level', 'info'],
    ],
    { KUBEBLAME_BENCH_THREADS: threads },
  );
}

/** Whether all that was written is settled: what is measured is not the whole of it otherwise. */
async function isSettled(server: BenchServer, ca: string): Promise<boolean> {
  return /^kubeblame_pending_outcomes 0$/m.test(await server.page('/metrics', ca));
}

/** Registers a server, and resolves when the API server calls it. */
async function register(cluster: TestCluster, server: BenchServer, ca: string): Promise<void> {
  const options = {
    ...{ name: 'kubeblame', namespace: 'kubeblame', service: 'kubeblame', servicePort: server.port, pathSecret: '' },
    ...{ caBundle: ca, webhook: USUAL_WEBHOOK, matchConditions: [] },
  };
  const clientConfig = {
    url: `https://127.0.0.1:${server.port}/admit`,
    caBundle: Buffer.from(ca).toString('base64'),
  };
  const configuration: JsonObject = {
    ...newConfiguration(options, null),
    webhooks: webhooks(options).map((webhook) => ({ ...webhook, clientConfig })),
  };
  await apply(cluster, configuration);
  const probe = Buffer.from(JSON.stringify({ metadata: { generateName: 'probe-' } }));
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(probe.length) };
  const client = cluster.client('admin');
  const dryRuns = /^kubeblame_reviews_total\{result="dry-run"\} [1-9]/m;
  await until(
    'the API server calls the webhook',
    async () => {
      await client.send('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', headers, [probe]);
      return dryRuns.test(await server.page('/metrics', ca));
    },
    30_000,
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The process that writes (cost-load.ts). */
class CostLoad {
  private readonly child: ChildProcess;

  constructor() {
    this.child = forkBundled(new URL('cost-load.ts', import.meta.url));
  }

  async order(order: CostOrder): Promise<unknown> {
    this.child.send(order);
    const stop = new AbortController();
    const { signal } = stop;
    try {
      const first = await Promise.race([
        once(this.child, 'message', { signal }),
        once(this.child, 'exit', { signal }).then(() => null),
      ]);
      if (first === null) throw new Error('the load ended');
      return (first as [{ result: unknown }])[0].result;
    } finally {
      stop.abort();
    }
  }

  stop(): void {
    this.child.disconnect();
  }
}
