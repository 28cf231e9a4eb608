import type { Change } from '../types.ts';
import {
  codec,
  fail,
  flag,
  integer,
  integers,
  limit,
  notSent,
  text,
  texts,
  type Limits,
  type Query,
} from './parameters.ts';
import type { LimitedQuestion } from './question.ts';
import { scope, type Denied } from './scope.ts';

const LIMITS: Limits = { fallback: 50, max: 1000 };

/** The longest that a question may wait for a change, in ms: proxies between give up after a minute. */
const MAX_WAIT_MS = 30_000;

export const SINCE = integer('since', 'Not before this time, ms.');
export const UNTIL = integer('until', 'Not after this time, ms.');
export const STATUS = flag('status', 'Also the changes by controllers that touch nothing but status.');

const PARAMETERS = {
  scope,
  seqs: integers('seq', 'Only this change, by its number.'),
  since: SINCE,
  until: UNTIL,
  users: texts('user', 'Only changes of this user: a name, or a pattern with `*` and `?`.'),
  userGroups: texts('userGroup', 'Only changes of users in this group; a name or a pattern.'),
  managers: texts('manager', 'Only changes through this field manager; a name or a pattern.'),
  operations: texts(
    'operation',
    'Only this operation, in any case, also with its subresource: `update`, `update/scale`.',
  ),
  excludeUsers: texts('excludeUser', 'No changes of this user; a name or a pattern. Changes of nobody known stay.'),
  field: text('field', 'Only what changed this field: `spec.replicas`. The deltas are those of the field.'),
  status: STATUS,
  attempts: flag('attempts', 'Also the attempts that were never persisted.'),
  refused: flag('refused', 'Only requests that the API server refused, as its audit log tells.'),
  bodies: flag('bodies', 'Also the bodies before and after.'),
  causes: flag('causes', 'Also what led to the changes of controllers.'),
  /**
   * With `causes`: of a change that follows from another one of the page, the deltas need not be told, but for that of a
   * mark for deletion. A hint, and not sent to a server: those that do not know it would refuse the question.
   */
  folded: notSent<boolean>(),
  /** At most this many, the newest. */
  limit: limit(LIMITS),
  before: integer('before', 'For the next page: only changes with a smaller number.'),
  newerThan: integer('newerThan', 'Only changes with a greater number; still the newest first.'),
  after: integer(
    'after',
    'To follow: only changes with a greater number, the oldest first; `next` is then what to go on after, never null.',
  ),
  waitMs: integer(
    'waitMs',
    `With \`after\`, where there is no change yet: how long to wait for one, at most ${MAX_WAIT_MS} ms.`,
  ),
};
export type ChangeQuery = Query<typeof PARAMETERS>;

export interface ChangePage {
  /** Newest first; oldest first where the query follows (`after`). */
  changes: Change[];
  /** Pass as `before` (or `after`) for the next page; null at the end. */
  next: number | null;
  /** Changes hidden on this page: touched only status, or never persisted. */
  hidden: { status: number; attempts: number };
  denied?: Denied;
}

export const changes: LimitedQuestion<ChangeQuery, ChangePage> = {
  about: 'Changes, the newest first',
  codec: codec(PARAMETERS, ({ waitMs, after }) => {
    if (waitMs === undefined) return;
    if (after === undefined) fail('waitMs', 'needs the parameter after');
    if (waitMs > MAX_WAIT_MS) fail('waitMs', `must be at most ${MAX_WAIT_MS}`);
  }),
  limits: LIMITS,
  // What led to a change is of other types than it.
  reads: {
    of: 'objects',
    scope: ({ scope, causes }) => ({ scope, otherTypes: causes === true }),
    denied: 'acts',
  },
};
