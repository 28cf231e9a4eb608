import type { AuditRecord } from '../../../shared/audit.ts';
import type { Facts } from '../../../shared/landscape/types.ts';
import type { Requirement } from '../../../shared/selector.ts';
import type { Touched } from '../../../shared/touched.ts';
import type { Actor, JsonObject, ObjectRef, Outcome, Patch, Source } from '../../../shared/types.ts';
import type { Version } from '../../../shared/versions.ts';
import type { Detail } from '../content/payload.ts';
import { EXPLAINED_LATE, type NewChange, type NewCoverage, type NewOutcome } from './entries.ts';

/*
 * What a ledger gives back, and what it is asked by.
 */

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

/** True for a change of an object's state that was persisted, as far as is known, and that is told by itself. */
export function isReal(change: Pick<StoredChange, 'outcome' | 'effect' | 'source' | 'outcomeReason'>): boolean {
  return change.outcome !== 'dropped' && change.effect !== 'none' && !isExplained(change);
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

/** How often one user changed objects of one type; attempts that were never persisted are left out. */
export interface UserCount {
  username: string;
  group: string;
  resource: string;
  kind: string;
  changes: number;
  /** How many of them are disputed; absent where none is. */
  disputed?: number;
  firstAt: number;
  lastAt: number;
}
