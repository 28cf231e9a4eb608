interface Waiting {
  through: number;
  /** How often the ledger has failed since. */
  failures: number;
  settle: (settled: boolean) => void;
}

/** Those who wait until the reviews up to a number are in the ledger. */
export class Asked {
  /** In the order of their numbers. */
  private waiting: Waiting[] = [];

  get isAny(): boolean {
    return this.waiting.length > 0;
  }

  /**
   * Resolves when the reviews up to a number are in the ledger, or it does not take them at present; to false where that takes
   * longer than `withinMs`. `failing`: whether the ledger fails already.
   */
  wait(through: number, withinMs: number, failing: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = (): void => {
        this.waiting = this.waiting.filter((other) => other !== one);
        resolve(false);
      };
      const timer = withinMs === Infinity ? undefined : setTimeout(giveUp, withinMs);
      const settle = (settled: boolean): void => {
        clearTimeout(timer);
        resolve(settled);
      };
      const one: Waiting = { through, failures: failing ? 1 : 0, settle };
      this.waiting.push(one);
    });
  }

  /** The reviews up to a number are in the ledger. */
  reach(number: number): void {
    const first = this.waiting.findIndex(({ through }) => through > number);
    for (const { settle } of this.waiting.splice(0, first === -1 ? this.waiting.length : first)) settle(true);
  }

  /** The ledger has failed. Whoever asked waits for one more try: the next moment may bring it. */
  fail(): void {
    for (const one of this.waiting) one.failures++;
    for (const { settle } of this.waiting.filter(({ failures }) => failures > 1)) settle(true);
    this.waiting = this.waiting.filter(({ failures }) => failures <= 1);
  }
}
