import { KubeblameError } from '../../../../shared/errors.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { CommitQueue } from '../recorder/commit-queue.ts';
import { isOfLedger } from '../../../ledger/port/failures.ts';
import type { Fact } from './held-facts.ts';

/** Puts facts in order with the reviews that were answered: intake.ts. */
export interface Turns {
  /** `mayWait`: for others to share a commit with. */
  hold(fact: Fact, mayWait: boolean): void;
  /** What waits shall wait no longer. */
  hurry(): void;
}

/** What a list or watch shows of an object. */
export interface ObjectFact {
  object: ObjectRef;
  resourceVersion: string;
  /** Reads it, where it was not yet. */
  read?: () => void;
  /** When (ms). */
  at: number;
  mayWait: boolean;
}

export interface FactsInTurnOptions {
  /** Without it, each is recorded at once. */
  turns: Turns | undefined;
  queue: CommitQueue;
  cursor: { readonly reached: number };
  /** Told of one that cannot be recorded: a bug. Resolves when that is told to the ledger, too. */
  lost: (error: unknown, fact: ObjectFact) => Promise<void>;
}

/** Records facts behind the reviews that were answered before them: what is seen now may be what they have made. */
export class FactsInTurn {
  /** How often commits were undone. */
  private undone = 0;

  constructor(private readonly options: FactsInTurnOptions) {}

  /**
   * Takes in what a list or watch shows. What cannot be recorded is passed over, and told: otherwise it would stand in the way of all
   * others of its type for ever. `work` gets the time for it (ms).
   */
  async take(fact: ObjectFact, work: (at: number) => Promise<void>): Promise<void> {
    try {
      await this.run(work, fact);
    } catch (error) {
      if (!isBug(error)) throw error;
      try {
        // In a commit of its own: it may be another fact's fault.
        await this.run(work, { ...fact, mayWait: false }, true);
      } catch (again) {
        if (!isBug(again)) throw again;
        await this.options.lost(again, fact);
      }
    }
  }

  /** Runs something behind the reviews that were answered before. */
  run<T>(work: (at: number) => Promise<T>, shown: ObjectFact | null = null, alone = false): Promise<T> {
    const { undone } = this;
    const { turns, queue, cursor } = this.options;
    return new Promise((resolve, reject) => {
      const refuse: (error: unknown) => void = reject;
      const enter = (after: number, notAfter = Infinity): void => {
        try {
          // Now, right behind the review of the same change, and not when the job runs: it says mostly the same (review-reader.ts).
          shown?.read?.();
        } catch (error) {
          refuse(error);
          return;
        }
        const job = async (): Promise<T> => {
          // They were handed over, and undone since, or could not be run: they are tried again, and so may this be.
          if (cursor.reached < after) {
            throw new KubeblameError('ledger-unwritable', `review ${after} of the spool could not be recorded yet`);
          }
          // Otherwise what was shown before it would be taken for older, when it is shown again. One that is tried alone is in order.
          if (shown !== null && !alone && this.undone !== undone) {
            throw new KubeblameError('ledger-unwritable', 'what was shown before it could not be recorded yet');
          }
          return work(Math.min(shown?.at ?? Infinity, notAfter));
        };
        queue.add(job, alone).then(resolve, reject);
      };
      if (turns === undefined) enter(0);
      else turns.hold({ shown, enter, refuse }, shown?.mayWait === true);
    });
  }

  /** What waits to be recorded shall wait no longer. */
  hurry(): void {
    this.options.turns?.hurry();
  }

  /** A commit was undone. */
  undo(): void {
    this.undone++;
  }
}

/** False where the same will do another time: when the ledger can be written, or the server runs again. */
function isBug(error: unknown): boolean {
  return !isOfLedger(error) && !(error instanceof KubeblameError && error.code === 'closing');
}
