import { stripVTControlCharacters } from 'node:util';
import type { Entry, Listing } from './source.ts';

/** The list: which row is chosen, and which part of it is on the screen. */
export class ListPane {
  private index = -1;
  /** The first line that is shown, counted over all rows. */
  private top = 0;

  constructor(private current: Listing) {
    this.index = this.nearest(0, 1);
  }

  get listing(): Listing {
    return this.current;
  }

  get chosen(): Entry | undefined {
    return this.current.entries[this.index];
  }

  /** Takes another form of the list; what was chosen stays so, or what it was shown under is. */
  update(listing: Listing): void {
    const before = this.chosen;
    this.current = listing;
    const place = (id: string | undefined): number => listing.entries.findIndex((entry) => entry.id === id);
    const same = place(before?.id);
    const parent = same < 0 ? place(before?.under) : same;
    this.index = parent >= 0 ? parent : this.nearest(Math.min(this.index, listing.entries.length - 1), -1);
  }

  choose(id: string): void {
    this.index = this.current.entries.findIndex((entry) => entry.id === id);
  }

  /** Chooses the row that many rows further down (up where it is negative), or the last one there is. */
  move(by: number): void {
    const step = by < 0 ? -1 : 1;
    for (let left = Math.abs(by); left > 0; left--) {
      const next = this.nearest(this.index + step, step);
      if (next < 0) {
        // Above the first row are heads: they come into view.
        if (step < 0) this.top = 0;
        return;
      }
      this.index = next;
    }
  }

  /** Chooses the row that is a screen further down, or up. */
  page(direction: 1 | -1, height: number): void {
    const { entries } = this.current;
    let lines = 0;
    let rows = 0;
    for (let index = this.index; index >= 0 && index < entries.length && lines < height - 1; index += direction) {
      lines += entries[index]?.lines.length ?? 0;
      if (entries[index]?.selectable === true) rows++;
    }
    this.top += direction * (height - 1);
    this.move(direction * Math.max(1, rows - 1));
  }

  first(): void {
    this.index = this.nearest(0, 1);
    this.top = 0;
  }

  last(): void {
    this.index = this.nearest(this.current.entries.length - 1, -1);
  }

  /** True where fewer than a screen of rows follow the chosen one. */
  nearsEnd(height: number): boolean {
    const below = this.current.entries.slice(this.index + 1);
    return below.reduce((lines, entry) => lines + entry.lines.length, 0) < height;
  }

  /** Chooses the next row that matches, or the one before it where `step` is -1; false where there is none. */
  find(matches: (text: string) => boolean, step: 1 | -1): boolean {
    const { entries } = this.current;
    for (let index = this.index + step; index >= 0 && index < entries.length; index += step) {
      const entry = entries[index];
      if (entry?.selectable !== true || !matches(stripVTControlCharacters(entry.lines.join('\n')))) continue;
      this.index = index;
      return true;
    }
    return false;
  }

  /** The lines of the screen, and the section of the first of them. */
  shown(height: number): { lines: { line: string; chosen: boolean }[]; section: string } {
    const { entries } = this.current;
    const all = entries.flatMap((entry, index) => entry.lines.map((line) => ({ line, index, section: entry.section })));
    const start = all.findIndex(({ index }) => index === this.index);
    const isLast = this.nearest(this.index + 1, 1) < 0;
    // Below the last row is what explains the list.
    const end = isLast ? all.length - 1 : all.findLastIndex(({ index }) => index === this.index);
    if (end >= this.top + height) this.top = end - height + 1;
    if (start >= 0 && start < this.top) this.top = start;
    this.top = Math.max(0, Math.min(this.top, all.length - height));
    const lines = all.slice(this.top, this.top + height);
    return {
      lines: lines.map(({ line, index }) => ({ line, chosen: index === this.index })),
      section: lines[0]?.section ?? '',
    };
  }

  /** How many rows there are, and which of them is chosen, from 1. */
  position(): { row: number; rows: number } {
    const selectable = this.current.entries.map((entry) => entry.selectable && entry.under === undefined);
    const rows = selectable.filter(Boolean).length;
    return { row: selectable.slice(0, this.index + 1).filter(Boolean).length, rows };
  }

  private nearest(from: number, step: 1 | -1): number {
    const { entries } = this.current;
    for (let index = from; index >= 0 && index < entries.length; index += step) {
      if (entries[index]?.selectable === true) return index;
    }
    return -1;
  }
}
