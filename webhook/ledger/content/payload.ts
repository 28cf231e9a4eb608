import { constants, deflateRawSync } from 'node:zlib';
import { InflateRaw } from 'minizlib';
import type { AuditRecord } from '../../../shared/audit.ts';
import type { Json, JsonObject, Patch } from '../../../shared/types.ts';
import { DICTIONARY } from './dictionary.ts';
import { ReusedStream } from './reused-stream.ts';

/** The parts of a change that only whoever looks at it needs. */
export interface Detail {
  patch: Patch;
  /** Request options, and what an act without a body asked for. */
  options: Json;
  cause: number | null;
  /** null where the moment is known. */
  notBefore: number | null;
  managersHint: string[];
  /**
   * What turns the body before the change into the one that the request was made on, where the API server showed that very version
   * otherwise (in another API version): what `patch` begins with. Nobody's doing.
   */
  base?: Patch;
  /** What a request to scale was about, where it is not known which field keeps the number. */
  scale?: Scale;
}

/** The number of replicas that was there, null where that is not known, and the one that was asked for. */
export interface Scale {
  from: number | null;
  to: number;
}

/**
 * What the API server made of a change beyond what was asked for, as it showed that very version: values that it filled in, or
 * the same in another API version. At most one a change (docs/decisions/0030).
 */
export interface Amendment {
  /** From the body that was asked for to the one that was shown. */
  patch: Patch;
  /** Of the body that was shown. */
  apiVersion: string;
  hash: Buffer;
}

interface StoredAmendment {
  p: Patch;
  v: string;
  /** In base64. */
  h: string;
}

/** Stored form: short keys, and nothing that is empty. */
interface StoredDetail {
  p?: Patch;
  o?: Json;
  c?: number;
  n?: number;
  m?: string[];
  b?: Patch;
  s?: [from: number | null, to: number];
}

// Bodies are small and alike: a preset dictionary saves more than a large window. Memory level and window are chosen
// for the cost of setting up, which dominates at these sizes.
const ZLIB = {
  dictionary: Buffer.from(DICTIONARY),
  level: 9,
  memLevel: 8,
  windowBits: 15,
  finishFlush: constants.Z_FINISH,
};

/**
 * The end of the dictionary, which is about patches. To set up the whole of it is a third of the cost of compressing, and only
 * whole objects need the rest. Whatever was compressed with the end of a dictionary is inflated with all of it, because
 * distances count from its end.
 */
const PATCH_ZLIB = { ...ZLIB, dictionary: ZLIB.dictionary.subarray(-6_000) };
const PATCH_START = '{"p":[';
const CREATION_START = '{"p":[{"op":"add","path":"",';

/** The stored form's text, before it is compressed. */
export function detailText(detail: Detail): string {
  const stored: StoredDetail = {};
  if (detail.patch.length > 0) stored.p = detail.patch;
  if (detail.options !== null) stored.o = detail.options;
  if (detail.cause !== null) stored.c = detail.cause;
  if (detail.notBefore !== null) stored.n = detail.notBefore;
  if (detail.managersHint.length > 0) stored.m = detail.managersHint;
  if (detail.base !== undefined) stored.b = detail.base;
  if (detail.scale !== undefined) stored.s = [detail.scale.from, detail.scale.to];
  return JSON.stringify(stored);
}

/** How a text is compressed. */
export function deflateOptions(text: string): typeof ZLIB {
  const isPatch = text.startsWith(PATCH_START) && !text.startsWith(CREATION_START);
  return isPatch ? PATCH_ZLIB : ZLIB;
}

export function compress(text: string): Buffer {
  return deflateRawSync(text, deflateOptions(text));
}

const inflate = new ReusedStream(() => new InflateRaw({ ...ZLIB, flush: constants.Z_FINISH }));

/** The text that was compressed. Throws where the bytes are none of ours. */
export function decompress(bytes: Uint8Array): string {
  return inflate.run(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString();
}

export function decodeDetail(bytes: Uint8Array): Detail {
  const stored = JSON.parse(decompress(bytes)) as StoredDetail;
  return {
    patch: stored.p ?? [],
    options: stored.o ?? null,
    cause: stored.c ?? null,
    notBefore: stored.n ?? null,
    managersHint: stored.m ?? [],
    ...(stored.b === undefined ? {} : { base: stored.b }),
    ...(stored.s === undefined ? {} : { scale: { from: stored.s[0], to: stored.s[1] } }),
  };
}

/** The stored form's text, before it is compressed. */
export function amendmentText({ patch, apiVersion, hash }: Amendment): string {
  return JSON.stringify({ p: patch, v: apiVersion, h: hash.toString('base64') } satisfies StoredAmendment);
}

export function decodeAmendment(bytes: Uint8Array): Amendment {
  const { p, v, h } = JSON.parse(decompress(bytes)) as StoredAmendment;
  return { patch: p, apiVersion: v, hash: Buffer.from(h, 'base64') };
}

/** What the audit log tells, as stored. */
export function decodeAudit(bytes: Uint8Array): AuditRecord {
  return JSON.parse(decompress(bytes)) as AuditRecord;
}

/** The patch of a stored change, with what the API server made of it. */
export function patchOf({ detail, amendment }: { detail: Uint8Array; amendment: Uint8Array | null }): Patch {
  const { patch } = decodeDetail(detail);
  return amendment === null ? patch : [...patch, ...decodeAmendment(amendment).patch];
}

export function decodeBody(bytes: Uint8Array): JsonObject {
  return JSON.parse(decompress(bytes)) as JsonObject;
}
