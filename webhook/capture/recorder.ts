import { LRUCache } from 'lru-cache';
import type { Seen } from '../../shared/interpret.ts';
import type { Redactor } from '../../shared/redact.ts';
import type { Review } from '../../shared/review.ts';
import type { ObjectRef } from '../../shared/types.ts';
import type { CoverageEvent, LedgerStore, NewChange, NewCoverage, NewOutcome } from '../store/port.ts';
import { captureReview } from './capture.ts';
import { CommitQueue } from './commit-queue.ts';
import { Draft, withIncarnations, type Memory, type Recent } from './draft.ts';
import { headKey, nameKey, versionOf, type Head } from './head.ts';
import { dropUnseen, observeAbsent, observeGone, type OpenAttempt } from './ending.ts';
import { observe } from './observe.ts';
import type { Predicates } from './predicates.ts';

/** What became of a review here: stored, or why not. */
export type Recorded = 'recorded' | 'dry-run' | 'excluded' | 'unchanged';

/** Told what the recorder does, for the metrics. */
export interface RecorderEvents {
  /** So many changes became durable together, which took so long. */
  committed(changes: number, seconds: number): void;
  covered(event: CoverageEvent): void;
}

export interface RecorderOptions {
  store: LedgerStore;
  redactor: Redactor;
  predicates: Predicates;
  events?: RecorderEvents;
  limits?: QueueLimits;
}

/**
 * Objects whose head is kept in memory, about 1 KiB each; the rest is read again. Far more than one batch can touch:
 * a head that waits for its commit must not be put out.
 */
const HEADS = 10_000;
/**
 * Changes that are kept in memory, by the bytes of their reviews: the next review of an object mostly builds on one that
 * was added a moment ago, and need not read and unpack it. Their bodies share most of their parts.
 */
const RECENT_BYTES = 2 * 1024 * 1024;
const MAX_BATCH = 256;
/** Bounds what waits: at some 10 KB a review the bytes bind first, at 64 MiB. More is refused with `overloaded`. */
export const QUEUE_LIMITS = { maxWaiting: 10_000, maxWaitingBytes: 64 * 1024 * 1024 };
export type QueueLimits = typeof QUEUE_LIMITS;

/** How far back attempts are looked for that a watch never showed. */
const SWEEP_BACK_MS = 10 * 60 * 1000;

/**
 * Turns reviews and observations into changes, one after another, and makes them durable in groups. The ledger's one
 * writer.
 */
export class Recorder implements Memory {
  readonly store: LedgerStore;
  private readonly heads = new LRUCache<string, Head>({ max: HEADS });
  /** The incarnations of names that were asked for, the newest first. */
  private readonly names = new LRUCache<string, readonly ObjectRef[]>({ max: HEADS });
  private readonly recentChanges = new LRUCache<number, Recent>({ maxSize: RECENT_BYTES });
  private readonly queue: CommitQueue;
  /** Being committed. */
  private committing: readonly NewChange[] = [];
  private changes: NewChange[] = [];
  private outcomes: NewOutcome[] = [];
  private coverage: NewCoverage[] = [];
  private lastSeq: number;
  private lastAt: number;
  private now = 0;
  /** At the first sweep all that an earlier process left open is looked at. */
  private sweptFrom = 0;

  private constructor(
    private readonly options: RecorderOptions,
    last: { seq: number; at: number } | null,
  ) {
    this.store = options.store;
    this.lastSeq = last?.seq ?? 0;
    this.lastAt = last?.at ?? 0;
    this.queue = new CommitQueue({
      commit: () => this.commit(),
      rollback: () => this.rollback(),
      maxBatch: MAX_BATCH,
      ...(options.limits ?? QUEUE_LIMITS),
    });
  }

  static async open(options: RecorderOptions): Promise<Recorder> {
    return new Recorder(options, await options.store.last());
  }

  /** Reviews and observations that wait. */
  get depth(): number {
    return this.queue.depth;
  }

  /**
   * Records a review that was received at `at` (ms). Resolves when it is durable; rejects where it is not recorded:
   * `overloaded`, `closing`, the ledger-* errors, or a bug's own. `bytes` is its size, for the bound on what waits.
   */
  record(review: Review, at: number, bytes: number): Promise<Recorded> {
    if (review.dryRun) return Promise.resolve('dry-run');
    if (!this.options.predicates.includes(review)) return Promise.resolve('excluded');
    return this.queue.add(
      () => this.job(at, (draft) => captureReview(draft, review, this.options.redactor), bytes),
      bytes,
    );
  }

  /**
   * Takes in the API server's own word about an object, from a list or a watch. `since`: what happened to it before
   * that moment (ms) has been taken in already; 0 where nothing has.
   */
  observe(object: ObjectRef, seen: Seen, at: number, since = 0): Promise<void> {
    const redacted = { ...seen, body: this.options.redactor.redact(seen.body, object) };
    return this.queue.add(
      () =>
        this.job(at, async (draft) => {
          await observe(draft, { object, seen: redacted, reason: 'the watch shows it', since });
        }),
      0,
    );
  }

  /** Takes in that an object is gone since a version. */
  observeGone(object: ObjectRef, resourceVersion: string, at: number, since = 0): Promise<void> {
    return this.queue.add(
      () => this.job(at, (draft) => observeGone(draft, object, resourceVersion, 'the watch shows it', null, since)),
      0,
    );
  }

  /** Takes in that a whole list of its type, at a version, does not have the object. */
  observeAbsent(object: ObjectRef, resourceVersion: string, at: number, since = 0): Promise<void> {
    return this.queue.add(() => this.job(at, (draft) => observeAbsent(draft, object, resourceVersion, since)), 0);
  }

  /**
   * Drops the open attempts of which `covered` says that they would have been seen by now. Resolves with those that stay
   * open.
   */
  settleUnseen(covered: (attempt: OpenAttempt) => boolean, at: number): Promise<OpenAttempt[]> {
    return this.queue.add(
      () =>
        this.job(at, async (draft) => {
          const left = await dropUnseen(draft, covered, this.sweptFrom);
          // What is older stays unverified: everything that could tell has had its time.
          this.sweptFrom = await this.store.seqAt(at - SWEEP_BACK_MS);
          return left;
        }),
      0,
    );
  }

  /** Records something that decides whether what happens is recorded. */
  cover(event: CoverageEvent, detail: string, at: number): Promise<void> {
    return this.queue.add(() => {
      this.coverage.push({ at: Math.max(at, this.lastAt), event, detail });
      this.options.events?.covered(event);
      return Promise.resolve();
    }, 0);
  }

  /**
   * Does something to the store itself between two appends, such as a fold. What memory knows of objects is read again
   * after it.
   */
  maintain<T>(work: () => Promise<T>): Promise<T> {
    const job = async (): Promise<T> => {
      try {
        return await work();
      } finally {
        this.forget();
      }
    };
    return this.queue.add(job, 0, true);
  }

  /** Takes nothing more; resolves when all that was taken is settled. */
  close(): Promise<void> {
    return this.queue.close();
  }

  // Memory, for the draft of the job that runs

  get nextSeq(): number {
    return this.lastSeq + 1;
  }

  get at(): number {
    return this.now;
  }

  get waiting(): readonly NewChange[] {
    return this.committing.length === 0 ? this.changes : [...this.committing, ...this.changes];
  }

  recent(seq: number): Recent | undefined {
    return this.recentChanges.get(seq);
  }

  async head(object: ObjectRef): Promise<Head> {
    const key = headKey(object);
    const known = this.heads.get(key);
    if (known !== undefined) return known;
    const isNew = !(await this.incarnations(object)).some(({ uid }) => uid === object.uid);
    const stored = isNew ? undefined : (await this.store.incarnations(object)).find(({ uid }) => uid === object.uid);
    const versions = stored === undefined ? [] : await this.store.tail(stored.id);
    const head = { object, versions: versions.map((change) => versionOf(change, change.outcome)), past: [] };
    this.heads.set(key, head);
    return head;
  }

  async incarnations(key: ObjectRef): Promise<readonly ObjectRef[]> {
    const name = nameKey(key);
    let known = this.names.get(name);
    if (known === undefined) {
      const stored = (await this.store.incarnations(key)).map(({ id: _, ...object }) => object);
      known = withIncarnations(stored, key, this.waiting);
      this.names.set(name, known);
    }
    return known;
  }

  /** Runs a job on a draft of its own, and takes over what it added only where it succeeds. */
  private async job<T>(at: number, work: (draft: Draft) => Promise<T>, bytes = 0): Promise<T> {
    // A clock that was set back must not reorder the record.
    this.now = Math.max(at, this.lastAt);
    const draft = new Draft(this);
    const result = await work(draft);
    this.changes.push(...draft.changes);
    // Without a size it is not known what it holds.
    if (bytes > 0) {
      for (const [index, change] of draft.changes.entries()) {
        this.recentChanges.set(change.seq, { change, body: draft.bodies[index] ?? null }, { size: bytes });
      }
    }
    this.outcomes.push(...draft.outcomes);
    for (const [key, head] of draft.heads) this.heads.set(key, head);
    for (const change of draft.changes) {
      const name = nameKey(change.object);
      const known = this.names.get(name);
      if (known !== undefined) this.names.set(name, withIncarnations(known, change.object, [change]));
    }
    this.lastSeq += draft.changes.length;
    this.lastAt = this.now;
    return result;
  }

  private async commit(): Promise<void> {
    const { changes, outcomes, coverage } = this;
    if (changes.length + outcomes.length + coverage.length === 0) return;
    [this.committing, this.changes, this.outcomes, this.coverage] = [changes, [], [], []];
    const started = performance.now();
    await this.store.append({ changes, outcomes, coverage });
    this.committing = [];
    this.options.events?.committed(changes.length, (performance.now() - started) / 1000);
  }

  private rollback(): void {
    this.lastSeq -= this.committing.length + this.changes.length;
    [this.committing, this.changes, this.outcomes, this.coverage] = [[], [], [], []];
    this.forget();
  }

  private forget(): void {
    for (const memory of [this.heads, this.names, this.recentChanges]) memory.clear();
  }
}
