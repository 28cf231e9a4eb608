import { hash } from 'node:crypto';
import { canonicalJson, sortedMembers, unescapeText } from './json.ts';
import { applyOperation } from './patch-apply.ts';
import { differences } from './patch-diff.ts';
import type { Json, JsonObject, Patch } from './types.ts';

/**
 * The RFC 6902 patch from `before` to `after`; null is an object that does not exist. Empty if they are equal. Items of lists
 * are addressed by index. Neither argument is changed.
 */
export function diff(before: JsonObject | null, after: JsonObject | null): Patch {
  if (before === null) return after === null ? [] : [{ op: 'add', path: '', value: after }];
  if (after === null) return [{ op: 'remove', path: '' }];
  return differences(before, after);
}

/**
 * The document after a patch that `diff` made; null if the patch ends the object. `document` is not changed.
 * Throws if the patch does not fit the document, which means that the stored history is damaged.
 */
export function applyPatch(document: JsonObject | null, patch: Patch): JsonObject | null {
  return patch.reduce<Json>((state, operation) => applyOperation(state, operation), document) as JsonObject | null;
}

/** The same for a document and a patch that the caller gives up: both may become parts of the result. */
export function applyOwnPatch(document: JsonObject | null, patch: Patch): JsonObject | null {
  return patch.reduce<Json>(
    (state, operation) => applyOperation(state, operation, true),
    document,
  ) as JsonObject | null;
}

/** Bytes of a body's hash: the first half of SHA-256, enough to tell the states of one object apart. */
export const HASH_BYTES = 16;

/** Hashes of members of bodies in memory: the next body of an object mostly shares its members. */
const memberHashes = new WeakMap<object, string>();

/**
 * The hash of a body, independent of the order of its keys. It is made of the canonical JSON of its members; maps and lists
 * enter by their own hashes. null for an object that does not exist. The body must not be changed afterwards.
 */
export function hashBody(body: JsonObject | null): Buffer | null {
  if (body === null) return null;
  const text = sortedMembers(body, (member) => {
    if (typeof member !== 'object' || member === null) return canonicalJson(member);
    let found = memberHashes.get(member);
    if (found === undefined) {
      // No JSON value begins like this.
      found = `#${hash('sha256', canonicalJson(member), 'hex')}`;
      memberHashes.set(member, found);
    }
    return found;
  });
  return hash('sha256', text, 'buffer').subarray(0, HASH_BYTES);
}

/** The patch for output: the keys in its paths are no longer escaped as in json.ts. */
export function writtenPatch(patch: Patch): Patch {
  const written = (path: string): string => path.split('/').map(unescapeText).join('/');
  return patch.map((operation) =>
    operation.op === 'move'
      ? { ...operation, from: written(operation.from), path: written(operation.path) }
      : { ...operation, path: written(operation.path) },
  );
}
