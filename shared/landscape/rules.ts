import { isMap, isScalar, isSeq, parseDocument, type Node, type Pair } from 'yaml';
import { KubeblameError, messageOf } from '../errors.ts';
import { parseSelector } from '../selector.ts';
import { RULE_ATTRIBUTES, type LandscapeRule } from './rule-for.ts';

/** The ConfigMap whose rules apply to everybody, and the key that holds them. */
export const RULES_CONFIG_MAP = { namespace: 'kubeblame', name: 'kubeblame-rules', key: 'rules.yaml' } as const;

const CONDITIONS = ['namespace', 'kind', 'name', 'labels'] as const;

/**
 * Reads rules, YAML:
 *
 *     - where: {namespace: payments-*, labels: "tier=api"}   # patterns with * and ?, a selector as of kubectl's -l
 *       application: payments
 *       team: payments
 *       product: shop
 *
 * Throws input-invalid with `source` (what the text is called) and the line.
 */
export function parseLandscapeRules(text: string, source: string): LandscapeRule[] {
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const fail = (offset: number, what: string): never => {
    throw new KubeblameError('input-invalid', `${source}, line ${lineAt(offset)}: ${what}`, HINT);
  };
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) fail(problem.pos[0], problem.message.split(/ at line|\n/)[0] ?? '');
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (!isSeq(contents)) return fail(startOf(contents), 'must be a list of rules');
  return contents.items.map((item) => {
    const [members, at] = [membersOf(item, fail, 'a rule'), startOf(item)];
    const rule: LandscapeRule = { where: {}, line: lineAt(at) };
    for (const [key, value, offset] of members) {
      if (key === 'where') rule.where = conditionsOf(value, fail);
      else if (isOneOf(RULE_ATTRIBUTES, key)) rule[key] = textOf(value, key, offset, fail);
      else fail(offset, `has the unknown key ${JSON.stringify(key)}: known are where, ${RULE_ATTRIBUTES.join(', ')}`);
    }
    if (!members.some(([key]) => key === 'where')) fail(at, 'has no "where": which objects is it about?');
    if (RULE_ATTRIBUTES.every((key) => rule[key] === undefined)) fail(at, `says nothing: add ${RULE_ATTRIBUTES.join(', ')}`); // prettier-ignore
    return rule;
  });
}

const HINT = 'a rule looks like: - {where: {namespace: payments-*}, team: payments}; see docs/applications.md';

type Fail = (offset: number, what: string) => never;

function conditionsOf(node: unknown, fail: Fail): LandscapeRule['where'] {
  const where: LandscapeRule['where'] = {};
  for (const [key, value, offset] of membersOf(node, fail, '"where"')) {
    if (!isOneOf(CONDITIONS, key)) fail(offset, `has the unknown condition ${JSON.stringify(key)}: known are ${CONDITIONS.join(', ')}`); // prettier-ignore
    const text = textOf(value, key, offset, fail);
    if (key !== 'labels') Object.assign(where, { [key]: text });
    else {
      try {
        where.labels = parseSelector(text);
      } catch (error) {
        fail(offset, messageOf(error));
      }
    }
  }
  return where;
}

function membersOf(node: unknown, fail: Fail, what: string): [key: string, value: unknown, offset: number][] {
  if (!isMap(node)) return fail(startOf(node), `${what} must have keys, such as namespace: or team:`);
  return node.items.map((pair: Pair) => [
    isScalar(pair.key) ? String(pair.key.value) : '',
    pair.value,
    startOf(pair.key),
  ]);
}

function textOf(node: unknown, key: string, offset: number, fail: Fail): string {
  if (isScalar(node) && typeof node.value === 'string' && node.value !== '') return node.value;
  return fail(offset, `${key} must be a text`);
}

function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

function isOneOf<T extends string>(known: readonly T[], text: string): text is T {
  return (known as readonly string[]).includes(text);
}
