import type { Json, JsonObject } from './types.ts';

/*
 * JSON text with sorted keys and no white space: what safe-stable-stringify gives, in half of its time, because every
 * body that is recorded is hashed. Documents are not deeper than json.ts lets them be.
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

/** Beyond so many keys, sorting by insertion is slow where they are in no order. */
const MAX_INSERTION_SORT = 50;

/** By insertion: most keys stand in order already. */
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

/** What JSON.stringify may write in another way: control characters, a quote, a backslash, halves of a pair. */
const NEEDS_ESCAPES = /["\\]|[^\u0020-\ud7ff\ue000-\uffff]/;

function quoted(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** A key with its colon. Keys recur. Bounded: labels and the keys of ConfigMaps are anybody's. */
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
