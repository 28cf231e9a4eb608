import { isMap, isScalar, isSeq, parseDocument, type Node, type Pair } from 'yaml';
import { KubeblameError, messageOf } from '../errors.ts';
import { parseSelector, type Requirement } from '../selector.ts';
import { REVISION_PARTS, type RevisionRule, type ToolRule } from '../origins/rules.ts';
import { RULE_ATTRIBUTES, type LandscapeRule } from './rule-for.ts';

/** The ConfigMap whose rules apply to everybody, and the key that holds them. */
export const RULES_CONFIG_MAP = { namespace: 'kubeblame', name: 'kubeblame-rules', key: 'rules.yaml' } as const;

const CONDITIONS = {
  objects: ['namespace', 'kind', 'name', 'labels'],
  tool: ['manager', 'user'],
  revision: ['repository'],
} as const;

/** What a file of rules says. */
export interface Rules {
  objects: LandscapeRule[];
  tools: ToolRule[];
  revisions: RevisionRule[];
}

/**
 * Reads rules, YAML:
 *
 *     - where: {namespace: payments-*, labels: "tier=api"}   # patterns with * and ?, a selector as of kubectl's -l
 *       application: payments
 *       team: payments
 *       product: shop
 *     - where: {manager: deployer}                           # or user: of whoever makes the change
 *       tool: Deployer
 *     - where: {repository: shop/*}                          # without it: all repositories
 *       revision: https://git.example.com/{repo}/commit/{revision}
 *
 * Throws input-invalid with `source` (what the text is called) and the line.
 */
export function parseRules(text: string, source: string): Rules {
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const fail = (offset: number, what: string): never => {
    throw new KubeblameError('input-invalid', `${source}, line ${lineAt(offset)}: ${what}`, HINT);
  };
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) fail(problem.pos[0], problem.message.split(/ at line|\n/)[0] ?? '');
  const { contents } = document;
  const rules: Rules = { objects: [], tools: [], revisions: [] };
  if (contents === null || (isScalar(contents) && contents.value === null)) return rules;
  if (!isSeq(contents)) return fail(startOf(contents), 'must be a list of rules');
  for (const item of contents.items) {
    const [members, at] = [membersOf(item, fail, 'a rule'), startOf(item)];
    const kind = (['tool', 'revision'] as const).find((each) => members.some(([key]) => key === each)) ?? 'objects';
    const known: readonly string[] = kind === 'objects' ? RULE_ATTRIBUTES : [kind];
    const said: Record<string, string> = {};
    let where: Record<string, string | Requirement[]> | null = null;
    for (const [key, value, offset] of members) {
      if (key === 'where') where = conditionsOf(value, CONDITIONS[kind], fail);
      else if (known.includes(key)) said[key] = textOf(value, key, offset, fail);
      else fail(offset, `has the unknown key ${JSON.stringify(key)}: known are where, ${known.join(', ')}`);
      if (key === 'revision') checkTemplate(said[key] ?? '', offset, fail);
    }
    if (where === null && kind !== 'revision') fail(at, `has no "where": which ${kind === 'tool' ? 'changes' : 'objects'} is it about?`); // prettier-ignore
    if (Object.keys(said).length === 0) fail(at, `says nothing: add ${[...RULE_ATTRIBUTES, 'tool', 'revision'].join(', ')}`); // prettier-ignore
    const rule = { where: where ?? {}, ...said, line: lineAt(at) };
    if (kind === 'objects') rules.objects.push(rule);
    else if (kind === 'tool') rules.tools.push(rule as ToolRule);
    else rules.revisions.push(rule as RevisionRule);
  }
  return rules;
}

/** The rules of a file that say what objects belong to. */
export function parseLandscapeRules(text: string, source: string): LandscapeRule[] {
  return parseRules(text, source).objects;
}

/** What leads from a revision to a page about it is opened by a click: nothing but the web. */
function checkTemplate(template: string, offset: number, fail: Fail): void {
  const unknown = [...template.matchAll(/\{(.*?)\}/g)].map(([, name = '']) => name).find((name) => !isOneOf(REVISION_PARTS, name)); // prettier-ignore
  if (unknown !== undefined) fail(offset, `revision has the unknown part {${unknown}}: known are {${REVISION_PARTS.join('}, {')}}`); // prettier-ignore
  if (!/^https?:\/\/[^{/][!-~]*$/.test(template))
    fail(offset, 'revision must be a URL: https:// or http://, a host, and no spaces');
  if (!template.includes('{revision}')) fail(offset, 'revision must contain {revision}');
}

const HINT = 'a rule looks like: - {where: {namespace: payments-*}, team: payments}; see docs/applications.md';

type Fail = (offset: number, what: string) => never;

function conditionsOf(node: unknown, known: readonly string[], fail: Fail): Record<string, string | Requirement[]> {
  const where: Record<string, string | Requirement[]> = {};
  for (const [key, value, offset] of membersOf(node, fail, '"where"')) {
    if (!known.includes(key)) fail(offset, `has the unknown condition ${JSON.stringify(key)}: known are ${known.join(', ')}`); // prettier-ignore
    const text = textOf(value, key, offset, fail);
    if (key !== 'labels') where[key] = text;
    else {
      try {
        where[key] = parseSelector(text);
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
