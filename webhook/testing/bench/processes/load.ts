import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { forkBundled } from './bundled.ts';

/** The recording's reviews, `rounds` times over, sent to a port of 127.0.0.1 over so many connections. */
export interface LoadOrder {
  port: number;
  ca: string;
  connections: number;
  rounds: number;
  salt: number;
  /** At most so many of each connection; all unless given. */
  limit?: number;
}

export interface LoadResult {
  seconds: number;
  /** From the first byte sent to the last received, in order of length. */
  timesMs: Float64Array;
  /** Answers with a warning: the review was lost, and who sent it is told. */
  warned: number;
}

/** The process that sends (load-process.ts). */
export class LoadProcess {
  private readonly child: ChildProcess;

  constructor() {
    this.child = forkBundled(new URL('load-process.ts', import.meta.url), [], { serialization: 'advanced' });
  }

  /** Sends what is ordered, the next request of a connection as soon as the last is answered. */
  async run(order: LoadOrder): Promise<LoadResult> {
    this.child.send(order);
    const stop = new AbortController();
    const { signal } = stop;
    try {
      const result = await Promise.race([
        once(this.child, 'message', { signal }),
        once(this.child, 'exit', { signal }),
      ]);
      const [first] = result as [LoadResult | number | null];
      if (typeof first !== 'object' || first === null) throw new Error('the load ended');
      return first;
    } finally {
      stop.abort();
    }
  }

  stop(): void {
    this.child.disconnect();
  }
}

/** The time in ms that so much of the load stayed under; `times` in order of length. */
export function percentile(times: Float64Array, share: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
}
