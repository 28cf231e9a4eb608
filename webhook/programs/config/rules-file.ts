import { readFileSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { z } from 'zod';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { KNOWN_PATTERNS, parsePattern, type PatternOptions } from '../../../shared/redact-patterns.ts';
import { parseRedactionPath, parseRuleResource } from '../../../shared/redaction-path.ts';
import type { RedactionRule } from '../../../shared/redaction-rules.ts';
import { OPERATIONS } from '../../../shared/types.ts';
import type { Predicate } from '../../record/rules/predicates.ts';

/** What the configuration file says: which reviews to record, and which values to redact besides Secrets. */
export interface RulesFile {
  rules: Predicate[];
  redact: RedactionRule[];
  patterns: PatternOptions;
}

const TEXTS = z.array(z.string().min(1)).min(1);

const CONDITIONS = z
  .strictObject({
    users: TEXTS.optional(),
    groups: TEXTS.optional(),
    resources: TEXTS.optional(),
    namespaces: TEXTS.optional(),
    names: TEXTS.optional(),
    operations: z.array(z.enum(OPERATIONS)).min(1).optional(),
  })
  .refine((conditions) => Object.keys(conditions).length > 0, {
    message: 'has no condition, so it would match everything',
  });

const RULE = z
  .strictObject({ include: CONDITIONS.optional(), exclude: CONDITIONS.optional() })
  .refine((rule) => Object.keys(rule).length === 1, { message: 'must be one of "include:" or "exclude:"' });

const PATHS = z
  .array(z.string({ error: 'is not a text: a path that begins with [ is written in quotes' }).min(1))
  .min(1);

const REDACT = z.strictObject({ resource: z.string().min(1), paths: PATHS });

const PATTERNS = z.strictObject({ wellKnown: z.boolean().optional(), own: TEXTS.optional() });

const FILE = z.strictObject({
  rules: z.array(z.unknown()).optional(),
  redact: z.array(REDACT).optional(),
  patterns: PATTERNS.optional(),
});

/**
 * Reads the configuration file:
 *
 *     rules:                     # the first that matches decides; then --skip; otherwise a review is recorded
 *       - exclude: {users: ["system:node:*"], resources: [nodes/status]}
 *       - include: {resources: [leases.coordination.k8s.io], namespaces: [shop]}
 *     redact:                    # besides Secrets
 *       - {resource: configmaps, paths: ["data.password"]}
 *     patterns:                  # in commands, env and ConfigMaps
 *       wellKnown: true          # the default
 *       own: ["ACME-([0-9A-F]{32})"]
 *
 * Throws config-invalid with the file and the line.
 */
export function readRulesFile(path: string): RulesFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeblameError(
      'config-invalid',
      `the configuration file ${path} cannot be read: ${messageOf(error)}`,
      'check --config',
    );
  }
  return parseRulesFile(text, path);
}

export function parseRulesFile(text: string, path: string): RulesFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (line: number, what: string): KubeblameError =>
    new KubeblameError(
      'config-invalid',
      `${path}, line ${line}: ${what}`,
      'see docs/configuration.md, and try it with `kubeblame-webhook check-config`',
    );
  const [problem] = document.errors;
  if (problem !== undefined) throw fail(problem.linePos?.[0].line ?? 1, problem.message.split('\n')[0] ?? '');
  const lineAt = (keys: readonly PropertyKey[]): number => lineOf(document, lines, keys);
  const check = <T>(schema: z.ZodType<T>, value: unknown, at: readonly PropertyKey[]): T => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    if (issue === undefined) throw fail(lineAt(at), 'is not valid');
    const keys = [...at, ...issue.path];
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const where = keys.length === 0 ? 'the file' : keys.map(String).join('.');
    throw fail(lineAt(unknown === undefined ? keys : [...keys, unknown]), `${where} ${describe(issue)}`);
  };
  const at = <T>(keys: readonly PropertyKey[], read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw fail(lineAt(keys), messageOf(error));
    }
  };
  const file = check(FILE, document.toJS() ?? {}, []);
  return {
    rules: (file.rules ?? []).map((raw, index) => {
      const rule = check(RULE, raw, ['rules', index]);
      const [action, conditions] = rule.include === undefined ? ['exclude', rule.exclude] : ['include', rule.include];
      for (const [place, pattern] of (conditions?.resources ?? []).entries()) {
        // One that could never match is as wrong as one that cannot be read.
        if (!pattern.includes('*')) {
          at(['rules', index, action, 'resources', place], () => parseRuleResource(pattern.replace(/\/[^/]*$/, '')));
        }
      }
      return rule.include === undefined
        ? { action: 'exclude', ...present(rule.exclude ?? {}) }
        : { action: 'include', ...present(rule.include) };
    }),
    redact: (file.redact ?? []).map(({ resource, paths }, index) => {
      const type = at(['redact', index, 'resource'], () => parseRuleResource(resource));
      for (const [place, path] of paths.entries())
        at(['redact', index, 'paths', place], () => parseRedactionPath(path));
      return { ...type, paths };
    }),
    patterns: {
      wellKnown: file.patterns?.wellKnown ?? KNOWN_PATTERNS.wellKnown,
      own: (file.patterns?.own ?? []).map((pattern, place) => {
        at(['patterns', 'own', place], () => checkPattern(pattern));
        return pattern;
      }),
    },
  };
}

function checkPattern(text: string): void {
  try {
    parsePattern(text);
  } catch (error) {
    throw new KubeblameError(
      'config-invalid',
      `the pattern ${JSON.stringify(text)} cannot be used: ${messageOf(error)}`,
    );
  }
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `has the unknown key "${issue.keys.join('", "')}"`;
  if (issue.code === 'custom') return issue.message;
  return `is not valid: ${issue.message}`;
}

function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, child]) => child !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** The line of the innermost node that a path of keys leads to. */
function lineOf(document: Document, lines: LineCounter, keys: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let start = 0;
  for (const key of [...keys, undefined]) {
    const range = (node as Node | null)?.range;
    if (range) start = range[0];
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair !== undefined && isScalar(pair.key) && pair.key.range) start = pair.key.range[0];
      node = pair?.value;
    } else if (isSeq(node)) node = node.items[Number(key)];
    else if (isAlias(node)) break;
    else node = undefined;
  }
  return lines.linePos(start).line;
}
