import { diff } from '../../shared/patch.ts';
import type { JsonObject, Patch } from '../../shared/types.ts';

/** Set by the API server's clock, or by a controller right behind: the exact value is not known beforehand. */
const SET_BY_CLOCK = /^\/metadata\/deletionTimestamp$|^\/status(\/|$)/;

/**
 * True where everything that a patch sets stands in a body, though more may have changed since. `projected`: what the
 * patch says was predicted, and need not be exact.
 */
export function holds(patch: Patch, body: JsonObject, projected: boolean): boolean {
  return patch.every((operation) => {
    const found = lookUp(body, operation.path);
    if (operation.op === 'remove') return found === undefined;
    if (projected && SET_BY_CLOCK.test(operation.path)) return found !== undefined;
    return found !== undefined && diff({ value: found }, { value: operation.value }).length === 0;
  });
}

function lookUp(body: JsonObject, path: string): JsonObject[string] | undefined {
  let at: JsonObject[string] | undefined = body;
  for (const segment of path.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null) return undefined;
    at = Array.isArray(at) ? at[Number(key)] : Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}
