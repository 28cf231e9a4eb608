import type { Json } from './types.ts';

/** Facts about a JSON text that tell whether JSON.parse has lost something of it. */
export interface Scan {
  /** Number of keys of all objects, duplicates included. */
  keys: number;
  /** Levels of nesting. */
  depth: number;
  /** False if JavaScript would write a number differently. */
  exactNumbers: boolean;
}

const QUOTE = 0x22;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** Scans a text that JSON.parse has accepted, in one pass. It skips the content of strings, because it runs for every review. */
export function scanJson(text: string): Scan {
  let [keys, level, depth, exactNumbers] = [0, 0, 0, true];
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = afterString(text, at);
      if (text.charCodeAt(at) === COLON || text.charCodeAt(afterSpace(text, at)) === COLON) keys++;
    } else if (code === MINUS || isDigit(code)) {
      const end = afterNumber(text, at);
      exactNumbers &&= isExact(text, at, end);
      at = end;
    } else {
      // { and [ differ from } and ] by two, and from each other by one bit
      if ((code | 0x20) === 0x7b) depth = Math.max(depth, ++level);
      else if ((code | 0x20) === 0x7d) level--;
      at++;
    }
  }
  return { keys, depth, exactNumbers };
}

/*
 * The ends of tokens in JSON text that JSON.parse has accepted.
 */

/** The position after a string that begins at `start`. */
export function afterString(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (text.charCodeAt(end - 1) === BACKSLASH && isEscaped(text, end));
  return end + 1;
}

/** True if an odd number of backslashes precedes the position. */
function isEscaped(text: string, position: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(position - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

/** The position of the first character from `start` on that is not white space. */
export function afterSpace(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) <= 0x20) at++;
  return at;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** The position after a number that begins at `start`: digits, sign, point and exponent. */
export function afterNumber(text: string, start: number): number {
  let at = start + 1;
  for (let code = text.charCodeAt(at); isDigit(code) || NUMBER_CODES.has(code); code = text.charCodeAt(at)) at++;
  return at;
}

const NUMBER_CODES: ReadonlySet<number> = new Set([...'+-.eE'].map((character) => character.charCodeAt(0)));

/** A number with at most this many characters is below 2^53. */
const SAFE_LENGTH = 15;

function isExact(text: string, start: number, end: number): boolean {
  if (end - start <= SAFE_LENGTH && text.charCodeAt(start) !== MINUS && onlyDigits(text, start, end)) return true;
  const token = text.slice(start, end);
  return String(Number(token)) === token;
}

function onlyDigits(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return true;
}

/** The number of keys of all objects in a value that is not too deep. */
export function countKeys(value: Json): number {
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) keys += countKeys(item);
  } else if (typeof value === 'object' && value !== null) {
    for (const key in value) {
      keys++;
      const member = value[key];
      if (typeof member === 'object' && member !== null) keys += countKeys(member);
    }
  }
  return keys;
}
