/**
 * The domain's types, shared by the server and the plugin: what is recorded, and, in questions/, what can be asked.
 * Words are those of docs/glossary.md. Times are milliseconds since the Unix epoch, UTC.
 */
import type { AuditRecord } from './audit.ts';
import type { Manager } from './origins/manual.ts';
import type { Origin } from './origins/types.ts';
export type * from './origins/manual.ts';
export type * from './origins/types.ts';
export type * from './questions/table.ts';

/** A JSON value in memory. Numbers and keys that JavaScript cannot hold are escaped: see json.ts. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** One RFC 6902 operation. The empty path is the whole document: `add ""` creates an object, `remove ""` ends it. */
export type PatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: Json }
  | { op: 'remove'; path: string }
  | { op: 'move'; from: string; path: string };
export type Patch = PatchOperation[];

export const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
/** What the request asked for, as admission names it. */
export type Operation = (typeof OPERATIONS)[number];

export const SOURCES = ['admission', 'baseline', 'watch', 'audit'] as const;
/** Where a change was learned. */
export type Source = (typeof SOURCES)[number];

export const OUTCOMES = ['pending', 'committed', 'dropped', 'unverified'] as const;
/** Why the user is not certain: several requests of different users may each have made the version that was persisted. */
export const DISPUTED = 'reviews of several users claim this version';

/** The API server itself does not know the outcome: it answered before the request was finished. */
export const GIVEN_UP = 'the API server gave it up: it may have been persisted';

/** The outcome of a request after its admission. */
export type Outcome = (typeof OUTCOMES)[number];

export const EFFECTS = ['none', 'created', 'modified', 'deleted'] as const;
/** What a change does to the object's state. `none`: an act without a state, such as an exec or an eviction. */
export type Effect = (typeof EFFECTS)[number];

/** A resource type as the API server names it: `group` is '' for the core group, `resource` the plural. */
export interface ResourceType {
  group: string;
  resource: string;
  kind: string;
}

/** One object, one incarnation: names are reused, uids are not. `namespace` is '' for cluster-scoped objects. */
export interface ObjectRef extends ResourceType {
  namespace: string;
  name: string;
  uid: string;
}

/** The authenticated user of a request, from `userInfo` in the review. */
export interface Actor {
  username: string;
  uid?: string;
  groups: string[];
  extra?: Record<string, string[]>;
  /** True if the change is disputed: reviews of other users claim the same version. Never set in a review. */
  disputed?: true;
}

/** One changed value of a change, for people; list items are named by their merge key. */
export interface Delta {
  /** For people: `spec.template.spec.containers[nginx].image`. '' is the whole object. */
  path: string;
  kind: 'added' | 'removed' | 'changed';
  /** Absent where `kind` is `added`. */
  before?: Json;
  /** Absent where `kind` is `removed`. */
  after?: Json;
}

/** One recorded change, as readers get it. */
export interface Change {
  /** Position in the ledger, from 1, without gaps. */
  seq: number;
  /** When it happened. */
  at: number;
  /** When it was added to the ledger, if that was long after it happened: from an audit log that was imported later. */
  recordedAt?: number;
  object: ObjectRef;
  operation: Operation;
  /** '' for the object itself; otherwise `status`, `scale`, `binding`, `eviction`, `exec`, ... */
  subresource: string;
  source: Source;
  /** null if no review told of it (sources `baseline` and `watch`). */
  actor: Actor | null;
  /** The field manager that sent the request; '' if the review names none. */
  manager: string;
  effect: Effect;
  /** True if only `/status` changes. */
  statusOnly: boolean;
  outcome: Outcome;
  /** How the outcome is known; '' while pending. */
  outcomeReason: string;
  /** The resourceVersion that it was persisted as; '' if not known. */
  resourceVersion: string;
  /** The resourceVersion that the request was made against; '' for a creation. */
  baseResourceVersion: string;
  /** The uid of the AdmissionReview; '' if there was none. */
  reviewUid: string;
  /** Request options (dryRun never occurs), such as gracePeriodSeconds or an exec's command; null if there are none. */
  options: Json;
  /** The request that explains this change, if there is exactly one (source `watch`); otherwise null. */
  cause: number | null;
  /** The earliest possible time, if the moment is only known as an interval; otherwise equal to `at`. */
  notBefore: number;
  /** The reason of the last gap in its interval, in which it may have happened; '' if there was no gap. */
  gap: string;
  /** Field managers in managedFields for a change of source `watch`: a hint, not an identity. */
  managersHint: string[];
  /** What the API server's audit log says about the request, if it was imported. */
  audit?: AuditRecord;
  patch: Patch;
  deltas: Delta[];
  /** A request to scale for which it is not known which field it set: `patch` is empty. `from` is null if not known. */
  scale?: { from: number | null; to: number };
  /** What led to it, nearest first, if the query asked for it; empty if the record does not show it. */
  causes?: CauseLink[];
  /** The source that a delivery tool made it from, if the query asked for causes; absent if no such tool made it. */
  origin?: Origin;
  /** The delivery tool that manages what a person changed by hand, if the query asked for causes; absent for other changes. */
  byHand?: Manager;
  /** Bodies before and after, if the query asked for them; null if the object did not exist. */
  before?: JsonObject | null;
  after?: JsonObject | null;
}

/** A change that led to another one: controllers act on somebody's behalf. */
export interface CauseLink {
  seq: number;
  /** null if no user is known. */
  actor: Actor | null;
  object: ObjectRef;
  /** False if other explanations remain. The rest of the chain is no more certain than this link. */
  certain: boolean;
  /** The evidence in the record, for people. */
  why: string;
  /** The source that a delivery tool made it from: only in the last link, and absent if no such tool made it. */
  origin?: Origin;
}
