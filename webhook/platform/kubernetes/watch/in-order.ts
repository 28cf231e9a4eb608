/** Works that are under way at once, and count as done in the order in which they were begun. */
export class InOrder {
  private last: Promise<void> = Promise.resolve();
  private hasFailed = false;

  /** `failed`: told when the first one fails; none behind it counts as done. */
  constructor(private readonly failed: () => void) {}

  /** `work` resolves to what is to be done when it and all before it are done. */
  add(work: Promise<() => void>): void {
    // It is waited for below; where one before it fails, nobody does.
    work.catch(() => undefined);
    this.last = this.last.then(() => work).then((done) => done());
    this.last.catch(() => {
      if (this.hasFailed) return;
      this.hasFailed = true;
      this.failed();
    });
  }

  /** Resolves when all are done; rejects as the first that failed did. */
  done(): Promise<void> {
    return this.last;
  }
}
