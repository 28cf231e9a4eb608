import { SINCE, STATUS, UNTIL } from './changes.ts';
import { codec, type Query } from './parameters.ts';
import type { Question } from './question.ts';
import { scope, type Denied } from './scope.ts';

const PARAMETERS = { scope, since: SINCE, until: UNTIL, status: STATUS };
/** Whose changes to count: as a ChangeQuery has it, but attempts that were never persisted never count. */
export type UserQuery = Query<typeof PARAMETERS>;

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

export const users: Question<UserQuery, UserPage> = {
  about: 'Who changed something, in numbers, the most changes first',
  codec: codec(PARAMETERS),
  reads: { of: 'objects', scope: ({ scope }) => ({ scope }), denied: 'acts' },
};
