import { exactNumber, isObject, unescapeText } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';
import { printable } from './text.ts';

/** The value under some keys, one inside the other; undefined where there is none. */
export function memberOf(value: Json | undefined, ...keys: string[]): Json | undefined {
  let at = value;
  for (const key of keys) {
    if (at === undefined || !isObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

/** What can be printed of some values: strings and numbers. */
export function texts(values: (Json | undefined)[]): string[] {
  return values
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map((value) => printable(typeof value === 'number' ? String(value) : (exactNumber(value) ?? unescapeText(value))));
}

/** The items of a list; a single value is a list of one. */
export function listOf(value: Json | undefined): Json[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}
