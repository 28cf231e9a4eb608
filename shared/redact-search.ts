import {
  base64FormsOf,
  encodedIn,
  fromBase64,
  inflate,
  isText,
  MAX_INFLATED_BYTES,
  spellingsOf,
  textOf,
  type Encoded,
} from './redact-decode.ts';
import { exactNumber, isObject, parseJson, unescapeText } from './json.ts';
import type { Json } from './types.ts';

/*
 * Finds confidential values in other texts of their object, in all usual encodings.
 *
 * Values shorter than four characters, and common ones such as `true`, are not searched for, because half of all texts
 * contain them. Such a value is replaced only at its own path, in the object and in readable copies.
 * A value of four to seven characters is found as a whole word, a longer one anywhere.
 */

const SHORTEST_WORD = 4;
const SHORTEST_PART = 8;
const NO_SECRETS = new Set(['true', 'false', 'null', 'none']);
/** The most parts of a value: lines of a file, passwords in a JSON document. */
const MAX_PARTS = 500;
/** With more values than this none is searched for: every text counts as one that contains a value. */
const MAX_VALUES = 2000;
/** The most bytes that are compared for one object (values times text): some tenths of a second. */
const MAX_COMPARED_BYTES = 1 << 29;
/** The fixed cost of one comparison, in bytes. */
const COMPARISON_BYTES = 64;
/** The most bytes that are decoded for one object. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024;
/** The cost of an attempt to inflate, in decoded bytes. */
const ATTEMPT_BYTES = 4096;
/** How many words that may be short compressed values are inflated at most. */
const MAX_WORD_ATTEMPTS = 500;
const MAX_DEPTH = 6;

/** A text that is searched for. */
interface Question {
  needles: Needles;
  strict: boolean;
}

interface Needle {
  bytes: Buffer;
  /** Match only whole words. */
  word: boolean;
}

/** The confidential values of an object, prepared for the search. */
export class Needles {
  private readonly found = new Map<string, Needle>();
  private parts = 0;
  private values = 0;

  /** `open`: texts of the object that everybody may read, such as its name. They are never secrets, even if a value equals one. */
  constructor(private readonly open: ReadonlySet<string>) {}

  get all(): Iterable<Needle> {
    return this.found.values();
  }

  /** True if there are too many values to search for. */
  get isTooMany(): boolean {
    return this.values > MAX_VALUES;
  }

  get isEmpty(): boolean {
    return this.found.size === 0;
  }

  /** Adds a value; if it is base64, also the decoded one; and the parts of both. */
  add(value: Json): void {
    if (value === null || typeof value === 'boolean') return;
    if (typeof value !== 'object' && ++this.values > MAX_VALUES) return;
    if (typeof value === 'string') return this.addText(exactNumber(value) ?? unescapeText(value));
    if (typeof value === 'number') return this.addText(String(value));
    for (const child of Object.values(value)) this.add(child);
  }

  private addText(text: string): void {
    let encoded = text;
    for (let level = 0; level < 3; level++) {
      const bytes = fromBase64(encoded);
      if (bytes === null) break;
      const decoded = textOf(bytes);
      if (decoded === null) {
        // If it is not really base64, these are random bytes.
        if (bytes.length >= SHORTEST_PART) this.keep(bytes, false);
        break;
      }
      // The encoded form of a value that is too short is not searched for either.
      if (!this.isTelling(decoded.trim())) return;
      this.addPlain(decoded);
      encoded = decoded;
    }
    this.addPlain(text);
  }

  private addPlain(text: string): void {
    const plain = text.trim();
    if (!this.isTelling(plain)) return;
    this.keepText(plain);
    const bare = plain.replace(/\s+/g, '');
    if (bare !== plain) this.keepText(bare);
    const unpadded = plain.replace(/=+$/, '');
    if (unpadded !== plain) this.keepText(unpadded);
    for (const part of partsOf(plain)) {
      if (++this.parts > MAX_PARTS) return;
      if (this.isTelling(part)) this.keepText(part);
    }
  }

  private isTelling(text: string): boolean {
    return text.length >= SHORTEST_WORD && !NO_SECRETS.has(text.toLowerCase()) && !this.open.has(text);
  }

  private keepText(text: string): void {
    this.keep(Buffer.from(text), text.length < SHORTEST_PART);
  }

  private keep(bytes: Buffer, word: boolean): void {
    const key = bytes.toString('latin1');
    if (this.found.has(key)) return;
    this.found.set(key, { bytes, word });
    for (const form of base64FormsOf(bytes)) this.found.set(form, { bytes: Buffer.from(form), word: false });
  }
}

/** The parts of a longer value that are confidential by themselves. */
function* partsOf(text: string): Generator<string> {
  const document = /^[[{]/.test(text) ? jsonOf(text) : undefined;
  if (document !== undefined) {
    yield* leavesOf(document);
    return;
  }
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:([^@\s]+)@/.exec(text)?.[1];
  if (password !== undefined) yield* [password, decoded(password)];
  if (!text.includes('\n') && !/^[\w.-]+\s*[=:]/.test(text)) return;
  for (const line of text.split('\n')) {
    const plain = line.trim();
    if (plain.startsWith('-----')) continue;
    const value = /^["']?[\w./-]+["']?\s*[=:]\s*(.*?),?$/.exec(plain)?.[1]?.replace(/^["']|["']$/g, '');
    if (value !== undefined && value.length >= SHORTEST_PART) yield value;
    if (plain.length >= 2 * SHORTEST_PART) yield plain;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function* leavesOf(value: Json): Generator<string> {
  if (typeof value === 'string') {
    const text = unescapeText(value);
    if (text.length < SHORTEST_PART) return;
    yield text;
    const bytes = fromBase64(text);
    const inner = bytes === null ? null : textOf(bytes);
    if (inner === null) return;
    yield inner;
    // The `auth` of a container registry.
    const password = /^[^:\s]+:(\S+)$/.exec(inner)?.[1];
    if (password !== undefined) yield password;
  } else if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) yield* leavesOf(child);
  }
}

/** The JSON document in a text; undefined if it is not JSON. */
export function jsonOf(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Recognizes a copy of the object without its values, which may be those of another version. */
export interface CopyShape {
  /** True if a document, or an object in it, is a copy with a value at one of the confidential paths. */
  holdsValue(document: Json, strict: boolean): boolean;
  /** Matches a copy that is not JSON: the name of a confidential field as a key. */
  key: RegExp;
}

/**
 * Searches the texts of one object. `strict`, for annotations: a text counts as a copy of the object at the slightest sign, and
 * a text that cannot be decoded (unknown encoding, damaged, truncated) counts as one that hides a value.
 */
export class Search {
  private compared = 0;
  private decoded = 0;
  private wordAttempts = 0;

  constructor(private readonly shape: CopyShape) {}

  /** True if a text contains, encoded, one of the values or a copy of the object, or if it is too large to search. */
  hides(text: string, needles: Needles, strict: boolean): boolean {
    return this.looksInto(text, { needles, strict }, 0);
  }

  /** True if a text contains one of the values, plain or in base64. */
  holdsPlainly(text: string, needles: Needles): boolean {
    return this.holds(Buffer.from(text), needles);
  }

  private looksInto(text: string, question: Question, depth: number): boolean {
    const { needles, strict } = question;
    if (depth > MAX_DEPTH) return true;
    if (strict && !isText(text)) return true;
    if (this.holds(Buffer.from(text), needles)) return true;
    const trimmed = text.trim();
    if (/^[[{"]/.test(trimmed)) {
      const document = jsonOf(trimmed);
      if (document !== undefined) return this.documentHides(document, question, depth);
      if (strict && !trimmed.startsWith('"')) return true;
    }
    const isCopy = (spelling: string): boolean => strict && this.shape.key.test(spelling);
    if (isCopy(text) || this.encodedHides(text, question, depth)) return true;
    for (const spelling of spellingsOf(text)) {
      if (this.holds(Buffer.from(spelling), needles) || isCopy(spelling)) return true;
      if (this.encodedHides(spelling, question, depth)) return true;
    }
    return false;
  }

  private documentHides(document: Json, question: Question, depth: number): boolean {
    if (this.shape.holdsValue(document, question.strict)) return true;
    const inside = (value: Json): boolean => {
      if (typeof value === 'string') return this.looksInto(unescapeText(value), question, depth + 1);
      if (typeof value !== 'object' || value === null) return false;
      return Object.entries(value).some(
        ([key, child]) => (isObject(value) && this.holdsPlainly(key, question.needles)) || inside(child),
      );
    };
    return inside(document);
  }

  private encodedHides(text: string, question: Question, depth: number): boolean {
    for (const encoded of encodedIn(text)) {
      this.decoded += encoded.bytes.length;
      if (this.decoded > MAX_DECODED_BYTES || this.holds(encoded.bytes, question.needles)) return true;
      if (encoded.bytes.length >= SHORTEST_PART && this.bytesHide(encoded, question, depth)) return true;
    }
    return false;
  }

  private bytesHide({ bytes, whole, mixed, blob }: Encoded, question: Question, depth: number): boolean {
    const text = textOf(bytes);
    if (text !== null) return this.looksInto(text, question, depth + 1);
    if (!whole) return false;
    const isTried = blob || (mixed && ++this.wordAttempts <= MAX_WORD_ATTEMPTS);
    if (isTried) this.decoded += ATTEMPT_BYTES;
    const inflated = inflate(bytes, isTried);
    if (inflated === 'too large') {
      // Many small texts must not cost more than one large text.
      this.decoded += MAX_INFLATED_BYTES;
      return true;
    }
    const isClosed = blob && question.strict;
    if (inflated === null) return isClosed;
    this.decoded += inflated.length;
    const inside = textOf(inflated);
    if (inside !== null) return this.looksInto(inside, question, depth + 1);
    if (isClosed || this.holds(inflated, question.needles)) return true;
    return this.encodedHides(inflated.toString('latin1'), question, depth + 1);
  }

  private holds(text: Buffer, needles: Needles): boolean {
    if (needles.isTooMany && text.length > 0) return true;
    for (const { bytes, word } of needles.all) {
      this.compared += COMPARISON_BYTES;
      if (bytes.length > text.length) continue;
      this.compared += text.length;
      if (this.compared > MAX_COMPARED_BYTES) return true;
      for (let at = text.indexOf(bytes); at >= 0; at = text.indexOf(bytes, at + 1)) {
        if (!word || (!isWordAt(text, at - 1) && !isWordAt(text, at + bytes.length))) return true;
      }
    }
    return false;
  }
}

/** Letters, digits, and parts of other characters. */
function isWordAt(text: Buffer, at: number): boolean {
  const code = text[at];
  return code !== undefined && (code >= 0x80 || /[A-Za-z0-9]/.test(String.fromCharCode(code)));
}
