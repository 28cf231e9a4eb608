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

  /** Tells that it is, where it was not known yet; true where the reader sleeps, and must be woken by a message. */
  advance(number: number): boolean {
    // The reader looks for itself at the start, while the writer may add already: it never goes back.
    for (let known = this.through; known < number;) {
      const found = Number(Atomics.compareExchange(this.words, WORDS.through, BigInt(known), BigInt(number)));
      if (found === known) break;
      known = found;
    }
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
