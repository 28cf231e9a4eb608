import { KubeblameError, messageOf } from '../errors.ts';
import type { Application, Applications } from '../landscape/applications.ts';
import { parseLandscapeRules } from '../landscape/rules.ts';
import { codec, fail, moment, text, type Parameter, type Query } from './parameters.ts';
import type { Question } from './question.ts';
import type { Denied } from './scope.ts';

/** Characters of rules in a request: they are a part of its address, which may have 16 kB. */
const MAX_RULES = 4000;

const RULES = text('rules', 'Rules, as the ConfigMap kubeblame-rules has them, instead of those.');

const PARAMETERS = {
  at: moment('at', 'The time.'),
  name: text('application', 'Only this application, with its members; without it, all, without theirs.'),
  rules: {
    ...RULES,
    encode: (rules) => {
      // It would be refused as a request that is too large, in words that say less.
      if (rules.length > MAX_RULES)
        throw new KubeblameError('usage-invalid', `--rules: a server takes at most ${MAX_RULES} characters`, 'put them into the ConfigMap kubeblame-rules'); // prettier-ignore
      return RULES.encode(rules);
    },
  } satisfies Parameter<string, false>,
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
  codec: codec(PARAMETERS, ({ rules }) => {
    try {
      parseLandscapeRules(rules ?? '', 'rules');
    } catch (error) {
      fail('rules', `cannot be used: ${messageOf(error)}`);
    }
  }),
  reads: { of: 'objects', scope: () => ({ scope: {} }), denied: 'objects' },
};
