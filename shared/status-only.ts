import type { Patch } from './types.ts';

/**
 * True where a patch touches nothing but what is set in the wake of something else: status, and the API server's own
 * correction of a time or generation that was predicted for it.
 */
export function isStatusOnly(patch: Patch): boolean {
  return (
    patch.length > 0 &&
    patch.every(
      ({ op, path }) =>
        path === '/status' ||
        path.startsWith('/status/') ||
        (op === 'replace' && (path === '/metadata/deletionTimestamp' || path === '/metadata/generation')),
    )
  );
}
