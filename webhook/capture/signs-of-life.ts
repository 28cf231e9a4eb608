import type { LedgerStore } from '../store/port.ts';
import { ALIVE_EVERY_MS } from '../query/coverage.ts';
import type { Recorder } from './recorder.ts';

/** Reviews that were lost are told to the ledger as soon as it takes something again. */
const RETRY_MS = 1_000;

/**
 * Writes into the ledger that the server runs: its start, a sign of life now and then, the reviews that it lost, its
 * stop. From these the intervals are known in which recording worked.
 */
export class SignsOfLife {
  private lost = 0;
  private readonly timers: NodeJS.Timeout[] = [];

  private constructor(
    private readonly recorder: Recorder,
    private readonly now: () => number,
  ) {}

  static async start(recorder: Recorder, store: LedgerStore, version: string, now: () => number): Promise<SignsOfLife> {
    const signs = new SignsOfLife(recorder, now);
    const last = await store.last();
    // A process that was killed recorded until here.
    if (last !== null) await recorder.cover('alive', '', last.at);
    await recorder.cover('started', version, now());
    signs.timers.push(setInterval(() => void signs.sign(), ALIVE_EVERY_MS));
    signs.timers.push(setInterval(() => void signs.tellLosses(), RETRY_MS));
    return signs;
  }

  /** Counts a review that could not be recorded. */
  lose(): void {
    this.lost++;
  }

  /** Writes the last sign. Call before the recorder is closed. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.tellLosses();
    await this.recorder.cover('stopped', '', this.now()).catch(() => undefined);
  }

  private async sign(): Promise<void> {
    // Where it cannot be written, its absence is the sign.
    await this.recorder.cover('alive', '', this.now()).catch(() => undefined);
  }

  private async tellLosses(): Promise<void> {
    const count = this.lost;
    if (count === 0) return;
    try {
      await this.recorder.cover('lost', `${count} reviews could not be recorded`, this.now());
      this.lost -= count;
    } catch {
      // Still not writable: it is told later.
    }
  }
}
