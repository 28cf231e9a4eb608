import { exactNumber, unescapeText } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';
import { printable } from './text.ts';

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
