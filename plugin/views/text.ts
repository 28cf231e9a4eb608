import stringWidth from 'string-width';

export { printable } from '../../shared/printable.ts';

const ESC = '\u001b';
/** Colours, links, and what takes a column each: nearly all that is ever measured. string-width is slow, and slower to load. */
const COLOUR = new RegExp(`${ESC}(?:\\[[\\d;]*m|\\]8;;[^${ESC}]*${ESC}\\\\)`, 'g');
const NARROW = /^[\x20-\x7e…→←·│├└─]*$/;

/** Columns that a text takes on a terminal; colours take none. */
export function widthOf(text: string): number {
  const plain = withoutColour(text);
  return NARROW.test(plain) ? plain.length : stringWidth(plain);
}

/** True where each character takes one column, whoever measures it. */
export function isNarrow(text: string): boolean {
  return NARROW.test(withoutColour(text));
}

function withoutColour(text: string): string {
  return text.includes('\u001b') ? text.replace(COLOUR, '') : text;
}

/** Fills up with spaces to a width. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Lines of at most `width` columns, broken at spaces; a longer word keeps a line of its own. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Characters as people see them: an emoji with its modifiers is one. */
export function graphemes(text: string): string[] {
  return /^[\x20-\x7e]*$/.test(text) ? [...text] : [...segments(text)].map(({ segment }) => segment);
}

let segmenter: Intl.Segmenter | undefined;

function segments(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** The beginning of a text, at most `width` columns. */
export function takeStart(text: string, width: number): string {
  let taken = '';
  let used = 0;
  for (const character of graphemes(text.slice(0, width * 8 + 64))) {
    used += widthOf(character);
    if (used > width) break;
    taken += character;
  }
  return taken;
}

/** The end of a text, at most `width` columns. */
export function takeEnd(text: string, width: number): string {
  let taken = '';
  let used = 0;
  for (const character of graphemes(text.slice(-(width * 8 + 64))).reverse()) {
    used += widthOf(character);
    if (used > width) break;
    taken = character + taken;
  }
  return taken;
}

/** Cuts out the middle, so that what tells names apart, their beginning and end, stays. */
export function shortenMiddle(text: string, width: number, ellipsis: string): string {
  if (fits(text, width)) return text;
  const room = width - widthOf(ellipsis);
  if (room < 2) return takeStart(text, Math.max(1, width));
  const end = Math.floor(room / 2);
  return takeStart(text, room - end) + ellipsis + takeEnd(text, end);
}

/** Cuts off the end. */
export function shortenEnd(text: string, width: number, ellipsis: string): string {
  return fits(text, width) ? text : takeStart(text, Math.max(1, width - widthOf(ellipsis))) + ellipsis;
}

/** Measuring a megabyte is slow, and no terminal is so wide: a character takes at most a few code units. */
function fits(text: string, width: number): boolean {
  return text.length <= width * 16 && widthOf(text) <= width;
}
