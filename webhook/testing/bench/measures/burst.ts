import { LoadProcess, percentile } from '../processes/load.ts';
import type { BenchServer } from '../processes/servers.ts';

export interface BurstResult {
  reviews: number;
  connections: number;
  seconds: number;
  p99Ms: number;
  rssMb: { before: number; peak: number; after: number };
  /** Answers that said that the review was not recorded. */
  lost: number;
  /** Until single reviews are answered as fast as before. */
  recoverySeconds: number;
  /** Until all that was answered is in the ledger. */
  settledSeconds: number;
}

const CONNECTIONS = 200;
/** The recording has some 1,450 reviews that are recorded. */
const TIMES = 14;
/** How many single reviews, after the burst, are looked at together. */
const PROBE_EVERY_MS = 50;
const MAX_PROBES = 200;

/** About 20,000 reviews at once, on more connections than an API server ever opens. */
export async function measureBurst(server: BenchServer, ca: string): Promise<BurstResult> {
  const load = new LoadProcess();
  const { port } = server;
  const calm = await load.run({ port, ca, connections: 1, rounds: 1, salt: 900 });
  const usualMs = percentile(calm.timesMs, 0.9);
  const before = server.rssMb().now;
  const burst = await load.run({ port, ca, connections: CONNECTIONS, rounds: TIMES, salt: 901 });
  const ended = performance.now();
  const settled = server.settled(ca).then(() => (performance.now() - ended) / 1000);
  let recoverySeconds = NaN;
  for (let probe = 0; probe < MAX_PROBES && Number.isNaN(recoverySeconds); probe++) {
    const seconds = (performance.now() - ended) / 1000;
    const { timesMs } = await load.run({ port, ca, connections: 1, rounds: 1, salt: 902 + probe, limit: 20 });
    if (percentile(timesMs, 0.5) <= usualMs) recoverySeconds = seconds;
    else await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  load.stop();
  const settledSeconds = await settled;
  const { now, peak } = server.rssMb();
  return {
    reviews: burst.timesMs.length,
    connections: CONNECTIONS,
    seconds: burst.seconds,
    p99Ms: percentile(burst.timesMs, 0.99),
    rssMb: { before, peak, after: now },
    lost: burst.warned,
    recoverySeconds,
    settledSeconds,
  };
}
