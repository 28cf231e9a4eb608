import type { Actor, CauseLink, Change, Json, Origin } from '../types.ts';
import { codec, flag, limit, moment, text, texts, type Limits, type Query } from './parameters.ts';
import type { LimitedQuestion } from './question.ts';
import { scope, type Denied } from './scope.ts';
import { CONTINUE, type State } from './states.ts';

const LIMITS: Limits = { fallback: 20, max: 100 };
const PARAMETERS = {
  scope,
  at: moment('at', 'The time.'),
  field: text('field', 'Only this field: `spec.template`. Objects without it are left out.'),
  removed: flag('removed', 'Also what is not there any more.'),
  ignore: texts('ignore', 'A user whose changes are looked through, to whoever set a value before them.'),
  humans: flag('humans', "Looks through Kubernetes' own users and service accounts."),
  limit: limit(LIMITS),
  continue: CONTINUE,
};
export type BlameQuery = Query<typeof PARAMETERS>;

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
  /** What a delivery tool made it from; absent where no such tool made it. */
  origin?: Origin;
};

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

export const blame: LimitedQuestion<BlameQuery, BlamePage> = {
  about: 'Objects as they were at a time, and which change set each part of them',
  codec: codec(PARAMETERS),
  limits: LIMITS,
  reads: { of: 'objects', scope: ({ scope }) => ({ scope, otherTypes: true }), denied: 'objects' },
};
