import { isObject } from './json.ts';
import { identify, mayIdentify } from './merge-key.ts';
import type { Json, Patch } from './types.ts';

/** Which members of an object a patch touches, and what inside of them; `all` if that is not known in more detail. */
export type Touched = Map<string, Touched> | 'all';

/**
 * What a patch made by `diff` may have changed. Keys of objects stay the same while a patch is applied, indexes of a list do not,
 * so a list counts as touched as a whole.
 *
 * With a `body` the result is more detailed, but valid only together with the other patches from this one to the body: if none of
 * them touches a list as a whole, its items are still at the same indexes.
 */
export function touchedBy(patch: Patch, body: Json | null = null): Touched {
  const touched = new Map<string, Touched>();
  // Only list items are moved, and only within their list: source and target are in the same list.
  for (const { path } of patch) {
    if (path === '') return 'all';
    const keys = path
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    add(touched, keys, body);
  }
  return touched;
}

/** `around`: the value that contains the first key; null if it is not known. */
function add(touched: Map<string, Touched>, [key = '', ...rest]: readonly string[], around: Json | null): void {
  const value = memberOf(around, key);
  const below = touched.get(key) ?? new Map<string, Touched>();
  const [next, member] = rest;
  const isWhole =
    below === 'all' ||
    next === undefined ||
    (MAYBE_PLACE.test(next) && !isObject(value) && !staysIdentified(Array.isArray(around) ? '' : key, value, member));
  touched.set(key, isWhole ? 'all' : below);
  if (below !== 'all' && !isWhole) add(below, rest, value);
}

const MAYBE_PLACE = /^(?:\d+|-)$/;

/** Results for lists in bodies: a patch may touch every item of a long list. */
const identified = new WeakMap<Json[], boolean>();

/** True if the items of a list are not identified by one of their members. */
function staysIdentified(field: string, list: Json | null, member: string | undefined): boolean {
  if (!Array.isArray(list) || member === undefined || mayIdentify(field, member)) return false;
  const known = identified.get(list) ?? identify(field, list, list) !== null;
  identified.set(list, known);
  return known;
}

function memberOf(value: Json | null, key: string): Json | null {
  if (Array.isArray(value)) return value[Number(key)] ?? null;
  return isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? null) : null;
}

/** An object with more touched members than this counts as touched as a whole. */
const MAX_MEMBERS = 32;

/** The union of two. */
export function joinTouched(a: Touched, b: Touched): Touched {
  if (a === 'all' || b === 'all') return 'all';
  const joined = new Map(a);
  for (const [key, below] of b) joined.set(key, joinTouched(joined.get(key) ?? new Map<string, Touched>(), below));
  return joined.size > MAX_MEMBERS ? 'all' : joined;
}

/** As JSON: an object for known members, 1 for `all`. */
export function encodeTouched(touched: Touched): Json {
  if (touched === 'all') return 1;
  return Object.fromEntries([...touched].map(([key, below]) => [key, encodeTouched(below)]));
}

export function decodeTouched(value: Json): Touched {
  if (!isObject(value)) return 'all';
  return new Map(Object.entries(value).map(([key, below]) => [key, decodeTouched(below ?? 1)]));
}
