import type { Application, Applications } from '../landscape/applications.ts';
import { codec, moment, text, type Query } from './parameters.ts';
import type { Question } from './question.ts';
import { checkRules, RULES, RULES_THEN } from './rules.ts';
import type { Denied } from './scope.ts';

const PARAMETERS = {
  at: moment('at', 'The time.'),
  name: text('application', 'Only this application, with its members; without it, all, without theirs.'),
  rules: RULES,
  rulesThen: RULES_THEN,
};
export type ApplicationQuery = Query<typeof PARAMETERS>;

/** What runs at a moment. */
export interface ApplicationPage extends Omit<Applications, 'applications'> {
  applications: (Omit<Application, 'members'> & { members?: Application['members'] })[];
  /** Why the rules of the ConfigMap do not apply; '' where they do, or there are none. */
  rulesProblem: string;
  denied?: Denied;
}

/** What of applications ran when, shared/landscape/releases.ts tells. A rule or a workload that the reader may not read says nothing. */
export const applications: Question<ApplicationQuery, ApplicationPage> = {
  about: 'Which applications exist at a time, of what, and of whom',
  codec: codec(PARAMETERS, checkRules),
  reads: { of: 'objects', scope: () => ({ scope: {} }), denied: 'objects' },
};
