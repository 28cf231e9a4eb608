import { exactNumber } from './json.ts';
import { builtInKind, matches, patternsOf, podSpecOf } from './schema/kinds.ts';
import type { Json, JsonObject } from './types.ts';

/*
 * Kubernetes' quantities: `500m`, `1Gi`, `1e3`. The API server rewrites them (`1000m` as `1`, `1024Mi` as `1Gi`),
 * so the text of a manifest can differ from the cluster's although the amounts are equal.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
const QUANTITY = /^([+-]?)(\d*)\.?(\d*)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE]([+-]?\d{1,3}))?$/;
const TENS = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const TWOS = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** A text with more digits than this is not an amount. */
const MAX_DIGITS = 40;

const CLAIM = 'spec.resources.{limits,requests}.*';

/** The fields of Kubernetes' own types that are quantities, as of 1.36: in the spec of a pod, and elsewhere. */
const IN_POD_SPECS = [
  '{containers,initContainers,ephemeralContainers}.*.resources.{limits,requests}.*',
  '{containers,initContainers,ephemeralContainers}.*.env.*.valueFrom.resourceFieldRef.divisor',
  'resources.{limits,requests}.*',
  'overhead.*',
  'volumes.*.emptyDir.sizeLimit',
  'volumes.*.downwardAPI.items.*.resourceFieldRef.divisor',
  'volumes.*.projected.sources.*.downwardAPI.items.*.resourceFieldRef.divisor',
  `volumes.*.ephemeral.volumeClaimTemplate.${CLAIM}`,
];

const BY_KIND: Record<string, readonly string[]> = {
  PersistentVolumeClaim: [CLAIM],
  PersistentVolume: ['spec.capacity.*'],
  StatefulSet: [`spec.volumeClaimTemplates.*.${CLAIM}`],
  ResourceQuota: ['spec.hard.*'],
  LimitRange: ['spec.limits.*.{max,min,default,defaultRequest,maxLimitRequestRatio}.*'],
  HorizontalPodAutoscaler: [
    'spec.metrics.*.{resource,containerResource,pods,object,external}.target.{value,averageValue}',
    'spec.behavior.{scaleUp,scaleDown}.tolerance',
  ],
  RuntimeClass: ['overhead.podFixed.*'],
  CSIStorageCapacity: ['capacity', 'maximumVolumeSize'],
  ResourceSlice: [
    'spec.devices.*.capacity.*.value',
    'spec.devices.*.basic.capacity.*.value',
    'spec.devices.*.consumesCounters.*.counters.*.value',
    'spec.sharedCounters.*.counters.*.value',
  ],
  ResourceClaim: ['spec.devices.requests.*.{exactly.,}capacity.requests.*'],
  ResourceClaimTemplate: ['spec.spec.devices.requests.*.{exactly.,}capacity.requests.*'],
};

/**
 * Returns a function that tells at which positions (keys and indexes) of an object the API server reads a quantity. In custom
 * resources there are none: their quantities are stored as they were written.
 */
export function quantityFields(object: JsonObject): (at: readonly string[]) => boolean {
  const kind = builtInKind(object);
  if (kind === null) return () => false;
  const spec = podSpecOf(kind);
  const own = Object.hasOwn(BY_KIND, kind) ? (BY_KIND[kind] ?? []) : [];
  const paths = [...own, ...(spec === null ? [] : IN_POD_SPECS.map((path) => spec + path))];
  const patterns = paths.flatMap(patternsOf);
  return (at) => patterns.some((pattern) => matches(pattern, at));
}

/** True if two texts or numbers are exactly the same amount. */
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
  const text = typeof value === 'string' ? (exactNumber(value) ?? value) : String(value);
  const [, sign, whole = '', fraction = '', suffix = '', exponent] = QUANTITY.exec(text) ?? [];
  const digits = whole + fraction;
  if (sign === undefined || digits === '' || digits.length > MAX_DIGITS) return null;
  const twos = TWOS.indexOf(suffix) + 1;
  const tens = exponent === undefined ? (TENS[suffix as keyof typeof TENS] ?? 0) : Number(exponent);
  const units = BigInt(digits) * 1024n ** BigInt(twos);
  return { units: sign === '-' ? -units : units, tens: tens - fraction.length };
}
