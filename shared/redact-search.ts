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
 * Finds confidential values in other texts of their object, in whatever encoding.
 *
 * A value shorter than four characters, or one that every object may have (`true`), is not searched for: half of all texts
 * would hold it. Such a value is replaced only where it stands as the value: in the object, and in copies that can be read.
 * A value of four to seven characters is found as a whole word, a longer one anywhere.
 */

const SHORTEST_WORD = 4;
const SHORTEST_PART = 8;
const NO_SECRETS = new Set(['true', 'false', 'null', 'none']);
/** Of what a value consists of: the lines of a file, the passwords in a JSON document. */
const MAX_PARTS = 500;
/** Of more values none is searched for: every text counts as one that holds one of them. */
const MAX_VALUES = 2000;
/** Bytes that are compared for one object, at most: needles times text. Some tenths of a second. */
const MAX_COMPARED_BYTES = 1 << 29;
/** What one comparison costs besides, in bytes. */
const COMPARISON_BYTES = 64;
/** Bytes that are decoded for one object, at most. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024;
/** What an attempt to inflate costs, in bytes that are decoded. */
const ATTEMPT_BYTES = 4096;
/** So often also words are inflated that may be a short compressed value. */
const MAX_WORD_ATTEMPTS = 500;
const MAX_DEPTH = 6;

/** What is looked for. */
interface Question {
  needles: Needles;
  strict: boolean;
}

interface Needle {
  bytes: Buffer;
  /** Only as a whole word. */
  word: boolean;
}

/** The confidential values of an object, as they are searched for. */
export class Needles {
  private readonly found = new Map<string, Needle>();
  private parts = 0;
  private values = 0;

  /** `open`: texts of the object that everybody may read, such as its name: no secrets, also where a value equals one. */
  constructor(private readonly open: ReadonlySet<string>) {}

  get all(): Iterable<Needle> {
    return this.found.values();
  }

  /** More than can be searched for. */
  get isTooMany(): boolean {
    return this.values > MAX_VALUES;
  }

  get isEmpty(): boolean {
    return this.found.size === 0;
  }

  /** Adds a value: itself, and, where it is base64, what it stands for; and what these consist of. */
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
        // Of something else than base64 these are bytes of chance.
        if (bytes.length >= SHORTEST_PART) this.keep(bytes, false);
        break;
      }
      // What stands for too short a value is none either.
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

/** What is confidential by itself in a longer value. */
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
    // The `auth` of a registry.
    const password = /^[^:\s]+:(\S+)$/.exec(inner)?.[1];
    if (password !== undefined) yield password;
  } else if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) yield* leavesOf(child);
  }
}

/** The JSON document that a text is; undefined where it is none. */
export function jsonOf(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** What a copy of the object looks like, so that it is known without its values, which may be those of another version. */
export interface CopyShape {
  /** True where a document, or an object in it, is a copy that has a value at one of the confidential paths. */
  holdsValue(document: Json, strict: boolean): boolean;
  /** What a copy has that is no JSON: the name of a confidential field, as a key. */
  key: RegExp;
}

/**
 * Looks into the texts of one object. `strict`, for annotations: a text is taken for a copy of the object at the least sign, and
 * one that cannot be looked into (encoded in a way that is not known, damaged, cut off) for one that hides something.
 */
export class Search {
  private compared = 0;
  private decoded = 0;
  private wordAttempts = 0;

  constructor(private readonly shape: CopyShape) {}

  /** True where a text holds one of the values or a copy of the object, in an encoding, or is too large to look into. */
  hides(text: string, needles: Needles, strict: boolean): boolean {
    return this.looksInto(text, { needles, strict }, 0);
  }

  /** True where a text has one of the values as it is, or in base64. */
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
      // Many of them must not cost more than one large text.
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
