import type { IncomingMessage } from 'node:http';
import { KubeblameError } from '../../../../shared/errors.ts';
import type { Actor } from '../../../../shared/types.ts';

/** Who asks: a user of the cluster; or whoever may read all, as outside a cluster with the token or on loopback. */
export type Caller = { kind: 'everything' } | { kind: 'user'; user: Actor };

export const EVERYTHING: Caller = { kind: 'everything' };

/** Tells who asks. Rejects with unauthorized; with access-unknown where the API server cannot be asked. */
export type Authenticate = (request: IncomingMessage) => Promise<Caller>;

/** One way to tell who asks; null where the request does not try it. */
export type Authenticator = (request: IncomingMessage) => Promise<Caller | null>;

/** The first authenticator that recognises the caller decides. */
export function firstOf(authenticators: readonly Authenticator[]): Authenticate {
  return async (request) => {
    for (const authenticator of authenticators) {
      const caller = await authenticator(request);
      if (caller !== null) return caller;
    }
    throw unauthorized();
  };
}

/** The same for a missing, a wrong and an expired token: it tells nothing. */
export function unauthorized(): KubeblameError {
  return new KubeblameError('unauthorized', 'the read API needs a bearer token', 'give --token-file');
}

/** Where a bearer token travels. The service proxy of the API server consumes Authorization. */
export const TOKEN_HEADER = 'x-kubeblame-token';

/** The bearer token of a request; null where it has none. */
export function bearerToken(request: IncomingMessage): string | null {
  const own = request.headers[TOKEN_HEADER];
  if (typeof own === 'string' && own !== '') return own;
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}
