import type { Json, JsonObject } from './types.ts';

/*
 * JSON text with sorted keys and no white space. The result is that of safe-stable-stringify in half the time, which
 * matters because every recorded body is hashed. json.ts limits how deep documents can be.
 */

/** The text of a value as it is in memory; json.ts undoes the escapes. */
export function sortedJson(value: Json): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  let text = '';
  let comma = '';
  if (Array.isArray(value)) {
    for (const item of value) {
      text += comma + sortedJson(item);
      comma = ',';
    }
    return `[${text}]`;
  }
  for (const key of sortedKeys(value)) {
    text += comma + quotedKey(key) + sortedJson(value[key] ?? null);
    comma = ',';
  }
  return `{${text}}`;
}

/** With more keys than this, insertion sort is slow if they are unordered. */
const MAX_INSERTION_SORT = 50;

/** Insertion sort: most keys are in order already. */
export function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  if (keys.length > MAX_INSERTION_SORT) return keys.sort();
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index] ?? '';
    let place = index;
    for (let before = keys[place - 1]; before !== undefined && before > key; before = keys[place - 1]) {
      keys[place--] = before;
    }
    keys[place] = key;
  }
  return keys;
}

/** Characters that JSON.stringify escapes: control characters, quotes, backslashes, lone surrogates. */
const NEEDS_ESCAPES = /["\\]|[^\u0020-\ud7ff\ue000-\uffff]/;

function quoted(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Keys with quotes and colon, since keys repeat. The cache is bounded: labels and keys of ConfigMaps can be anything. */
const quotedKeys = new Map<string, string>();
const MAX_QUOTED_KEYS = 2_000;
const MAX_QUOTED_KEY_LENGTH = 64;

export function quotedKey(key: string): string {
  const known = quotedKeys.get(key);
  if (known !== undefined) return known;
  const text = `${quoted(key)}:`;
  if (quotedKeys.size < MAX_QUOTED_KEYS && key.length <= MAX_QUOTED_KEY_LENGTH) quotedKeys.set(key, text);
  return text;
}
