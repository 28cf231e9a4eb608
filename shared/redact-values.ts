import { createHmac } from 'node:crypto';
import { isObject, stringifyJson } from './json.ts';
import { metadataText } from './normalise.ts';
import { copyOf, Redaction, type CompiledPath, type RedactionContext } from './redact-object.ts';
import { parseRedactionPath } from './redaction-path.ts';
import { BUILT_IN_RULES, holdsFor, mapList, mapMembers, printPath, type RedactionRule } from './redaction-rules.ts';
import { qualifiedName } from './resource-types.ts';
import type { Json, JsonObject } from './types.ts';

/** Hex digits of the HMAC that are kept: a change shows, and two values collide once in 2^48. */
const TAG_DIGITS = 12;

/** Objects in which a text was redacted because of a value that they had before, at most. */
const REMEMBERED_OBJECTS = 1000;

type Type = Pick<RedactionRule, 'group' | 'resource'>;

/** The paths of configured rules as they are printed and counted: `configmaps data.password`. */
export function ruleNames(rules: readonly RedactionRule[]): string[] {
  return rules.flatMap((rule) =>
    rule.paths.map((path) => `${qualifiedName(rule)} ${printPath(parseRedactionPath(path))}`),
  );
}

/**
 * Replaces the values that rules name by `redacted:` and a keyed tag: equal values of one field have equal tags. Of an object that
 * has any, all other texts are looked into for them, in whatever encoding (redact-search.ts), and for copies of the object. What
 * is recorded goes through Redactor, which also finds passwords by patterns; the plugin's start must not wait for these.
 */
export class ValueRedactor {
  private readonly pathsByType = new Map<string, CompiledPath[]>();
  private readonly counts: number[] = [];
  /** Tags of texts that hold a value which their object had before, by object: later versions do not tell. */
  private readonly earlier = new Map<string, Set<string>>();

  /**
   * `key` is the ledger's own, random, kept outside the database: without it a dictionary of passwords does not help. Throws
   * config-invalid for a path that cannot be used.
   */
  constructor(
    private readonly key: Uint8Array,
    rules: readonly RedactionRule[] = [],
  ) {
    for (const rule of BUILT_IN_RULES) this.add(rule, () => null);
    for (const rule of rules) this.add(rule, () => this.counts.push(0) - 1);
  }

  private add(rule: RedactionRule, index: () => number | null): void {
    const type = typeKey(rule);
    const compiled = rule.paths.map((path) => ({
      steps: parseRedactionPath(path),
      index: index(),
      ...(rule.labels === undefined ? {} : { labels: rule.labels }),
    }));
    this.pathsByType.set(type, [...(this.pathsByType.get(type) ?? []), ...compiled]);
  }

  /**
   * True where an object of the type may have confidential values. `text`, JSON that has the object, tells it of a type of which
   * only some have.
   */
  covers(type: Type, text: Buffer): boolean {
    const paths = this.pathsByType.get(typeKey(type));
    return paths?.some((path) => path.labels === undefined || mayConcern(text, path)) ?? false;
  }

  /** True where an object has confidential values, or may. */
  concerns(type: Type, body: JsonObject): boolean {
    return this.pathsOf(type, body) !== null;
  }

  /** True where a rule names values of a type, be it only of some of its objects. */
  hasRulesFor(type: Type): boolean {
    return this.pathsByType.has(typeKey(type));
  }

  /**
   * The body with its confidential values replaced; the same body where it has none. `other`: the other object of the same review,
   * whose values are confidential too: what an annotation repeats may be the value before.
   */
  redactValues(body: JsonObject, type: Type, other: JsonObject | null = null): JsonObject {
    const paths = this.pathsOf(type, body) ?? (other === null ? null : this.pathsOf(type, other));
    if (paths === null) return body;
    // Tags are bound to the object and field, so that equal passwords of two objects cannot be told to be equal.
    const scope = scopeOf(body, type);
    const context: RedactionContext = {
      paths,
      scope,
      tag: (value, at) => this.tag(value, at),
      count: (index) => {
        this.counts[index] = (this.counts[index] ?? 0) + 1;
      },
      earlier: this.earlierOf(scope),
    };
    return new Redaction(context, body, other).run();
  }

  /**
   * The redacted body, with every text that the record has redacted: one that held a value of a version before stays redacted,
   * also where that value is known no more. `earlier`: of a version that may have been recorded before one of its texts turned out
   * to be a value: then that text is as it was recorded, and no change.
   */
  asRecorded(body: JsonObject, recorded: JsonObject, type: Type, earlier = false): JsonObject {
    const scope = scopeOf(body, type);
    const isSame = (text: string, known: string, at: string): boolean =>
      this.tag(text, at) === known || (earlier && this.tag(known, at) === text);
    const align = (value: Json, known: Json, at: string): Json => {
      if (isObject(value) && isObject(known)) {
        return mapMembers(value, (child, key) => {
          const there = Object.hasOwn(known, key) ? known[key] : undefined;
          return there === undefined ? child : align(child, there, `${at}/${key}`);
        });
      }
      if (Array.isArray(value) && Array.isArray(known)) {
        return mapList(value, (item, index) => align(item, known[index] ?? null, `${at}/${index}`));
      }
      if (typeof value !== 'string' || typeof known !== 'string' || value === known) return value;
      if (isSame(value, known, at)) return known;
      const [copy, knownCopy] = [copyOf(value), copyOf(known)];
      if (copy === undefined || knownCopy === undefined) return value;
      return stringifyJson(align(copy, knownCopy, scope)) === stringifyJson(knownCopy) ? known : value;
    };
    return align(body, recorded, scope) as JsonObject;
  }

  /** How many values the path of each configured rule has matched, in their order, since this was asked last. */
  takeCounts(): number[] {
    return this.counts.splice(0, this.counts.length, ...this.counts.map(() => 0));
  }

  private pathsOf(type: Type, body: JsonObject): CompiledPath[] | null {
    const paths = this.pathsByType.get(typeKey(type))?.filter((path) => holdsFor(path, body)) ?? [];
    return paths.length === 0 ? null : paths;
  }

  private earlierOf(scope: string): RedactionContext['earlier'] {
    const known = this.earlier.get(scope);
    return {
      isEmpty: known === undefined,
      has: (tag) => known?.has(tag) === true,
      add: (tag) => {
        const tags = this.earlier.get(scope) ?? new Set();
        // The newest is let go last.
        this.earlier.delete(scope);
        this.earlier.set(scope, tags.add(tag));
        const [oldest] = this.earlier.keys();
        if (this.earlier.size > REMEMBERED_OBJECTS && oldest !== undefined) this.earlier.delete(oldest);
      },
    };
  }

  /** What stands for a value at a place. */
  protected tag(value: Json, at: string): string {
    const text = typeof value === 'string' ? value : stringifyJson(value);
    const digest = createHmac('sha256', this.key).update(`${at}\0${text}`).digest('hex');
    return `redacted:${digest.slice(0, TAG_DIGITS)}`;
  }
}

function typeKey({ group, resource }: Type): string {
  return `${resource}.${group}`;
}

function scopeOf(body: JsonObject, type: Type): string {
  return `${typeKey(type)}/${metadataText(body, 'namespace')}/${metadataText(body, 'name')}`;
}

/** Whether the text of an object may have a value that a rule with labels redacts: it has its key, and one of the labels. */
function mayConcern(text: Buffer, { steps, labels = {} }: CompiledPath): boolean {
  const quoted = (name: string): boolean => text.includes(JSON.stringify(name));
  const key = steps.at(-1)?.name ?? '';
  return quoted(key) && Object.entries(labels).some(([label, value]) => quoted(label) && quoted(value));
}
