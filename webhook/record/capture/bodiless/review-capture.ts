import { requireRecordable, type Review } from '../../../../shared/review.ts';
import { captureReview } from '../objects/capture.ts';
import { Draft } from '../objects/draft.ts';
import type { Memory } from '../objects/memory.ts';
import { reviewWithoutMatches, reviewWithoutSecrets } from '../recorder/confidential.ts';
import type { Place, Recorded, RecorderOptions } from '../recorder/options.ts';
import { AttemptBudget, requestBytes } from './attempt-budget.ts';
import { captureBodiless, START_LENGTH } from './bodiless.ts';

/** Captures reviews without their confidential values, and without their bodies where there is no room for these. */
export class ReviewCapture {
  private readonly budget = new AttemptBudget();

  constructor(
    private readonly options: Pick<RecorderOptions, 'redactor' | 'predicates' | 'disk' | 'events' | 'overBudget'>,
    private readonly memory: Memory,
  ) {}

  /**
   * Returns what captures a review on a draft; why it is left out, where a rule says so. `place`: where it is in the spool. Throws
   * review-invalid.
   */
  of(review: Review, place: Place | undefined): Recorded | ((draft: Draft) => Promise<Recorded>) {
    const { predicates, redactor, events, disk } = this.options;
    const leftOut = predicates.leftOut(review);
    if (leftOut !== null) return leftOut;
    requireRecordable(review);
    const without = place === undefined ? reviewWithoutMatches(review, redactor) : review;
    return async (draft) => {
      const clean = await reviewWithoutSecrets(draft, without, redactor, place?.redacted === true);
      const reason = disk?.isFull === true ? 'disk-full' : (await this.isOverBudget(clean)) ? 'budget' : null;
      if (reason === null) return captureReview(draft, clean);
      events?.bodyNotKept(reason);
      return captureBodiless(draft, clean, reason, reason === 'budget' ? START_LENGTH : 0);
    };
  }

  /** Counts what a job has added, and what it has settled. */
  charge({ changes, outcomes }: Draft): void {
    for (const change of changes) {
      const [bytes, username] = [requestBytes(change), change.actor?.username];
      if (bytes <= START_LENGTH || username === undefined) continue;
      if (this.budget.add(change, username, bytes)) this.options.overBudget?.(username);
    }
    for (const { seq, outcome } of outcomes) if (outcome === 'committed') this.budget.persisted(seq);
  }

  /** Whether a review would add more than a little for a user who has asked for too much that was not persisted. */
  private async isOverBudget(review: Review): Promise<boolean> {
    if (!this.budget.isSpent(review.actor.username, this.memory.at)) return false;
    const trial = new Draft(this.memory);
    await captureReview(trial, review);
    return trial.changes.some((change) => requestBytes(change) > START_LENGTH);
  }
}
