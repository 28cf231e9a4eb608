import type { EventSum, JsonObject, ObjectRef } from '../../../shared/types.ts';
import type { NewCoverage, NewEntries } from './entries.ts';
import type {
  EventFilter,
  EventPlace,
  EventRetention,
  EventsTaken,
  EventTotals,
  ShownEvent,
  StoredEvent,
} from './events.ts';
import type {
  ChangeFilter,
  FactsAt,
  ObjectFilter,
  StoredChange,
  StoredCommit,
  StoredObject,
  StoredStep,
  StoredVersion,
  UserCount,
} from './stored.ts';

export * from './entries.ts';
export * from './stored.ts';

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
  | 'origins'
  | 'lineage'
  | 'explanation'
  | 'bodySnapshot'
  | 'backdated'
  | 'hasBackdated'
  | 'lifetime'
  | 'incarnations'
  | 'coverage'
  | 'facts'
  | 'events'
  | 'eventSums'
  | 'eventTotals'
  | 'close'
>;

/** The changes of a period (ms, both included), as a filter: by seq as far as that tells. */
export async function occurred(
  store: Pick<LedgerView, 'seqAt' | 'hasBackdated'>,
  since: number | undefined,
  until: number | undefined,
): Promise<Pick<ChangeFilter, 'minSeq' | 'maxSeq' | 'since' | 'until'>> {
  if (since === undefined && until === undefined) return {};
  // What came in later than it happened lies behind what happened with it, never before.
  const minSeq = since === undefined ? {} : { minSeq: (await store.seqAt(since - 1)) + 1 };
  if (!(await store.hasBackdated()))
    return { ...minSeq, ...(until === undefined ? {} : { maxSeq: await store.seqAt(until) }) };
  return { ...minSeq, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
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
   * Of each change the newest version in its line, itself included, that is of more than status: what stands outside of
   * status is still as it left it. The oldest version, where all are of status. A change that is not there is left out.
   */
  origins(seqs: readonly number[]): Promise<Map<number, number>>;
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
  /**
   * Takes in Kubernetes Events as the API server showed them, all or nothing, and gives up old ones. What is there already changes
   * nothing. MUST resolve only after they are on stable storage. They are no part of the hash chain (docs/decisions/0074).
   */
  takeEvents(events: readonly ShownEvent[], retention: EventRetention): Promise<EventsTaken>;
  /** Matching Events, the one that happened last first, as they were at the end of the time that is asked for; from behind `after` on. */
  events(filter: EventFilter, limit: number, after?: EventPlace): Promise<StoredEvent[]>;
  /** Events of a storm, which were only counted; the newest first. */
  eventSums(filter: EventFilter, limit: number): Promise<EventSum[]>;
  /** Events that were written after a batch, as they are now, in the order of their batches; `through`: the last batch of them. */
  eventsWritten(afterBatch: number, limit: number): Promise<{ events: StoredEvent[]; through: number }>;
  eventTotals(): Promise<EventTotals>;
  /** Bytes on disk, indexes and write-ahead log included. */
  bytes(): Promise<number>;
  /** Rejects with ledger-unwritable where nothing can be appended. */
  checkWritable(): Promise<void>;
  close(): Promise<void>;
}
