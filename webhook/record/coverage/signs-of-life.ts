import type { CoverageEvent, LedgerStore } from '../../ledger/port/port.ts';
import { ALIVE_EVERY_MS, lossText, unansweredText } from '../../ledger/port/intervals.ts';
import type { Recorder } from '../capture/recorder/recorder.ts';

/** Reviews that were lost are told to the ledger as soon as it takes something again. */
const RETRY_MS = 1_000;

/**
 * Writes into the ledger that the server runs: its start, a sign of life now and then, the reviews that it lost, its
 * stop. From these the intervals are known in which recording worked.
 */
export class SignsOfLife {
  private lost = 0;
  private started = false;
  /** What is to be told as soon as the ledger takes it, in this order. */
  private readonly untold: { event: CoverageEvent; detail: string }[] = [];
  private telling = false;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly recorder: Recorder,
    private readonly now: () => number,
  ) {}

  /** Tells the start, and from then on the rest. `since`: when reviews began to be answered (ms). */
  async start(store: LedgerStore, version: string, since = this.now()): Promise<void> {
    const last = await store.last();
    // A process that was killed recorded until here.
    if (last !== null) await this.recorder.cover('alive', '', last.at);
    await this.recorder.cover('started', version, since);
    this.started = true;
    this.timers.push(setInterval(() => void this.sign(), ALIVE_EVERY_MS));
    this.timers.push(setInterval(() => void this.tellLosses(), RETRY_MS));
    this.timers.push(setInterval(() => void this.tellRest(), RETRY_MS));
    this.timers.push(
      setInterval(() => void this.recorder.coverUnreviewed(this.now()).catch(() => undefined), RETRY_MS),
    );
    void this.tellRest();
  }

  /** Counts a review that did not come into the spool. Of those that did, the recorder tells. */
  lose(): void {
    this.lost++;
  }

  /** Nobody answered for so long (ms), until then (ms). */
  stalled(ms: number, to: number): void {
    this.unanswered('nobody answered reviews', to - ms, to);
  }

  /** Reviews were not answered, or not sent, between two moments (ms). */
  unanswered(what: string, from: number, to: number): void {
    this.tell('unanswered', unansweredText(what, from, to));
  }

  /** Tells something of which `detail` says when it was: now, or as soon as the ledger takes it. */
  tell(event: CoverageEvent, detail: string): void {
    this.untold.push({ event, detail });
    if (this.started) void this.tellRest();
  }

  /** Writes the last sign. Call before the recorder is closed. */
  async close(): Promise<void> {
    if (!this.started) return;
    for (const timer of this.timers) clearInterval(timer);
    await this.tellLosses();
    await this.tellRest();
    await this.recorder.cover('stopped', '', this.now()).catch(() => undefined);
  }

  private async sign(): Promise<void> {
    // Where it cannot be written, its absence is the sign.
    await this.recorder.cover('alive', '', this.now()).catch(() => undefined);
  }

  private async tellRest(): Promise<void> {
    if (this.telling) return;
    this.telling = true;
    try {
      for (let next = this.untold[0]; next !== undefined; next = this.untold[0]) {
        await this.recorder.cover(next.event, next.detail, this.now());
        this.untold.shift();
      }
    } catch {
      // Still not writable: it is told later.
    } finally {
      this.telling = false;
    }
  }

  private async tellLosses(): Promise<void> {
    const count = this.lost;
    if (count === 0) return;
    // Before it waits: the next call may come meanwhile.
    this.lost = 0;
    try {
      await this.recorder.cover('lost', lossText(count), this.now());
    } catch {
      // Still not writable: it is told later.
      this.lost += count;
    }
  }
}
