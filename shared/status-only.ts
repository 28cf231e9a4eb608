import type { Patch } from './types.ts';

/**
 * True if a patch touches only status, or corrects a time or generation that we predicted and the API server set differently.
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
