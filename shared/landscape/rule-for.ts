import { matchesGlob } from '../glob.ts';
import { matchesSelector, type Requirement } from '../selector.ts';
import type { ObjectRef } from '../types.ts';
import type { Facts } from './types.ts';

/** What of a rule can be said of an object. */
export const RULE_ATTRIBUTES = ['application', 'team', 'product'] as const;
export type RuleAttribute = (typeof RULE_ATTRIBUTES)[number];

/** Says what some objects belong to. All conditions must hold; none given: all objects. */
export interface LandscapeRule extends Partial<Record<RuleAttribute, string>> {
  where: { namespace?: string; kind?: string; name?: string; labels?: Requirement[] };
  /** Where in its file it stands, from 1. */
  line: number;
}

/** The first rule about an object that says something of an attribute; null where none does. */
export function ruleFor(
  rules: readonly LandscapeRule[],
  attribute: RuleAttribute,
  object: ObjectRef,
  facts: Facts,
): LandscapeRule | null {
  return rules.find((rule) => rule[attribute] !== undefined && appliesTo(rule, object, facts)) ?? null;
}

function appliesTo({ where }: LandscapeRule, { namespace, kind, name }: ObjectRef, { labels = {} }: Facts): boolean {
  return (
    (where.namespace === undefined || matchesGlob(where.namespace, namespace)) &&
    (where.kind === undefined || matchesGlob(where.kind.toLowerCase(), kind.toLowerCase())) &&
    (where.name === undefined || matchesGlob(where.name, name)) &&
    (where.labels === undefined || matchesSelector(where.labels, labels))
  );
}
