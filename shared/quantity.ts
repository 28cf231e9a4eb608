import type { Json } from './types.ts';

/*
 * Kubernetes' quantities: `500m`, `1Gi`, `1e3`. The API server writes them in its own way (`1000m` as `1`, `1024Mi` as
 * `1Gi`), so that a manifest's text differs from the cluster's though nothing does.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
const QUANTITY = /^([+-]?)(\d*)\.?(\d*)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE]([+-]?\d{1,3}))?$/;
const TENS = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const TWOS = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** Beyond so many digits nobody means an amount. */
const MAX_DIGITS = 40;

/** What holds quantities by any name: of resources, of a ResourceQuota, of a LimitRange. */
const HOLDERS = new Set(['limits', 'requests', 'hard', 'capacity', 'max', 'min', 'default', 'defaultRequest']);
const NAMES = new Set(['sizeLimit', 'averageValue']);

/** True where the API takes the value at a path (of keys and places) for a quantity. */
export function isQuantityField(at: readonly string[]): boolean {
  if (at[0] === 'data') return false;
  return HOLDERS.has(at.at(-2) ?? '') || NAMES.has(at.at(-1) ?? '');
}

/** True for two texts or numbers that are the same amount, exactly. */
export function sameQuantity(a: Json, b: Json): boolean {
  const [left, right] = [amountOf(a), amountOf(b)];
  if (left === null || right === null) return false;
  const least = Math.min(left.tens, right.tens);
  const scaled = ({ units, tens }: Amount): bigint => units * 10n ** BigInt(tens - least);
  return scaled(left) === scaled(right);
}

/** units × 10^tens. */
interface Amount {
  units: bigint;
  tens: number;
}

function amountOf(value: Json): Amount | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const [, sign, whole = '', fraction = '', suffix = '', exponent] = QUANTITY.exec(String(value)) ?? [];
  const digits = whole + fraction;
  if (sign === undefined || digits === '' || digits.length > MAX_DIGITS) return null;
  const twos = TWOS.indexOf(suffix) + 1;
  const tens = exponent === undefined ? (TENS[suffix as keyof typeof TENS] ?? 0) : Number(exponent);
  const units = BigInt(digits) * 1024n ** BigInt(twos);
  return { units: sign === '-' ? -units : units, tens: tens - fraction.length };
}
