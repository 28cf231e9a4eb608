import Table from 'cli-table3';
import type { Style } from './style.ts';

/** Columns between two cells: kubectl has three, a terminal is narrow. */
export const GAP = 2;
const PIPE_GAP = 3;

const NO_BORDERS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
    .split(' ')
    .map((part) => [part, '']),
);

/**
 * The lines of a table without borders, as kubectl prints them: the heads, then one line for each row. Cells must be on
 * one line. The last column is not filled up.
 */
export function tableLines(heads: readonly string[], rows: readonly (readonly string[])[], style: Style): string[] {
  const gap = style.columns === null ? PIPE_GAP : GAP;
  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': gap },
  });
  table.push(
    heads.map((head) => style.chalk.bold(head)),
    ...rows.map((row) => [...row]),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
