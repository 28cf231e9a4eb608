import { createHmac } from 'node:crypto';
import { isObject, stringifyJson } from './json.ts';
import { metadataText } from './normalise.ts';
import { copyOf, Redaction, type CompiledPath, type RedactionContext } from './redact-object.ts';
import { parseRedactionPath } from './redaction-path.ts';
import { BUILT_IN_RULES, holdsFor, mapList, mapMembers, printPath, type RedactionRule } from './redaction-rules.ts';
import { qualifiedName } from './resource-types.ts';
import type { Json, JsonObject } from './types.ts';

/** Hex digits of the HMAC that are kept: a change of a value is visible, and two values collide once in 2^48. */
const TAG_DIGITS = 12;

/** The most objects that are remembered because a text was redacted for a former value. */
const REMEMBERED_OBJECTS = 1000;

type Type = Pick<RedactionRule, 'group' | 'resource'>;

/** The paths of configured rules, as they are printed and counted: `configmaps data.password`. */
export function ruleNames(rules: readonly RedactionRule[]): string[] {
  return rules.flatMap((rule) =>
    rule.paths.map((path) => `${qualifiedName(rule)} ${printPath(parseRedactionPath(path))}`),
  );
}

/**
 * Replaces the values that rules name by `redacted:` and a keyed tag: equal values of one field have equal tags. If an object has
 * any, all its other texts are searched for these values, in all usual encodings (redact-search.ts), and for copies of the
 * object. Recording uses Redactor, which also finds passwords by patterns; the plugin uses this class, so that its start does
 * not load the patterns.
 */
export class ValueRedactor {
  private readonly pathsByType = new Map<string, CompiledPath[]>();
  private readonly counts: number[] = [];
  /** Tags of texts that contain a former value of their object, by object: later versions do not show that it is one. */
  private readonly earlier = new Map<string, Set<string>>();

  /**
   * `key` is random, belongs to the ledger, and is kept outside of the database: without it, tags cannot be tested against a list
   * of passwords. Throws config-invalid for a path that cannot be used.
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
   * True if an object of the type may have confidential values. `text` is JSON with the object: it decides for types of which only
   * some objects have such values.
   */
  covers(type: Type, text: Buffer): boolean {
    const paths = this.pathsByType.get(typeKey(type));
    return paths?.some((path) => path.labels === undefined || mayConcern(text, path)) ?? false;
  }

  /** True if an object has confidential values, or may have them. */
  concerns(type: Type, body: JsonObject): boolean {
    return this.pathsOf(type, body) !== null;
  }

  /** True if a rule names values of a type, or of some of its objects. */
  hasRulesFor(type: Type): boolean {
    return this.pathsByType.has(typeKey(type));
  }

  /**
   * The body with its confidential values replaced; the same body if it has none. `other`: the other object of the same review. Its
   * values are confidential too, because an annotation may repeat the former value.
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
   * The redacted body, in which texts that are redacted in the record stay redacted: a text with a former value stays redacted even
   * when that value is no longer known. `earlier`: the body of a version that may have been recorded before one of its texts
   * turned out to be a value; that text is then kept as it was recorded, so that it is not reported as a change.
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

  /** How many values each configured path has matched since the last call, in the order of the paths. */
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
        // The oldest entry is removed first.
        this.earlier.delete(scope);
        this.earlier.set(scope, tags.add(tag));
        const [oldest] = this.earlier.keys();
        if (this.earlier.size > REMEMBERED_OBJECTS && oldest !== undefined) this.earlier.delete(oldest);
      },
    };
  }

  /** The tag for a value at a path. */
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

/** True if an object's text may have a value that a rule with labels redacts: the text has its key, and one of the labels. */
function mayConcern(text: Buffer, { steps, labels = {} }: CompiledPath): boolean {
  const quoted = (name: string): boolean => text.includes(JSON.stringify(name));
  const key = steps.at(-1)?.name ?? '';
  return quoted(key) && Object.entries(labels).some(([label, value]) => quoted(label) && quoted(value));
}
