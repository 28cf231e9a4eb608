/**
 * Compares two resourceVersions of one resource type: negative where `a` is older. Decimal numbers of any length, which
 * is what every API server sends (KEP-5504 makes the order official); anything else is taken as newer than what is
 * known, so that nothing is passed over.
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a === b) return 0;
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return 1;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
