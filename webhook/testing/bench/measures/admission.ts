import { LoadProcess, percentile, type LoadResult } from '../processes/load.ts';
import type { BenchServer } from '../processes/servers.ts';

/** Connections, how often the recording is sent in a round, and how many rounds. */
const STEPS = [
  { connections: 1, times: 1, rounds: 5 },
  { connections: 16, times: 3, rounds: 5 },
  { connections: 64, times: 3, rounds: 5 },
];

/** Before anything is measured: by then the code that matters is compiled, in both. */
const WARM_ROUNDS = 6;

export interface AdmissionRow {
  connections: number;
  baseline: Measured;
  kubeblame: Measured;
  /** Requests a second, ours to the baseline's: the median over the rounds. */
  ratio: number;
  /** The same up to where all of a round is in the ledger. */
  settledRatio: number;
  /** The same of a server that writes each review and syncs it, and nothing more; null where reviews could share a write. */
  floorRatio: number | null;
}

export interface Measured {
  /** The median over the rounds. */
  requestsPerSecond: number;
  /** Up to where all of a round is in the ledger. */
  settledPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  /** CPU time of the server's process, in microseconds a request. */
  cpuUs: number;
}

/**
 * Throughput and latency of ours against the baseline's, round by round in turns, so that whatever else the machine
 * does meets both.
 */
export async function measureAdmission(
  servers: { baseline: BenchServer; floor: BenchServer; kubeblame: BenchServer },
  ca: string,
): Promise<AdmissionRow[]> {
  const load = new LoadProcess();
  let salt = 1;
  for (const { port } of Object.values(servers))
    await load.run({ port, ca, connections: 16, rounds: WARM_ROUNDS, salt: salt++ });
  await servers.kubeblame.settled(ca);
  const rows: AdmissionRow[] = [];
  for (const { connections, times, rounds } of STEPS) {
    const nothing = (): Promise<void> => Promise.resolve();
    const baseline = new Series(servers.baseline, nothing);
    // Nothing of it may still be at work when another one is measured.
    const kubeblame = new Series(servers.kubeblame, () => servers.kubeblame.settled(ca));
    const floor = connections === 1 ? new Series(servers.floor, nothing) : null;
    const series = [baseline, kubeblame, ...(floor === null ? [] : [floor])];
    for (let round = 0; round < rounds; round++) {
      for (const one of series) {
        await one.add((port) => load.run({ port, ca, connections, rounds: times, salt: salt++ }));
      }
    }
    const ratios = (throughputs: readonly number[]): number =>
      median(throughputs.map((value, index) => value / (baseline.throughputs[index] ?? NaN)));
    rows.push({
      connections,
      baseline: baseline.result(),
      kubeblame: kubeblame.result(),
      ratio: ratios(kubeblame.throughputs),
      settledRatio: ratios(kubeblame.settled),
      floorRatio: floor === null ? null : ratios(floor.throughputs),
    });
  }
  load.stop();
  return rows;
}

/** The rounds of one server. */
class Series {
  readonly throughputs: number[] = [];
  readonly settled: number[] = [];
  private readonly times: number[] = [];
  private cpuMs = 0;

  constructor(
    private readonly server: BenchServer,
    private readonly settle: () => Promise<void>,
  ) {}

  async add(run: (port: number) => Promise<LoadResult>): Promise<void> {
    const before = this.server.cpuMs();
    const { seconds, timesMs } = await run(this.server.port);
    const answered = performance.now();
    await this.settle();
    this.settled.push(timesMs.length / (seconds + (performance.now() - answered) / 1000));
    this.cpuMs += this.server.cpuMs() - before;
    this.throughputs.push(timesMs.length / seconds);
    for (const time of timesMs) this.times.push(time);
  }

  result(): Measured {
    const times = Float64Array.from(this.times).sort();
    return {
      requestsPerSecond: median(this.throughputs),
      settledPerSecond: median(this.settled),
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      p999Ms: percentile(times, 0.999),
      cpuUs: (this.cpuMs * 1000) / times.length,
    };
  }
}

function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5);
}
