import type { ManualPage } from '../origins/manual.ts';
import { SINCE, UNTIL } from './changes.ts';
import { codec, type Query } from './parameters.ts';
import type { Question } from './question.ts';
import { scope } from './scope.ts';

const PARAMETERS = { scope, since: SINCE, until: UNTIL };
/** The time whose changes are told; what became of them is told as of now. Labels are not asked for. */
export type ManualQuery = Query<typeof PARAMETERS>;

export const manual: Question<ManualQuery, ManualPage> = {
  about: 'What people did by hand to what delivery tools manage, and what became of it',
  codec: codec(PARAMETERS),
  // What a tool says of itself is of another type than what it delivers.
  reads: { of: 'objects', scope: ({ scope }) => ({ scope, otherTypes: true }), denied: 'objects' },
};
