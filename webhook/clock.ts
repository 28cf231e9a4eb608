/** The present, the same for all threads of a server: the machine's, unless a test lets it stand at another. */
export class Clock {
  private readonly standing: BigInt64Array;

  /** `memory`: that of another thread's. */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.standing = new BigInt64Array(memory);
  }

  /** ms since 1970. */
  now(): number {
    const at = Atomics.load(this.standing, 0);
    return at === 0n ? Date.now() : Number(at);
  }

  /** From now on it is this time (ms). */
  standAt(at: number): void {
    Atomics.store(this.standing, 0, BigInt(Math.round(at)));
  }
}
