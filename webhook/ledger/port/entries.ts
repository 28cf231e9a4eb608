import type { AuditRecord } from '../../../shared/audit.ts';
import { DISPUTED, GIVEN_UP } from '../../../shared/types.ts';
import type { Actor, Effect, JsonObject, ObjectRef, Operation, Outcome, Source } from '../../../shared/types.ts';
import type { Amendment, Detail } from '../content/payload.ts';

/*
 * What is appended to a ledger.
 */

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
