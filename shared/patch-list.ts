import type { Json, Patch } from './types.ts';

/** The most steps to look for moved items in one list: about 1 ms. */
const MAX_STEPS = 500_000;

interface ListChange {
  /** The JSON Pointer of an index in the list. */
  pathOf: (place: number) => string;
  before: readonly Json[];
  after: readonly Json[];
  /** Which items are the same: see Match in pairing.ts. */
  pairs: readonly (number | null)[];
}

/**
 * The fewest operations that remove, add, move and replace the items of a list, given these matches. Changes inside of matched
 * items are left out. null if finding the operations would take too long.
 */
export function listOperations({ pathOf, before, after, pairs }: ListChange): Patch | null {
  const stay = longestIncreasing(pairs);
  if ((pairs.filter((place) => place !== null).length - stay.size) * before.length > MAX_STEPS) return null;
  const replaced = replacements(before.length, pairs, stay);
  const kept = new Set([...pairs, ...replaced.values()]);
  const removed = [...before.keys()].filter((place) => !kept.has(place));
  const patch: Patch = removed.reverse().map((place) => ({ op: 'remove', path: pathOf(place) }));
  // The items in their current order, by their original index. Up to `end` the order is final.
  const list: (number | null)[] = [...before.keys()].filter((place) => kept.has(place));
  let end = 0;
  for (const [to, value] of after.entries()) {
    const place = pairs[to] ?? replaced.get(to) ?? null;
    if (place === null) {
      patch.push({ op: 'add', path: pathOf(end), value });
      list.splice(end++, 0, null);
    } else if (pairs[to] === null || stay.has(to)) {
      // Items that will be moved later may still be in between.
      end = list.indexOf(place, end) + 1;
    } else {
      const from = list.indexOf(place);
      list.splice(from, 1);
      if (from < end) end--;
      if (from !== end) patch.push({ op: 'move', from: pathOf(from), path: pathOf(end) });
      list.splice(end++, 0, place);
    }
  }
  for (const to of replaced.keys()) patch.push({ op: 'replace', path: pathOf(to), value: after[to] ?? null });
  return patch;
}

/** New items at the exact index of a removed one: one replace instead of a remove and an add. */
function replacements(
  count: number,
  pairs: readonly (number | null)[],
  stay: ReadonlySet<number>,
): Map<number, number> {
  const found = new Map<number, number>();
  const kept = new Set(pairs);
  const staying = new Set([...stay].map((to) => pairs[to]));
  let place = 0;
  for (const [to, from] of pairs.entries()) {
    if (from !== null && stay.has(to)) place = from + 1;
    if (from !== null) continue;
    while (place < count && kept.has(place) && !staying.has(place)) place++;
    if (place < count && !kept.has(place)) found.set(to, place++);
  }
  return found;
}

/** The indexes of the longest increasing subsequence of a list of numbers: these items need not move. */
function longestIncreasing(numbers: readonly (number | null)[]): Set<number> {
  // For each length, the index of the lowest last number of a subsequence of that length; and the predecessor of each index.
  const ends: number[] = [];
  const previous = new Map<number, number | undefined>();
  for (const [index, number] of numbers.entries()) {
    if (number === null) continue;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((numbers[ends[middle] ?? 0] ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    previous.set(index, ends[low - 1]);
    ends[low] = index;
  }
  const found = new Set<number>();
  for (let index = ends.at(-1); index !== undefined; index = previous.get(index)) found.add(index);
  return found;
}
