/**
 * Compares two resourceVersions of one resource type: negative if `a` is older. They are decimal numbers of any length, as every
 * API server sends them (KEP-5504 makes the order official). Anything else counts as newer than what is known, so that nothing
 * is skipped.
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a === b) return 0;
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return 1;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
