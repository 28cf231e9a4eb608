import { hash } from 'node:crypto';
import { canonicalBody, unescapeText } from './json.ts';
import { applyOperation } from './patch-apply.ts';
import { differences } from './patch-diff.ts';
import type { Json, JsonObject, Patch } from './types.ts';

/**
 * The RFC 6902 patch that turns `before` into `after`; null is an object that does not exist. Empty where they are
 * equal. For machines: an item put at the head of a list rewrites the list. Neither argument is changed.
 */
export function diff(before: JsonObject | null, after: JsonObject | null): Patch {
  if (before === null) return after === null ? [] : [{ op: 'add', path: '', value: after }];
  if (after === null) return [{ op: 'remove', path: '' }];
  return differences(before, after);
}

/**
 * The document after a patch that `diff` made; null where it ends the object. `document` is not changed.
 * Throws where the patch does not fit the document, which means that the stored history is damaged.
 */
export function applyPatch(document: JsonObject | null, patch: Patch): JsonObject | null {
  return patch.reduce<Json>((state, operation) => applyOperation(state, operation), document) as JsonObject | null;
}

/** The same, for a document and a patch that nobody else has: both may become parts of the result. */
export function applyOwnPatch(document: JsonObject | null, patch: Patch): JsonObject | null {
  return patch.reduce<Json>(
    (state, operation) => applyOperation(state, operation, true),
    document,
  ) as JsonObject | null;
}

/** Bytes of a body's hash: the first half of SHA-256, enough to tell the states of one object apart. */
export const HASH_BYTES = 16;

/** Of bodies that are in memory: what a review shows is looked at more than once. */
const hashes = new WeakMap<JsonObject, Buffer>();

/** The hash of a body's canonical JSON; null for an object that does not exist. Nobody may change a body after it. */
export function hashBody(body: JsonObject | null): Buffer | null {
  if (body === null) return null;
  const known = hashes.get(body);
  if (known !== undefined) return known;
  const found = hash('sha256', canonicalBody(body), 'buffer').subarray(0, HASH_BYTES);
  hashes.set(body, found);
  return found;
}

/** The patch as it is written for others: paths with the keys as they were before json.ts escaped them. */
export function writtenPatch(patch: Patch): Patch {
  return patch.map((operation) => ({
    ...operation,
    path: operation.path.split('/').map(unescapeText).join('/'),
  }));
}
