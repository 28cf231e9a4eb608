/** Lets one loop wait until something has changed, or for some time. */
export class Wake {
  private waiting: (() => void) | null = null;

  /** Resolves at the next call, or after so many ms. One waits at a time. */
  wait(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.call(), ms);
      this.waiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  call(): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.();
  }
}
