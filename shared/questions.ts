import type { Actor, CauseLink, Change, Json, JsonObject, ObjectRef, Outcome, ResourceType } from './types.ts';
import type { NamedType } from './built-in-types.ts';
import type { Blow } from './landscape/effects.ts';
import type { Impact } from './landscape/impact.ts';
import type { Application, Applications } from './landscape/applications.ts';
import type { Graph, ObjectFacts } from './landscape/types.ts';

/*
 * What can be asked of a ledger, and the answers. Times are milliseconds since the Unix epoch, UTC.
 */

/** Which objects a question is about. All given conditions must hold; an empty scope is everything. */
export interface Scope {
  type?: { group: string; resource: string };
  /** Objects in this namespace. */
  namespace?: string;
  /** With `namespace`: also the Namespace object itself. */
  withNamespaceObject?: boolean;
  /** Exact names. */
  names?: string[];
  /** A label selector, as kubectl's -l has it, matched against the labels that the object had then. */
  labels?: string;
}

export interface ChangeQuery {
  scope: Scope;
  since?: number;
  until?: number;
  /**
   * Only changes of these users, of users in these groups, through these field managers; each a name, or a pattern with
   * `*` and `?`. Of `operations` also with the subresource: `update`, `update/scale`, in any case.
   */
  users?: string[];
  userGroups?: string[];
  managers?: string[];
  operations?: string[];
  /** No changes of these users; changes of nobody known stay. */
  excludeUsers?: string[];
  /** Only what changed this field: `spec.replicas`; the deltas are those of the field. */
  field?: string;
  /** Also the changes by controllers that touch nothing but status. */
  status?: boolean;
  /** Also the attempts that were never persisted. */
  attempts?: boolean;
  /** Also the bodies before and after. */
  bodies?: boolean;
  /** Also what led to the changes of controllers. */
  causes?: boolean;
  /**
   * With `causes`: of a change that follows from another one of the page, the deltas need not be told, but for that of a
   * mark for deletion. A hint, and not sent to a server: those that do not know it would refuse the question.
   */
  folded?: boolean;
  /** At most this many, the newest. */
  limit: number;
  /** For the next page: only changes with a smaller seq. */
  before?: number;
  /** Only changes with a larger seq; still the newest first. */
  newerThan?: number;
  /** Only these changes, by their seq. */
  seqs?: number[];
  /** To follow: only changes with a greater seq, the oldest first; `next` is then what to go on after, never null. */
  after?: number;
  /** With `after`, where there is none yet: how long to wait for one, in ms. */
  waitMs?: number;
}

/**
 * Resource types that the reader may not read, or not everywhere in the scope: `secrets`, `deployments.apps`. They are
 * left out, whether there is anything of them or not; absent where nothing is.
 */
export type Denied = string[];

export interface ChangePage {
  /** Newest first; oldest first where the query follows (`after`). */
  changes: Change[];
  /** Pass as `before` (or `after`) for the next page; null at the end. */
  next: number | null;
  /** Changes hidden on this page: touched only status, or never persisted. */
  hidden: { status: number; attempts: number };
  denied?: Denied;
}

export interface StateQuery {
  scope: Scope;
  at: number;
  limit: number;
  /** For the next page: as returned by the page before. */
  continue?: string;
}

/** One object as it was at a moment. */
export interface State {
  object: ObjectRef;
  /** The change that made this state, when, and by whom (null: not through us). */
  seq: number;
  changedAt: number;
  actor: Actor | null;
  manager: string;
  /** What the state relies on: `committed` facts, or a `pending` or `unverified` attempt. */
  outcome: Outcome;
  body: JsonObject;
}

export interface StatePage {
  /** Ordered by group, resource, namespace, name. */
  states: State[];
  next: string | null;
  denied?: Denied;
}

export interface DifferenceQuery {
  scope: Scope;
  from: number;
  to: number;
  limit: number;
  continue?: string;
}

/** The net difference of one object between two moments; null where it did not exist. */
export interface Difference {
  object: ObjectRef;
  before: JsonObject | null;
  after: JsonObject | null;
  /** Who changed it in between, each user once, in the order of their first change. */
  users: string[];
  /** Those of them of whom one of these changes is disputed; absent where none is. */
  disputed?: string[];
}

export interface DifferencePage {
  differences: Difference[];
  next: string | null;
  denied?: Denied;
}

/** Whose changes to count: as a ChangeQuery has it, but attempts that were never persisted never count. */
export type UserQuery = Pick<ChangeQuery, 'scope' | 'since' | 'until' | 'status'>;

/** What one user changed, in numbers. */
export interface UserSummary {
  username: string;
  changes: number;
  /** How many of them are disputed; absent where none is. */
  disputed?: number;
  firstAt: number;
  lastAt: number;
  /** What was touched, the most changed first. */
  resources: { group: string; resource: string; kind: string; changes: number }[];
}

export interface UserPage {
  /** The most changes first. */
  users: UserSummary[];
  denied?: Denied;
}

/** Which change set something. */
export interface Owner {
  seq: number;
  /** Where `seq` was looked for behind changes that the query ignores: the newest of those, which set the value. */
  through?: number;
}

/**
 * Who set each part of a body. `members` has keys of an object, places of a list, and numbers of the lines of a text; what
 * is not in it was set by the same change as what it is in.
 */
export interface OwnerTree extends Owner {
  members?: Record<string, OwnerTree>;
}

/** What an object had once, and has not any more. */
export interface RemovedPart {
  /** Keys (as written: unescapeText) and places in the body of the object or list that it was in. */
  at: string[];
  /** The key that it stood under; in a list the place in the body before which it stood. */
  key: string;
  value: Json;
  /** The change that took it away. */
  seq: number;
}

/** What of a change an annotation tells. */
export type Setter = Pick<
  Change,
  'seq' | 'at' | 'notBefore' | 'source' | 'operation' | 'subresource' | 'manager' | 'outcome' | 'managersHint' | 'cause'
> & {
  /** Of a change of source `watch` that a request explains: who sent that. null: nobody is known. */
  actor: Actor | null;
  /** With `humans`: what led to it, nearest first. */
  causes?: CauseLink[];
};

export interface BlameQuery {
  scope: Scope;
  at: number;
  /** Limits it to a field: `spec.template`. Objects without it are left out. */
  field?: string;
  /** Also what is not there any more. */
  removed?: boolean;
  /** Users whose changes are looked through, to whoever set a value before them. */
  ignore?: string[];
  /** Looks through Kubernetes' own users and service accounts. */
  humans?: boolean;
  limit: number;
  continue?: string;
}

/** An object at a moment, and who set each part of it. */
export interface ObjectBlame extends State {
  owners: OwnerTree;
  /** The newest removal of each part, in no order; empty where it was not asked for. */
  removed: RemovedPart[];
  /** The changes that the owners and removed parts name, by seq. */
  setters: Setter[];
}

export interface BlamePage {
  /** Ordered by group, resource, namespace, name. */
  blames: ObjectBlame[];
  next: string | null;
  denied?: Denied;
}

export interface GraphQuery {
  at: number;
}

/** The dependency graph at a moment, of what the reader may read. */
export interface GraphPage extends Graph {
  denied?: Denied;
}

/** What the bodies of all objects said at a moment, of those that the reader may read: what a graph is resolved from. */
export interface FactsPage {
  objects: ObjectFacts[];
  denied?: Denied;
}

export interface ImpactQuery {
  /** What is lost or changed: objects that exist then, or that others speak of. Labels are not asked for. */
  scope: Scope;
  at: number;
  blow: Blow;
  /** How many workloads, one behind the other, are gone through; 3 where it is not given. */
  hops?: number;
}

/** What an impact reaches, and of the graph the part that says so: `starts`, entries and edges are of that part. */
export interface ImpactPage extends Graph, Impact {
  /** Places in the nodes: what the question is about; none where nothing is called so. */
  starts: number[];
  denied?: Denied;
}

export interface ApplicationQuery {
  at: number;
  /** Only this application, with its members; without it, all without theirs. */
  name?: string;
  /** Rules as landscape/rules.ts reads them, instead of those of the ConfigMap. */
  rules?: string;
}

/** What runs at a moment. */
export interface ApplicationPage extends Omit<Applications, 'applications'> {
  applications: (Omit<Application, 'members'> & { members?: Application['members'] })[];
  /** Why the rules of the ConfigMap do not apply; '' where they do, or there are none. */
  rulesProblem: string;
  denied?: Denied;
}

/** A stretch of time, and whether all that happened in it was recorded. Intervals follow one another without holes. */
export interface CoverageInterval {
  from: number;
  /** null: until now. */
  to: number | null;
  covered: boolean;
  /** Why it was not; of a moment that was, what happened to the clock; otherwise ''. */
  cause: string;
}

/** An object that the ledger knows, for suggestions and completion. */
export interface KnownObject {
  object: ObjectRef;
  firstAt: number;
  lastAt: number;
}

export interface LedgerInfo {
  cluster: string;
  /** The ledger's schema version. */
  format: number;
  /** null where the reader may not read all of them. */
  changes: number | null;
  /** null in an empty ledger. */
  firstAt: number | null;
  /** null in an empty ledger, and where the reader may not read all of it. */
  lastAt: number | null;
  /** The version of what answers. */
  version: string;
}

/**
 * The questions that can be asked of a ledger: one interface, whether it is a file (webhook/ask/questions) or a server
 * (plugin/client.ts). All reject with a KubeblameError.
 */
export interface LedgerReader {
  info(): Promise<LedgerInfo>;
  /** Resource types that the ledger has seen. */
  resources(): Promise<ResourceType[]>;
  /** Objects that match, by name; `limit` at most. */
  objects(scope: Scope, limit: number): Promise<KnownObject[]>;
  changes(query: ChangeQuery): Promise<ChangePage>;
  /** Who changed something, the most changes first. */
  users(query: UserQuery): Promise<UserPage>;
  states(query: StateQuery): Promise<StatePage>;
  differences(query: DifferenceQuery): Promise<DifferencePage>;
  blame(query: BlameQuery): Promise<BlamePage>;
  /** What depends on what. Who made an edge, shared/landscape/made-by.ts tells. */
  graph(query: GraphQuery): Promise<GraphPage>;
  impact(query: ImpactQuery): Promise<ImpactPage>;
  /** Which applications exist, of what, and of whom. What of them ran when, shared/landscape/releases.ts tells. */
  applications(query: ApplicationQuery): Promise<ApplicationPage>;
  /** For graphs that differ from the recorded one, such as with a manifest that is not applied yet. */
  facts(query: GraphQuery): Promise<FactsPage>;
  /** When recording worked, oldest first; empty in a ledger that nothing has recorded into. */
  coverage(): Promise<CoverageInterval[]>;
  /** The types that the live cluster has, with all their names: only where the answer comes through an API server. */
  discover?(): Promise<NamedType[]>;
  close(): Promise<void>;
}
