import { widest } from './fit.ts';
import type { Style } from './style.ts';
import { GAP } from './table.ts';
import { padEnd, shortenMiddle, widthOf } from './text.ts';

/** A text that may have to be shortened, and how it is coloured then. */
export interface Cell {
  text: string;
  paint?: (text: string) => string;
  /** How it is shortened, where not in its middle. */
  fit?: (width: number) => string;
}

export interface TreeItem {
  name: Cell;
  /** What stands beside the name, a line each. */
  lines: Cell[][];
  children: TreeItem[];
}

interface Row {
  guide: string;
  name: Cell;
  cells: Cell[];
}

/** What the last column, and names, are shortened to at least. */
const MIN_LAST = 20;
const MIN_NAME = 12;

/** A tree with columns beside it, under their names. On a terminal lines fit its width, but for the wide form. */
export function treeTable(heads: readonly string[], root: TreeItem, style: Style, wide = false): string[] {
  const rows = rowsOf(root, '', '', style);
  const columns = wide ? null : style.columns;
  const count = heads.length - 1;
  const natural = (column: number): number =>
    widest([heads[column + 1] ?? '', ...rows.map(({ cells }) => cells[column]?.text ?? '')].map(widthOf));
  const widths = Array.from({ length: count }, (_, column) => natural(column));
  let first = widest([heads[0] ?? '', ...rows.map(({ guide, name }) => guide + name.text)].map(widthOf));
  if (columns !== null) {
    const middle = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP, GAP);
    const left = columns - middle;
    const last = widths.at(-1) ?? 0;
    if (first + last > left) {
      const least = Math.min(last, MIN_LAST);
      first = Math.min(first, Math.max(left - least, Math.floor(left / 2)));
      widths[count - 1] = Math.max(1, left - first);
    }
  }
  const lines = rows.map(({ guide, name, cells }) => {
    const room = Math.max(first - widthOf(guide), columns === null ? widthOf(name.text) : MIN_NAME);
    const parts = [style.chalk.dim(guide) + fitted(name, room, style), ...cells.map((cell, column) => fitted(cell, widths[column] ?? 0, style))]; // prettier-ignore
    return joined(parts, [first, ...widths]);
  });
  if (!style.headers) return lines;
  return [joined(heads.map((head) => style.chalk.bold(head)), [first, ...widths]), ...lines]; // prettier-ignore
}

function joined(parts: readonly string[], widths: readonly number[]): string {
  return parts
    .map((part, index) => (index === parts.length - 1 ? part : padEnd(part, (widths[index] ?? 0) + GAP)))
    .join('')
    .trimEnd();
}

function fitted({ text, paint = (each) => each, fit }: Cell, width: number, style: Style): string {
  const short = widthOf(text) <= width ? text : (fit?.(width) ?? shortenMiddle(text, width, style.ellipsis));
  return short === '' ? '' : paint(short);
}

/** `lead`: before the name; `below`: before what follows it. */
function rowsOf({ name, lines, children }: TreeItem, lead: string, below: string, { branches }: Style): Row[] {
  const [first = [], ...more] = lines;
  const bar = below + (children.length > 0 ? branches.below : '');
  const rows: Row[] = [{ guide: lead, name, cells: first }];
  for (const cells of more) rows.push({ guide: bar.trimEnd(), name: { text: '' }, cells });
  for (const [index, child] of children.entries()) {
    const isLast = index === children.length - 1;
    const lower = below + (isLast ? branches.belowLast : branches.below);
    rows.push(...rowsOf(child, below + (isLast ? branches.last : branches.next), lower, { branches } as Style));
  }
  return rows;
}
