import type { Setter } from '../../shared/types.ts';
import type { AnnotatedLine } from './annotated-lines.ts';
import { widest } from './fit.ts';
import { MARKS } from './operation.ts';
import type { Style } from './style.ts';
import { padEnd, printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { behind, changeWho, fromOrigin, paintWho, whoText } from './who.ts';
import { valuePair } from './value.ts';

/** The share of a terminal's columns that a name may take. */
const WHO_SHARE = 0.25;
const MIN_WHO = 12;
/** From this width on the field manager is shown too. */
const WIDE = 140;
const MAX_MANAGER = 28;

/** Documents with the annotation of each line on its left: change, who, when; in a pipe and on a wide terminal the manager. */
export function linesView(documents: readonly (readonly AnnotatedLine[])[], style: Style): string[][] {
  const { columns } = style;
  const all = documents.flat();
  const setters = all.flatMap(({ setter }) => (setter === null || isOlder(setter) ? [] : [setter]));
  const time = timeFormat(
    setters.map(({ at }) => at),
    style,
  );
  const whoWidth = columns === null ? Number.POSITIVE_INFINITY : Math.max(MIN_WHO, Math.floor(columns * WHO_SHARE));
  const cells = new Map<string, string[]>();
  const cellsOf = (line: AnnotatedLine): string[] => {
    const key = JSON.stringify(line.owner);
    const known = cells.get(key) ?? plainCells(line, time, whoWidth, style);
    cells.set(key, known);
    return known;
  };
  for (const line of all) cellsOf(line);
  const widths = [0, 1, 2, 3].map((column) => widest([...cells.values()].map((row) => widthOf(row[column] ?? ''))));
  return documents.map((lines) => {
    let last = '';
    return lines.map((line) => {
      const row = cellsOf(line);
      const key = row.join();
      const annotation = row.flatMap((cell, column) => {
        const width = widths[column] ?? 0;
        if (width === 0) return [];
        // Numbers stand right, so that they can be compared.
        const filled = column === 0 ? ' '.repeat(width - widthOf(cell)) + cell : padEnd(cell, width);
        return [key === last ? style.chalk.dim(filled) : paintCell(filled, column, line, style)];
      });
      last = key;
      return withText(annotation.join('  '), line, style);
    });
  });
}

function plainCells(
  { owner, setter }: AnnotatedLine,
  time: (at: number) => string,
  whoWidth: number,
  style: Style,
): string[] {
  if (setter === null) return ['', '', '', ''];
  const { columns, ellipsis } = style;
  const through = owner.through === undefined ? '' : '^';
  const manager = columns === null || columns >= WIDE ? printable(setter.manager) : '';
  return [
    `${setter.seq}${MARKS[setter.outcome]}${through}`,
    shortenMiddle(isOlder(setter) ? '(before the record)' : lineWho(setter, style), whoWidth, ellipsis),
    isOlder(setter) ? '-' : time(setter.at),
    columns === null ? manager || '-' : shortenMiddle(manager, MAX_MANAGER, ellipsis),
  ];
}

/** Where a controller was looked through to somebody, that is who is meant. */
function lineWho(setter: Setter, style: Style): string {
  const person = behind(setter);
  if (person !== null) return `${style.from} ${person.certain ? '' : 'likely '}${whoText(person.actor, style)}`;
  return changeWho(setter, style) + (setter.origin === undefined ? '' : fromOrigin(setter.origin, style));
}

/** The first sight of an object: who made it what it was is older than the record. */
function isOlder({ source, operation }: Setter): boolean {
  return source === 'baseline' && operation === 'CREATE';
}

function paintCell(text: string, column: number, { setter }: AnnotatedLine, style: Style): string {
  const { chalk } = style;
  if (setter === null || isOlder(setter)) return chalk.dim(text);
  if (column === 0) return chalk.yellow(text);
  return column === 1 ? paintWho(text, behind(setter)?.actor ?? setter.actor, style) : text;
}

/** On a terminal a line keeps to its place: what is too long for it is shortened. */
function withText(annotation: string, line: AnnotatedLine, style: Style): string {
  const { chalk, bar, columns, ellipsis } = style;
  const { text, sign } = line;
  const [safe, comment] = [printable(text), commentText(line, style)];
  const note = comment === '' ? '' : `  # ${comment}`;
  let [shown, shownNote] = [safe, note];
  if (columns !== null) {
    const room = Math.max(MIN_TEXT, columns - widthOf(annotation) - widthOf(` ${bar} `));
    shownNote = shortenEnd(note, Math.max(room - widthOf(safe), Math.floor(room / 2)), ellipsis);
    shown = fitYaml(safe, room - widthOf(shownNote), ellipsis);
  }
  const content = `${sign}${shown}`;
  const paint = { ' ': (plain: string) => plain, '-': chalk.red, '+': chalk.green, '~': chalk.yellow, '?': chalk.dim }[
    sign
  ];
  return `${annotation} ${chalk.dim(bar)}${paint(content)}${chalk.dim(shownNote)}`.trimEnd();
}

/** Of what the cluster has, on a terminal only what tells it from what is wanted: `…:24.2.1`. */
function commentText({ comment, values }: AnnotatedLine, style: Style): string {
  if (values === undefined) return comment;
  return `cluster: ${valuePair(...values, style.columns, style)[1]}`;
}

/** A line of YAML in at most some columns: the middle of the value gives way, so that the key and the value's end stay. */
function fitYaml(text: string, width: number, ellipsis: string): string {
  if (widthOf(text) <= width) return text;
  const [key = ''] = /^ *(?:- )*(?:[^ "'|>#][^ ]*: )?/.exec(text) ?? [];
  const room = width - widthOf(key);
  return room >= MIN_VALUE
    ? key + shortenMiddle(text.slice(key.length), room, ellipsis)
    : shortenMiddle(text, width, ellipsis);
}

const MIN_VALUE = 12;
const MIN_TEXT = 20;

/** What the marks in annotations mean; only those that occur. `compared`: of a manifest with the cluster. */
export function linesLegend(
  documents: readonly (readonly AnnotatedLine[])[],
  style: Style,
  compared = false,
): string[] {
  const all = documents.flat();
  const minus = compared ? '- only the cluster has it: who set it' : '- not there any more: who took it away';
  return [
    ...(all.some(({ owner }) => owner.through !== undefined)
      ? ['123^ set again since, by somebody who is looked through']
      : []),
    ...(all.some(({ setter }) => setter !== null && behind(setter) !== null)
      ? [`${style.from} set by a controller, because of a change of this user's`]
      : []),
    ...(all.some(({ sign }) => sign === '-') ? [minus] : []),
    ...(all.some(({ sign }) => sign === '~') ? ['~ differs from what the cluster has: who set that'] : []),
    ...(all.some(({ sign }) => sign === '+') ? ['+ the cluster does not have it'] : []),
    ...(all.some(({ sign }) => sign === '?') ? ['? not compared: the record has it redacted'] : []),
    ...(all.some(({ setter }) => setter?.outcome === 'pending')
      ? ['123~ admitted just now: not known yet to be persisted']
      : []),
    ...(all.some(({ setter }) => setter?.outcome === 'unverified')
      ? ['123? nothing has shown whether it was persisted']
      : []),
  ];
}
