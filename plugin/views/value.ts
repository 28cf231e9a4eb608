import { exactNumber, isObject, unescapeText } from '../../shared/json.ts';
import { textLines } from '../../shared/pairing.ts';
import type { Json } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable, shortenEnd, shortenMiddle, takeEnd, widthOf } from './text.ts';

/** Strings that would be read as another JSON value, or as nothing. */
const MISREAD = /^(?:|true|false|null|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[[{].*|.*\s|\s.*)$/s;
/** Strings that would end too early inside a collection. */
const MISREAD_INSIDE = /[,:[\]{}"']|\s/;

/** A value on one line, for people: strings bare where they cannot be misread, collections in YAML's flow style. */
export function valueText(value: Json): string {
  return flowText(value, false, stringText);
}

/** The same; a long text of several lines is told by its first line and how many there are. */
export function briefText(value: Json): string {
  return flowText(value, false, (text, inside) => {
    const lines = text.length > LONG_TEXT ? textLines(text) : null;
    if (lines === null) return stringText(text, inside);
    return `(${lines.length} ${lines.length === 1 ? 'line' : 'lines'}) ${stringText(lines[0] ?? '', inside)}`;
  });
}

/** Texts up to this length are shown whole. */
const LONG_TEXT = 80;

function flowText(value: Json, inside: boolean, write: (text: string, inside: boolean) => string): string {
  if (Array.isArray(value)) return `[${value.map((item) => flowText(item, true, write)).join(', ')}]`;
  if (isObject(value)) {
    const members = Object.entries(value).map(
      ([key, member]) => `${stringText(unescapeText(key), true)}: ${flowText(member, true, write)}`,
    );
    return `{${members.join(', ')}}`;
  }
  if (typeof value !== 'string') return String(value);
  return exactNumber(value) ?? write(unescapeText(value), inside);
}

function stringText(text: string, inside: boolean): string {
  const quoted = MISREAD.test(text) || (inside && MISREAD_INSIDE.test(text));
  return quoted ? `"${printable(text.replace(/["\\]/g, '\\$&'))}"` : printable(text);
}

/** Common beginnings shorter than this are not worth cutting. */
const MIN_CUT = 12;

/**
 * Two values for `before → after`, cut where they are alike: `…:1.25` and `…:1.26` for images of one repository. At most
 * `width` columns together where that is a number.
 */
export function valuePair(before: Json, after: Json, width: number | null, style: Style): [string, string] {
  let [first, second] = [briefText(before), briefText(after)];
  if (width === null) return [first, second];
  const whole = widthOf(first) + widthOf(second) <= width;
  const references = [first, second].every((text) => REFERENCE.test(text));
  if (!whole || references) [first, second] = withoutCommonStart(first, second, references, style);
  if (widthOf(first) + widthOf(second) <= width) return [first, second];
  const half = Math.floor(width / 2);
  // A short one leaves its room to the other.
  const firstRoom = Math.max(half, width - widthOf(second));
  first = shortenMiddle(first, firstRoom, style.ellipsis);
  return [first, shortenMiddle(second, Math.max(half, width - widthOf(first)), style.ellipsis)];
}

function isCollection(value: Json): boolean {
  return Array.isArray(value) || isObject(value);
}

/** Image references: what tells two of them apart is the tag. */
const REFERENCE = /^[\w.-]+(?::\d+)?(?:\/[\w.-]+)*[:@][\w.:-]+$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T/;

/** Cuts back to a separator, so that a whole part stays: `…:24.2.1`, and not `…1`. */
function withoutCommonStart(first: string, second: string, references: boolean, style: Style): [string, string] {
  if (TIMESTAMP.test(first) || TIMESTAMP.test(second)) return [first, second];
  let common = 0;
  while (common < first.length && first[common] === second[common]) common++;
  const separators = references ? /[/:@]/ : /[\s,:=/[{]/;
  while (common > 0 && !separators.test(first.charAt(common - 1))) common--;
  // The separator stays.
  common = Math.max(0, common - 1);
  if (common < MIN_CUT) return [first, second];
  return [style.ellipsis + first.slice(common).trimStart(), style.ellipsis + second.slice(common).trimStart()];
}

const MIN_PATH = 16;

/** A path for people, in at most `width` columns: its beginning and its end tell most: `spec…containers[nginx].image`. */
export function shortenPath(path: string, width: number, style: Style): string {
  if (widthOf(path) <= width) return path;
  const segments = path.match(/\.?[^.[]+|\["(?:[^"\\]|\\.)*"\]|\[[^\]]*\]/g) ?? [path];
  const [head = ''] = segments;
  let tail = '';
  for (const segment of segments.slice(1).reverse()) {
    if (widthOf(head + style.ellipsis + segment + tail) > width) break;
    tail = segment + tail;
  }
  if (tail !== '') return head + style.ellipsis + tail.replace(/^\./, '');
  return width < MIN_PATH ? style.ellipsis + takeEnd(path, width - 1) : shortenMiddle(path, width, style.ellipsis);
}

/** One value in at most `width` columns. */
export function fitValue(value: Json, width: number | null, style: Style): string {
  const text = briefText(value);
  if (width === null) return text;
  return isCollection(value) ? shortenEnd(text, width, style.ellipsis) : shortenMiddle(text, width, style.ellipsis);
}
