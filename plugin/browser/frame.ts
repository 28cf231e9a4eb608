import { Chalk } from 'chalk';
import { stripVTControlCharacters } from 'node:util';
import { padEnd, printable, shortenEnd, shortenMiddle, takeEnd, takeStart, widthOf } from '../views/text.ts';
import type { ListPane } from './list-pane.ts';
import type { Source } from './source.ts';
import type { TextPane } from './text-pane.ts';

export interface FrameState {
  list: ListPane;
  /** What is shown instead of the list. */
  document: TextPane | null;
  /** What has been typed of a search; null where none is being typed. */
  prompt: string | null;
  /** What came of the last key, instead of the keys that there are. */
  message: string;
}

/** Lines of the screen that are no content. */
const TITLE = 1;
const FOOTER = 1;

/** The chosen row must be seen without colours too. */
const { inverse } = new Chalk({ level: 1 });

const KEYS = 'd diff · l lines · u undo · s show · / search · ? help · q quit';
const DOCUMENT_KEYS = 'q back · / search · ? help';

/** How many lines of a screen hold the list or the text. */
export function contentHeight({ list, document }: FrameState, rows: number): number {
  const head = document === null && list.listing.head !== null ? 1 : 0;
  return Math.max(1, rows - TITLE - FOOTER - head);
}

export interface Frame {
  lines: string[];
  cursor?: { column: number; row: number };
}

/** All lines of the screen: a title, the list or a text, and the keys; none is wider than the screen. */
export function frameOf(
  state: FrameState,
  { chalk, ellipsis }: Pick<Source, 'chalk' | 'ellipsis'>,
  { columns, rows }: { columns: number; rows: number },
): Frame {
  const { list, document, prompt } = state;
  const height = contentHeight(state, rows);
  const content: string[] = [];
  let title: string;
  let place: string;
  if (document === null) {
    const { head, title: of, more } = list.listing;
    const { lines, section } = list.shown(height);
    const { row, rows } = list.position();
    title = section === '' ? of : `${section} · ${of}`;
    place = `${row}/${rows}${more ? '+' : ''}`;
    if (head !== null) content.push(chalk.bold(stripVTControlCharacters(head)));
    for (const { line, chosen } of lines) content.push(chosen ? marked(line, columns) : line);
  } else {
    title = document.title;
    for (const { line, marked: found } of document.shown(height)) content.push(found ? marked(line, columns) : line);
    const last = Math.min(document.length, document.top + height);
    place = `${document.top + 1}-${last}/${document.length}`;
  }
  const room = Math.max(1, columns - widthOf(place) - 2);
  const top = `${padEnd(shortenMiddle(title, room, ellipsis), room)}  ${place}`;
  while (content.length < rows - TITLE - FOOTER) content.push('');
  const above = [chalk.bold(top), ...content].slice(0, Math.max(0, rows - FOOTER));
  const lines = [...above, footerOf(state, { chalk, ellipsis }, columns)].map((line) => fitted(line, columns));
  if (prompt === null) return { lines };
  return { lines, cursor: { column: Math.min(columns - 1, widthOf(printable(prompt)) + 1), row: rows - 1 } };
}

function footerOf(
  { list, document, prompt, message }: FrameState,
  { chalk, ellipsis }: Pick<Source, 'chalk' | 'ellipsis'>,
  columns: number,
): string {
  if (prompt !== null) return `/${takeEnd(printable(prompt), Math.max(0, columns - 2))}`;
  if (message !== '') return chalk.bold(shortenEnd(printable(message), columns, ellipsis));
  const keys = document === null ? `Enter ${list.listing.unfolds ? 'unfold' : 'diff'} · ${KEYS}` : DOCUMENT_KEYS;
  return chalk.dim(keysFor(keys, columns));
}

/** On a very narrow terminal a head or a title may be too wide. */
function fitted(line: string, columns: number): string {
  return widthOf(line) <= columns ? line : takeStart(stripVTControlCharacters(line), columns);
}

/** As many of the keys as there is room for: the last two always, since they tell of the others. */
function keysFor(text: string, columns: number): string {
  const keys = text.split(' · ');
  while (keys.length > 2 && widthOf(keys.join(' · ')) > columns) keys.splice(-3, 1);
  return keys.join(' · ');
}

/** Without its own colours, which would be those of the background. */
function marked(line: string, columns: number): string {
  return inverse(padEnd(stripVTControlCharacters(line), columns));
}
