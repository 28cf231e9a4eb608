/** A difference up to this is followed at once: the corrections of NTP, and a leap second (ms). */
export const JUMP_MS = 5_000;

const [STANDING, OFFSET, SHIFT, SLOTS] = [0, 1, 2, 3] as const;

/**
 * The present, the same for all threads of a server. Once `follow` or `startAt` was called it goes on by the machine's monotonic
 * clock, which nobody can set: where the machine's clock jumps, the jump is held until somebody decides to follow it
 * (clock-watch.ts; docs/decisions/0038).
 */
export class Clock {
  private readonly slots: BigInt64Array;

  /** `memory`: that of another thread's. */
  constructor(readonly memory = new SharedArrayBuffer(SLOTS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.slots = new BigInt64Array(memory);
  }

  /** ms since 1970. */
  now(): number {
    const standing = this.load(STANDING);
    if (standing !== 0) return standing;
    const wall = this.wall();
    return Math.abs(this.difference()) <= JUMP_MS ? wall : wall - this.difference();
  }

  /** What the machine's clock says, whether or not it is followed (ms). */
  wall(): number {
    return Date.now() + this.load(SHIFT);
  }

  /** How far the machine's clock is ahead of the time that has gone on since it was followed last (ms). */
  difference(): number {
    const offset = this.load(OFFSET);
    return offset === 0 || this.isStanding ? 0 : this.wall() - monotonic() - offset;
  }

  /** From now on it is what the machine's clock says. */
  follow(): void {
    this.startAt(this.wall());
  }

  /** From now on it is this time (ms), and goes on. */
  startAt(at: number): void {
    this.store(OFFSET, at - monotonic());
  }

  /** For tests: it is this time (ms), and does not go on. */
  standAt(at: number): void {
    this.store(STANDING, at);
  }

  /** For tests: the machine's clock is set so much ahead (ms) of what it says. */
  setMachineAhead(ms: number): void {
    this.store(SHIFT, ms);
  }

  get isStanding(): boolean {
    return this.load(STANDING) !== 0;
  }

  private load(slot: number): number {
    return Number(Atomics.load(this.slots, slot));
  }

  private store(slot: number, value: number): void {
    Atomics.store(this.slots, slot, BigInt(Math.round(value)));
  }
}

/** ms of a clock that only goes forward, the same for all threads of the process. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
