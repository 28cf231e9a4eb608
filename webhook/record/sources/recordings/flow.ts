/** So many reviews wait for their commit at once: they share it. */
const IN_FLIGHT = 256;

/** Lets some promises be under way at once, and rejects as the first that fails. */
export class Flow {
  private readonly open = new Set<Promise<void>>();
  private failure: { error: unknown } | null = null;

  async add(work: Promise<void>): Promise<void> {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.open.delete(tracked));
    this.open.add(tracked);
    if (this.open.size >= IN_FLIGHT) await Promise.race(this.open);
    this.check();
  }

  async done(): Promise<void> {
    await Promise.all(this.open);
    this.check();
  }

  private check(): void {
    if (this.failure !== null) throw this.failure.error;
  }
}
