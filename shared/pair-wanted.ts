import { canonicalJson, exactNumber, isObject } from './json.ts';
import { identify } from './merge-key.ts';
import { pairItems } from './pairing.ts';
import type { Json } from './types.ts';

/**
 * For each item of the manifest the index of the cluster's item for it. The API server may fill in a part of an item's key (a
 * port's protocol), so an item that has everything of the manifest's item, and more, is the same item.
 */
export function pairWanted(field: string, wanted: readonly Json[], found: readonly Json[]): (number | null)[] {
  const identified = identify(field, found, wanted);
  const pairs = identified === null ? wanted.map(() => null) : pairItems(field, found, wanted);
  const free = (): number[] => [...found.keys()].filter((place) => !pairs.includes(place));
  for (const [index, item] of wanted.entries()) {
    if (pairs[index] === null) pairs[index] = free().find((place) => isPartOf(item, found[place] ?? null)) ?? null;
  }
  if (identified !== null) return pairs;
  const [places, rest] = [free(), [...wanted.keys()].filter((index) => pairs[index] === null)];
  const left = pairItems(
    field,
    places.map((place) => found[place] ?? null),
    rest.map((index) => wanted[index] ?? null),
  );
  for (const [order, index] of rest.entries()) {
    const pair = left[order] ?? null;
    if (pair !== null) pairs[index] = places[pair] ?? null;
  }
  return pairs;
}

/** True if a value contains all of another one. */
function isPartOf(wanted: Json, found: Json): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && wanted.length === found.length && wanted.every((item, index) => isPartOf(item, found[index] ?? null)); // prettier-ignore
  }
  if (!isObject(wanted)) return sameScalar(wanted, found);
  return isObject(found) && Object.entries(wanted).every(([key, value]) => Object.hasOwn(found, key) && isPartOf(value, found[key] ?? null)); // prettier-ignore
}

/** Numbers are equal if their values are: 1.0 is 1. */
export function sameScalar(wanted: Json, found: Json): boolean {
  if (canonicalJson(wanted) === canonicalJson(found)) return true;
  const [first, second] = [numberText(wanted), numberText(found)];
  if (first === null || second === null) return false;
  if (isInt64(first) && isInt64(second)) return BigInt(first) === BigInt(second);
  return Number(first) === Number(second);
}

function numberText(value: Json): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? exactNumber(value) : null;
}

/** Numbers that the API server stores exactly; others are floats to it. */
function isInt64(text: string): boolean {
  if (!/^-?\d+$/.test(text)) return false;
  const value = BigInt(text);
  return value < 2n ** 63n && value >= -(2n ** 63n);
}
