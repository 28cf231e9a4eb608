import { isObject } from './json.ts';
import { identify, mayIdentify } from './merge-key.ts';
import type { Json, Patch } from './types.ts';

/** Which members of an object a patch touches, and what in them; `all` where that is not known closer. */
export type Touched = Map<string, Touched> | 'all';

/**
 * What a patch that `diff` made may have changed. Keys of objects stay what they are while a patch is applied; places in a
 * list do not, so a list is touched as a whole.
 *
 * With a `body` it is closer, but holds only beside what all patches from this one to the body touch: where none of them
 * touches a list as a whole, its items are still the same, and are told by their place.
 */
export function touchedBy(patch: Patch, body: Json | null = null): Touched {
  const touched = new Map<string, Touched>();
  // Only items of a list are moved, within it: where one goes tells as much as where it was.
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

/** `around`: what the first of the keys is in; null where that is not known. */
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

/** Lists of bodies that were looked at: a patch may touch each item of a long one. */
const identified = new WeakMap<Json[], boolean>();

/** Whether the items of a list are told apart by something else than one of their members. */
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

/** An object of which more members are touched counts as touched all over. */
const MAX_MEMBERS = 32;

/** What either of two touches. */
export function joinTouched(a: Touched, b: Touched): Touched {
  if (a === 'all' || b === 'all') return 'all';
  const joined = new Map(a);
  for (const [key, below] of b) joined.set(key, joinTouched(joined.get(key) ?? new Map<string, Touched>(), below));
  return joined.size > MAX_MEMBERS ? 'all' : joined;
}

/** As JSON: an object for what is known closer, 1 for all. */
export function encodeTouched(touched: Touched): Json {
  if (touched === 'all') return 1;
  return Object.fromEntries([...touched].map(([key, below]) => [key, encodeTouched(below)]));
}

export function decodeTouched(value: Json): Touched {
  if (!isObject(value)) return 'all';
  return new Map(Object.entries(value).map(([key, below]) => [key, decodeTouched(below ?? 1)]));
}
