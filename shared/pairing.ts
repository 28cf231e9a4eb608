import { align } from './align.ts';
import { canonicalJson, isObject } from './json.ts';
import { identify } from './merge-key.ts';
import { partsOf, similarity, type Parts } from './similarity.ts';
import type { Json } from './types.ts';

/** From this similarity on, an item at another index counts as the same one, moved and changed. */
const SAME = 0.5;

/**
 * At most this many pairs of items are compared. With more, only items between the same two neighbours are compared, and with
 * still more, items are paired in order. This bounds the time to some milliseconds.
 */
const MAX_PAIRS = 2500;

/** Which items of two versions of a list are the same item. */
export interface Match {
  /** For each item of the new version the index of the same item in the old version; null for a new item. */
  pairs: (number | null)[];
  /** The merge keys of the items of both versions; null if no key distinguishes all of them. */
  keys: { before: string[]; after: string[] } | null;
}

/**
 * Matches the items of a list (`field` is its name) with those of its next version: by merge key; if no key distinguishes
 * them, first equal items wherever they moved, then the most similar ones, then items between the same two neighbours.
 */
export function matchItems(field: string, before: readonly Json[], after: readonly Json[]): Match {
  const match = matchByKey(field, before, after);
  if (match !== null) return match;
  const [old, now] = [before, after].map((items) => items.map((item) => canonicalJson(item)));
  return { pairs: new Pairing(before, after, field).pairs(old ?? [], now ?? []), keys: null };
}

/** The same by merge key alone; null if no key distinguishes the items. */
export function matchByKey(field: string, before: readonly Json[], after: readonly Json[]): Match | null {
  const identified = identify(field, before, after);
  if (identified === null) return null;
  const keys = { before: [...identified.before.keys()], after: [...identified.after.keys()] };
  const places = new Map(keys.before.map((key, place) => [key, place]));
  return { pairs: keys.after.map((key) => places.get(key) ?? null), keys };
}

/** The pairs of matchItems(). */
export function pairItems(field: string, before: readonly Json[], after: readonly Json[]): (number | null)[] {
  return matchItems(field, before, after).pairs;
}

/** The same for the lines of a text. */
export function pairTexts(before: readonly string[], after: readonly string[]): (number | null)[] {
  return new Pairing(before, after, '').pairs(before, after);
}

/** Items that are not matched yet, by index. */
interface Left {
  removed: number[];
  added: number[];
}

class Pairing {
  private readonly found: (number | null)[];

  constructor(
    private readonly before: readonly Json[],
    private readonly after: readonly Json[],
    private readonly field: string,
  ) {
    this.found = after.map(() => null);
  }

  /** `old` and `now` are the items as texts: equal ones are equal items. */
  pairs(old: readonly string[], now: readonly string[]): (number | null)[] {
    const { removed, added } = align(old, now);
    const gaps = this.keep(removed, added);
    if (removed.size === 0 || added.size === 0) return this.found;
    this.pairMoved(old, now, removed, added);
    const gapsLeft = gaps.map((gap) => ({
      removed: gap.removed.filter((place) => removed.has(place)),
      added: gap.added.filter((place) => added.has(place)),
    }));
    const all = { removed: [...removed].sort(byNumber), added: [...added].sort(byNumber) };
    const groups = all.removed.length * all.added.length <= MAX_PAIRS ? [all] : gapsLeft;
    const gapOf = new Map(gaps.flatMap((gap, index) => gap.added.map((place) => [place, index] as const)));
    const oldGapOf = new Map(gaps.flatMap((gap, index) => gap.removed.map((place) => [place, index] as const)));
    for (const group of groups) this.pairSimilar(group, (place, to) => oldGapOf.get(place) === gapOf.get(to));
    for (const gap of gapsLeft) this.pairInOrder(gap);
    return this.found;
  }

  /** Matches the items that stayed, and returns what was added and removed between each two of them. */
  private keep(removed: ReadonlySet<number>, added: ReadonlySet<number>): Left[] {
    const gaps: Left[] = [{ removed: [], added: [] }];
    let [place, to] = [0, 0];
    while (place < this.before.length || to < this.after.length) {
      const gap = gaps.at(-1);
      if (removed.has(place)) gap?.removed.push(place++);
      else if (added.has(to)) gap?.added.push(to++);
      else {
        this.found[to++] = place++;
        gaps.push({ removed: [], added: [] });
      }
    }
    return gaps;
  }

  /** Matches equal items, wherever they moved. */
  private pairMoved(old: readonly string[], now: readonly string[], removed: Set<number>, added: Set<number>): void {
    const places = new Map<string, number[]>();
    for (const place of removed) {
      const text = old[place] ?? '';
      const equal = places.get(text);
      if (equal === undefined) places.set(text, [place]);
      else equal.push(place);
    }
    for (const to of added) {
      const place = places.get(now[to] ?? '')?.shift();
      if (place === undefined) continue;
      this.found[to] = place;
      removed.delete(place);
      added.delete(to);
    }
  }

  /** Matches the most similar items first, as git finds renamed files; of equally similar ones, those at the same index. */
  private pairSimilar({ removed, added }: Left, together: (place: number, to: number) => boolean): void {
    if (removed.length * added.length > MAX_PAIRS) return;
    const candidates = removed.flatMap((place, row) => {
      return added.flatMap((to, column) => {
        const score = this.similarity(place, to);
        if (score < SAME) return [];
        return [{ place, to, score, apart: Number(!together(place, to)), shift: Math.abs(row - column) }];
      });
    });
    candidates.sort((a, b) => b.score - a.score || a.apart - b.apart || a.shift - b.shift || a.to - b.to);
    const taken = new Set<number>();
    for (const { place, to } of candidates) {
      if (taken.has(place) || this.found[to] !== null) continue;
      taken.add(place);
      this.found[to] = place;
    }
  }

  /** An item that was added where another was removed is that item, changed, if they have anything in common. */
  private pairInOrder({ removed, added }: Left): void {
    const taken = new Set(this.found);
    const left = removed.filter((place) => !taken.has(place));
    let [next, compared] = [0, 0];
    for (const to of added) {
      if (this.found[to] !== null) continue;
      for (let index = next; index < left.length && compared < MAX_PAIRS; index++) {
        const place = left[index] ?? 0;
        if (!this.areScalars(place, to)) {
          compared++;
          if (this.similarity(place, to) === 0) continue;
        }
        this.found[to] = place;
        next = index + 1;
        break;
      }
    }
  }

  private areScalars(place: number, to: number): boolean {
    return !isStructure(this.before[place]) && !isStructure(this.after[to]);
  }

  private similarity(place: number, to: number): number {
    const [old, now] = [this.before[place] ?? null, this.after[to] ?? null];
    if (isObject(old) !== isObject(now) || Array.isArray(old) !== Array.isArray(now)) return 0;
    return similarity(this.partsAt(this.before, place), this.partsAt(this.after, to));
  }

  private readonly parts = new Map<readonly Json[], Map<number, Parts>>();

  private partsAt(list: readonly Json[], place: number): Parts {
    const known = this.parts.get(list) ?? new Map<number, Parts>();
    this.parts.set(list, known);
    const parts = known.get(place) ?? partsOf(list[place] ?? null, this.field);
    known.set(place, parts);
    return parts;
  }
}

function isStructure(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null;
}

function byNumber(a: number, b: number): number {
  return a - b;
}

/** The lines of a text with several lines; null for a single line. A line break at the end does not begin a new line. */
export function textLines(text: string): string[] | null {
  if (!text.includes('\n')) return null;
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}
