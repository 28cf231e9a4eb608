import { configure } from 'safe-stable-stringify';
import { quotedKey, sortedJson, sortedKeys } from './canonical.ts';
import { KubeblameError, messageOf } from './errors.ts';
import { afterNumber, afterSpace, afterString, countKeys, scanJson } from './json-scan.ts';
import type { Json, JsonObject } from './types.ts';

/*
 * JSON without loss. JavaScript rounds integers beyond 2^53, and a `__proto__` key breaks every library that assigns
 * it. So, in memory, values that JavaScript cannot hold become strings that no ordinary document contains:
 *
 *   NUL '#' token   a number whose text JavaScript would change (12345678901234567890, 1.0, 1e400, -0)
 *   NUL '$' text    a string or key that starts with NUL, and the key `__proto__`
 *
 * Documents stay plain JSON values, so the diff and patch libraries work on them unchanged. It is undone only on output:
 * by stringifyJson, canonicalJson, and in views by exactNumber and unescapeText.
 */
const NUL = '\u0000';
const NUMBER_MARK = `${NUL}#`;
const TEXT_MARK = `${NUL}$`;

/**
 * Deeper documents are refused. Recursive code, ours and that of libraries, is safe at far greater depths. kube-apiserver's
 * decoder allows 10,000 levels, but the schema of no real object comes near 100.
 */
export const MAX_DEPTH = 1000;

/** Matches keys and texts that need escaping, also if they are spelled with \u escapes. False positives only cost time. */
const MAYBE_HOSTILE_TEXT = /__proto__|\\u00(?:00|[4-7][0-9a-f])/i;

/**
 * Parses JSON text so that every number and key can be written again exactly as it was.
 * Throws KubeblameError: json-invalid, json-duplicate-key (JSON.parse would silently keep the last) or json-too-deep.
 */
export function parseJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new KubeblameError('json-invalid', `not valid JSON: ${syntaxReason(messageOf(error))}`);
  }
  const { keys, depth, exactNumbers } = scanJson(text);
  if (depth > MAX_DEPTH) {
    throw new KubeblameError('json-too-deep', `the JSON is nested deeper than ${MAX_DEPTH} levels`);
  }
  if (exactNumbers && !MAYBE_HOSTILE_TEXT.test(text) && countKeys(value) === keys) return value;
  return new ExactParser(text).parse();
}

/** V8's message quotes the text around an unexpected token. That may be a Secret's value, and messages get into logs. */
function syntaxReason(message: string): string {
  const quotesNothing = / at position \d+|^Unexpected end of JSON input$/.test(message) && !message.includes('"');
  return quotesNothing ? message : 'an unexpected character';
}

/** Builds the escaped form from text that JSON.parse has accepted and scanJson has found shallow enough. */
class ExactParser {
  private position = 0;

  constructor(private readonly text: string) {}

  parse(): Json {
    const value = this.value('');
    return value;
  }

  private value(path: string): Json {
    this.skipSpace();
    const start = this.text[this.position];
    if (start === '{') return this.object(path);
    if (start === '[') return this.array(path);
    if (start === '"') {
      const text = this.string();
      return text.startsWith(NUL) ? TEXT_MARK + text : text;
    }
    if (start === 't') return this.literal('true', true);
    if (start === 'f') return this.literal('false', false);
    if (start === 'n') return this.literal('null', null);
    const end = afterNumber(this.text, this.position);
    const token = this.text.slice(this.position, end);
    this.position = end;
    const number = Number(token);
    return String(number) === token ? number : NUMBER_MARK + token;
  }

  private literal(text: string, value: Json): Json {
    this.position += text.length;
    return value;
  }

  private object(path: string): JsonObject {
    const object: JsonObject = {};
    this.position++;
    for (;;) {
      this.skipSpace();
      if (this.text[this.position] === '}') break;
      if (this.text[this.position] === ',') {
        this.position++;
        continue;
      }
      const key = this.string();
      const escaped = escapeKey(key);
      if (Object.hasOwn(object, escaped)) {
        throw new KubeblameError(
          'json-duplicate-key',
          `the key ${JSON.stringify(key)} occurs twice in ${path || 'the document'}`,
        );
      }
      this.skipSpace();
      this.position++; // the colon
      object[escaped] = this.value(path === '' ? key : `${path}.${key}`);
    }
    this.position++;
    return object;
  }

  private array(path: string): Json[] {
    const array: Json[] = [];
    this.position++;
    for (;;) {
      this.skipSpace();
      if (this.text[this.position] === ']') break;
      if (this.text[this.position] === ',') this.position++;
      array.push(this.value(`${path}[${array.length}]`));
      this.skipSpace();
    }
    this.position++;
    return array;
  }

  private string(): string {
    const start = this.position;
    this.position = afterString(this.text, start);
    return JSON.parse(this.text.slice(start, this.position)) as string;
  }

  private skipSpace(): void {
    this.position = afterSpace(this.text, this.position);
  }
}

/** JSON text of a value, with numbers and keys exactly as they came, and keys in their order. `indent`: see JSON.stringify. */
export function stringifyJson(value: Json, indent = 0): string {
  return undoEscapes(JSON.stringify(value, null, indent));
}

const stableStringify = configure({ bigint: false, circularValue: Error });

/** The canonical JSON text of a value: sorted keys, no white space. It is what is hashed; with `indent`, what kubectl prints. */
export function canonicalJson(value: Json, indent = 0): string {
  return undoEscapes(indent === 0 ? sortedJson(value) : (stableStringify(value, null, indent) ?? 'null'));
}

/** The canonical text of an object, with its members written by another function. */
export function sortedMembers(object: JsonObject, write: (member: Json) => string): string {
  let text = '{';
  for (const key of sortedKeys(object)) text += undoEscapes(quotedKey(key)) + write(object[key] ?? null) + ',';
  return `${text}}`;
}

/*
 * In JSON text, a quote inside a string always follows a backslash, a quote that opens a string never does, and NUL is always
 * written \u0000. So these patterns match only whole escaped numbers and the start of escaped texts.
 */
const ESCAPED_NUMBER = /(?<!\\)"\\u0000#(-?[0-9][0-9.eE+-]*)"/g;
const ESCAPED_TEXT = /(?<!\\)"\\u0000\$/g;

function undoEscapes(text: string): string {
  if (!text.includes('\\u0000')) return text;
  return text.replace(ESCAPED_NUMBER, '$1').replace(ESCAPED_TEXT, '"');
}

/** The digits of an escaped number; null for an ordinary string. */
export function exactNumber(value: string): string | null {
  return value.startsWith(NUMBER_MARK) ? value.slice(NUMBER_MARK.length) : null;
}

/** The original string or key, without escapes. */
export function unescapeText(text: string): string {
  return text.startsWith(TEXT_MARK) ? text.slice(TEXT_MARK.length) : text;
}

/** A key as it is in memory: the inverse of unescapeText. */
export function escapeKey(key: string): string {
  return key === '__proto__' || key.startsWith(NUL) ? TEXT_MARK + key : key;
}

/** True for a JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at nested keys; undefined if there is none. */
export function memberOf(value: Json | undefined, ...keys: string[]): Json | undefined {
  let at = value;
  for (const key of keys) {
    if (!isObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

/** The objects in a list; empty if the value is not a list. */
export function itemsOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** True for two values that mean the same, whatever the order of their keys. */
export function sameJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index] ?? null));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key] ?? null, b[key] ?? null))
  );
}
