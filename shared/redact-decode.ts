import { isUtf8 } from 'node:buffer';
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

/*
 * Texts are looked into through the usual encodings. What comes out is bounded: a kilobyte can inflate to a gigabyte.
 */

/** No larger text comes out of one compressed stream; what is larger counts as not to be looked into. */
export const MAX_INFLATED_BYTES = 4 * 1024 * 1024;

/** Runs of the characters of base64, both alphabets. Shorter ones are words, or are found as they are (base64FormsOf). */
const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}/g;
const HEX_RUN = /(?:[0-9a-fA-F]{2}){6,}/g;
/** Shorter runs are decoded from their beginning only: most are words. */
const SHORTEST_MISALIGNED = 16;
const SHORTEST_BLOB = 24;
/** Of a run so much tells what it is. */
const BLOB_SAMPLE = 256;
/** Between characters of one class (upper, lower, digit, other); in random base64 it is two of three, in words far less. */
const BLOB_CHANGES = 0.35;

/** The text of UTF-8 bytes without control characters; null for others. */
export function textOf(bytes: Buffer): string | null {
  if (!isUtf8(bytes)) return null;
  const text = bytes.toString();
  return isText(text) ? text : null;
}

/** False where a text has characters that no text for people has: it is something binary, or damaged. */
export function isText(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return !/[\u0000-\u0007\u000e-\u001a\u001c-\u001f\u007f\ufffd]/.test(text);
}

/** The bytes of a text that is base64 as a whole, white space aside; null for others. */
export function fromBase64(text: string): Buffer | null {
  const plain = text.replace(/\s+/g, '');
  if (plain === '' || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(plain) || plain.replace(/=+$/, '').length % 4 === 1) return null;
  return Buffer.from(plain, 'base64');
}

/** Bytes that a text may stand for in a part of it. */
export interface Encoded {
  bytes: Buffer;
  /** From the beginning of a run on: the others are mostly nonsense. */
  whole: boolean;
  /** Has letters of both cases: names of Kubernetes do not. */
  mixed: boolean;
  /** Looks like encoded bytes, not like a word, a name, a path or a digest. */
  blob: boolean;
}

/** Of a text, everything that may be base64 or hex in it. */
export function* encodedIn(text: string): Generator<Encoded> {
  for (const [run] of text.matchAll(BASE64_RUN)) {
    const mixed = /[A-Z]/.test(run) && /[a-z]/.test(run);
    const blob = mixed && isBlob(run);
    yield { bytes: Buffer.from(run, 'base64'), whole: true, mixed, blob };
    if (run.length < SHORTEST_MISALIGNED) continue;
    for (const from of [1, 2, 3]) yield { bytes: Buffer.from(run.slice(from), 'base64'), whole: false, mixed, blob };
    // Behind other letters.
    const gzip = run.indexOf('H4sI', 1);
    if (gzip > 0) yield { bytes: Buffer.from(run.slice(gzip), 'base64'), whole: true, mixed, blob };
  }
  for (const [run] of text.matchAll(HEX_RUN))
    yield { bytes: Buffer.from(run, 'hex'), whole: true, mixed: false, blob: false };
}

function isBlob(run: string): boolean {
  const sample = run.slice(0, BLOB_SAMPLE);
  if (sample.length < SHORTEST_BLOB || /^[0-9a-fA-F-]+$/.test(run)) return false;
  let changes = 0;
  for (let at = 1; at < sample.length; at++) if (classAt(sample, at) !== classAt(sample, at - 1)) changes++;
  return changes / sample.length > BLOB_CHANGES;
}

function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x61) return code === 0x5f ? 0 : 1;
  if (code >= 0x41 && code <= 0x5a) return 2;
  return code >= 0x30 && code <= 0x39 ? 3 : 0;
}

/** What stands in the base64 of any text that holds these bytes: one form for each place where they may begin, both alphabets. */
export function base64FormsOf(bytes: Buffer): string[] {
  const forms = new Set<string>();
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The characters that are made of these bytes alone.
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const form = text.slice(from, to);
    forms.add(form);
    forms.add(form.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...forms];
}

/**
 * What a compressed stream holds; `too large` where that is more than is looked into; null where it is none, or damaged. `raw`:
 * also one without a header.
 */
export function inflate(bytes: Buffer, raw: boolean): Buffer | 'too large' | null {
  const [first = 0, second = 0] = bytes;
  const isGzip = first === 0x1f && second === 0x8b;
  const isZlib = (first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0;
  if (!isGzip && !isZlib && !raw) return null;
  const read = isGzip ? gunzipSync : isZlib ? inflateSync : inflateRawSync;
  try {
    const inflated = read(bytes, { maxOutputLength: MAX_INFLATED_BYTES });
    return inflated.length === 0 ? null : inflated;
  } catch (error) {
    return error instanceof RangeError ? 'too large' : null;
  }
}

/** The text as it is behind what else can be written for its characters: escapes of JSON (also repeated) and of URLs. */
export function* spellingsOf(text: string): Generator<string> {
  let plain = text;
  for (let level = 0; level < 4 && plain.includes('\\'); level++) {
    plain = plain.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, other: string) =>
      code === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(code, 16)),
    );
    yield plain;
  }
  if (/%[0-9a-fA-F]{2}/.test(plain)) {
    yield Buffer.from(
      plain.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
      'latin1',
    ).toString();
  }
  // Base64 is often broken into lines.
  if (/\s/.test(plain)) yield plain.replace(/\s+/g, '');
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
