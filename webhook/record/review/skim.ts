/*
 * Finds where the values of a JSON text begin and end, without reading them. Of text as the API server writes it: without
 * white space between tokens. Nothing is checked here: what is found must be parsed, so that what is not JSON is told.
 */

const QUOTE = 0x22;
export const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
/** What turns a bracket of a list into that of an object; no other character into either. */
const LOWER = 0x20;

/** What a function here returns where it finds something else than it was looking for. */
export const NOWHERE = -1;

/** Deeper values are not looked through: parseJson decides about them (json.ts). */
const MAX_SKIMMED_DEPTH = 100;

/** The end of the value that begins at a place. */
export function skim(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return afterString(bytes, at);
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) return afterWord(bytes, at);
  const { length } = bytes;
  for (let depth = 0; at < length; at++) {
    const code = bytes[at] ?? 0;
    if (code === QUOTE) {
      // afterString, written out: most of a review is inside of strings.
      for (let inside = bytes[++at]; inside !== QUOTE; inside = bytes[++at]) {
        if (inside === BACKSLASH) at++;
        if (at >= length) return NOWHERE;
      }
    } else if ((code | LOWER) === OPEN_OBJECT) {
      if (++depth > MAX_SKIMMED_DEPTH) return NOWHERE;
    } else if ((code | LOWER) === CLOSE_OBJECT && --depth === 0) {
      return at + 1;
    }
  }
  return NOWHERE;
}

/**
 * Visits the members of the object that begins at a place, and returns its end. `visit` gets the place of a member's key,
 * quotes included, and of its value, and returns the value's end.
 */
export function skimObject(
  bytes: Uint8Array,
  at: number,
  visit: (key: number, keyEnd: number, value: number) => number,
): number {
  if (bytes[at] !== OPEN_OBJECT) return NOWHERE;
  if (bytes[at + 1] === CLOSE_OBJECT) return at + 2;
  do {
    const key = at + 1;
    if (bytes[key] !== QUOTE) return NOWHERE;
    const keyEnd = afterString(bytes, key);
    if (keyEnd === NOWHERE || bytes[keyEnd] !== COLON) return NOWHERE;
    at = visit(key, keyEnd, keyEnd + 1);
  } while (at !== NOWHERE && bytes[at] === COMMA);
  return at !== NOWHERE && bytes[at] === CLOSE_OBJECT ? at + 1 : NOWHERE;
}

/** The same for the items of a list. */
export function skimList(bytes: Uint8Array, at: number, visit: (item: number) => number): number {
  if (bytes[at] !== OPEN_LIST) return NOWHERE;
  if (bytes[at + 1] === CLOSE_LIST) return at + 2;
  do at = visit(at + 1);
  while (at !== NOWHERE && bytes[at] === COMMA);
  return at !== NOWHERE && bytes[at] === CLOSE_LIST ? at + 1 : NOWHERE;
}

function afterString(bytes: Uint8Array, at: number): number {
  for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
  return at < bytes.length ? at + 1 : NOWHERE;
}

/** A number, true, false, null. */
function afterWord(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let code = bytes[at]; at < bytes.length && code !== COMMA && code !== CLOSE_OBJECT && code !== CLOSE_LIST;) {
    code = bytes[++at];
  }
  return at > start ? at : NOWHERE;
}
