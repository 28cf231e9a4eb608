import type { Patch } from './types.ts';

/** Which members of an object a patch touches, and what in them; `all` where that is not known closer. */
export type Touched = Map<string, Touched> | 'all';

/**
 * What a patch that `diff` made may have changed. Keys of objects stay what they are while a patch is applied; places in a
 * list do not, so a list is touched as a whole.
 */
export function touchedBy(patch: Patch): Touched {
  const touched = new Map<string, Touched>();
  for (const { path } of patch) {
    if (path === '') return 'all';
    add(
      touched,
      path
        .split('/')
        .slice(1)
        .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')),
    );
  }
  return touched;
}

function add(touched: Map<string, Touched>, [key = '', ...rest]: readonly string[]): void {
  const [next] = rest;
  const below = touched.get(key) ?? new Map<string, Touched>();
  // It may be the place of an item.
  const isWhole = below === 'all' || next === undefined || /^(?:\d+|-)$/.test(next);
  touched.set(key, isWhole ? 'all' : below);
  if (below !== 'all' && !isWhole) add(below, rest);
}
