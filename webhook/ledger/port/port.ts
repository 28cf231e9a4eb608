import type { AuditRecord } from '../../../shared/audit.ts';
import { DISPUTED, GIVEN_UP } from '../../../shared/types.ts';
import type { Actor, Effect, JsonObject, ObjectRef, Operation, Outcome, Patch, Source } from '../../../shared/types.ts';
import type { Requirement } from '../../../shared/selector.ts';
import type { Touched } from '../../../shared/touched.ts';
import type { Facts } from '../../../shared/landscape/types.ts';
import type { Version } from '../../../shared/versions.ts';
import type { Amendment, Detail } from '../content/payload.ts';

/**
 * After this many patches a whole body is stored, so that rebuilding any state applies at most as many: a body costs
 * about ten patches (docs/decisions/0016).
 */
export const BODY_SNAPSHOT_EVERY = 12;

/** A change as it is appended. Its seq is given by the writer: the store's last seq plus one, without gaps. */
export interface NewChange {
  seq: number;
  /** Never before the change before it. */
  at: number;
  /** When it happened (ms), where that is long before it came into the ledger: an audit log that was imported later. */
  occurredAt?: number;
  object: ObjectRef;
  operation: Operation;
  subresource: string;
  source: Source;
  actor: Actor | null;
  manager: string;
  effect: Effect;
  statusOnly: boolean;
  /** A newer version of the object was already known when it arrived. */
  late: boolean;
  /** The change whose state the patch starts from; null for a beginning, and for an act without a body. */
  parent: number | null;
  /** Patches since the last whole body. */
  depth: number;
  /** apiVersion of the body, such as `apps/v1`; '' for an act. */
  apiVersion: string;
  baseResourceVersion: string;
  /** Known at once for the sources that report facts; '' for a review. */
  resourceVersion: string;
  reviewUid: string;
  /** Hash of the body after it; null where the object is gone, for an act, and where the body is not known: it is the one before it. */
  hash: Buffer | null;
  detail: Detail;
  /** The whole body after the change, to bound replay; null for most. */
  bodySnapshot: JsonObject | null;
}

/** What became of a change. Appended; the last one counts. */
export interface NewOutcome {
  seq: number;
  outcome: Exclude<Outcome, 'pending'>;
  /** The version that it was persisted as; '' where that is not known. */
  resourceVersion: string;
  reason: OutcomeReason;
  at: number;
  /** Only with `committed`, and once a change. Nothing may have been built on the change before, but where its own body is not known. */
  amendment?: Amendment;
  /** What the audit log tells of the request that made the change. */
  audit?: AuditRecord;
}

/** How an outcome is known. The order is part of the stored format: only append to it. */
export const OUTCOME_REASONS = [
  'recorded as a fact',
  'the next review of the object shows it',
  'the watch shows it',
  'a later version holds what it set',
  'another change was made from the same version',
  'the object was deleted first',
  'the watch never showed it',
  'the object still exists',
  'a later object of the same name exists',
  'a review that arrived late explains it',
  'its definition is gone',
  'its namespace is gone',
  'its effect was seen',
  'an object of the same name existed',
  DISPUTED,
  'the audit log shows it',
  'the API server refused it',
  GIVEN_UP,
] as const;
export type OutcomeReason = (typeof OUTCOME_REASONS)[number];

/**
 * Of a review: it was read after a list or watch had shown what it came to. Of what they showed (source `watch` or `baseline`): that
 * review tells who did it, and is shown in its place.
 */
export const EXPLAINED_LATE = 'a review that arrived late explains it' satisfies OutcomeReason;

/** Something that decides whether what happens is recorded. The order is part of the stored format: only append to it. */
export const COVERAGE_EVENTS = [
  'started',
  'alive',
  'stopped',
  'registered',
  'unregistered',
  'reached',
  'unreachable',
  'lost',
  // The clock was set, or is not to be trusted: `detail` says how; recording goes on.
  'clock',
  // A change that only a list or watch showed while recording was said to work, and that its review came after all.
  'unreviewed',
  'reviewed',
  // Nobody answered reviews for a while.
  'unanswered',
  // Another ledger had been recorded into before this one.
  'replaced',
  // The disk is full, and only who asked for what is recorded, without bodies; there is room again.
  'full',
  'room',
] as const;
export type CoverageEvent = (typeof COVERAGE_EVENTS)[number];

export interface NewCoverage {
  at: number;
  event: CoverageEvent;
  /** For people: the cause, such as the manager that deleted the webhook configuration. */
  detail: string;
}

export interface NewEntries {
  changes: NewChange[];
  outcomes: NewOutcome[];
  coverage?: NewCoverage[];
  /** The last review of the spool that is among them, or needs not be (spool/); as before where it is not given. */
  taken?: number;
}

/**
 * A stored change with its outcome, as it was persisted: with its amendment. `detail` is decoded on demand: lists do not need
 * it.
 */
export interface StoredChange extends Omit<NewChange, 'detail' | 'bodySnapshot' | 'occurredAt'> {
  objectId: number;
  /** When it happened; the same as `at` but for what was imported later. */
  occurredAt: number;
  amended: boolean;
  outcome: Outcome;
  outcomeReason: string;
  detail: () => Detail;
  /** What the audit log tells of it; null where none was taken in. Decoded on demand, as `detail`. */
  audit: () => AuditRecord | null;
}

/** Of a change with a body: what tells which version of its object is real, and who made it. */
export interface StoredVersion extends Version {
  /** When it happened. */
  at: number;
  source: Source;
  actor: Actor | null;
  manager: string;
}

/** One change on the way back from a state: what it did, not who made it. */
export interface StoredStep extends Pick<NewChange, 'seq' | 'parent' | 'source' | 'effect' | 'apiVersion'> {
  /** isExplained() */
  explained: boolean;
  patch: () => Patch;
  /** Detail.base */
  base: () => Patch | null;
  /** The whole body stored beside it; null for most. */
  bodySnapshot: () => JsonObject | null;
  /** Beside a whole body, stretches of the line that end with this change, the shortest first. */
  skips: () => Skip[];
}

/** What the changes of a stretch touched, the last included, and the version that the first of them was made to. */
export interface Skip {
  to: number;
  touched: Touched;
}

export interface StoredObject extends ObjectRef {
  id: number;
}

/** An object that existed after a change, with what its body says about others. */
export interface FactsAt {
  id: number;
  object: ObjectRef;
  facts: Facts;
  /** False where nothing has confirmed by then that it exists. */
  confirmed: boolean;
}

/** Which objects; all given conditions must hold. */
export interface ObjectFilter {
  type?: { group: string; resource: string };
  namespace?: string;
  withNamespaceObject?: boolean;
  names?: string[];
  /** What their names begin with. */
  namePrefix?: string;
  uid?: string;
  /** Only objects in one of these namespaces, and the Namespace objects themselves. */
  within?: string[];
}

/** True for what a list or watch showed where a review that arrived late tells who did it: that one is shown in its place. */
export function isExplained({ source, outcomeReason }: Pick<StoredChange, 'source' | 'outcomeReason'>): boolean {
  return source !== 'admission' && outcomeReason === EXPLAINED_LATE;
}

/** A commit as it lies in the ledger: what became durable together, and is one link of the hash chain. */
export interface StoredCommit {
  id: number;
  /** ms */
  at: number;
  /** SHA-256 of the chain up to here. */
  hash: Buffer;
  /** Its changes, by their seqs: from the one after `afterSeq` to `lastSeq`; none where they are equal. */
  afterSeq: number;
  lastSeq: number;
  outcomes: Pick<NewOutcome, 'seq' | 'outcome' | 'reason' | 'resourceVersion'>[];
  coverage: NewCoverage[];
}

/** What a reader needs of a ledger. */
export type LedgerView = Pick<
  LedgerStore,
  | 'cluster'
  | 'format'
  | 'first'
  | 'last'
  | 'seqAt'
  | 'resources'
  | 'objects'
  | 'changes'
  | 'users'
  | 'change'
  | 'tail'
  | 'versions'
  | 'body'
  | 'origin'
  | 'lineage'
  | 'explanation'
  | 'bodySnapshot'
  | 'backdated'
  | 'hasBackdated'
  | 'lifetime'
  | 'incarnations'
  | 'coverage'
  | 'facts'
  | 'close'
>;

export interface ChangeFilter extends ObjectFilter {
  username?: string;
  /**
   * What must hold of the labels that the object had: those after the change, or, where it is gone or an act left it as
   * it was, those before.
   */
  labels?: readonly Requirement[];
  /** Leaves out changes of nothing but status: most of what controllers do. */
  withoutStatus?: boolean;
  minSeq?: number;
  maxSeq?: number;
  /** By when they happened (ms), both included, where that is not told by the seq: see `occurred`. */
  since?: number;
  until?: number;
  /** Only requests that the API server refused. */
  refused?: boolean;
}

/** The changes of a period (ms, both included), as a filter: by seq as far as that tells. */
export async function occurred(
  store: Pick<LedgerView, 'seqAt' | 'hasBackdated'>,
  since: number | undefined,
  until: number | undefined,
): Promise<Pick<ChangeFilter, 'minSeq' | 'maxSeq' | 'since' | 'until'>> {
  // What came in later than it happened lies behind what happened with it, never before.
  const minSeq = since === undefined ? {} : { minSeq: (await store.seqAt(since - 1)) + 1 };
  if (!(await store.hasBackdated()))
    return { ...minSeq, ...(until === undefined ? {} : { maxSeq: await store.seqAt(until) }) };
  return { ...minSeq, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
}

/** How often one user changed objects of one type; attempts that were never persisted are left out. */
export interface UserCount {
  username: string;
  group: string;
  resource: string;
  kind: string;
  changes: number;
  firstAt: number;
  lastAt: number;
}

/**
 * A ledger: one append-only sequence of changes with one writer. All methods reject with a KubeblameError.
 * Adapters: sqlite/. The contract that every adapter keeps is tested by contract.ts.
 */
export interface LedgerStore {
  readonly cluster: string;
  readonly format: number;
  /** Random: tells ledgers of one cluster apart. */
  readonly id: Buffer;
  /**
   * Appends all or nothing. MUST resolve only after the entries are on stable storage (fsync), and MUST leave the
   * ledger as it was where it rejects.
   */
  append(entries: NewEntries): Promise<void>;
  /** The last review of the spool that the ledger has come to; 0 before the first. */
  taken(): Promise<number>;
  /** The newest change; null in an empty ledger. */
  last(): Promise<{ seq: number; at: number } | null>;
  first(): Promise<{ seq: number; at: number } | null>;
  /** The last change not after `at`; 0 where there is none. */
  seqAt(at: number): Promise<number>;
  resources(): Promise<{ group: string; resource: string; kind: string }[]>;
  /** Objects by group, resource, namespace, name, then age; from the one after `after` on. */
  objects(filter: ObjectFilter, limit: number, after?: number): Promise<StoredObject[]>;
  /**
   * The objects of a stretch of `objects`, from the one after `after` on, that may exist: all but those of which it is
   * settled that they were deleted, or never were. `next`: after which to go on; null at the end. Looks at so few that
   * nobody else waits for long.
   */
  mayExist(filter: ObjectFilter, after?: number): Promise<{ objects: StoredObject[]; next: number | null }>;
  /** Matching changes, newest first. */
  changes(filter: ChangeFilter, limit: number): Promise<StoredChange[]>;
  /** Counts by user and type. Changes of nothing but status count where `status` is set, or kubectl made them. */
  users(filter: Omit<ChangeFilter, 'username' | 'labels'>, status: boolean): Promise<UserCount[]>;
  /** An object's changes with a body, newest first, from `maxSeq` back to the last committed one. */
  tail(objectId: number, maxSeq?: number): Promise<StoredChange[]>;
  /** The same as `tail` gives, as versions only. */
  versions(objectId: number, maxSeq?: number): Promise<StoredVersion[]>;
  change(seq: number): Promise<StoredChange | null>;
  bodySnapshot(seq: number): Promise<JsonObject | null>;
  /** The body after a change, rebuilt; null where the object is gone. Rejects where there is no such change. */
  body(seq: number): Promise<JsonObject | null>;
  /**
   * The newest version in a change's line, itself included, that is of more than status: what stands outside of status
   * is still as it left it. The oldest version, where all are of status; null where there is no such change.
   */
  origin(seq: number): Promise<number | null>;
  /** The change that is shown in place of one that is explained (isExplained): the same version of the same object. */
  explanation(seq: number): Promise<StoredChange | null>;
  /**
   * A change, and those that its state was made from, newest first, back to the nearest with a whole body beside it, or to
   * the first. Rejects where one is not there.
   */
  lineage(seq: number): Promise<StoredStep[]>;
  /** Whether something of a request of the audit log was recorded, by its auditID. */
  hasAudit(id: string): Promise<boolean>;
  /**
   * The newest version of an object that had happened by `at` (ms), of those that came into the ledger only after that, committed and with
   * a body; null where there is none.
   */
  backdated(objectId: number, at: number): Promise<StoredChange | null>;
  /** Whether anything came into the ledger later than it happened. */
  hasBackdated(): Promise<boolean>;
  /** Requests for a state that nothing has settled, from a seq on, oldest first. */
  openAttempts(fromSeq: number, limit: number): Promise<StoredChange[]>;
  /** An object's acts without a body (such as evictions) of one subresource, newest first. */
  acts(object: ObjectRef, subresource: string, limit: number): Promise<StoredChange[]>;
  /** An object's incarnations, by name, the newest first. */
  incarnations(key: Omit<ObjectRef, 'uid' | 'kind'>): Promise<StoredObject[]>;
  /** When the object was first and last changed; null where it never was. `withoutActs`: by what has a body. */
  lifetime(objectId: number, withoutActs?: boolean): Promise<{ firstAt: number; lastAt: number } | null>;
  /**
   * The facts of all objects that existed after a change, where they are kept (webhook/entities/landscape); null where they are not: then they
   * are to be derived from states.
   */
  facts(seq: number): Promise<FactsAt[] | null>;
  /** All coverage events, oldest first. */
  coverage(): Promise<NewCoverage[]>;
  /** The commits after one that have not been folded, oldest first. */
  commits(after: number, limit: number): Promise<StoredCommit[]>;
  /** Bytes on disk, indexes and write-ahead log included. */
  bytes(): Promise<number>;
  /** Rejects with ledger-unwritable where nothing can be appended. */
  checkWritable(): Promise<void>;
  close(): Promise<void>;
}
