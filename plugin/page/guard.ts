import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/*
 * Which requests the page's server answers. It listens on the loopback address alone, but every page in the browser, and every user of
 * this machine, can reach that: what it tells is for the one who has the token.
 */

/** Why a request is refused. */
export interface Refusal {
  status: 400 | 401 | 403 | 405 | 421;
  message: string;
}

/** The header that has the token. Not a cookie: the browser sends those to all ports of an address. */
export const TOKEN_HEADER = 'x-kubeblame-token';

/**
 * Refuses what does not come from the page itself. `host`: the one that the browser was told, with its port. `token`: null for what has
 * no data in it, the page's own files.
 */
export function refusalOf(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  { host, token }: { host: string; token: string | null },
): Refusal | null {
  // A name that somebody else's DNS points here (DNS rebinding) is another host.
  if (headers.host !== host) return { status: 421, message: `this server answers for http://${host} only` };
  if (method !== 'GET') return { status: 405, message: 'this server answers GET only: it changes nothing' };
  // Browsers set it, and no script can: `none` is what somebody has typed or clicked outside of a page.
  const site = headers['sec-fetch-site'] ?? 'none';
  const isOwn = site === 'same-origin' || (site === 'none' && token === null);
  const isProgram = headers['sec-fetch-site'] === undefined;
  if (!isOwn && !isProgram) return { status: 403, message: 'this is asked by another page' };
  if (token === null) return null;
  const given = headers[TOKEN_HEADER];
  if (typeof given !== 'string' || !isSame(given, token)) return { status: 401, message: 'the key is missing or is of an earlier start: open the address that `kubectl blame ui` prints' }; // prettier-ignore
  return null;
}

/** In the same time, wherever they differ. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The name of the policy by which the page makes the address of its worker, the only one that it has. */
const POLICY = 'kubeblame';

/** Of every answer. Nothing is loaded from elsewhere, nothing runs that is not the page's own file, and nobody may frame it. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    // A picture that is exported is drawn from the page itself.
    "img-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    `trusted-types ${POLICY}`,
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};
