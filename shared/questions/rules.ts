import { KubeblameError, messageOf } from '../errors.ts';
import { parseLandscapeRules } from '../landscape/rules.ts';
import { fail, flag, text, type Parameter } from './parameters.ts';

/** Characters of rules in a request: they are a part of its address, which may have 16 kB. */
const MAX_RULES = 4000;

const TEXT = text('rules', 'Rules, as the ConfigMap kubeblame-rules has them, instead of those.');

export const RULES: Parameter<string, false> = {
  ...TEXT,
  encode: (rules) => {
    // It would be refused as a request that is too large, in words that say less.
    if (rules.length > MAX_RULES)
      throw new KubeblameError('usage-invalid', `--rules: a server takes at most ${MAX_RULES} characters`, 'put them into the ConfigMap kubeblame-rules'); // prettier-ignore
    return TEXT.encode(rules);
  },
};
export const RULES_THEN = flag('rulesThen', 'The rules that were recorded at the time, not those of now.');

/** Throws query-invalid where rules cannot be read, or both are given. */
export function checkRules({ rules, rulesThen }: { rules?: string; rulesThen?: boolean }): void {
  try {
    parseLandscapeRules(rules ?? '', 'rules');
  } catch (error) {
    fail('rules', `cannot be used: ${messageOf(error)}`);
  }
  if (rules !== undefined && rulesThen === true) fail('rulesThen', 'does not go with the parameter rules');
}
