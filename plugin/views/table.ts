import { widest } from './fit.ts';
import type { Style } from './style.ts';
import { padEnd, widthOf } from './text.ts';

/** Columns between two cells: kubectl has three, a terminal is narrow. */
export const GAP = 2;
const PIPE_GAP = 3;

/**
 * The lines of a table without borders, as kubectl prints them: the heads, then one line for each row. Cells must be on
 * one line. The last column is not filled up. (cli-table3 took a fifth of the whole start for this.)
 */
export function tableLines(heads: readonly string[], rows: readonly (readonly string[])[], style: Style): string[] {
  const gap = ' '.repeat(style.columns === null ? PIPE_GAP : GAP);
  const lines = [heads.map((head) => style.chalk.bold(head)), ...rows];
  const widths = heads.map((_, column) => widest(lines.map((line) => widthOf(line[column] ?? ''))));
  return lines.map((line) => widths.map((width, column) => padEnd(line[column] ?? '', width)).join(gap).trimEnd()); // prettier-ignore
}
