/**
 * A bound in bytes over what many have in hand at once. Whoever wants to take something in waits until there is room for
 * it; whoever came first goes first, so that nothing large waits for ever. What is larger than the whole budget goes
 * alone.
 */
export class ByteBudget {
  private used = 0;
  private readonly waiting: { bytes: number; enter: () => void }[] = [];

  /** `crowded`: told when somebody must wait. */
  constructor(
    private readonly maxBytes: number,
    private readonly crowded: () => void = () => undefined,
  ) {}

  /** Resolves when there is room. Give the same number of bytes back with `give`. */
  take(bytes: number): Promise<void> {
    if (this.waiting.length === 0 && this.hasRoom(bytes)) {
      this.used += bytes;
      return Promise.resolve();
    }
    return new Promise((enter) => {
      this.waiting.push({ bytes, enter });
      this.crowded();
    });
  }

  give(bytes: number): void {
    this.used -= bytes;
    for (let first = this.waiting[0]; first !== undefined && this.hasRoom(first.bytes); first = this.waiting[0]) {
      this.waiting.shift();
      this.used += first.bytes;
      first.enter();
    }
  }

  private hasRoom(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.maxBytes;
  }
}
