import { KubeblameError } from '../../../../shared/errors.ts';
import type { Review } from '../../../../shared/review.ts';
import { isOfLedger } from '../../../ledger/port/failures.ts';
import { Wake } from '../../../platform/threads/wake.ts';
import { uidOf } from '../../review/review-head.ts';
import type { ReviewReader } from '../../review/review-reader.ts';
import { reviewsBetween } from '../../spool/epochs.ts';
import { Progress } from '../../spool/progress.ts';
import type { SpoolReader } from '../../spool/reader.ts';
import type { Spooled } from '../../spool/records.ts';
import { Asked } from './asked.ts';
import { Gathering } from './gathering.ts';
import { HeldFacts, type Fact } from './held-facts.ts';
import type { Recorded } from '../recorder/options.ts';
import type { Recorder } from '../recorder/recorder.ts';
import { OutOfTurn, PassedOver } from '../recorder/spool-cursor.ts';
import { nextInSpool, type NextInSpool } from './next-in-spool.ts';
import { Suspect, type Which } from './suspect.ts';

export interface IntakeOptions {
  spool: SpoolReader;
  /** Where reviews are answered already; otherwise nobody adds yet. */
  progress?: Progress;
  reviews: ReviewReader;
  recorder: Recorder;
  /** The present (ms). */
  now: () => number;
  /** Told what became of a review. */
  recorded: (result: Recorded) => void;
  /** Told of a review that was answered as recorded, and cannot be; or of so many, with one error. */
  lost: (error: unknown, uid: string, count: number) => void;
  /** Told of what keeps the ledger from taking any, when that begins. */
  failing: (error: unknown) => void;
  /** Told that the ledger has come so far, for good: what lies in the spool before it may be written over. */
  taken: (through: number) => void;
}

/** Reviews that were read from the spool, and are not durable in the ledger yet; what is parsed takes some times as much. */
const MAX_IN_FLIGHT = 64;
const MAX_IN_FLIGHT_BYTES = 4 * 1024 * 1024;
/** So many facts do not wait for more: the watch that shows them waits behind them. */
const MAX_HELD = 128;
/** When a commit that failed is tried again. */
const RETRY_MS = 1_000;

/**
 * Takes reviews from the spool into the ledger, each once, in their order, and facts between them (held-facts.ts). What cannot be
 * committed stays in the spool, and is tried again.
 */
export class Intake {
  /** How far the spool is durable: told by whoever adds to it. */
  readonly progress: Progress;
  /** The last review that was handed to the recorder. */
  private handed: number;
  /** The last one of which it is settled what became of it. */
  private done: number;
  /** The last one that is known to be in the ledger for good. */
  private told = NaN;
  private inFlight = 0;
  private inFlightBytes = 0;
  private running = false;
  private failure: { error: unknown } | null = null;
  private readonly suspect = new Suspect();
  private readonly facts = new HeldFacts();
  private readonly gathering: Gathering;
  /** A review that was handed over is settled, or there is something to try again. */
  private readonly moved = new Wake();
  private readonly asked = new Asked();
  private closed = false;
  private wasLastTry = false;
  private whenIdle: (() => void) | null = null;

  constructor(private readonly options: IntakeOptions) {
    this.progress = options.progress ?? new Progress();
    this.gathering = new Gathering(() => this.progress.through);
    this.handed = this.done = options.recorder.taken;
  }

  /** Reviews that were answered, and are not in the ledger yet. */
  get depth(): number {
    return reviewsBetween(this.done, Math.max(this.done, this.progress.through));
  }

  /**
   * Takes what an earlier process has answered. Resolves when it is in the ledger, or the ledger does not take it at present;
   * what fails with one review alone is waited for until it is passed over. Rejects with ledger-unwritable where the spool cannot be read.
   */
  async takeLeft(): Promise<void> {
    this.progress.advance(this.options.spool.last(this.handed + 1));
    this.wake();
    // Whoever gave up here would meet the same review at each start.
    do await this.settled();
    while (this.failure !== null && !isOfLedger(this.failure.error));
  }

  /** The spool's files that have reviews which the ledger does not have yet: nobody may write over them. */
  left(): { path: string; last: number }[] {
    return this.options.spool.filesAfter(this.options.recorder.taken);
  }

  /** There is something in the spool. */
  wake(): void {
    if (this.running) return;
    this.running = true;
    void this.run();
  }

  /**
   * Lets something be recorded behind the reviews that are durable now: soon, where it `mayWait` for others to share a commit
   * with, otherwise at once. Refuses it with what the ledger fails with, while it does.
   */
  hold(fact: Fact, mayWait: boolean): void {
    if (this.failure !== null) {
      fact.refuse(this.failure.error);
      return;
    }
    this.facts.hold(fact, this.progress.through);
    if (mayWait && this.facts.size < MAX_HELD) this.wake();
    else this.hurry();
  }

  /** Nothing that waits shall wait any longer. */
  hurry(): void {
    this.gathering.hurry();
    this.wake();
  }

  /**
   * Resolves when all reviews that are durable now are in the ledger, or it does not take them at present; to false where
   * that takes longer than `withinMs`.
   */
  settled(withinMs = Infinity): Promise<boolean> {
    const { through } = this.progress;
    if (this.done >= through) return Promise.resolve(true);
    const settled = this.asked.wait(through, withinMs, this.failure !== null);
    this.hurry();
    return settled;
  }

  /** Resolves when all that is in the spool is in the ledger, or the ledger does not take it: then it stays there. */
  async close(): Promise<void> {
    this.closed = true;
    this.moved.call();
    this.hurry();
    if (this.running || this.inFlight > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
    this.options.spool.close();
  }

  private async run(): Promise<void> {
    while (this.failure !== null ? await this.recover() : this.hasWork()) {
      if (this.failure !== null) continue;
      if (!this.closed && !this.asked.isAny) await this.gathering.wait();
      await this.handOverAll();
    }
    this.running = false;
    this.gathering.end();
    this.tellIdle();
  }

  private hasWork(): boolean {
    return this.facts.size > 0 || !this.progress.sleep(this.handed);
  }

  private tellIdle(): void {
    if (!this.running && this.inFlight === 0) this.whenIdle?.();
  }

  /** Hands over the reviews that are durable now, and the facts that came between them. */
  private async handOverAll(): Promise<void> {
    this.gathering.end();
    const { through } = this.progress;
    while (this.failure === null) {
      this.facts.enterUpTo(this.handed);
      if (this.handed >= through) return;
      await this.handOver(through);
    }
  }

  /** Hands over the next review, when there is room for it. */
  private async handOver(through: number): Promise<void> {
    const most = this.suspect.careful ? 1 : MAX_IN_FLIGHT;
    while (this.inFlight >= most || this.inFlightBytes >= MAX_IN_FLIGHT_BYTES) await this.moved.wait();
    if (this.failure !== null) return;
    const number = this.handed + 1;
    const { spool, recorder } = this.options;
    let found: NextInSpool;
    try {
      found = nextInSpool(spool, number, through);
    } catch (error) {
      this.options.failing(error);
      this.fail(error);
      return;
    }
    if (found.is === 'review') this.record(number, found.spooled);
    else if (found.is === 'epoch') {
      const last = (this.handed = found.next - 1);
      const passed = recorder.goOn(number, this.options.now(), last);
      this.settle({ number: last, at: this.options.now(), uid: '' }, passed, () => undefined);
    } else {
      const text = `the spool is damaged: reviews ${number} to ${found.next - 1} are gone`;
      // At once: behind a ledger that was restored they may be millions.
      const which = { number, at: this.options.now(), uid: '' };
      this.lose(which, new KubeblameError('ledger-damaged', text), found.next - number);
    }
  }

  private record(number: number, { at, body, redacted }: Spooled): void {
    this.handed = number;
    let review: Review;
    try {
      review = this.options.reviews.read(body);
    } catch (error) {
      this.lose({ number, at, uid: uidOf(body) }, error);
      return;
    }
    this.facts.enterBefore(review, number - 1, at);
    const recorded = this.options.recorder.record(review, at, body.length, { number, redacted });
    this.settle({ number, at, uid: review.uid }, recorded, this.options.recorded, body.length);
  }

  /** Passes over a review, which is gone, or so many. */
  private lose({ number, at, uid }: Which, error: unknown, count = 1): void {
    const last = number + count - 1;
    this.handed = last;
    const skipped = this.options.recorder.skip(number, at, last);
    this.settle({ number: last, at, uid }, skipped, () => this.options.lost(error, uid, count));
  }

  /** Tells what became of a review when that is durable. */
  private settle<T>(which: Which, durable: Promise<T>, tell: (result: T) => void, bytes = 0): void {
    this.inFlight++;
    this.inFlightBytes += bytes;
    durable
      .then(
        (result) => {
          this.suspect.committed();
          this.reach(which.number);
          tell(result);
          this.tellTaken();
        },
        (error: unknown) => this.failed(which, error),
      )
      .finally(() => {
        this.inFlight--;
        this.inFlightBytes -= bytes;
        this.moved.call();
        this.tellIdle();
      });
  }

  /** It is settled what became of the reviews up to a number. */
  private reach(number: number): void {
    this.done = number;
    this.asked.reach(number);
  }

  /** What waits cannot be recorded. Whoever asked waits for one more try: the next moment may bring it. */
  private fail(error: unknown): void {
    this.failure = { error };
    this.facts.refuseAll(error);
    this.asked.fail();
    this.hurry();
  }

  private tellTaken(): void {
    const { taken } = this.options.recorder;
    if (taken === this.told) return;
    this.told = taken;
    this.options.taken(taken);
  }

  private failed(which: Which, error: unknown): void {
    // An earlier one has failed, and tells.
    if (error instanceof OutOfTurn) return;
    if (error instanceof PassedOver) {
      this.reach(which.number);
      this.options.lost(error.cause, which.uid, 1);
      this.tellTaken();
      return;
    }
    if (this.failure !== null) return;
    if (!this.suspect.careful) this.options.failing(error);
    this.suspect.failed(which, error);
    this.fail(error);
  }

  /** Some time later, goes back to behind what the ledger has. False where the server ends, and the ledger still fails. */
  private async recover(): Promise<boolean> {
    while (this.inFlight > 0) await this.moved.wait();
    if (this.wasLastTry) return false;
    this.wasLastTry = this.closed;
    const until = performance.now() + RETRY_MS;
    for (let left = RETRY_MS; !this.closed && left > 0; left = until - performance.now()) await this.moved.wait(left);
    this.handed = this.options.recorder.reached;
    this.failure = null;
    const unwelcome = this.suspect.tryAgain();
    if (unwelcome !== null) this.lose(unwelcome.which, unwelcome.error);
    return true;
  }
}
