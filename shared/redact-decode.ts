import { isUtf8 } from 'node:buffer';
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

/*
 * Decodes texts from the usual encodings, to search what is in them. The output is bounded, because a kilobyte can inflate to
 * a gigabyte.
 */

/** The most that is inflated from one compressed stream; a larger one counts as unreadable. */
export const MAX_INFLATED_BYTES = 4 * 1024 * 1024;

/** Runs of base64 characters, of both alphabets. Shorter runs are words, or are found without decoding (base64FormsOf). */
const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}/g;
const HEX_RUN = /(?:[0-9a-fA-F]{2}){6,}/g;
/** Shorter runs are decoded only from their beginning: most are words. */
const SHORTEST_MISALIGNED = 16;
const SHORTEST_BLOB = 24;
/** This much of a run is enough to tell what it is. */
const BLOB_SAMPLE = 256;
/** Share of changes between character classes (upper, lower, digit, other): two thirds in random base64, far less in words. */
const BLOB_CHANGES = 0.35;

/** The text of UTF-8 bytes; null if they are not UTF-8, or have control characters. */
export function textOf(bytes: Buffer): string | null {
  if (!isUtf8(bytes)) return null;
  const text = bytes.toString();
  return isText(text) ? text : null;
}

/** False if a text has characters that no readable text has: it is binary, or damaged. */
export function isText(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return !/[\u0000-\u0007\u000e-\u001a\u001c-\u001f\u007f\ufffd]/.test(text);
}

/** The bytes of a text that is entirely base64, apart from white space; null for other texts. */
export function fromBase64(text: string): Buffer | null {
  const plain = text.replace(/\s+/g, '');
  if (plain === '' || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(plain) || plain.replace(/=+$/, '').length % 4 === 1) return null;
  return Buffer.from(plain, 'base64');
}

/** Bytes that a part of a text may encode. */
export interface Encoded {
  bytes: Buffer;
  /** True if they were decoded from the beginning of a run; the others are mostly nonsense. */
  whole: boolean;
  /** True if the run has letters of both cases: names in Kubernetes do not. */
  mixed: boolean;
  /** True if the run looks like encoded bytes, and not like a word, a name, a path or a digest. */
  blob: boolean;
}

/** All parts of a text that may be base64 or hex. */
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

/** What the base64 of every text with these bytes contains: one form for each alignment, in both alphabets. */
export function base64FormsOf(bytes: Buffer): string[] {
  const forms = new Set<string>();
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // Only the characters that encode these bytes alone.
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const form = text.slice(from, to);
    forms.add(form);
    forms.add(form.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...forms];
}

/**
 * The content of a compressed stream; `too large` if it exceeds the limit; null if it is not one, or damaged. `raw`: also a
 * stream without a header.
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

/** The text without escapes of JSON (also repeated ones) and of URLs. */
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
