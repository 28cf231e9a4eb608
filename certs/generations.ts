import { randomBytes, X509Certificate } from 'node:crypto';
import { createAuthority, isIssuedBy, isPair, issueServingCertificate, type KeyPair } from './certificates.ts';

/*
 * What proves the server to the API server, and the API server to it, is made, used and replaced together: a generation.
 * A new one is made long before the old one ends, and for a while both count:
 *
 *   current                 serves, and is registered
 *   current, next           the API server is told to trust both and to call next's path; the server accepts both paths
 *   current (was next), previous       next serves; what was under way with the old one still counts
 *   current
 */

/** A serving certificate with the CA that issued it. The CA's own key is thrown away: it issues nothing else. */
export interface Serving extends KeyPair {
  readonly authority: string;
}

export interface Generation {
  /** ms since the epoch. */
  readonly madeAt: number;
  /** The secret in the webhook's path: 32 random bytes in hexadecimal. The API server takes no upper case in a path. */
  readonly pathSecret: string;
  /** null: the certificate comes from elsewhere. */
  readonly serving: Serving | null;
}

export interface Generations {
  readonly current: Generation;
  readonly next: Generation | null;
  readonly previous: Generation | null;
}

/** How the certificates of a generation are made; null: they come from elsewhere. */
export interface ServingNames {
  readonly dnsNames: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long a generation's certificates are valid. */
export const VALID_DAYS = 365;
/** A generation is replaced at this age: eight months are left in which that may fail. */
export const RENEW_AFTER_MS = 120 * DAY_MS;
/** Certificates start that much before they are made: certificates.ts. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;
const SECRET_BYTES = 32;
export const PATH_SECRET = /^[0-9a-f]{64}$/;

/** Makes a generation: the only place where keys and path secrets come from. */
export async function makeGeneration(now: number, names: ServingNames | null): Promise<Generation> {
  const pathSecret = randomBytes(SECRET_BYTES).toString('hex');
  if (names === null) return { madeAt: now, pathSecret, serving: null };
  const times = { now: new Date(now), validDays: VALID_DAYS };
  const authority = await createAuthority(times);
  const pair = await issueServingCertificate(authority, { ...times, dnsNames: names.dnsNames });
  return { madeAt: now, pathSecret, serving: { ...pair, authority: authority.certificate } };
}

/**
 * Whether a generation can serve at `now` under these names. False too where it was made in the future, as after a
 * clock that had jumped: nobody else would accept it yet.
 */
export function isUsable(
  { madeAt, pathSecret, serving }: Generation,
  now: number,
  names: ServingNames | null,
): boolean {
  if (!PATH_SECRET.test(pathSecret) || !(madeAt - CLOCK_SKEW_MS <= now)) return false;
  if (names === null) return true;
  if (serving === null) return false;
  try {
    if (!isPair(serving) || !isIssuedBy(serving.certificate, serving.authority)) return false;
    const chain = [serving.certificate, serving.authority].map((pem) => new X509Certificate(pem));
    const isValid = chain.every(({ validFrom, validTo }) => Date.parse(validFrom) <= now && now <= Date.parse(validTo));
    return isValid && names.dnsNames.every((name) => chain[0]?.checkHost(name) !== undefined);
  } catch {
    return false; // not PEM
  }
}

export interface Progress {
  now: number;
  names: ServingNames | null;
  /** The API servers have been told of `next` for long enough. */
  nextIsKnown: boolean;
  /** Nobody uses `previous` any more. */
  previousIsOver: boolean;
}

/** The next step, where one is due; the same object where none is. One step at a time: each is stored before the next. */
export async function advance(known: Generations | null, progress: Progress): Promise<Generations> {
  const { now, names, nextIsKnown, previousIsOver } = progress;
  if (known === null) return { current: await makeGeneration(now, names), next: null, previous: null };
  const { current, next, previous } = known;
  if (!isUsable(current, now, names)) {
    // Nothing to overlap with: what cannot serve is replaced at once. Its path still counts for a while.
    return { current: await makeGeneration(now, names), next: null, previous: current };
  }
  if (next !== null && !isUsable(next, now, names)) return { ...known, next: null };
  if (next !== null && nextIsKnown) return { current: next, next: null, previous: current };
  if (next === null && now >= current.madeAt + RENEW_AFTER_MS) return renew(known, now, names);
  if (previous !== null && previousIsOver) return { ...known, previous: null };
  return known;
}

/** Begins to replace the current generation. */
export async function renew(known: Generations, now: number, names: ServingNames | null): Promise<Generations> {
  return { ...known, next: await makeGeneration(now, names) };
}

/** All that count, the one that serves first. */
export function allOf({ current, next, previous }: Generations): Generation[] {
  return [current, next, previous].filter((generation) => generation !== null);
}
