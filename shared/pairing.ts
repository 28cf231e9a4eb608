import { align } from './align.ts';
import { canonicalJson } from './json.ts';
import { identify } from './merge-key.ts';
import type { Json } from './types.ts';

/**
 * For each item of a list (`field` is its name) the place in `before` of the item that it continues; null for one that
 * is new. Items are followed by their merge key. Without one, equal items are the same wherever they moved, and what
 * stands in the place of another is a change of it.
 */
export function pairItems(field: string, before: readonly Json[], after: readonly Json[]): (number | null)[] {
  const identified = identify(field, before, after);
  if (identified === null) {
    return pairTexts(
      before.map((item) => canonicalJson(item)),
      after.map((item) => canonicalJson(item)),
    );
  }
  const places = new Map([...identified.before.keys()].map((key, place) => [key, place]));
  return [...identified.after.keys()].map((key) => places.get(key) ?? null);
}

/** The same for the lines of a text, or for anything that is compared as a text. */
export function pairTexts(before: readonly string[], after: readonly string[]): (number | null)[] {
  const { removed, added } = align(before, after);
  const pairs: (number | null)[] = after.map(() => null);
  const moved = new Map<string, number[]>();
  for (const place of removed) {
    const text = before[place] ?? '';
    moved.set(text, [...(moved.get(text) ?? []), place]);
  }
  // Equal ones are the same, wherever they went.
  for (const place of added) {
    const from = moved.get(after[place] ?? '')?.shift();
    if (from === undefined) continue;
    pairs[place] = from;
    removed.delete(from);
    added.delete(place);
  }
  const taken = new Set(pairs.filter((place) => place !== null));
  let place = 0;
  let newPlace = 0;
  while (newPlace < after.length) {
    if (taken.has(place)) place++;
    else if (pairs[newPlace] !== null) newPlace++;
    else if (removed.has(place)) {
      // What came where another went is a change of that one; otherwise it went.
      if (added.has(newPlace)) pairs[newPlace++] = place;
      place++;
    } else if (added.has(newPlace)) newPlace++;
    else pairs[newPlace++] = place++;
  }
  return pairs;
}

/** The lines of a text that has several; null where it is on one line. A line break at the end begins no line. */
export function textLines(text: string): string[] | null {
  if (!text.includes('\n')) return null;
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}
