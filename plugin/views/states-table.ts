import { formatAge, formatUtc } from '../../shared/time.ts';
import { metadataText } from '../../shared/normalise.ts';
import type { State } from '../../shared/types.ts';
import { shrinkFirst, widest } from './fit.ts';
import { objectName } from './object-name.ts';
import { MARKS } from './operation.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { paintWho, whoText } from './who.ts';

/** What names are shortened to at least. */
const MIN_NAME = 12;

/** What existed at a moment (ms): its age then, and who had changed it last. `known`: the question names the namespace. */
export function statesTable(states: readonly State[], at: number, style: Style, known = false): string[] {
  const times = states.map(({ changedAt }) => changedAt);
  const time = style.columns === null ? formatUtc : timeFormat(times, { ...style, now: null });
  const namespaces = new Set(states.map(({ object }) => object.namespace));
  // On a terminal what stands above need not be said in each line.
  const namespaced =
    style.columns !== null && known ? namespaces.size > 1 : [...namespaces].some((each) => each !== '');
  const heads = [...(namespaced ? ['NAMESPACE'] : []), 'OBJECT', 'AGE', 'LAST CHANGED', 'BY'];
  const rows = states.map((state) => [
    ...(namespaced ? [printable(state.object.namespace) || '-'] : []),
    objectName(state.object, style),
    ageText(state, at),
    time(state.changedAt) + MARKS[state.outcome],
    whoText(state.actor, style),
  ]);
  const fitted = style.columns === null ? rows : fitNames(rows, heads, style, style.columns);
  const painted = fitted.map((row, index) => {
    const actor = states[index]?.actor ?? null;
    return [...row.slice(0, -1), paintWho(row.at(-1) ?? '', actor, style)];
  });
  return tableLines(heads, painted, style);
}

/** The clocks of a replay and of the recording differ: a negative age says nothing. */
function ageText({ body }: State, at: number): string {
  const created = Date.parse(metadataText(body, 'creationTimestamp'));
  return Number.isNaN(created) || created > at ? '-' : formatAge(at - created);
}

/** Shortens namespaces, objects and users until a line fits. Age and time stay whole. */
function fitNames(rows: readonly string[][], heads: readonly string[], style: Style, columns: number): string[][] {
  const natural = heads.map((head, column) => widest([head.length, ...rows.map((row) => widthOf(row[column] ?? ''))]));
  const isName = heads.map((head) => head === 'NAMESPACE' || head === 'OBJECT' || head === 'BY');
  const fixed = natural.reduce((sum, width, column) => sum + GAP + (isName[column] === true ? 0 : width), -GAP);
  // Who changed it last gives way first.
  const [by = 0, ...others] = natural.filter((_, column) => isName[column]).reverse();
  const names = shrinkFirst([by, ...others], columns - fixed, MIN_NAME).reverse();
  const widths = natural.map((width, column) => (isName[column] === true ? (names.shift() ?? width) : width));
  return rows.map((row) => row.map((cell, column) => shortenMiddle(cell, widths[column] ?? 0, style.ellipsis)));
}
