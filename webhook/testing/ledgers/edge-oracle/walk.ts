import { isObject } from '../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../shared/types.ts';

/*
 * Reads objects by paths.
 */

export interface Spot {
  value: Json;
  /** What it is a member of, and what that is a member of, from the inside. */
  around: JsonObject[];
}

/** `a.{b,c}.d` as `a.b.d` and `a.c.d`. */
export function alternatives(path: string): string[] {
  const match = /\{([^}]*)\}/.exec(path);
  if (match === null) return [path];
  return (match[1] ?? '').split(',').flatMap((each) => alternatives(path.replace(match[0], each)));
}

export function walk(value: Json, steps: readonly string[], around: JsonObject[] = []): Spot[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [{ value, around }];
  if (step === '*') return Array.isArray(value) ? value.flatMap((item) => walk(item, rest, around)) : [];
  if (!isObject(value)) return [];
  const member = value[step];
  return member === undefined ? [] : walk(member, rest, [value, ...around]);
}

/** The keys that a reference is of: `key=port.name`, or the items of a volume. */
export function keysOf(more: string, beside: JsonObject): string[] {
  const items = more.includes('items') ? walk(beside, ['items', '*', 'key']).map(({ value }) => text(value)) : [];
  if (items.length > 0) return items;
  const path = /key=(\S+)/.exec(more)?.[1];
  const [found] = path === undefined ? [] : walk(beside, path.split('.'));
  return [found === undefined ? '' : `${found.value as string | number}`];
}

export function matches(selector: JsonObject, had: Record<string, string>): boolean {
  const equal = Object.entries(labels(selector.matchLabels)).every(([key, value]) => had[key] === value);
  const expressions = Array.isArray(selector.matchExpressions) ? (selector.matchExpressions as JsonObject[]) : [];
  return (
    equal &&
    expressions.every(({ key, operator, values }) => {
      const value = had[text(key)];
      const among = value !== undefined && Array.isArray(values) && values.includes(value);
      if (operator === 'In') return among;
      if (operator === 'NotIn') return !among;
      return (operator === 'Exists') === (value !== undefined);
    })
  );
}

export function labels(value: Json | undefined): Record<string, string> {
  return isObject(value) ? (value as Record<string, string>) : {};
}

export function metadata(object: JsonObject): JsonObject {
  return isObject(object.metadata) ? object.metadata : {};
}

export function namespaceOf(object: JsonObject): string {
  return text(metadata(object).namespace);
}

export function title(object: JsonObject): string {
  return `${text(object.kind).toLowerCase()} ${namespaceOf(object)}/${text(metadata(object).name)}`;
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
