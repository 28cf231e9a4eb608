import type { Command } from 'commander';
import { KubeblameError } from '../../shared/errors.ts';
import type { RulesQuery } from '../../shared/landscape/recorded-rules.ts';
import { parseLandscapeRules } from '../../shared/landscape/rules.ts';
import type { Io } from '../io.ts';

/** Which rules tell what belongs to an application or a team. */
export interface RulesFlags {
  rules?: string;
  rulesThen?: boolean;
}

export function addRulesFlags(command: Command): void {
  command
    .option('--rules <file>', 'of applications and teams: rules of this file, not the recorded ones; - is stdin')
    .option('--rules-then', 'of applications and teams: the rules that were recorded then, not those of today');
}

/** The rules of --rules, checked; without it those of the ConfigMap apply. Rejects with input-invalid or usage-invalid. */
export async function readRules({ rules: path, rulesThen }: RulesFlags, io: Io): Promise<RulesQuery> {
  if (path === undefined) return rulesThen === true ? { rulesThen } : {};
  if (rulesThen === true) throw new KubeblameError('usage-invalid', '--rules and --rules-then do not go together', 'leave one of them out'); // prettier-ignore
  const rules = await io.read(path);
  parseLandscapeRules(rules, path);
  return { rules };
}
