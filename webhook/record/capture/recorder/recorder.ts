import { KubeblameError } from '../../../../shared/errors.ts';
import type { Seen } from '../../../../shared/interpret.ts';
import type { Review } from '../../../../shared/review.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import { lossText, lostFactText, unreviewedText } from '../../../ledger/port/intervals.ts';
import type { CoverageEvent, LedgerStore } from '../../../ledger/port/port.ts';
import { readShown, type Shown } from '../../../platform/kubernetes/watch/shown.ts';
import type { Audited, AuditedRequest } from '../audit/audited-request.ts';
import { asReview } from '../audit/as-review.ts';
import { captureAudited } from '../audit/capture-audit.ts';
import { auditWithoutSecrets } from '../audit/without-secrets.ts';
import { ReviewCapture } from '../bodiless/review-capture.ts';
import { DEFINITIONS } from '../endings/enclosing-scopes.ts';
import { dropUnseen, endPage, observeAbsent, observeGone, type OpenAttempt } from '../endings/ending.ts';
import { Endings, endingsLeft } from '../endings/endings.ts';
import { FactsInTurn, type ObjectFact } from '../intake/facts-in-turn.ts';
import { UnreviewedChanges } from '../late/unreviewed.ts';
import { Draft } from '../objects/draft.ts';
import { ObjectMemory } from '../objects/object-memory.ts';
import { replicasPathsOf } from '../objects/scale.ts';
import { isKnownFact } from '../outcomes/known-fact.ts';
import { reconcileFact } from '../outcomes/reconcile-fact.ts';
import { Batch } from './batch.ts';
import { CommitQueue } from './commit-queue.ts';
import { seenWithoutSecrets } from './confidential.ts';
import { whereFullTold, type Place, type Recorded, type RecorderOptions } from './options.ts';
import { RecordedTimes } from './recorded-times.ts';
import { SpoolCursor } from './spool-cursor.ts';

const MAX_BATCH = 256;
/** How far back attempts are looked for that a watch never showed. */
const SWEEP_BACK_MS = 10 * 60 * 1000;

/**
 * Turns reviews and observations into changes, one after another, and makes them durable in groups. The ledger's one
 * writer.
 */
export class Recorder {
  readonly store: LedgerStore;
  private readonly cursor: SpoolCursor;
  private readonly times: RecordedTimes;
  private readonly batch: Batch;
  private readonly memory: ObjectMemory;
  private readonly queue: CommitQueue;
  private readonly facts: FactsInTurn;
  private readonly endings: Endings;
  private readonly unreviewed: UnreviewedChanges;
  private readonly reviews: ReviewCapture;
  /** At the first sweep all that an earlier process left open is looked at. */
  private sweptFrom = 0;

  private constructor(
    private readonly options: RecorderOptions,
    last: { seq: number; at: number } | null,
    taken: number,
  ) {
    this.store = options.store;
    this.cursor = new SpoolCursor(taken, (at) => this.miss(1, at));
    this.times = new RecordedTimes(last?.at ?? 0);
    this.batch = new Batch(last?.seq ?? 0);
    this.memory = new ObjectMemory(options.store, this.batch, this.times);
    this.reviews = new ReviewCapture(options, this.memory);
    this.unreviewed = new UnreviewedChanges(options.isSent ?? (() => false));
    this.queue = new CommitQueue({
      commit: () => this.commit(),
      rollback: () => this.rollback(),
      maxBatch: MAX_BATCH,
    });
    this.facts = new FactsInTurn({
      turns: options.turns,
      queue: this.queue,
      cursor: this.cursor,
      lost: (error, { object, at }) => {
        options.lostFact?.(error, object);
        return this.cover('lost', lostFactText(object), at);
      },
    });
    this.endings = new Endings({
      endPage: (ending) => this.queue.add(() => this.job(this.times.newest, (draft) => endPage(draft, ending))),
      failing: (error) => options.failing?.(error),
    });
  }

  static async open(options: RecorderOptions): Promise<Recorder> {
    const { store } = options;
    const last = await store.last();
    const recorder = new Recorder(options, last, await store.taken());
    if (last !== null) {
      recorder.endings.add(await endingsLeft(store, last.at));
      await recorder.unreviewed.recall(store, last.at);
    }
    return recorder;
  }

  /** The last review of the spool that is in the ledger, or needs not be. */
  get taken(): number {
    return this.cursor.taken;
  }

  /** The last that was run: the next one's turn it is. */
  get reached(): number {
    return this.cursor.reached;
  }

  /** Reviews and observations that wait. */
  get depth(): number {
    return this.queue.depth;
  }

  /**
   * Records a review that was received at `at` (ms). Resolves when it is durable; rejects where it is not recorded: `closing`,
   * the ledger-* errors, or a bug's own. `bytes` is its size. One of the spool rejects with PassedOver for the latter, or OutOfTurn.
   */
  record(review: Review, at: number, bytes: number, place?: Place): Promise<Recorded> {
    const work = async (): Promise<Recorded> => {
      const capture = this.reviews.of(review, place);
      return typeof capture === 'string' ? capture : this.job(at, capture, bytes);
    };
    return this.queue.add(() => (place === undefined ? work() : this.cursor.inTurn(place.number, at, work, bytes)));
  }

  /**
   * Takes in a request of the API server's audit log. Resolves when it is durable. An older one than what was recorded last keeps the time
   * at which it happened; it comes in at the end of the ledger all the same.
   */
  audit(request: AuditedRequest): Promise<Audited | 'excluded'> {
    const { predicates, redactor } = this.options;
    return this.facts.run(async () => {
      if (!predicates.includes(asReview(request, null))) return 'excluded';
      if (this.options.disk?.isFull === true)
        throw new KubeblameError('ledger-full', 'the disk is full: nothing of the audit log is recorded');
      const at = Math.max(Math.floor(request.record.answeredAt), this.times.newest);
      return this.job(at, async (draft) => captureAudited(draft, await auditWithoutSecrets(draft, request, redactor)));
    });
  }

  /** Passes over a review of the spool that came at `at` (ms) and cannot be recorded, or all up to another one. */
  skip(number: number, at: number, last = number): Promise<void> {
    const work = (): Promise<void> => Promise.resolve(this.miss(1 + last - number, at));
    return this.queue.add(() => this.cursor.inTurn(number, at, work, 0, last));
  }

  /** Goes on behind numbers of the spool that nobody was given: epochs.ts. */
  goOn(number: number, at: number, last: number): Promise<void> {
    return this.queue.add(() => this.cursor.inTurn(number, at, () => Promise.resolve(), 0, last));
  }

  /**
   * Takes in the API server's own word about an object, from a list or a watch. `since`: what happened to it before
   * that moment (ms) has been taken in already; 0 where nothing has. `mayWait`: it may be durable half a second later. What is
   * shown of one object must come in the order of its versions.
   */
  observe(object: ObjectRef, shown: Shown, at: number, since = 0, mayWait = false): Promise<void> {
    if (this.isOnlyRead(object)) {
      this.memory.define(object.name, replicasPathsOf(readShown(shown).body));
      return Promise.resolve();
    }
    const { resourceVersion } = shown;
    return this.takeFact({ object, resourceVersion, at, mayWait, read: () => readShown(shown) }, (when) =>
      this.job(when, async (draft) => {
        const clean = await seenWithoutSecrets(draft, object, readShown(shown), this.options.redactor);
        await reconcileFact(draft, { object, seen: clean, reason: 'the watch shows it', since });
      }),
    );
  }

  /** Whether a list or a watch would tell nothing new of an object. Nothing is recorded. */
  hasFact(object: ObjectRef, seen: Seen, gone: boolean): Promise<boolean> {
    const { redactor } = this.options;
    return this.queue.add(() => isKnownFact(new Draft(this.memory), object, seen, gone, redactor));
  }

  /** Takes in that an object is gone since a version. */
  observeGone(object: ObjectRef, resourceVersion: string, at: number, since = 0, mayWait = false): Promise<void> {
    if (this.isOnlyRead(object)) {
      this.memory.define(object.name, null);
      return Promise.resolve();
    }
    return this.takeFact({ object, resourceVersion, at, mayWait }, (when) =>
      this.job(when, (draft) => observeGone(draft, object, resourceVersion, 'the watch shows it', null, since)),
    );
  }

  /** Takes in that a whole list of its type, at a version, does not have the object. */
  observeAbsent(object: ObjectRef, resourceVersion: string, at: number, since = 0): Promise<void> {
    return this.takeFact({ object, resourceVersion, at, mayWait: false }, (when) =>
      this.job(when, (draft) => observeAbsent(draft, object, resourceVersion, since)),
    );
  }

  /**
   * Drops the open attempts of which `covered` says that they would have been seen by now. Resolves with those that stay
   * open.
   */
  settleUnseen(covered: (attempt: OpenAttempt) => boolean, at: number): Promise<OpenAttempt[]> {
    return this.facts.run(() =>
      this.job(at, async (draft) => {
        const left = await dropUnseen(draft, covered, this.sweptFrom);
        // What is older stays unverified: everything that could tell has had its time.
        this.sweptFrom = await this.store.seqAt(at - SWEEP_BACK_MS);
        return left;
      }),
    );
  }

  /** Records something that decides whether what happens is recorded. */
  cover(event: CoverageEvent, detail: string, at: number): Promise<void> {
    return this.facts.run(() => Promise.resolve(this.tell(event, detail, at)));
  }

  /** Tells of the changes that only a list or watch showed, and whose reviews would have come by now (ms). */
  coverUnreviewed(now: number): Promise<void> {
    return this.facts.run(() => {
      for (const { change, from, to } of this.unreviewed.due(now)) {
        this.tell('unreviewed', unreviewedText(change.seq, change.object, from, to), now);
      }
      return Promise.resolve();
    });
  }

  /**
   * Does something to the store itself between two appends, such as a fold. What memory knows of objects is read again
   * after it.
   */
  maintain<T>(work: () => Promise<T>): Promise<T> {
    const job = async (): Promise<T> => {
      try {
        return await whereFullTold(this.options.disk, work);
      } finally {
        this.memory.forget();
      }
    };
    return this.queue.add(job, true);
  }

  /** Resolves when what was in a namespace that has ended, or of a definition that has, has ended too. */
  contentsEnded(): Promise<void> {
    return this.endings.done();
  }

  /** Takes nothing more; resolves when all that was taken is settled. Contents that are still to end are left to the next start. */
  async close(): Promise<void> {
    await this.endings.close();
    await this.queue.close();
  }

  /** What waits to be recorded shall wait no longer. */
  hurry(): void {
    this.facts.hurry();
  }

  /** A definition where a rule leaves out all of them: what it says of its type is needed, and not recorded. */
  private isOnlyRead({ group, resource }: ObjectRef): boolean {
    const isDefinition = group === DEFINITIONS.group && resource === DEFINITIONS.resource;
    return isDefinition && this.options.predicates.skipsResource(group, resource);
  }

  /** Takes in what a list or watch shows; not while the disk is full: it has a body, and whoever shows it tries again. */
  private takeFact(fact: ObjectFact, work: (at: number) => Promise<void>): Promise<void> {
    return this.facts.take(fact, async (at) => {
      if (this.options.disk?.isFull === true)
        throw new KubeblameError('ledger-full', 'the disk is full: nothing that was observed is recorded');
      await work(at);
    });
  }

  private tell(event: CoverageEvent, detail: string, at: number): void {
    this.unreviewed.covered(event, at);
    this.batch.cover({ at: Math.max(at, this.times.newest), event, detail });
    this.options.events?.covered(event);
  }

  /** In the commit that says that they were taken: nobody would know later that they are missing. */
  private miss(count: number, at: number): void {
    this.tell('lost', lossText(count), at);
  }

  /** Runs a job on a draft of its own, and takes over what it added only where it succeeds. `bytes`: of its review. */
  private async job<T>(at: number, work: (draft: Draft) => Promise<T>, bytes = 0): Promise<T> {
    this.times.begin(at);
    const draft = new Draft(this.memory);
    const result = await work(draft);
    this.batch.add(draft);
    this.memory.add(draft, bytes);
    this.reviews.charge(draft);
    this.times.end();
    return result;
  }

  private async commit(): Promise<void> {
    const { cursor, times, batch, memory } = this;
    memory.beginCommit();
    if (batch.isEmpty && !cursor.isDue) {
      cursor.settled();
      memory.committed();
      return;
    }
    const at = times.newest;
    const taken = cursor.beginCommit();
    times.beginCommit();
    const { changes, outcomes, coverage, endings } = batch.beginCommit();
    const started = performance.now();
    await whereFullTold(this.options.disk, () => this.store.append({ changes, outcomes, coverage, taken }));
    cursor.committed();
    times.committed();
    batch.committed();
    memory.committed();
    this.endings.add(endings);
    for (const seq of this.unreviewed.committed(changes, outcomes))
      this.queue.add(() => Promise.resolve(this.tell('reviewed', `change ${seq}`, at))).catch(() => undefined);
    this.options.events?.committed(changes.length, (performance.now() - started) / 1000);
  }

  private rollback(): void {
    this.facts.undo();
    this.cursor.undo();
    this.times.undo();
    this.batch.undo();
    this.memory.forget();
  }
}
