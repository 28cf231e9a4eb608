import { setTimeout as sleep } from 'node:timers/promises';
import { KubeblameError } from '../../../../shared/errors.ts';
import type { Review } from '../../../../shared/review.ts';
import { uidOf } from '../../review/review-head.ts';
import type { ReviewReader } from '../../review/review-reader.ts';
import { Progress } from '../../spool/progress.ts';
import type { SpoolReader } from '../../spool/reader.ts';
import type { Spooled } from '../../spool/records.ts';
import { isOfLedger, OutOfTurn, PassedOver, type Recorded, type Recorder } from '../recorder/recorder.ts';

export interface IntakeOptions {
  spool: SpoolReader;
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
/** While reviews come one after another, they are answered first: the recorder waits for so long a pause, at most so long. */
const PAUSE_MS = 10;
const MAX_WAIT_MS = 1_000;
/** How often it looks whether there is one. */
const LOOK_MS = 2;
/** When a commit that failed is tried again. */
const RETRY_MS = 1_000;

/** A review of the spool. */
interface Which {
  number: number;
  /** When it came (ms), or was found to be missing. */
  at: number;
  /** '' where that is not known. */
  uid: string;
}

/**
 * Takes reviews from the spool into the ledger, each once, in their order. What cannot be committed stays in the spool, and is
 * tried again.
 */
export class Intake {
  /** How far the spool is durable: told by whoever adds to it. */
  readonly progress = new Progress();
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
  /** One at a time, until something was committed: among many, one may be what the ledger does not take. */
  private careful = false;
  private suspect = NaN;
  private unwelcome: { which: Which; error: unknown } | null = null;
  /** Who waits for the ledger, and should not wait for a pause. */
  private hurried = 0;
  private closed = false;
  private wasLastTry = false;
  /** Called when something has changed. */
  private watchers: (() => void)[] = [];

  constructor(private readonly options: IntakeOptions) {
    this.handed = this.done = options.recorder.taken;
  }

  /** Reviews that were answered, and are not in the ledger yet. */
  get depth(): number {
    return this.progress.through - this.done;
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
   * Resolves to the last review that is durable now, when the recorder has been handed all up to it. Rejects with what the
   * ledger fails with, while it does.
   */
  async handedOver(): Promise<number> {
    const { through } = this.progress;
    // A watch shows one thing after another: it must not wait for a pause each time.
    this.hurried++;
    while (this.handed < through && this.failure === null) await this.change();
    this.hurried--;
    if (this.failure !== null) throw this.failure.error;
    return through;
  }

  /**
   * Resolves when all reviews that are durable now are in the ledger, or it does not take them at present; to false where
   * that takes longer than `withinMs`.
   */
  async settled(withinMs = Infinity): Promise<boolean> {
    const { through } = this.progress;
    // Tried again once: a question is not answered without what the next moment brings.
    const failures = new Set<object>();
    const isSettled = (): boolean => {
      if (this.failure !== null) failures.add(this.failure);
      return this.done >= through || failures.size > 1;
    };
    const end = performance.now() + withinMs;
    const timer = withinMs === Infinity ? undefined : setTimeout(() => this.changed(), withinMs + 1);
    this.hurried++;
    while (!isSettled() && performance.now() < end) await this.change();
    this.hurried--;
    clearTimeout(timer);
    return isSettled();
  }

  /** Resolves when all that is in the spool is in the ledger, or the ledger does not take it: then it stays there. */
  async close(): Promise<void> {
    this.closed = true;
    this.hurried++;
    this.wake();
    while (this.running || this.inFlight > 0) await this.change();
    this.options.spool.close();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.watchers.push(resolve));
  }

  private changed(): void {
    for (const watcher of this.watchers.splice(0)) watcher();
  }

  private async run(): Promise<void> {
    const { progress } = this;
    while (this.failure !== null ? await this.recover() : !progress.sleep(this.handed)) {
      if (this.failure === null) await this.pause();
      const { through } = progress;
      while (this.handed < through && this.failure === null) await this.handOver(through);
    }
    this.running = false;
    this.changed();
  }

  /** Resolves in a pause of the reviews, or when the oldest has waited for long. */
  private async pause(): Promise<void> {
    const { progress } = this;
    const started = performance.now();
    let [newest, newestAt] = [progress.through, started];
    for (let now = started; this.hurried === 0 && now < newestAt + PAUSE_MS && now < started + MAX_WAIT_MS;) {
      await sleep(LOOK_MS);
      now = performance.now();
      if (progress.through > newest) [newest, newestAt] = [progress.through, now];
    }
  }

  /** Hands over the next review, when there is room for it. */
  private async handOver(through: number): Promise<void> {
    const most = this.careful ? 1 : MAX_IN_FLIGHT;
    while (this.inFlight >= most || this.inFlightBytes >= MAX_IN_FLIGHT_BYTES) await this.change();
    if (this.failure !== null) return;
    const number = this.handed + 1;
    const { spool, recorder } = this.options;
    let spooled: Spooled | null;
    let next = 0;
    try {
      spooled = spool.read(number);
      if (spooled === null) next = Math.min(spool.firstAfter(number) ?? through + 1, through + 1);
    } catch (error) {
      this.options.failing(error);
      this.failure = { error };
      return;
    }
    if (spooled === null) {
      // A file that was damaged: those up to the next one are gone.
      const error = new KubeblameError(
        'ledger-damaged',
        `the spool is damaged: reviews ${number} to ${next - 1} are gone`,
      );
      // At once: behind a ledger that was restored they may be millions.
      this.lose({ number, at: this.options.now(), uid: '' }, error, next - number);
      return;
    }
    this.handed = number;
    const { at, body, redacted } = spooled;
    let review: Review;
    try {
      review = this.options.reviews.read(body);
    } catch (error) {
      this.lose({ number, at, uid: uidOf(body) }, error);
      return;
    }
    const recorded = recorder.record(review, at, body.length, { number, redacted });
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
          this.careful = false;
          this.done = which.number;
          tell(result);
          this.tellTaken();
        },
        (error: unknown) => this.failed(which, error),
      )
      .finally(() => {
        this.inFlight--;
        this.inFlightBytes -= bytes;
        this.changed();
      });
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
      this.done = which.number;
      this.options.lost(error.cause, which.uid, 1);
      this.tellTaken();
      return;
    }
    if (this.failure !== null) return;
    if (!this.careful) this.options.failing(error);
    else if (!isOfLedger(error)) {
      // Alone, and twice, for something else may have been in its commit: it is what the ledger does not take.
      if (this.suspect === which.number) this.unwelcome = { which, error };
      this.suspect = which.number;
    }
    this.failure = { error };
    this.wake();
  }

  /** Some time later, goes back to behind what the ledger has. False where the server ends, and the ledger still fails. */
  private async recover(): Promise<boolean> {
    while (this.inFlight > 0) await this.change();
    this.changed();
    if (this.wasLastTry) return false;
    this.wasLastTry = this.closed;
    for (const until = performance.now() + RETRY_MS; !this.closed && performance.now() < until;) await sleep(LOOK_MS);
    this.handed = this.options.recorder.reached;
    this.failure = null;
    this.careful = true;
    const { unwelcome } = this;
    this.unwelcome = null;
    if (unwelcome !== null) this.lose(unwelcome.which, unwelcome.error);
    return true;
  }
}
