import type { ObjectRef } from '../types.ts';

/** Each value once, sorted. */
export function unique<T extends string>(values: readonly T[]): T[] {
  return [...new Set(values)].sort(compare);
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

let collator: Intl.Collator | undefined;

/** `1.9` before `1.10`. Made when it is needed: loading ICU's rules takes 9 ms, of each start of a program. */
export function compareVersions(a: string, b: string): number {
  collator ??= new Intl.Collator('en', { numeric: true });
  return collator.compare(a, b);
}

/** By namespace, kind and name. */
export function byPlace(a: ObjectRef, b: ObjectRef): number {
  return compare(a.namespace, b.namespace) || compare(a.kind, b.kind) || compare(a.name, b.name);
}
