import { Redactor } from '../../../shared/redact.ts';
import type { RedactionRule } from '../../../shared/redaction-rules.ts';
import { readReview } from '../../../shared/review.ts';
import { reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import { Predicates, type Predicate } from '../../record/rules/predicates.ts';
import { Recorder, type Recorded } from '../../record/capture/recorder/recorder.ts';
import type { LedgerStore, StoredChange } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';

/** The key that tests redact with. */
export const TEST_KEY = Buffer.from('test key');

/** A recorder on a new ledger, with a clock that goes on by a second a review. */
export class TestRecorder {
  at = Date.parse('2026-11-22T05:00:00Z');

  private constructor(
    readonly store: LedgerStore,
    readonly recorder: Recorder,
  ) {}

  static async open(path: string, rules: Predicate[] = [], redact: RedactionRule[] = []): Promise<TestRecorder> {
    const store = openSqliteStore(path, 'test', Date.parse('2026-11-22T05:00:00Z'));
    const recorder = await Recorder.open({
      store,
      redactor: new Redactor(TEST_KEY, redact),
      predicates: new Predicates(rules),
      isSent: ({ object, operation }) => !new Predicates(rules).mayLeaveOut(object, operation),
    });
    return new TestRecorder(store, recorder);
  }

  /** Records a review a second after the last one. */
  review(options: ReviewOptions = {}): Promise<Recorded> {
    this.at += 1000;
    return this.recorder.record(readReview(reviewDocument(options)), this.at, 0);
  }

  /** All changes, oldest first. */
  async changes(): Promise<StoredChange[]> {
    await this.recorder.contentsEnded();
    return (await this.store.changes({}, 10_000)).reverse();
  }

  /** Seq, operation, source and outcome of all changes: what most tests are about. */
  async summary(): Promise<string[]> {
    return (await this.changes()).map(
      (change) =>
        `${change.seq} ${change.source} ${change.operation} ${change.outcome}${change.resourceVersion === '' ? '' : `@${change.resourceVersion}`}`,
    );
  }

  async close(): Promise<void> {
    await this.recorder.close();
    await this.store.close();
  }
}
