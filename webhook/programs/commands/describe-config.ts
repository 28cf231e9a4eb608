import { isRedacted } from '../../../shared/redacted.ts';
import { parseRedactionPath } from '../../../shared/redaction-path.ts';
import { printPath, replaceAt, type PathStep, type RedactionRule } from '../../../shared/redaction-rules.ts';
import { qualifiedName } from '../../../shared/resource-types.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { Predicate } from '../../record/rules/predicates.ts';
import type { LedgerView } from '../../ledger/port/port.ts';
import type { RulesFile } from '../config/rules-file.ts';

/** Objects that are read at once. */
const PAGE = 500;

/**
 * What a configuration file says, as it was understood, a line a rule; and of each redaction what it matches in a ledger, where
 * one is given: the last state of each object, also of deleted ones.
 */
export async function describeConfig(
  { rules, redact, patterns }: RulesFile,
  ledger: LedgerView | null,
): Promise<string[]> {
  const lines = rules.map((rule, index) => `rule ${index + 1}: ${describeRule(rule)}`);
  for (const rule of redact) {
    const paths = rule.paths.map(parseRedactionPath);
    const found = ledger === null ? null : await matchesIn(ledger, rule, paths);
    for (const [index, path] of paths.entries()) {
      const told = found === null ? '' : `: ${describeMatches(found.objects, found.matches[index] ?? NONE)}`;
      lines.push(`redact: ${qualifiedName(rule)} ${printPath(path)}${told}`);
    }
  }
  lines.push(`patterns: the well-known ones are ${patterns.wellKnown ? 'on' : 'off'}`);
  for (const pattern of patterns.own) lines.push(`patterns: ${pattern}`);
  return lines;
}

function describeRule({ action, ...conditions }: Predicate): string {
  const told = Object.entries(conditions).map(([name, values]) => `${name} ${values.join(', ')}`);
  return `${action} ${told.join(' and ')}`;
}

/** In how many objects a path has a value, and how many of these have one that is not redacted. */
interface Matches {
  objects: number;
  plain: number;
}

const NONE: Matches = { objects: 0, plain: 0 };

function describeMatches(objects: number, { objects: matched, plain }: Matches): string {
  if (objects === 0) return 'the ledger has no such object';
  if (matched === 0) return `matches nothing in ${countOf(objects)}`;
  const told = `matches ${matched} of ${countOf(objects)}`;
  return plain === 0 ? told : `${told}; ${plain} recorded without redaction, before the rule was there`;
}

function countOf(objects: number): string {
  return `${objects} object${objects === 1 ? '' : 's'}`;
}

async function matchesIn(
  ledger: LedgerView,
  { group, resource }: RedactionRule,
  paths: readonly (readonly PathStep[])[],
): Promise<{ objects: number; matches: Matches[] }> {
  const matches = paths.map(() => ({ ...NONE }));
  let objects = 0;
  let after: number | undefined;
  for (;;) {
    const page = await ledger.objects({ type: { group, resource } }, PAGE, after);
    for (const { id } of page) {
      const body = await lastBody(ledger, id);
      if (body === null) continue;
      objects++;
      for (const [index, path] of paths.entries()) add(matches[index], body, path);
    }
    after = page.at(-1)?.id;
    if (page.length < PAGE) return { objects, matches };
  }
}

function add(matches: Matches | undefined, body: JsonObject, path: readonly PathStep[]): void {
  if (matches === undefined) return;
  let [found, plain] = [false, false];
  replaceAt(body, path, '', (value) => {
    found = true;
    plain ||= !isRedacted(value);
    return value;
  });
  if (found) matches.objects++;
  if (plain) matches.plain++;
}

/** The last state that an object had; null for one that is known by name only. */
async function lastBody(ledger: LedgerView, objectId: number): Promise<JsonObject | null> {
  for (const { seq, effect, parent } of await ledger.tail(objectId)) {
    const last = effect === 'deleted' ? parent : seq;
    const body = last === null ? null : await ledger.body(last);
    if (body !== null) return body;
  }
  return null;
}
