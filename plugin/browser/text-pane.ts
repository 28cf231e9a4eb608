import wrapAnsi from 'wrap-ansi';
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from '../views/text.ts';

/** A text that is scrolled through: its lines, folded to the width of the terminal. */
export class TextPane {
  private lines: string[] = [];
  /** The line in which something was found. */
  marked: number | null = null;

  constructor(
    readonly title: string,
    private readonly text: string,
    columns: number,
    /** The first line that is shown. */
    public top = 0,
  ) {
    this.fold(columns);
  }

  get length(): number {
    return this.lines.length;
  }

  /** Folds the lines anew, and stays about where it was. */
  fold(columns: number): void {
    const share = this.lines.length === 0 ? 0 : this.top / this.lines.length;
    const lines = this.text.replace(/\n$/, '').split('\n');
    this.lines = lines.flatMap((line) => foldLine(line, columns));
    this.top = Math.round(share * this.lines.length);
    this.marked = null;
  }

  shown(height: number): { line: string; marked: boolean }[] {
    this.scroll(0, height);
    return this.lines
      .slice(this.top, this.top + height)
      .map((line, index) => ({ line, marked: this.top + index === this.marked }));
  }

  /** Moves by some lines, as far as there are any. */
  scroll(by: number, height: number): void {
    this.top = Math.max(0, Math.min(this.top + by, this.lines.length - height));
  }

  /** Goes to the next line that matches, or the one before it where `step` is -1; false where there is none. */
  find(matches: (text: string) => boolean, step: 1 | -1): boolean {
    const start = this.marked ?? this.top - step;
    for (let line = start + step; line >= 0 && line < this.lines.length; line += step) {
      if (!matches(stripVTControlCharacters(this.lines[line] ?? ''))) continue;
      this.marked = line;
      this.top = line;
      return true;
    }
    return false;
  }
}

/** Longer lines are values of which nobody reads all. */
const MAX_WRAPPED = 10_000;

function foldLine(line: string, columns: number): string[] {
  if (line.length > MAX_WRAPPED) return cutIntoPieces(stripVTControlCharacters(line), columns);
  return widthOf(line) <= columns ? [line] : wrapAnsi(line, columns, { hard: true, trim: false }).split('\n');
}

/** Measuring a megabyte, or looking for its words, takes seconds: a character is taken to be as wide as any. */
function cutIntoPieces(line: string, columns: number): string[] {
  const length = /^[\x20-\x7e]*$/.test(line) ? columns : Math.max(1, Math.floor(columns / 2));
  return line.match(new RegExp(`.{1,${length}}`, 'gu')) ?? [''];
}
