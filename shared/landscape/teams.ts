import type { Belongings } from './belongings.ts';
import { believe, firstOf, NAME_LABELS, ruleText, type Evidence, type Said } from './evidence.ts';
import { unique } from './order.ts';
import { ruleFor, type LandscapeRule } from './rule-for.ts';
import type { ObjectFacts } from './types.ts';

const TEAM_KEYS = ['team', 'owner'];

/** Whether two names may be one team's: `storefront` has the address `storefront@example.com`. */
export function isSameTeam(a: string, b: string): boolean {
  return a === b || a.split('@')[0] === b || b.split('@')[0] === a;
}

/**
 * Who an object is of: by a rule, by `team` or `owner` of itself, of its template, of its controller (`above`), of its namespace. null
 * where nothing says so.
 */
export function teamOf(
  each: ObjectFacts,
  above: { said: Said; title: string } | null,
  known: Belongings,
  rules: readonly LandscapeRule[],
): Said | null {
  const { object, facts } = each;
  const rule = ruleFor(rules, 'team', object, facts);
  const found: Evidence[] = [
    ...(rule?.team === undefined ? [] : [{ value: rule.team, tier: 1, by: ruleText(rule) }]),
    ...firstOf(facts, TEAM_KEYS, 2),
    ...firstOf({ labels: facts.podLabels ?? {} }, TEAM_KEYS, 3, 'template '),
    ...(above === null ? [] : [{ value: above.said.value, tier: 4, by: above.title }]),
  ];
  // A namespace's team is that of what does not say otherwise: no conflict.
  return believe(found.length > 0 ? found : firstOf(known.namespaceOf(object), TEAM_KEYS, 5, 'namespace '), isSameTeam);
}

/** What an object's application is a part of: by a rule, by `part-of` above the application, by a label `product`. null where nothing says so. */
export function productOf(
  { object, facts }: ObjectFacts,
  application: string,
  known: Belongings,
  rules: readonly LandscapeRule[],
): Said | null {
  const rule = ruleFor(rules, 'product', object, facts);
  const partOf = facts.labels?.[NAME_LABELS[1]] ?? '';
  const found: Evidence[] = [
    ...(rule?.product === undefined ? [] : [{ value: rule.product, tier: 1, by: ruleText(rule) }]),
    ...(partOf === '' || partOf === application ? [] : [{ value: partOf, tier: 2, by: `label ${NAME_LABELS[1]}` }]),
    ...firstOf(facts, ['product'], 3),
  ];
  return believe(found.length > 0 ? found : firstOf(known.namespaceOf(object), ['product'], 4, 'namespace '));
}

/** A team that is told by its name and by its address is one. */
export function teamNames(values: readonly string[]): string[] {
  const all = unique(values);
  return all.filter((value) => !all.some((other) => other !== value && !other.includes('@') && isSameTeam(value, other))); // prettier-ignore
}
