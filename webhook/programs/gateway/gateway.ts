import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import type { Logger } from 'pino';
import { NATIVE_API } from '../../../shared/api.ts';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import type { Actor } from '../../../shared/types.ts';
import type { Authenticate } from '../../ask/access/identity/caller.ts';
import type { AccessReviews } from '../../ask/access/rights/access-reviews.ts';
import { discovery } from '../../ask/kube-api/discovery/discovery.ts';
import { isWatch } from '../../ask/kube-api/requests/list-options.ts';
import { sendStatus } from '../../ask/kube-api/answers/status.ts';
import { statusOf } from '../../platform/http/http.ts';
import type { Upstream } from './upstream.ts';

export interface GatewayOptions {
  authenticate: Authenticate;
  reviews: AccessReviews;
  upstream: Pick<Upstream, 'pass'>;
  log: Logger;
}

const { group: GROUP, path: PATH } = NATIVE_API;

/**
 * Stands before the ledger in the native API, several times, without a state: it says itself which resources there are,
 * so that the cluster's discovery (and with it the deletion of namespaces) does not stop with the ledger. Who asks, and
 * whether they may ask it, is decided here; what they see of the answer, where the ledger is.
 */
export function gateway({ authenticate, reviews, upstream, log }: GatewayOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get(['/livez', '/readyz'], (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.use(discovery());
  app.get(
    [`${PATH}/:resource{/:name}`, `${PATH}/namespaces/:namespace/:resource{/:name}`],
    async (request, response) => {
      const caller = await authenticate(request);
      if (caller.kind !== 'user') throw new Error('a gateway knows users only');
      await requireRight(request, caller.user, reviews);
      upstream.pass(request, response, caller.user);
    },
  );
  app.use((request) => {
    throw request.method === 'GET'
      ? new KubeblameError('not-found', `there is nothing at ${request.path}`)
      : new KubeblameError('method-not-allowed', `${request.method} is not allowed here: GET`);
  });
  app.use(failures(log));
  return app;
}

/** As the API server has decided already, for whoever comes through it. */
async function requireRight(request: Request, user: Actor, reviews: AccessReviews): Promise<void> {
  const { namespace, resource, name } = request.params as Record<string, string | undefined>;
  const search = new URL(request.originalUrl, 'https://server').searchParams;
  const verb = name !== undefined ? 'get' : isWatch(search) ? 'watch' : 'list';
  const attributes = { verb, group: GROUP, resource: resource ?? '', namespace: namespace ?? '' };
  if (await reviews.may(user, attributes)) return;
  const where = namespace === undefined ? 'in the whole cluster' : `in namespace ${JSON.stringify(namespace)}`;
  throw new KubeblameError(
    'forbidden',
    `${JSON.stringify(user.username)} may not ${verb} ${resource ?? ''}.${GROUP} ${where}`,
  );
}

function failures(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (error instanceof KubeblameError && statusOf(error) !== 500) {
      // The reason, such as a missing right, is not the caller's business.
      if (statusOf(error) > 500)
        log.error({ path: request.path, code: error.code, reason: messageOf(error.cause) }, 'caller not checked');
      sendStatus(response, error);
      return;
    }
    log.error({ path: request.path, reason: messageOf(error) }, 'request not passed on');
    sendStatus(response, new KubeblameError('server-error', 'the gateway failed to answer'));
  };
}
