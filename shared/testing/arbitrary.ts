import fc from 'fast-check';
import { isObject } from '../json.ts';
import type { Json, JsonObject } from '../types.ts';

/*
 * JSON text of random documents with everything that has broken somebody's code: hostile keys, 64-bit integers,
 * exponents, NUL, deep and wide, in one generator. Text, because JavaScript values cannot hold it.
 */
const HOSTILE_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  '',
  'a/b',
  'a~b',
  '~1',
  '0',
  '-',
  'toString',
  '\u0000',
  '\u0000#1',
  '\u0000$x',
];
const HOSTILE_NUMBERS = [
  '9007199254740993',
  '-9223372036854775808',
  '18446744073709551615',
  '1e400',
  '-0',
  '1.0',
  '0.1',
  '1E5',
  '123456789012345678901234567890',
];
const HOSTILE_TEXTS = ['\u0000#5', '\u0000$x', '"\\', '\u2028', '__proto__', 'x"\u0000#5', '":1.5,', '\ud83d\ude00'];

const key = fc.oneof(
  fc.constantFrom(...HOSTILE_KEYS),
  fc.string({ maxLength: 6 }),
  fc.constantFrom('a', 'b', 'c', 'd'),
);

const leaf = fc.oneof(
  fc.constantFrom('true', 'false', 'null'),
  fc.integer().map(String),
  fc.constantFrom(...HOSTILE_NUMBERS),
  fc.bigInt().map(String),
  fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string()).map((text) => JSON.stringify(text)),
);

/** Keys that look like array indexes come first: JavaScript keeps them so, and JSON gives the order no meaning. */
function objectOf(members: [string, string][]): string {
  const isIndex = (name: string): boolean => /^(0|[1-9]\d{0,9})$/.test(name);
  const indexes = members.filter(([name]) => isIndex(name)).sort(([a], [b]) => Number(a) - Number(b));
  const ordered = [...indexes, ...members.filter(([name]) => !isIndex(name))];
  return `{${ordered.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

/** JSON text of any value. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
    tie('object'),
  ),
  object: fc.uniqueArray(fc.tuple(key, tie('value')), { maxLength: 6, selector: ([name]) => name }).map(objectOf),
})).value;

/** JSON text of an object. */
export const objectText: fc.Arbitrary<string> = fc
  .uniqueArray(fc.tuple(key, jsonText), { maxLength: 6, selector: ([name]) => name })
  .map(objectOf);

/** Asserts what the type system cannot know of parsed text. */
export function asObject(value: Json): JsonObject {
  if (!isObject(value)) throw new TypeError('not an object');
  return value;
}
