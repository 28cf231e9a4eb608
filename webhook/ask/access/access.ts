import type { TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import type { LedgerReader } from '../../../shared/types.ts';
import { openApiClient, type Cluster } from '../../platform/kubernetes/api-client.ts';
import { StoreReader } from '../questions/reader.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { AuthorisedReader } from './rights/authorised-reader.ts';
import {
  bearerToken,
  EVERYTHING,
  firstOf,
  type Authenticate,
  type Authenticator,
  type Caller,
} from './identity/caller.ts';
import { followFrontProxyConfig } from './identity/front-proxy-config.ts';
import { FrontProxy } from './identity/front-proxy.ts';
import { identityIn, USUAL_HEADERS } from './identity/identity-headers.ts';
import { AccessReviews, type Rights } from './rights/access-reviews.ts';
import { staticToken } from './identity/static-token.ts';

export interface AccessConfig {
  /** Whoever has it reads everything; null: there is none. */
  readToken: string | null;
  /** The cluster that tells who asks, and what they may read; null: none does. */
  accessCluster: Cluster | null;
  /** The user that passes on requests of others, whose identity headers count therefore; null: nobody. */
  gatewayUser: string | null;
}

/** Who may read, and what. */
export interface Access {
  authenticate: Authenticate;
  /** Present where a cluster decides. */
  reviews: AccessReviews | null;
  frontProxy: FrontProxy | null;
  close(): void;
}

/**
 * Opens what tells who asks: a cluster, a token, or nobody, where whoever reaches the listener reads everything. Rejects
 * with config-invalid where the kubeconfig cannot be used; an API server that does not answer yet is waited for.
 */
export async function openAccess(config: AccessConfig, log: Logger, trusted: () => void): Promise<Access> {
  const { readToken, accessCluster, gatewayUser } = config;
  const byToken = readToken === null ? [] : [staticToken(readToken)];
  if (accessCluster === null) {
    const authenticate: Authenticate = readToken === null ? () => Promise.resolve(EVERYTHING) : firstOf(byToken);
    return { authenticate, reviews: null, frontProxy: null, close: () => undefined };
  }
  const client = await openApiClient(accessCluster);
  const reviews = new AccessReviews(client);
  const frontProxy = new FrontProxy();
  const close = followFrontProxyConfig({
    client,
    changed: (trust) => {
      frontProxy.change(trust);
      trusted();
      log.info({ names: trust?.allowedNames ?? null }, 'front proxy');
    },
    failed: (error) => log.error({ reason: messageOf(error) }, 'front proxy not known'),
  });
  const authenticate = firstOf([frontProxy.authenticate, ...byToken, tokenReview(reviews, gatewayUser)]);
  return { authenticate, reviews, frontProxy, close };
}

/** A bearer token of the cluster. The gateway's own is not whom it is about: that is in the headers beside it. */
export function tokenReview(reviews: AccessReviews, gatewayUser: string | null): Authenticator {
  return async (request) => {
    const token = bearerToken(request);
    const bearer = token === null ? null : await reviews.userOf(token);
    if (bearer === null) return null;
    const user = bearer.username === gatewayUser ? identityIn(request, USUAL_HEADERS) : bearer;
    return user === null ? null : { kind: 'user', user };
  };
}

/** The ledger as a caller may read it. `closing` ends what waits for a change. */
export function readerFor(
  caller: Caller,
  rights: Rights | null,
  store: LedgerStore,
  now: () => number,
  closing: AbortSignal,
): LedgerReader {
  if (caller.kind === 'everything') return new StoreReader(store, now, closing);
  if (rights === null) throw new Error('a user was told, and no cluster that knows what they may read');
  return new AuthorisedReader(caller.user, rights, store, now, closing);
}

/** What the listener needs, besides its certificate, to ask for a client certificate: whoever has none may still come. */
export function clientTls({ frontProxy }: Pick<Access, 'frontProxy'>): TlsOptions {
  if (frontProxy === null) return {};
  const { ca } = frontProxy;
  return { requestCert: true, rejectUnauthorized: false, ...(ca === undefined ? {} : { ca }) };
}
