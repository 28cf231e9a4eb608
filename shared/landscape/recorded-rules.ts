import { messageOf } from '../errors.ts';
import { isObject, unescapeText } from '../json.ts';
import type { JsonObject, LedgerReader } from '../types.ts';
import type { LandscapeRule } from './rule-for.ts';
import { parseLandscapeRules, parseRules, RULES_CONFIG_MAP, type Rules } from './rules.ts';

/** Which rules tell what an object belongs to. */
export interface RulesQuery {
  /** Rules as rules.ts reads them, instead of those of the ConfigMap. */
  rules?: string;
  /** The ConfigMap's rules of the moment that is asked about; without it those of now hold for all moments. */
  rulesThen?: boolean;
}

/** The rules that apply to a moment (ms). Rejects with input-invalid where the given ones cannot be read. */
export async function rulesFor(
  { rules, rulesThen }: RulesQuery,
  { at, now }: { at: number; now: number },
  reader: Pick<LedgerReader, 'states'>,
): Promise<{ rules: LandscapeRule[]; problem: string }> {
  if (rules !== undefined) return { rules: parseLandscapeRules(rules, 'rules'), problem: '' };
  return recordedRules(reader, rulesThen === true ? at : now);
}

/** The rules of the recorded ConfigMap at a moment (ms). One that cannot be read has none, and `problem` says why. */
async function recordedRules(
  reader: Pick<LedgerReader, 'states'>,
  at: number,
): Promise<{ rules: LandscapeRule[]; problem: string }> {
  const { namespace, name } = RULES_CONFIG_MAP;
  const scope = { type: { group: '', resource: 'configmaps' }, namespace, names: [name] };
  const [state] = (await reader.states({ scope, at, limit: 1 })).states;
  const { rules, problem } = recordedRulesIn(state?.body ?? null);
  return { rules: rules.objects, problem };
}

/** The rules of the recorded ConfigMap (its body; null: there is none). One that cannot be read has none, and `problem` says why. */
export function recordedRulesIn(body: JsonObject | null): { rules: Rules; problem: string } {
  const { namespace, name, key } = RULES_CONFIG_MAP;
  const none: Rules = { objects: [], tools: [], revisions: [] };
  if (body === null) return { rules: none, problem: '' };
  const text = isObject(body.data) ? body.data[key] : undefined;
  if (typeof text !== 'string') return { rules: none, problem: `ConfigMap ${namespace}/${name} has no key ${key}` };
  try {
    return { rules: parseRules(unescapeText(text), `ConfigMap ${namespace}/${name}, ${key}`), problem: '' };
  } catch (error) {
    return { rules: none, problem: messageOf(error) };
  }
}
