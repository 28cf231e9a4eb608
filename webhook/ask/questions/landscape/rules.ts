import { messageOf } from '../../../../shared/errors.ts';
import { isObject, unescapeText } from '../../../../shared/json.ts';
import { parseLandscapeRules, RULES_CONFIG_MAP, type LandscapeRule } from '../../../../shared/landscape/rules.ts';
import type { Asked } from '../asked.ts';
import { states } from '../objects/states.ts';

/** The rules of the recorded ConfigMap at a moment (ms). One that cannot be read has none, and `problem` says why. */
export async function recordedRules(asked: Asked, at: number): Promise<{ rules: LandscapeRule[]; problem: string }> {
  const { namespace, name, key } = RULES_CONFIG_MAP;
  const scope = { type: { group: '', resource: 'configmaps' }, namespace, names: [name] };
  const [state] = (await states(asked, { scope, at, limit: 1 })).states;
  const data = state?.body.data;
  const text = isObject(data) ? data[key] : undefined;
  if (state === undefined) return { rules: [], problem: '' };
  if (typeof text !== 'string') return { rules: [], problem: `ConfigMap ${namespace}/${name} has no key ${key}` };
  try {
    return { rules: parseLandscapeRules(unescapeText(text), `ConfigMap ${namespace}/${name}, ${key}`), problem: '' };
  } catch (error) {
    return { rules: [], problem: messageOf(error) };
  }
}
