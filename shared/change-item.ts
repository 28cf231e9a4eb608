import { writtenPatch } from './patch.ts';
import { formatUtc } from './time.ts';
import type { Change, JsonObject } from './types.ts';

/** A change as documents have it: those of the plugin, of the native API, and of the stream. Times are RFC 3339. */
export function changeItem({ at, notBefore, patch, ...facts }: Change): JsonObject {
  return {
    ...(facts as unknown as JsonObject),
    at: formatUtc(at),
    notBefore: formatUtc(notBefore),
    patch: writtenPatch(patch),
  };
}
