/*
 * How far the spool is durable, in memory that its writer's thread and its reader's share: a message for each review would
 * cost as much as the review.
 */

/** Words of the shared memory. */
const WORDS = { through: 0, awake: 1 };

export class Progress {
  private readonly words: BigInt64Array;

  /** `memory`: that of the other thread's. */
  constructor(readonly memory = new SharedArrayBuffer(8 * Object.keys(WORDS).length)) {
    this.words = new BigInt64Array(memory);
  }

  /** The last review that is durable. */
  get through(): number {
    return Number(Atomics.load(this.words, WORDS.through));
  }

  /** Tells that it is; true where the reader sleeps, and must be woken by a message. */
  advance(number: number): boolean {
    Atomics.store(this.words, WORDS.through, BigInt(number));
    return Atomics.exchange(this.words, WORDS.awake, 1n) === 0n;
  }

  /** The reader, which has come to a number, may sleep; false where there is more. */
  sleep(reached: number): boolean {
    Atomics.store(this.words, WORDS.awake, 0n);
    if (this.through <= reached) return true;
    // Whoever sets it first goes on: a second message would do no harm.
    Atomics.store(this.words, WORDS.awake, 1n);
    return false;
  }
}
