/** Reviews and observations come in another order than they were made, by no more than so much: that is no clock that was set. */
const SET_BACK_MS = 5_000;

/** Gives each job the time that is recorded for it (ms): never before that of the last one. */
export class RecordedTimes {
  /** Of the job that runs. */
  now = 0;
  /** Of the last job that was run, of the last that is being committed, and of the last that is durable. */
  private last: number;
  private committing: number;
  private durable: number;
  /** What came with the last job, whatever was recorded for it. */
  private lastGiven: number | null = null;

  /** `newest`: the last time that the ledger has; 0 where it has none. */
  constructor(newest: number) {
    this.last = this.committing = this.durable = newest;
  }

  get newest(): number {
    return this.last;
  }

  /** A job begins that is about something which came at a moment. */
  begin(at: number): void {
    this.now = this.timeFor(at);
  }

  /** The job has succeeded. */
  end(): void {
    this.last = this.now;
  }

  beginCommit(): void {
    this.committing = this.last;
  }

  committed(): void {
    this.durable = this.committing;
  }

  undo(): void {
    this.last = this.durable;
  }

  /**
   * Where the clock was set back by more than a moment, times go on at half its speed until it has come there again: what happens
   * meanwhile has not all one time.
   */
  private timeFor(at: number): number {
    const given = this.lastGiven ?? at;
    const behind = this.last - at;
    if (behind <= SET_BACK_MS) {
      this.lastGiven = at;
      return Math.max(at, this.last);
    }
    const advance = Math.floor((at - given) / 2);
    // Otherwise many that come within a millisecond would never go on.
    if (advance !== 0) this.lastGiven = at;
    return this.last + Math.min(Math.max(advance, 0), behind);
  }
}
