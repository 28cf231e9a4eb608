import { LRUCache } from 'lru-cache';
import { KubeblameError, messageOf } from '../../../../shared/errors.ts';
import type { Seen } from '../../../../shared/interpret.ts';
import type { NotKeptReason } from '../../../../shared/not-kept.ts';
import type { ManagedField } from '../../../../shared/normalise.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import { requireRecordable, type Review } from '../../../../shared/review.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { Amendment } from '../../../ledger/content/payload.ts';
import type { CoverageEvent, LedgerStore, NewChange, NewCoverage, NewOutcome } from '../../../ledger/port/port.ts';
import type { Spooled } from '../../spool/records.ts';
import { AttemptBudget, requestBytes } from '../bodiless/attempt-budget.ts';
import { captureBodiless, START_LENGTH } from '../bodiless/bodiless.ts';
import type { Audited, AuditedRequest } from '../audit/audited-request.ts';
import { asReview } from '../audit/as-review.ts';
import { captureAudited } from '../audit/capture-audit.ts';
import { auditWithoutSecrets } from '../audit/without-secrets.ts';
import { captureReview } from '../objects/capture.ts';
import { CommitQueue } from './commit-queue.ts';
import { reviewWithoutMatches, reviewWithoutSecrets, seenWithoutSecrets } from './confidential.ts';
import { DEFINITIONS } from '../endings/enclosing-scopes.ts';
import { Draft } from '../objects/draft.ts';
import { withIncarnations, type Memory, type Recent } from '../objects/memory.ts';
import { headKey, nameKey, tipOf, versionOf, type ObjectHead } from '../objects/object-head.ts';
import {
  dropUnseen,
  endingOf,
  endPage,
  observeAbsent,
  observeGone,
  type Ending,
  type OpenAttempt,
} from '../endings/ending.ts';
import { Endings } from '../endings/endings.ts';
import { reconcileFact } from '../outcomes/reconcile-fact.ts';
import { replicasPathsOf, type ReplicasPaths } from '../objects/scale.ts';
import { UnreviewedChanges } from '../late/unreviewed.ts';
import type { Predicates } from '../../rules/predicates.ts';
import { unreviewedText } from '../../../ledger/port/intervals.ts';

/** What became of a review here: stored, or why not. */
export type Recorded = 'recorded' | 'dry-run' | 'excluded' | 'unchanged';

/** Told what the recorder does, for the metrics. */
export interface RecorderEvents {
  /** So many changes became durable together, which took so long. */
  committed(changes: number, seconds: number): void;
  covered(event: CoverageEvent): void;
  /** A request was recorded without its body. */
  bodyNotKept(reason: NotKeptReason): void;
}

/** Of the disk that the ledger is on: disk-reserve.ts. */
export interface Disk {
  /** Whether only the least is to be recorded. */
  readonly isFull: boolean;
  /** A write was refused for want of room. */
  spend(): void;
}

export interface RecorderOptions {
  store: LedgerStore;
  redactor: Redactor;
  predicates: Predicates;
  events?: RecorderEvents;
  /** Resolves to the last review that was answered before, when it was handed over; rejects where it cannot be. */
  fence?: () => Promise<number>;
  /** Told of what the API server showed and cannot be recorded: a bug. It is passed over, and the coverage says so. */
  lostFact?: (error: unknown, object: ObjectRef) => void;
  /** Whether a change of an object is sent to the webhook, and recorded, whoever makes it; without it, of none is it known. */
  isSent?: (change: NewChange) => boolean;
  /** Told of what keeps the contents of a namespace or definition from ending with it; it is tried again. */
  failing?: (error: unknown) => void;
  /** Without it, it never counts as full. */
  disk?: Disk;
  /** Told of a user whose bodies are not kept for the rest of the hour: attempt-budget.ts. */
  overBudget?: (username: string) => void;
}

/** Where a review stands in the spool. */
export type Place = Pick<Spooled, 'number' | 'redacted'>;

/** A review whose turn it is not: one before it was not recorded. */
export class OutOfTurn extends Error {}

/** A review that was passed over, for what is its `cause`: a bug. */
export class PassedOver extends Error {}

/** Objects whose head is kept in memory, about 1 KiB each; the rest is read again. */
const HEADS = 10_000;
/** So far back from the newest change it is looked, at the start, for an end whose contents have not all ended. */
const ENDINGS_BACK_MS = 60 * 60 * 1000;
/** Changes of namespaces, and of definitions, that are looked at then. */
const MAX_ENDINGS = 10_000;
/**
 * Changes that are kept in memory, by the bytes of their reviews: the next review of an object mostly builds on one that
 * was added a moment ago, and need not read and unpack it. Their bodies share most of their parts.
 */
const RECENT_BYTES = 2 * 1024 * 1024;
/** Changes whose managedFields are kept in memory, some KiB each: who wrote a version is asked when it is settled. */
const MANAGED = 1_000;
const MAX_BATCH = 256;
/** After so many reviews of the spool that left nothing to commit, it is committed that they were taken. */
const MAX_UNTOLD = 500;
/** Or after so many bytes of them: their room in the spool is given back only then. */
const MAX_UNTOLD_BYTES = 4 * 1024 * 1024;

/** Reviews and observations come in another order than they were made, by no more than so much: that is no clock that was set. */
const SET_BACK_MS = 5_000;

/** How far back attempts are looked for that a watch never showed. */
const SWEEP_BACK_MS = 10 * 60 * 1000;

/**
 * Turns reviews and observations into changes, one after another, and makes them durable in groups. The ledger's one
 * writer.
 */
export class Recorder implements Memory {
  readonly store: LedgerStore;
  private readonly heads = new LRUCache<string, ObjectHead>({ max: HEADS });
  /**
   * Heads that jobs have left whose commit is still to come: of the commit that is on its way, and of the next. The store
   * would give what was before, so these are never put out.
   */
  private committingHeads = new Map<string, ObjectHead>();
  private newHeads = new Map<string, ObjectHead>();
  private readonly endings: Endings;
  /** What ends once the next commit is durable. */
  private newEndings: Ending[] = [];
  /** The incarnations of names that were asked for, the newest first. */
  private readonly names = new LRUCache<string, readonly ObjectRef[]>({ max: HEADS });
  private readonly recentChanges = new LRUCache<number, Recent>({ maxSize: RECENT_BYTES });
  private readonly managed = new LRUCache<number, readonly ManagedField[]>({ max: MANAGED });
  private readonly queue: CommitQueue;
  private readonly unreviewed: UnreviewedChanges;
  private readonly budget = new AttemptBudget();
  /** Being committed. */
  private committing: readonly NewChange[] = [];
  private committingOutcomes: readonly NewOutcome[] = [];
  private changes: NewChange[] = [];
  private outcomes: NewOutcome[] = [];
  /** What the API server made of changes, by seq, until that is in the store. */
  private readonly amendments = new Map<number, Amendment>();
  private coverage: NewCoverage[] = [];
  /** Of definitions that are not recorded, by name. */
  private readonly definitions = new Map<string, ReplicasPaths>();
  /** The last review of the spool that was run, the last that was settled, and the last of which a commit tells. */
  private lastRun: number;
  private lastSettled: number;
  private lastTaken: number;
  /** Of reviews of the spool that were run since a commit told of one. */
  private bytesSinceCursorCommit = 0;
  private lastSeq: number;
  /** The time of the last job that was run, and of the last that is durable (ms). */
  private lastAt: number;
  private durableAt: number;
  /** The time that the last job was given (ms), whatever was recorded for it. */
  private lastGiven: number | null = null;
  private now = 0;
  /** At the first sweep all that an earlier process left open is looked at. */
  private sweptFrom = 0;

  private constructor(
    private readonly options: RecorderOptions,
    last: { seq: number; at: number } | null,
    taken: number,
  ) {
    this.store = options.store;
    this.unreviewed = new UnreviewedChanges(options.isSent ?? (() => false));
    this.lastRun = taken;
    this.lastSettled = taken;
    this.lastTaken = taken;
    this.lastSeq = last?.seq ?? 0;
    this.lastAt = this.durableAt = last?.at ?? 0;
    this.queue = new CommitQueue({
      commit: () => this.commit(),
      rollback: () => this.rollback(),
      maxBatch: MAX_BATCH,
    });
    this.endings = new Endings({
      endPage: (ending) => this.queue.add(() => this.job(this.lastAt, (draft) => endPage(draft, ending))),
      failing: (error) => options.failing?.(error),
    });
  }

  static async open(options: RecorderOptions): Promise<Recorder> {
    const { store } = options;
    const last = await store.last();
    const recorder = new Recorder(options, last, await store.taken());
    if (last !== null) recorder.endings.add(await endingsLeft(store, last.at));
    return recorder;
  }

  /** The last review of the spool that is in the ledger, or needs not be. */
  get taken(): number {
    return this.lastTaken;
  }

  /** The last that was run: the next one's turn it is. */
  get reached(): number {
    return this.lastRun;
  }

  /** Whether a review would add more than a little for a user who has asked for too much that was not persisted. */
  private async isOverBudget(review: Review): Promise<boolean> {
    if (!this.budget.isSpent(review.actor.username, this.now)) return false;
    const trial = new Draft(this);
    await captureReview(trial, review);
    return trial.changes.some((change) => requestBytes(change) > START_LENGTH);
  }

  /** Counts what a job adds, and what it settles. */
  private charge({ changes, outcomes }: Draft): void {
    for (const change of changes) {
      const [bytes, username] = [requestBytes(change), change.actor?.username];
      if (bytes <= START_LENGTH || username === undefined) continue;
      if (this.budget.add(change, username, bytes)) this.options.overBudget?.(username);
    }
    for (const { seq, outcome } of outcomes) if (outcome === 'committed') this.budget.persisted(seq);
  }

  private get isFull(): boolean {
    return this.options.disk?.isFull === true;
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
    const { predicates, redactor } = this.options;
    const work = async (): Promise<Recorded> => {
      const leftOut = predicates.leftOut(review);
      if (leftOut !== null) return leftOut;
      requireRecordable(review);
      const without = place === undefined ? reviewWithoutMatches(review, redactor) : review;
      const capture = async (draft: Draft): Promise<Recorded> => {
        const clean = await reviewWithoutSecrets(draft, without, redactor, place?.redacted === true);
        const reason = this.isFull ? 'disk-full' : (await this.isOverBudget(clean)) ? 'budget' : null;
        if (reason === null) return captureReview(draft, clean);
        this.options.events?.bodyNotKept(reason);
        return captureBodiless(draft, clean, reason, reason === 'budget' ? START_LENGTH : 0);
      };
      return this.job(at, capture, bytes);
    };
    return this.queue.add(() => (place === undefined ? work() : this.inTurn(place.number, at, work, bytes)));
  }

  /**
   * Takes in a request of the API server's audit log. Resolves when it is durable. An older one than what was recorded last keeps the time
   * at which it happened; it comes in at the end of the ledger all the same.
   */
  audit(request: AuditedRequest): Promise<Audited | 'excluded'> {
    const { predicates, redactor } = this.options;
    return this.fenced(async () => {
      if (!predicates.includes(asReview(request, null))) return 'excluded';
      const at = Math.max(Math.floor(request.record.answeredAt), this.lastAt);
      return this.job(at, async (draft) => captureAudited(draft, await auditWithoutSecrets(draft, request, redactor)));
    });
  }

  /** Passes over a review of the spool that came at `at` (ms) and cannot be recorded, or all up to another one. */
  skip(number: number, at: number, last = number): Promise<void> {
    const work = (): Promise<void> => Promise.resolve(this.miss(1 + last - number, at));
    return this.queue.add(() => this.inTurn(number, at, work, 0, last));
  }

  /** Goes on behind numbers of the spool that nobody was given: epochs.ts. */
  goOn(number: number, at: number, last: number): Promise<void> {
    return this.queue.add(() => this.inTurn(number, at, () => Promise.resolve(), 0, last));
  }

  /**
   * Takes in the API server's own word about an object, from a list or a watch. `since`: what happened to it before
   * that moment (ms) has been taken in already; 0 where nothing has.
   */
  observe(object: ObjectRef, seen: Seen, at: number, since = 0): Promise<void> {
    if (this.isOnlyRead(object)) {
      this.definitions.set(object.name, replicasPathsOf(seen.body));
      return Promise.resolve();
    }
    return this.fact(object, at, () =>
      this.job(at, async (draft) => {
        const clean = await seenWithoutSecrets(draft, object, seen, this.options.redactor);
        await reconcileFact(draft, { object, seen: clean, reason: 'the watch shows it', since });
      }),
    );
  }

  /** Whether a list or a watch would tell nothing new of an object. Nothing is recorded. */
  hasFact(object: ObjectRef, seen: Seen, gone: boolean): Promise<boolean> {
    const { redactor } = this.options;
    return this.queue.add(async () => {
      const draft = new Draft(this);
      // One that is gone never comes back.
      if (tipOf(await draft.head(object))?.gone === true) return true;
      const reason = 'the watch shows it';
      if (gone) await observeGone(draft, object, seen.resourceVersion, reason);
      else
        await reconcileFact(draft, { object, seen: await seenWithoutSecrets(draft, object, seen, redactor), reason });
      return draft.changes.length + draft.outcomes.length === 0;
    });
  }

  /** Takes in that an object is gone since a version. */
  observeGone(object: ObjectRef, resourceVersion: string, at: number, since = 0): Promise<void> {
    if (this.isOnlyRead(object)) {
      this.definitions.delete(object.name);
      return Promise.resolve();
    }
    return this.fact(object, at, () =>
      this.job(at, (draft) => observeGone(draft, object, resourceVersion, 'the watch shows it', null, since)),
    );
  }

  /** A definition where a rule leaves out all of them: what it says of its type is needed, and not recorded. */
  private isOnlyRead({ group, resource }: ObjectRef): boolean {
    const isDefinition = group === DEFINITIONS.group && resource === DEFINITIONS.resource;
    return isDefinition && this.options.predicates.skipsResource(group, resource);
  }

  /** Takes in that a whole list of its type, at a version, does not have the object. */
  observeAbsent(object: ObjectRef, resourceVersion: string, at: number, since = 0): Promise<void> {
    return this.fact(object, at, () => this.job(at, (draft) => observeAbsent(draft, object, resourceVersion, since)));
  }

  /**
   * Drops the open attempts of which `covered` says that they would have been seen by now. Resolves with those that stay
   * open.
   */
  settleUnseen(covered: (attempt: OpenAttempt) => boolean, at: number): Promise<OpenAttempt[]> {
    return this.fenced(() =>
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
    return this.fenced(() => Promise.resolve(this.tell(event, detail, at)));
  }

  /** Tells of the changes that only a list or watch showed, and whose reviews would have come by now (ms). */
  coverUnreviewed(now: number): Promise<void> {
    return this.fenced(() => {
      for (const { change, from, to } of this.unreviewed.due(now)) {
        this.tell('unreviewed', unreviewedText(change.seq, nameOf(change.object), from, to), now);
      }
      return Promise.resolve();
    });
  }

  private tell(event: CoverageEvent, detail: string, at: number): void {
    this.unreviewed.covered(event, at);
    this.coverage.push({ at: Math.max(at, this.lastAt), event, detail });
    this.options.events?.covered(event);
  }

  /** In the commit that says that they were taken: nobody would know later that they are missing. */
  private miss(count: number, at: number): void {
    this.tell('lost', lossOf(count), at);
  }

  /**
   * Does something to the store itself between two appends, such as a fold. What memory knows of objects is read again
   * after it.
   */
  maintain<T>(work: () => Promise<T>): Promise<T> {
    const job = async (): Promise<T> => {
      try {
        return await this.written(work);
      } finally {
        this.forget();
      }
    };
    return this.queue.add(job, true);
  }

  /** Does something that writes to the disk, which is to be told where it is full. */
  private async written<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof KubeblameError && error.code === 'ledger-full') this.options.disk?.spend();
      throw error;
    }
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

  /**
   * Takes in a fact. One that cannot be recorded is passed over, and told: otherwise it would stand in the way of all
   * others of its type for ever.
   */
  private async fact(object: ObjectRef, at: number, take: () => Promise<void>): Promise<void> {
    const work = async (): Promise<void> => {
      // It has a body, and can be had again: whoever shows it tries again.
      if (this.isFull)
        throw new KubeblameError('ledger-full', 'the disk is full: nothing that was observed is recorded');
      await take();
    };
    try {
      await this.fenced(work);
    } catch (error) {
      if (!isBug(error)) throw error;
      try {
        // In a commit of its own: it may be another fact's fault.
        await this.fenced(work, true);
      } catch (again) {
        if (!isBug(again)) throw again;
        this.options.lostFact?.(again, object);
        await this.cover('lost', `the state of 1 object could not be recorded: ${nameOf(object)}`, at);
      }
    }
  }

  /** Behind the reviews that were answered before: what is seen now may be what they have made. */
  private async fenced<T>(work: () => Promise<T>, alone = false): Promise<T> {
    const after = (await this.options.fence?.()) ?? 0;
    const job = async (): Promise<T> => {
      // They were handed over, and undone since, or could not be run: they are tried again, and so may this be.
      if (this.lastRun < after) {
        throw new KubeblameError('ledger-unwritable', `review ${after} of the spool could not be recorded yet`);
      }
      return work();
    };
    return this.queue.add(job, alone);
  }

  /** Each review of the spool runs once, and after the one before it. `last`: of those that one job stands for. */
  private async inTurn<T>(number: number, at: number, work: () => Promise<T>, bytes = 0, last = number): Promise<T> {
    if (number !== this.lastRun + 1) throw new OutOfTurn(`review ${number} of the spool comes after ${this.lastRun}`);
    try {
      const result = await work();
      this.lastRun = last;
      this.bytesSinceCursorCommit += bytes;
      return result;
    } catch (error) {
      // It may be recorded when the ledger can be read again.
      if (isOfLedger(error)) throw error;
      this.lastRun = last;
      this.bytesSinceCursorCommit += bytes;
      this.miss(1, at);
      throw new PassedOver(messageOf(error), { cause: error });
    }
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

  get waitingOutcomes(): readonly NewOutcome[] {
    return [...this.committingOutcomes, ...this.outcomes];
  }

  managedFields(seq: number): readonly ManagedField[] | undefined {
    return this.managed.get(seq);
  }

  recent(seq: number): Recent | undefined {
    return this.recentChanges.get(seq);
  }

  replicasPaths(definition: string): ReplicasPaths | undefined {
    return this.definitions.get(definition);
  }

  amendment(seq: number): Amendment | undefined {
    return this.amendments.get(seq);
  }

  async head(object: ObjectRef): Promise<ObjectHead> {
    const key = headKey(object);
    const known = this.newHeads.get(key) ?? this.committingHeads.get(key) ?? this.heads.get(key);
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

  /** Runs a job on a draft of its own, and takes over what it added only where it succeeds. `bytes`: of its review. */
  private async job<T>(at: number, work: (draft: Draft) => Promise<T>, bytes = 0): Promise<T> {
    this.now = this.timeOf(at);
    const draft = new Draft(this);
    const result = await work(draft);
    this.changes.push(...draft.changes);
    for (const seq of draft.stale) this.recentChanges.delete(seq);
    for (const [seq, amendment] of draft.amendments) this.amendments.set(seq, amendment);
    // Without a size it is not known what it holds.
    if (bytes > 0) {
      for (const [index, change] of draft.changes.entries()) {
        // A late review is amended at once: the draft has it as it was asked for.
        if (draft.stale.has(change.seq)) continue;
        this.recentChanges.set(change.seq, { change, body: draft.bodies[index] ?? null }, { size: bytes });
      }
    }
    for (const { seq, source } of draft.changes) {
      const fields = source === 'admission' && bytes === 0 ? undefined : draft.fields.get(seq);
      if (fields !== undefined) this.managed.set(seq, fields);
    }
    this.charge(draft);
    this.outcomes.push(...draft.outcomes);
    for (const [key, head] of draft.heads) this.newHeads.set(key, head);
    this.newEndings.push(...draft.endings);
    for (const change of draft.changes) {
      const name = nameKey(change.object);
      const known = this.names.get(name);
      if (known !== undefined) this.names.set(name, withIncarnations(known, change.object, [change]));
    }
    this.lastSeq += draft.changes.length;
    this.lastAt = this.now;
    return result;
  }

  /**
   * The time to record for something that came at `at` (ms): never before the last one's. Where the clock was set back by more than a
   * moment, times go on at half its speed until it has come there again: what happens meanwhile has not all one time.
   */
  private timeOf(at: number): number {
    const given = this.lastGiven ?? at;
    const behind = this.lastAt - at;
    if (behind <= SET_BACK_MS) {
      this.lastGiven = at;
      return Math.max(at, this.lastAt);
    }
    const advance = Math.floor((at - given) / 2);
    // Otherwise many that come within a millisecond would never go on.
    if (advance !== 0) this.lastGiven = at;
    return this.lastAt + Math.min(Math.max(advance, 0), behind);
  }

  private async commit(): Promise<void> {
    const { changes, outcomes, coverage, lastRun: taken, bytesSinceCursorCommit: untoldBytes, lastAt } = this;
    const isDue = taken >= this.lastTaken + MAX_UNTOLD || untoldBytes >= MAX_UNTOLD_BYTES;
    if (changes.length + outcomes.length + coverage.length === 0 && !isDue) {
      this.lastSettled = taken;
      this.keepHeads(this.newHeads);
      this.newHeads = new Map();
      return;
    }
    const endings = this.newEndings;
    [this.committingHeads, this.newHeads, this.newEndings] = [this.newHeads, new Map<string, ObjectHead>(), []];
    [this.committing, this.changes, this.outcomes, this.coverage] = [changes, [], [], []];
    this.committingOutcomes = outcomes;
    const amended = [...this.amendments.keys()];
    const started = performance.now();
    await this.written(() => this.store.append({ changes, outcomes, coverage, taken }));
    this.bytesSinceCursorCommit -= untoldBytes;
    this.lastSettled = taken;
    this.lastTaken = taken;
    this.durableAt = lastAt;
    [this.committing, this.committingOutcomes] = [[], []];
    for (const seq of amended) this.amendments.delete(seq);
    this.keepHeads(this.committingHeads);
    this.committingHeads = new Map();
    this.endings.add(endings);
    const early = this.unreviewed.committed(changes, outcomes);
    for (const seq of early)
      this.queue.add(() => Promise.resolve(this.tell('reviewed', `change ${seq}`, lastAt))).catch(() => undefined);
    this.options.events?.committed(changes.length, (performance.now() - started) / 1000);
  }

  private rollback(): void {
    // Not behind what was told: nobody would hand it over again, and nothing after it would have its turn.
    this.lastRun = this.lastSettled;
    this.lastAt = this.durableAt;
    this.lastSeq -= this.committing.length + this.changes.length;
    [this.committing, this.changes, this.outcomes, this.coverage] = [[], [], [], []];
    this.committingOutcomes = [];
    this.newEndings = [];
    this.amendments.clear();
    this.forget();
  }

  private keepHeads(heads: ReadonlyMap<string, ObjectHead>): void {
    for (const [key, head] of heads) this.heads.set(key, head);
  }

  private forget(): void {
    for (const memory of [
      this.heads,
      this.newHeads,
      this.committingHeads,
      this.names,
      this.recentChanges,
      this.managed,
    ])
      memory.clear();
  }
}

/** The ends of the last hour before a moment (ms): a process that was killed may not have ended all that they held. */
async function endingsLeft(store: LedgerStore, at: number): Promise<Ending[]> {
  const minSeq = (await store.seqAt(at - ENDINGS_BACK_MS)) + 1;
  const endings: Ending[] = [];
  for (const type of [
    { group: '', resource: 'namespaces' },
    { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
  ]) {
    for (const { object, seq, effect, outcome, resourceVersion } of await store.changes(
      { type, minSeq },
      MAX_ENDINGS,
    )) {
      const ending = effect === 'deleted' && outcome !== 'dropped' ? endingOf(object, seq, resourceVersion) : null;
      if (ending !== null) endings.push(ending);
    }
  }
  return endings;
}

/** What the coverage says of reviews that are missing in the ledger. */
export function lossOf(count: number): string {
  return `${count} ${count === 1 ? 'review' : 'reviews'} could not be recorded`;
}

/** False where the same will do another time: when the ledger can be written, or the server runs again. */
function isBug(error: unknown): boolean {
  return !isOfLedger(error) && !(error instanceof KubeblameError && error.code === 'closing');
}

function nameOf({ resource, group, namespace, name }: ObjectRef): string {
  return `${resource}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** Whether it is the ledger that fails, rather than what is done with it. */
export function isOfLedger(error: unknown): boolean {
  return error instanceof KubeblameError && error.code.startsWith('ledger-');
}
