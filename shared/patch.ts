import { hash } from 'node:crypto';
import { canonicalJson, sortedMembers, unescapeText } from './json.ts';
import { applyOperation } from './patch-apply.ts';
import { differences } from './patch-diff.ts';
import type { Json, JsonObject, Patch } from './types.ts';

/**
 * The RFC 6902 patch that turns `before` into `after`; null is an object that does not exist. Empty where they are
 * equal. Items of lists are removed, added, moved and changed by their places. Neither argument is changed.
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

/** Of the members of bodies that are in memory: an object's next body mostly has the same ones. */
const memberHashes = new WeakMap<object, string>();

/**
 * The hash of a body, whatever the order of its keys: over the canonical JSON of its members, those of structure by their
 * own hashes. null for an object that does not exist. Nobody may change the body after it.
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

/** The patch as it is written for others: paths with the keys as they were before json.ts escaped them. */
export function writtenPatch(patch: Patch): Patch {
  const written = (path: string): string => path.split('/').map(unescapeText).join('/');
  return patch.map((operation) =>
    operation.op === 'move'
      ? { ...operation, from: written(operation.from), path: written(operation.path) }
      : { ...operation, path: written(operation.path) },
  );
}
