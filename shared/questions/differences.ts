import type { JsonObject, ObjectRef } from '../types.ts';
import { codec, limit, moment, type Limits, type Query } from './parameters.ts';
import type { LimitedQuestion } from './question.ts';
import { scope, type Denied } from './scope.ts';
import { CONTINUE } from './states.ts';

const LIMITS: Limits = { fallback: 100, max: 500 };
const PARAMETERS = {
  scope,
  from: moment('from', 'The earlier time.'),
  to: moment('to', 'The later time.'),
  limit: limit(LIMITS),
  continue: CONTINUE,
};
export type DifferenceQuery = Query<typeof PARAMETERS>;

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

export const differences: LimitedQuestion<DifferenceQuery, DifferencePage> = {
  about: 'Objects that differ between two times, each as it was at both',
  codec: codec(PARAMETERS),
  limits: LIMITS,
  reads: { of: 'objects', scope: ({ scope }) => ({ scope }), denied: 'objects' },
};
