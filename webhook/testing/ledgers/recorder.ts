import { Redactor } from '../../../shared/redact.ts';
import type { RedactionRule } from '../../../shared/redaction-rules.ts';
import { readReview } from '../../../shared/review.ts';
import { reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import { Predicates, type Predicate } from '../../record/rules/predicates.ts';
import type { Fact } from '../../record/capture/intake/held-facts.ts';
import type { Turns } from '../../record/capture/intake/facts-in-turn.ts';
import type { Recorded } from '../../record/capture/recorder/options.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import type { LedgerStore, StoredChange } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';

/** The key that tests redact with. */
export const TEST_KEY = Buffer.from('test key');

/** Lets facts in at once, or when a test says so. */
class TestTurns implements Turns {
  held: Fact[] | null = null;

  hold(fact: Fact, mayWait: boolean): void {
    if (this.held === null || !mayWait) fact.enter(0);
    else this.held.push(fact);
  }

  hurry(): void {
    const { held } = this;
    this.held = null;
    for (const fact of held ?? []) fact.enter(0);
  }
}

/** A recorder on a new ledger, with a clock that goes on by a second a review. */
export class TestRecorder {
  at = Date.parse('2026-11-22T05:00:00Z');

  private constructor(
    readonly store: LedgerStore,
    readonly recorder: Recorder,
    private readonly turns: TestTurns,
  ) {}

  static async open(path: string, rules: Predicate[] = [], redact: RedactionRule[] = []): Promise<TestRecorder> {
    const store = openSqliteStore(path, 'test', Date.parse('2026-11-22T05:00:00Z'));
    const turns = new TestTurns();
    const recorder = await Recorder.open({
      store,
      redactor: new Redactor(TEST_KEY, redact),
      predicates: new Predicates(rules),
      turns,
      isSent: ({ object, operation }) => !new Predicates(rules).mayLeaveOut(object, operation),
    });
    return new TestRecorder(store, recorder, turns);
  }

  /** What may wait of what is seen does so from now on, until `letIn`. */
  hold(): void {
    this.turns.held = [];
  }

  get heldFacts(): number {
    return this.turns.held?.length ?? 0;
  }

  letIn(): void {
    this.turns.hurry();
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
