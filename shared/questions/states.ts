import type { Actor, JsonObject, ObjectRef, Outcome } from '../types.ts';
import { codec, limit, moment, text, type Limits, type Query } from './parameters.ts';
import type { LimitedQuestion } from './question.ts';
import { scope, type Denied } from './scope.ts';

/** For the next page: as returned by the page before. */
export const CONTINUE = text('continue', 'For the next page: `next` of the page before.');

/** kubectl asks for 500 at a time. */
const LIMITS: Limits = { fallback: 100, max: 500 };
const PARAMETERS = { scope, at: moment('at', 'The time.'), limit: limit(LIMITS), continue: CONTINUE };
export type StateQuery = Query<typeof PARAMETERS>;

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

export const states: LimitedQuestion<StateQuery, StatePage> = {
  about: 'Objects as they were at a time, by group, resource, namespace and name',
  codec: codec(PARAMETERS),
  limits: LIMITS,
  reads: { of: 'objects', scope: ({ scope }) => ({ scope }), denied: 'objects' },
};
