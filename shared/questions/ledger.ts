import type { ObjectRef, ResourceType } from '../types.ts';
import { codec, limit, NO_PARAMETERS, type Limits, type Query } from './parameters.ts';
import type { LimitedQuestion, Question } from './question.ts';
import { scope } from './scope.ts';

/*
 * What a ledger is, and what is in it.
 */

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

export const info: Question<void, LedgerInfo> = {
  about: 'What the ledger is: its cluster, how many changes it has, its first and its last time',
  codec: NO_PARAMETERS,
  // How much is in the ledger, and when it was last written to, is for those who may read all of it.
  reads: { of: 'ledger', partly: (answer) => ({ ...answer, changes: null, lastAt: null }) },
};

export const resources: Question<void, ResourceType[]> = {
  about: 'The resource types that the ledger has seen',
  codec: NO_PARAMETERS,
  reads: { of: 'objects', scope: () => ({ scope: {} }) },
};

/** An object that the ledger knows, for suggestions and completion. */
export interface KnownObject {
  object: ObjectRef;
  firstAt: number;
  lastAt: number;
}

const OBJECT_LIMITS: Limits = { fallback: 100, max: 1000 };
const OBJECT_PARAMETERS = { scope, limit: limit(OBJECT_LIMITS) };
export type ObjectQuery = Query<typeof OBJECT_PARAMETERS>;

export const objects: LimitedQuestion<ObjectQuery, KnownObject[]> = {
  about: 'The objects that the ledger knows, by name, each with the times of its first and its last change',
  codec: codec(OBJECT_PARAMETERS),
  limits: OBJECT_LIMITS,
  reads: { of: 'objects', scope: ({ scope }) => ({ scope }) },
};

/** A stretch of time, and whether all that happened in it was recorded. Intervals follow one another without holes. */
export interface CoverageInterval {
  from: number;
  /** null: until now. */
  to: number | null;
  covered: boolean;
  /** Why it was not; of a moment that was, what happened to the clock; otherwise ''. */
  cause: string;
}

/** Causes, which may name users, are left out by the restricted store (webhook/ask/access). */
export const coverage: Question<void, CoverageInterval[]> = {
  about: 'When recording worked, oldest first; empty where nothing has recorded yet',
  codec: NO_PARAMETERS,
  reads: { of: 'ledger', partly: (answer) => answer },
};
