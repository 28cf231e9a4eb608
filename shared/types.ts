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
/** Why nothing is known of a request, of several with different users of which each may have made the version that was persisted. */
export const DISPUTED = 'reviews of several users claim this version';

/** The API server does not know itself what became of a request: it answered before that was settled. */
export const GIVEN_UP = 'the API server gave it up: it may have been persisted';

/** What became of a request after its admission. */
export type Outcome = (typeof OUTCOMES)[number];

export const EFFECTS = ['none', 'created', 'modified', 'deleted'] as const;
/** What a change does to the object's state. `none`: an act without a body, such as an exec or an eviction. */
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

/** The authenticated user of a request, as `userInfo` in the review has it. */
export interface Actor {
  username: string;
  uid?: string;
  groups: string[];
  extra?: Record<string, string[]>;
  /** Set of the user of a change that is disputed: reviews of other users claim the same version. Never in a review. */
  disputed?: true;
}

/** What a change did, in words: one changed value, list items named by their merge key. */
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
  /** When it came into the ledger, where that was long after it happened: an audit log that was imported later. */
  recordedAt?: number;
  object: ObjectRef;
  operation: Operation;
  /** '' for the object itself; otherwise `status`, `scale`, `binding`, `eviction`, `exec`, ... */
  subresource: string;
  source: Source;
  /** null where nobody attempted it through us (sources `baseline` and `watch`). */
  actor: Actor | null;
  /** The field manager that sent the request; '' where the review names none. */
  manager: string;
  effect: Effect;
  /** True where nothing but `/status` changes. */
  statusOnly: boolean;
  outcome: Outcome;
  /** How the outcome is known; '' while pending. */
  outcomeReason: string;
  /** The version that it was persisted as; '' where that is not known. */
  resourceVersion: string;
  /** The version that the request was made against; '' for a creation. */
  baseResourceVersion: string;
  /** The uid of the AdmissionReview; '' where there was none. */
  reviewUid: string;
  /** Request options (dryRun never occurs), such as gracePeriodSeconds or an exec's command; null where there are none. */
  options: Json;
  /** The request that explains this change, where exactly one does (source `watch`); otherwise null. */
  cause: number | null;
  /** Where the moment is only known as an interval: not before this time. Otherwise equal to `at`. */
  notBefore: number;
  /** Why nothing was recorded when it may have happened: the last gap in its interval; '' where there was none. */
  gap: string;
  /** Field managers that managedFields names for a change of source `watch`: a hint, not an identity. */
  managersHint: string[];
  /** What the API server's audit log tells of the request, where it was taken in. */
  audit?: AuditRecord;
  patch: Patch;
  deltas: Delta[];
  /** A request to scale of which it is not known which field it set: `patch` is empty. `from` is null where that is not known. */
  scale?: { from: number | null; to: number };
  /** What led to it, nearest first, where the query asked for it; empty where the record does not tell. */
  causes?: CauseLink[];
  /** What a delivery tool made it from, where the query asked for causes; absent where no such tool made it. */
  origin?: Origin;
  /** The delivery tool that manages what a person changed by hand, where the query asked for causes; absent for any other change. */
  byHand?: Manager;
  /** Bodies before and after, where the query asked for them; null where the object did not exist. */
  before?: JsonObject | null;
  after?: JsonObject | null;
}

/** A change that led to another one: controllers act for somebody. */
export interface CauseLink {
  seq: number;
  /** null where nobody is known. */
  actor: Actor | null;
  object: ObjectRef;
  /** False where other explanations remain. What lies behind such a link is no more certain. */
  certain: boolean;
  /** The evidence, for people: what of the record shows it. */
  why: string;
  /** What a delivery tool made it from; of the last link only, and absent where no such tool made it. */
  origin?: Origin;
}
