import { itemPath, memberPath } from './delta.ts';
import { fieldText, findField, type FieldStep } from './field-path.ts';
import { isObject, unescapeText } from './json.ts';
import { identify } from './merge-key.ts';
import { nearest } from './resource-types.ts';
import type { Json, JsonObject } from './types.ts';

const MAX_HINTS = 3;

/** Suggestions for a path that leads to no field: fields with a similar name, or with the same name elsewhere in the body. */
export function similarFields(body: JsonObject, steps: readonly FieldStep[]): string[] {
  const [last] = steps.slice(-1);
  for (let depth = steps.length - 1; depth >= 0; depth--) {
    const start = steps.slice(0, depth);
    const at = findField(body, start);
    const step = steps[depth];
    // This step exists, so the error is in a later one.
    if (at === null || typeof step !== 'string' || findField(body, [...start, step]) !== null) continue;
    const names = namesIn(at.reduce<Json>(memberAt, body), at.at(-1) ?? '');
    const rest = steps.slice(depth + 1);
    const similar = nearest(step, names).map((name) => [...start, name]);
    const whole = similar.flatMap((found) => fieldText(body, [...found, ...rest]) ?? []);
    if (whole.length > 0) return whole.slice(0, MAX_HINTS);
    const parts = similar.flatMap((found) => fieldText(body, found) ?? []);
    if (parts.length > 0) return parts.slice(0, MAX_HINTS);
  }
  return typeof last === 'string' ? calledAlike(body, steps).slice(0, MAX_HINTS) : [];
}

function memberAt(value: Json, key: string): Json {
  return (Array.isArray(value) ? value[Number(key)] : isObject(value) ? value[key] : null) ?? null;
}

/** The names of members, or the keys of a list's items. */
function namesIn(value: Json, field: string): string[] {
  if (Array.isArray(value)) return [...(identify(field, value, value)?.before.keys() ?? [])].map(unescapeText);
  return isObject(value) ? Object.keys(value).map(unescapeText) : [];
}

/** The fields that share the longest ending with the path; the shortest first. */
function calledAlike(body: JsonObject, steps: readonly FieldStep[]): string[] {
  const found: { path: string; shared: number; depth: number }[] = [];
  const visit = (value: Json, field: string, path: string, names: readonly string[]): void => {
    const shared = commonEnd(names, steps);
    if (shared > 0) found.push({ path, shared, depth: names.length });
    if (Array.isArray(value)) {
      const keys = [...(identify(field, value, value)?.before.keys() ?? [])];
      value.forEach((item, place) => {
        const key = keys[place];
        const inside = key === undefined ? `${path}[${place}]` : itemPath(path, key);
        visit(item, '', inside, [...names, key ?? String(place)]);
      });
    } else if (isObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        visit(member, key, memberPath(path, key), [...names, unescapeText(key)]);
      }
    }
  };
  visit(body, '', '', []);
  const most = Math.max(0, ...found.map(({ shared }) => shared));
  const best = found.filter(({ shared }) => shared === most);
  return best.sort((a, b) => a.depth - b.depth).map(({ path }) => path);
}

function commonEnd(names: readonly string[], steps: readonly FieldStep[]): number {
  let length = 0;
  while (length < Math.min(names.length, steps.length)) {
    const step = steps.at(-1 - length);
    if (typeof step === 'string' && step !== names.at(-1 - length)) break;
    length++;
  }
  return length;
}
