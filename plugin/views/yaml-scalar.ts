import { textLines } from '../../shared/pairing.ts';
import { printable } from '../../shared/printable.ts';
import { plainScalar } from '../manifest/go-scalar.ts';

/*
 * How kubectl writes a string in YAML: the rules of sigs.k8s.io/yaml (go-yaml v2), so that what we print is what
 * `kubectl get -o yaml` printed. Where go-yaml would let through what a terminal obeys (C1 controls, bidi marks, line
 * separators), we escape it: the string is the same.
 */

/** Width beyond which kubectl breaks a scalar at its next space. */
const FOLD_WIDTH = 80;

const BASE_60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;
const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|\s+)\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d*)?\s*(?:Z|[-+]\d{1,2}(?::?\d\d)?)?)?$/;

/** True where YAML 1.1 takes the unquoted text for something other than a string: `yes`, `1e3`, `2026-11-22`, ``. */
function resolvesToOther(text: string): boolean {
  return plainScalar(text).tag !== 'str' || BASE_60.test(text) || TIMESTAMP.test(text);
}

/** What needs a double-quoted string: controls but the line feed, what has no width, separators, all beyond the BMP. */
const SPECIAL =
  /(?!\n)[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff\u{10000}-\u{10ffff}]/u;
const ESCAPED = new RegExp(`${SPECIAL.source}|["\\\\\\n]`, 'gu');

const SHORT_ESCAPES: Record<string, string> = {
  '\u0000': '\\0',
  '\u0007': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\u000b': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\u001b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
};

type ScalarStyle = 'plain' | 'single' | 'double' | 'literal';

/** The style that go-yaml takes (yaml_emitter_select_scalar_style). A key is always on one line. */
export function styleOf(text: string, isKey: boolean): ScalarStyle {
  if (resolvesToOther(text)) return 'double';
  // In YAML 1.1 this key merges mappings.
  if (isKey && text === '<<') return 'double';
  // A space before a line break would be lost, or hard to see.
  if (SPECIAL.test(text) || text.includes(' \n')) return 'double';
  if (text.includes('\n')) return isKey || text.endsWith(' ') ? 'double' : 'literal';
  if (text.startsWith(' ') || text.endsWith(' ')) return 'single';
  return isPlainAllowed(text) ? 'plain' : 'single';
}

function isPlainAllowed(text: string): boolean {
  if (/^(?:---|\.\.\.)/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text)) return false;
  return !/^[?:-](?: |$)|:(?: |$)| #/.test(text);
}

/**
 * A string as YAML, on one or more lines. `column` is where it starts, `indent` the column of its further lines. `fold`
 * breaks long ones as kubectl does.
 */
export function scalarLines(text: string, isKey: boolean, column: number, indent: number, fold: boolean): string[] {
  const style = styleOf(text, isKey);
  if (style === 'literal') return literal(text, indent);
  const foldAt = fold && !isKey ? FOLD_WIDTH : Number.POSITIVE_INFINITY;
  if (style === 'plain') return folded(text, text, '', column, indent, foldAt);
  if (style === 'single') return folded(text, text.replaceAll("'", "''"), "'", column, indent, foldAt);
  return folded(text, text.replace(ESCAPED, escapeOf), '"', column, indent, foldAt);
}

function escapeOf(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** Breaks at single spaces beyond the width; the break stands for the space. */
function folded(
  text: string,
  written: string,
  quote: string,
  column: number,
  indent: number,
  foldAt: number,
): string[] {
  if (column + written.length <= foldAt || !text.includes(' ')) return [quote + written + quote];
  const lines: string[] = [];
  let line = quote;
  let at = column + quote.length;
  for (let i = 0; i < written.length; i++) {
    const character = written.charAt(i);
    const inside = i > 0 && i < written.length - 1;
    const alone = written[i - 1] !== ' ' && written[i + 1] !== ' ';
    if (character === ' ' && at > foldAt && inside && alone) {
      lines.push(line);
      line = ' '.repeat(indent);
      at = indent;
    } else {
      line += character;
      at++;
    }
  }
  return [...lines, line + quote];
}

/** A block of lines as they are: `|`, with `-` where no line break ends it, `+` where more than one does. */
function literal(text: string, indent: number): string[] {
  return block(text, indent, (line) => line);
}

/**
 * A text of several lines as a block of them, also where YAML would have to write it in quotes on one line: for people, no
 * YAML. A line that cannot be seen as it is, because of a space at its end, a tab, a carriage return and the like, stands
 * in double quotes, with the escapes that YAML has there.
 */
export function blockForPeople(text: string, indent: number): string[] {
  return block(text, indent, visibleLine);
}

/** A line of a text, in double quotes where it would not be seen as it is. */
export function visibleLine(line: string): string {
  // A line that only looks like a quoted one is quoted too.
  const hidden = printable(line) !== line || /\s$|\u00a0|^".*\\.*"$/u.test(line);
  return hidden ? `"${printable(line.replace(/["\\]/g, '\\$&')).replaceAll('\u00a0', '\\xa0')}"` : line;
}

function block(text: string, indent: number, write: (line: string) => string): string[] {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  const lines = textLines(text) ?? [text];
  return [`|${hint}${chomp}`, ...lines.map((line) => (line === '' ? '' : ' '.repeat(indent) + write(line)))];
}
