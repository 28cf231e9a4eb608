import { create } from 'jsondiffpatch';

/**
 * Cells of the table by which jsondiffpatch finds the longest common subsequence: it takes time and memory for each,
 * and beyond this (about 50 ms) lists are compared place by place.
 */
const MAX_ALIGNMENT_CELLS = 1_000_000;

/** Not from jsondiffpatch/with-text-diffs, which also compares long texts by words, slowly. */
const aligner = create({ matchByPosition: false, arrays: { detectMove: false } });

/** Compares two lists of texts: the indexes that are removed from the first, and those that are added in the second. All other items keep their order. */
export interface Alignment {
  removed: Set<number>;
  added: Set<number>;
}

/** Keeps the common beginning and the common end; what lies between is matched by the longest common subsequence. */
export function align(before: readonly string[], after: readonly string[]): Alignment {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const [old, now] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const found: Alignment = { removed: new Set(), added: new Set() };
  if (old.length * now.length > MAX_ALIGNMENT_CELLS) {
    for (let place = 0; place < Math.max(old.length, now.length); place++) {
      if (old[place] === now[place]) continue;
      if (place < old.length) found.removed.add(head + place);
      if (place < now.length) found.added.add(head + place);
    }
    return found;
  }
  // jsondiffpatch's notation for lists: `_3` left the third place, `3` came to it.
  for (const place of Object.keys(aligner.diff(old, now) ?? {})) {
    if (place === '_t') continue;
    if (place.startsWith('_')) found.removed.add(head + Number(place.slice(1)));
    else found.added.add(head + Number(place));
  }
  return found;
}
