import type { Change } from '../../shared/types.ts';
import { shrinkFirst, widest } from './fit.ts';
import { Incarnations } from './object-name.ts';
import { operationText, paintOperation } from './operation.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { isMachine } from './user.ts';
import { fitWho, wholeWho } from './who.ts';
import { changeWords } from './words.ts';

export interface HistoryOptions {
  /** Sections by namespace, on a terminal. */
  grouped: boolean;
  /** All are of one object, which is named above: on a terminal it has no column. */
  known?: boolean;
  /** True where the question names the namespace: in a pipe it has no column. */
  namespaced?: boolean;
}

/** Lines of words for one change on a terminal. */
const MAX_LINES = 3;
/** Where words get less room than this beside the names, they are put on lines of their own. */
const MIN_WORDS = 50;
/** A terminal that is wide enough for names and words beside each other. */
const WIDE = 110;
/** On a narrower one the names leave room for the shortest words. */
const SHORT_WORDS = 'deleted'.length;
/** What names are shortened to at least. */
const MIN_NAME = 12;
const MIN_WIDE_NAME = 18;
/** Names lose at most so much for words beside them. */
const MAX_CUT = 4;
/** A person's name is cut after those of controllers and objects. */
const MAX_PERSON = 16;
const INDENT = 4;

/**
 * The history as a table, newest first. In a pipe one line for each change, its columns separated by tabs, without those
 * that the question fixes, and with at most three values, each cut to a line: -o wide has all.
 */
export function historyTable(changes: readonly Change[], options: HistoryOptions, style: Style): string[] {
  return style.columns === null
    ? pipedTable(changes, options, style)
    : terminalTable(changes, options, style, style.columns);
}

function pipedTable(changes: readonly Change[], { known, namespaced }: HistoryOptions, style: Style): string[] {
  const incarnations = new Incarnations(
    changes.map(({ object }) => object),
    style,
  );
  const time = timeFormat([], style);
  const place = [...(namespaced === true ? [] : ['NAMESPACE']), ...(known === true ? [] : ['OBJECT'])];
  const rows = changes.map((change) => [
    String(change.seq),
    time(change.at),
    wholeWho(change, style),
    operationText(change),
    ...(namespaced === true ? [] : [printable(change.object.namespace) || '-']),
    ...(known === true ? [] : [incarnations.label(change.object)]),
    // Without a column for it, what tells two objects of one name apart stands before what changed.
    (known === true && incarnations.ambiguous > 0 ? `${incarnations.label(change.object)}: ` : '') +
      changeWords(change, { width: PIPE_WIDTH, lines: MAX_LINES }, style).join('; '),
  ]);
  const heads = ['ID', 'TIME', 'USER', 'OPERATION', ...place, 'CHANGE'];
  return [...(style.headers ? [heads] : []), ...rows].map((row) => row.join('\t'));
}

/** Columns of one value in a pipe. */
const PIPE_WIDTH = 100;

function terminalTable(changes: readonly Change[], options: HistoryOptions, style: Style, columns: number): string[] {
  const { head, sections } = historySections(changes, options, style, columns);
  const rows = sections.flatMap(({ title, rows }) => [
    ...(title === null ? [] : ['', title]),
    ...rows.flatMap(({ lines }) => lines),
  ]);
  return head === null ? rows : [head, ...rows];
}

/** The table on a terminal, with the lines of each change. */
export interface HistorySections {
  /** The names of the columns; null where the style has none. */
  head: string | null;
  /** `title` is null where there are no sections. */
  sections: { title: string | null; rows: { change: Change; lines: string[] }[] }[];
}

/** The lines of a history on a terminal of some columns, in the order given, with the change that each tells of. */
export function historySections(
  changes: readonly Change[],
  options: HistoryOptions,
  style: Style,
  columns: number,
): HistorySections {
  const sections = options.grouped ? sectionsOf(changes) : [{ namespace: '', changes: [...changes] }];
  const ordered = sections.flatMap((section) => section.changes);
  const namespaces = new Set(changes.map(({ object }) => object.namespace).filter((namespace) => namespace !== ''));
  const namespaced = !options.grouped && namespaces.size > 1;
  const needed = columns >= WIDE ? wordsWidth(ordered, style) : MIN_WORDS;
  const { heads, cells } = nameCells(ordered, { namespaced, known: options.known === true }, needed, style, columns);
  const widths = heads.map((head, column) => widest([head.length, ...cells.map((row) => widthOf(row[column] ?? ''))]));
  const used = widthsOf(widths) + GAP * widths.length;
  const words = ordered.map((change) => placeWords(change, columns, used, needed, style));
  const beside = words.some(({ inline }) => inline !== '') && columns - used >= 'CHANGE'.length;
  const lines = tableLines(
    [...heads, beside ? 'CHANGE' : ''],
    cells.map((row, index) => [...row, words[index]?.inline ?? '']),
    style,
  );
  const head = style.headers ? (lines.shift() ?? null) : null;
  let row = 0;
  return {
    head,
    sections: sections.map((section) => ({
      title: options.grouped ? sectionTitle(section, style) : null,
      rows: section.changes.map((change) => {
        const own = [lines[row] ?? '', ...(words[row]?.below ?? [])];
        row++;
        return { change, lines: own };
      }),
    })),
  };
}

/** All columns but the words. Names are shortened to what the terminal has room for. */
function nameCells(
  changes: readonly Change[],
  { namespaced, known }: { namespaced: boolean; known: boolean },
  needed: number,
  style: Style,
  columns: number,
): { heads: string[]; cells: string[][] } {
  const incarnations = new Incarnations(
    changes.map(({ object }) => object),
    style,
  );
  const time = timeFormat(
    changes.map(({ at }) => at),
    style,
  );
  const rows = changes.map((change) => ({
    change,
    fixed: [String(change.seq), time(change.at), operationText(change)],
    names: [
      wholeWho(change, style),
      ...(namespaced ? [printable(change.object.namespace)] : []),
      ...(known ? [] : [incarnations.label(change.object)]),
    ],
  }));
  const heads = ['ID', 'TIME', 'USER', 'OPERATION', ...(namespaced ? ['NAMESPACE'] : []), ...(known ? [] : ['OBJECT'])];
  const [idHead = '', timeHead = '', userHead = '', operationHead = '', ...objectHeads] = heads;
  const natural = (head: string, pick: (row: (typeof rows)[number]) => string | undefined): number =>
    widest([head.length, ...rows.map((row) => widthOf(pick(row) ?? ''))]);
  const fixed = [idHead, timeHead, operationHead].map((head, index) => natural(head, (row) => row.fixed[index]));
  const wanted = [userHead, ...objectHeads].map((head, index) => natural(head, ({ names }) => names[index]));
  const budget = columns - widthsOf(fixed) - GAP * (heads.length - 1);
  const beside = GAP + (columns >= WIDE ? needed : SHORT_WORDS);
  const wide = columns >= WIDE;
  const least = wide ? MIN_WIDE_NAME : MIN_NAME;
  // Where the names leave no room for words the words go below them, and cutting names would be for nothing.
  const [user = 0, ...objects] = wanted;
  const cut = wide ? Math.min(user, least) + widthsOf(objects) : widthsOf(wanted) - MAX_CUT;
  const crowded = cut + beside > budget;
  // Users give way first, and objects only where the line has no room for them without any words.
  const people = changes.filter((change) => change.actor !== null && !isMachine(change.actor.username)).map((change) => widthOf(wholeWho(change, style))); // prettier-ignore
  const person = Math.min(MAX_PERSON, widest([0, ...people]));
  const kept = crowded ? MIN_NAME : least;
  const widths = shrinkFirst(wanted, crowded ? budget : budget - beside, kept, Math.max(kept, person));
  const cells = rows.map(({ change, fixed: [id = '', at = ''], names }) => {
    const [, ...objects] = names.map((name, index) => shortenMiddle(name, widths[index] ?? 0, style.ellipsis));
    return [
      style.chalk.yellow(id),
      at,
      fitWho(change, widths[0] ?? 0, style),
      paintOperation(change, style),
      ...objects,
    ];
  });
  return { heads, cells };
}

/** What words need beside the names: no more than they have. */
function wordsWidth(changes: readonly Change[], style: Style): number {
  const options = { width: MIN_WORDS, lines: MAX_LINES };
  return widest(changes.flatMap((change) => changeWords(change, options, style).map(widthOf)));
}

function widthsOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0);
}

/** Where the words of a change go: beside it where there is room, otherwise under it. */
function placeWords(
  change: Change,
  columns: number,
  used: number,
  needed: number,
  style: Style,
): { inline: string; below: string[] } {
  const beside = columns - used;
  if (beside >= needed) {
    const [inline = '', ...more] = changeWords(change, { width: beside, lines: MAX_LINES }, style);
    return { inline, below: more.map((line) => ' '.repeat(used) + line) };
  }
  const lines = changeWords(change, { width: columns - INDENT, lines: MAX_LINES }, style);
  const [only = ''] = lines;
  if (lines.length === 1 && widthOf(only) <= beside) return { inline: only, below: [] };
  return { inline: '', below: lines.map((line) => ' '.repeat(INDENT) + line) };
}

interface Section {
  namespace: string;
  changes: Change[];
}

/** By namespace, the one that changed last first; what has no namespace comes last. */
function sectionsOf(changes: readonly Change[]): Section[] {
  const sections = new Map<string, Section>();
  for (const change of changes) {
    const { namespace } = change.object;
    const section = sections.get(namespace) ?? { namespace, changes: [] };
    section.changes.push(change);
    sections.set(namespace, section);
  }
  return [...sections.values()].sort((a, b) => Number(a.namespace === '') - Number(b.namespace === ''));
}

function sectionTitle({ namespace, changes }: Section, { chalk, dot }: Style): string {
  const count = `${dot} ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`;
  return `${chalk.bold(namespace === '' ? 'cluster-scoped' : printable(namespace))} ${chalk.dim(count)}`;
}
