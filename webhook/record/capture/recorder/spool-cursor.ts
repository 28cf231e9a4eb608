import { messageOf } from '../../../../shared/errors.ts';
import { isOfLedger } from '../../../ledger/port/failures.ts';

/** After so many reviews of the spool that left nothing to commit, it is committed that they were taken. */
const MAX_UNTOLD = 500;
/** Or after so many bytes of them: their room in the spool is given back only then. */
const MAX_UNTOLD_BYTES = 4 * 1024 * 1024;

/** A review whose turn it is not: one before it was not recorded. */
export class OutOfTurn extends Error {}

/** A review that was passed over, for what is its `cause`: a bug. */
export class PassedOver extends Error {}

/** How far the reviews of the spool have been taken: each runs once, and after the one before it. */
export class SpoolCursor {
  /** The last that was run, the last that is settled, and the last of which a commit tells. */
  private lastRun: number;
  private lastSettled: number;
  private lastTaken: number;
  /** Of reviews that were run since a commit told of one. */
  private bytesSinceCursorCommit = 0;
  /** Of the commit that is on its way. */
  private committing = { taken: 0, bytes: 0 };

  /** `taken`: the last review that the ledger has taken. `miss`: told of one that came at a moment (ms), and is passed over. */
  constructor(
    taken: number,
    private readonly miss: (at: number) => void,
  ) {
    this.lastRun = this.lastSettled = this.lastTaken = taken;
  }

  /** The last review that is in the ledger, or needs not be. */
  get taken(): number {
    return this.lastTaken;
  }

  /** The last that was run: the next one's turn it is. */
  get reached(): number {
    return this.lastRun;
  }

  /** Whether it should be committed how far it is, even if there is nothing else to commit. */
  get isDue(): boolean {
    return this.lastRun >= this.lastTaken + MAX_UNTOLD || this.bytesSinceCursorCommit >= MAX_UNTOLD_BYTES;
  }

  /**
   * Runs the work for a review that came at a moment (ms). `last`: of those that one job stands for. Rejects with OutOfTurn, with PassedOver where it cannot be
   * recorded, or as the ledger fails.
   */
  async inTurn<T>(number: number, at: number, work: () => Promise<T>, bytes = 0, last = number): Promise<T> {
    if (number !== this.lastRun + 1) throw new OutOfTurn(`review ${number} of the spool comes after ${this.lastRun}`);
    try {
      const result = await work();
      this.goOn(last, bytes);
      return result;
    } catch (error) {
      // It may be recorded when the ledger can be read again.
      if (isOfLedger(error)) throw error;
      this.goOn(last, bytes);
      this.miss(at);
      throw new PassedOver(messageOf(error), { cause: error });
    }
  }

  private goOn(last: number, bytes: number): void {
    this.lastRun = last;
    this.bytesSinceCursorCommit += bytes;
  }

  /** Returns how far the reviews are taken once the commit that begins is durable. */
  beginCommit(): number {
    this.committing = { taken: this.lastRun, bytes: this.bytesSinceCursorCommit };
    return this.lastRun;
  }

  committed(): void {
    const { taken, bytes } = this.committing;
    this.bytesSinceCursorCommit -= bytes;
    this.lastSettled = this.lastTaken = taken;
  }

  /** What was run left nothing to commit. */
  settled(): void {
    this.lastSettled = this.lastRun;
  }

  undo(): void {
    // Not behind what was told: nobody would hand it over again, and nothing after it would have its turn.
    this.lastRun = this.lastSettled;
  }
}
