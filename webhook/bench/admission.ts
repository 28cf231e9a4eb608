import { LoadProcess, percentile, type LoadResult } from './load.ts';
import type { BenchServer } from './servers.ts';

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
  /** Bytes that it wrote to the disk, a request. */
  writtenBytes: number;
}

/**
 * Throughput and latency of ours against the baseline's, round by round in turns, so that whatever else the machine
 * does meets both.
 */
export async function measureAdmission(
  servers: { baseline: BenchServer; kubeblame: BenchServer },
  ca: string,
): Promise<AdmissionRow[]> {
  const load = new LoadProcess();
  const both = [servers.baseline, servers.kubeblame] as const;
  let salt = 1;
  for (const { port } of both) await load.run({ port, ca, connections: 16, rounds: WARM_ROUNDS, salt: salt++ });
  await servers.kubeblame.settled(ca);
  const rows: AdmissionRow[] = [];
  for (const { connections, times, rounds } of STEPS) {
    const series = [
      new Series(servers.baseline, () => Promise.resolve()),
      // Nothing of it may still be at work when the other one is measured.
      new Series(servers.kubeblame, () => servers.kubeblame.settled(ca)),
    ] as const;
    for (let round = 0; round < rounds; round++) {
      for (const one of series) {
        await one.add((port) => load.run({ port, ca, connections, rounds: times, salt: salt++ }));
      }
    }
    const [baseline, kubeblame] = series;
    const ratios = (throughputs: readonly number[]): number =>
      median(throughputs.map((value, index) => value / (baseline.throughputs[index] ?? NaN)));
    const [ratio, settledRatio] = [ratios(kubeblame.throughputs), ratios(kubeblame.settled)];
    rows.push({ connections, baseline: baseline.result(), kubeblame: kubeblame.result(), ratio, settledRatio });
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
  private written = 0;

  constructor(
    private readonly server: BenchServer,
    private readonly settle: () => Promise<void>,
  ) {}

  async add(run: (port: number) => Promise<LoadResult>): Promise<void> {
    const [before, writtenBefore] = [this.server.cpuMs(), this.server.writtenBytes()];
    const { seconds, timesMs } = await run(this.server.port);
    const answered = performance.now();
    await this.settle();
    this.settled.push(timesMs.length / (seconds + (performance.now() - answered) / 1000));
    this.cpuMs += this.server.cpuMs() - before;
    this.written += this.server.writtenBytes() - writtenBefore;
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
      writtenBytes: this.written / times.length,
    };
  }
}

function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5);
}
