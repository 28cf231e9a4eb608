import Table from 'cli-table3';
import { widest } from './fit.ts';
import type { Style } from './style.ts';
import { isNarrow, widthOf, wrapWords } from './text.ts';

/** Columns between two cells: kubectl has three, a terminal is narrow. */
export const GAP = 2;
const PIPE_GAP = 3;

const NO_BORDERS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
    .split(' ')
    .map((part) => [part, '']),
);

/**
 * The lines of a table without borders, as kubectl prints them: the heads (unless the style has none), then one line for each row. Cells must be on
 * one line. The last column is not filled up.
 *
 * cli-table3 looks for a span between each two cells, and shortens what it draws letter by letter: a table of thousands
 * of rows, or one long value in Chinese, would take it seconds. So it gets each row as a table of its own, with the
 * widths of all, and the last column, which holds what is long, only joins what it has drawn.
 */
export function tableLines(heads: readonly string[], rows: readonly (readonly string[])[], style: Style): string[] {
  const gap = style.columns === null ? PIPE_GAP : GAP;
  const all = [...(style.headers ? [heads.map((head) => style.chalk.bold(head))] : []), ...rows];
  const names = all.map((row) => row.slice(0, -1));
  const last = all.map((row) => row.at(-1) ?? '');
  if (heads.length < 2) return last;
  const widths = widthsOf(names);
  const narrow = names.every((row) => row.every(isNarrow));
  const drawn = narrow ? names.flatMap((row) => draw([row], widths, gap)) : draw(names, [], gap);
  return drawn.map((line, index) => (line + (last[index] ?? '')).trimEnd());
}

/** The same, with a last column that goes on below itself where the terminal is too narrow for it. */
export function wrappedTableLines(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): string[] {
  if (style.columns === null) return tableLines(heads, rows, style);
  const used = widthsOf([heads, ...rows].map((row) => row.slice(0, -1))).reduce((sum, width) => sum + width + GAP, 0);
  const room = Math.max(MIN_WRAPPED, style.columns - used);
  const wrapped = rows.flatMap((row) => {
    const [first = '', ...more] = wrapWords(row.at(-1) ?? '', room);
    return [[...row.slice(0, -1), first], ...more.map((text) => [...row.slice(0, -1).map(() => ''), text])];
  });
  return tableLines(heads, wrapped, style);
}

/** Columns of a text that is read as one. */
const MIN_WRAPPED = 16;

/** Without widths cli-table3 finds them, and measures what is not narrow in its own way: nothing may be cut off for that. */
function draw(rows: readonly (readonly string[])[], widths: readonly number[], gap: number): string[] {
  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': gap },
    colWidths: widths.map((width) => width + gap),
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().split('\n');
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const [first = []] = rows;
  return first.map((_, column) => widest(rows.map((row) => widthOf(row[column] ?? ''))));
}
