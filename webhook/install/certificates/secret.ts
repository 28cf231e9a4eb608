import { isDeepStrictEqual } from 'node:util';
import { X509Certificate } from 'node:crypto';
import { allOf, PATH_SECRET, type Generation, type Generations } from '../../../certs/generations.ts';
import { isObject } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';

/*
 * The Secret that holds the generations. The current one has the names that everybody expects (tls.crt, tls.key, ca.crt),
 * so that others can mount it; the others have the same with a prefix. Its ca.crt goes on with the authorities of the
 * others: whoever mounts it trusts the next certificate before that serves.
 */
const PREFIX = { current: '', next: 'next.', previous: 'previous.' } as const;

const FIRST_CERTIFICATE = /^-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----\n/s;

/** The `data` of the Secret, base64. */
export function encodeGenerations(generations: Generations): Record<string, string> {
  const entries = (['current', 'next', 'previous'] as const).flatMap((slot) => {
    const generation = generations[slot];
    return generation === null
      ? []
      : Object.entries(textsOf(generation)).map(([key, text]) => [PREFIX[slot] + key, encodeText(text)]);
  });
  const data = Object.fromEntries(entries) as Record<string, string>;
  return 'ca.crt' in data ? { ...data, 'ca.crt': encodeText(bundleOf(generations)) } : data;
}

/** PEM of all authorities that count, the one that serves first. */
export function bundleOf(generations: Generations): string {
  return allOf(generations)
    .map(({ serving }) => serving?.authority ?? '')
    .join('');
}

/** What a Secret holds; null where its current generation is missing or damaged. Damage to the others drops them. */
export function decodeGenerations(data: JsonObject): Generations | null {
  const current = read(data, PREFIX.current);
  if (current === null) return null;
  return { current, next: read(data, PREFIX.next), previous: read(data, PREFIX.previous) };
}

/** Whether a Secret's `data` is exactly that of these generations. */
export function holds(data: JsonObject, generations: Generations): boolean {
  return isDeepStrictEqual({ ...data }, encodeGenerations(generations));
}

function textsOf({ madeAt, pathSecret, serving }: Generation): Record<string, string> {
  return {
    path: pathSecret,
    'made-at': new Date(madeAt).toISOString(),
    ...(serving === null
      ? {}
      : { 'ca.crt': serving.authority, 'tls.crt': serving.certificate, 'tls.key': serving.privateKey }),
  };
}

function read(data: JsonObject, prefix: string): Generation | null {
  const [pathSecret, madeAt, authority, certificate, privateKey] = [
    'path',
    'made-at',
    'ca.crt',
    'tls.crt',
    'tls.key',
  ].map((key) => decode(data[prefix + key]));
  const time = Date.parse(madeAt ?? '');
  if (pathSecret === undefined || !PATH_SECRET.test(pathSecret) || Number.isNaN(time)) return null;
  if (authority === undefined || certificate === undefined || privateKey === undefined) {
    return { madeAt: time, pathSecret, serving: null };
  }
  const [own = ''] = FIRST_CERTIFICATE.exec(authority) ?? [];
  if (![own, certificate].every(isCertificate)) return null;
  return { madeAt: time, pathSecret, serving: { authority: own, certificate, privateKey } };
}

/** What is no certificate must not get into a caBundle: the API server would refuse the whole configuration. */
function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== '';
  } catch {
    return false;
  }
}

/** A text as the `data` of a Secret has it. */
export function encodeText(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The `data` of a Secret without these keys. */
export function restOf(data: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([key]) => !keys.includes(key)));
}

function decode(value: unknown): string | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : undefined;
}

/** The `data` of a Secret as the API server shows it; empty where it has none. */
export function dataOf(secret: JsonObject): JsonObject {
  return isObject(secret.data) ? secret.data : {};
}
