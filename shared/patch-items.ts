import { canonicalJson, isObject } from './json.ts';
import { pairItems } from './pairing.ts';
import { holdsRedacted } from './redacted.ts';
import type { Json, JsonObject, Patch } from './types.ts';

/**
 * The patch that turns one body into another, item by item: what stays in a list is not written anew because another item went. So
 * it need not write what was redacted, and nobody knows. Each value that it replaces or removes is tested first. `unsaid`: lists that
 * had to be left as they are, because their order changes and an item holds what was redacted.
 */
export function patchByItems(before: JsonObject, after: JsonObject): { patch: Patch; unsaid: string[] } {
  const patch: Patch = [];
  const unsaid: string[] = [];
  const test = (path: string, value: Json): void => void patch.push({ op: 'test', path, value });

  function members(from: JsonObject, to: JsonObject, path: string): void {
    for (const [key, value] of Object.entries(from)) {
      const at = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const there = Object.hasOwn(to, key) ? to[key] : undefined;
      if (there !== undefined) change(value, there, at, key);
      else {
        test(at, value);
        patch.push({ op: 'remove', path: at });
      }
    }
    for (const [key, value] of Object.entries(to)) {
      if (Object.hasOwn(from, key)) continue;
      patch.push({ op: 'add', path: `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, value });
    }
  }

  function change(from: Json, to: Json, path: string, field: string): void {
    if (canonicalJson(from) === canonicalJson(to)) return;
    if (isObject(from) && isObject(to)) members(from, to, path);
    else if (Array.isArray(from) && Array.isArray(to)) items(from, to, path, field);
    else {
      test(path, from);
      patch.push({ op: 'replace', path, value: to });
    }
  }

  function items(from: Json[], to: Json[], path: string, field: string): void {
    const pairs = pairItems(field, from, to);
    const stay = pairs.filter((place) => place !== null);
    if (stay.some((place, index) => index > 0 && place < (stay[index - 1] ?? 0))) {
      if (holdsRedacted(to)) unsaid.push(path);
      else {
        test(path, from);
        patch.push({ op: 'replace', path, value: to });
      }
      return;
    }
    for (let index = from.length - 1; index >= 0; index--) {
      if (stay.includes(index)) continue;
      test(`${path}/${index}`, from[index] ?? null);
      patch.push({ op: 'remove', path: `${path}/${index}` });
    }
    for (const [index, place] of pairs.entries()) {
      const at = `${path}/${index}`;
      const value = to[index] ?? null;
      if (place === null) patch.push({ op: 'add', path: at, value });
      else change(from[place] ?? null, value, at, '');
    }
  }

  members(before, after, '');
  return { patch, unsaid };
}
