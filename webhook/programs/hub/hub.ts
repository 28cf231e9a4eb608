import express, { type ErrorRequestHandler, type Express } from 'express';
import type { Logger } from 'pino';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { stringifyJson } from '../../../shared/json.ts';
import type { Json } from '../../../shared/types.ts';
import type { Authenticate } from '../../ask/access/identity/caller.ts';
import { readApi } from '../../ask/rest/routes.ts';
import { StoreReader } from '../../ask/questions/reader.ts';
import { checkSchema } from '../../ledger/postgres/database/migrations.ts';
import { translate, type Pool } from '../../ledger/postgres/database/pool.ts';
import { listLedgers } from '../../ledger/postgres/ledgers.ts';
import { failureText, statusOf } from '../../platform/http/http.ts';
import { Clusters } from './clusters.ts';
import { HubMetrics } from './metrics.ts';
import { pushApi } from './push-api.ts';

export interface HubOptions {
  pool: Pool;
  log: Logger;
  /** ms */
  now: () => number;
  /** Who may read; null: nobody. */
  authenticate: Authenticate | null;
  /** Aborted when the hub stops. */
  closing: AbortSignal;
  pushesAtOnce?: number;
}

/** A hub without a state of its own: any number of them before one database. */
export function hub({ pool, log, now, authenticate, closing, pushesAtOnce }: HubOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  const metrics = new HubMetrics(() => listLedgers(pool), now);
  app.get('/livez', (_request, response) => void response.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, response) => {
    const { ready, text } = await readiness(pool, closing);
    response
      .status(ready ? 200 : 503)
      .type('text/plain')
      .send(text);
  });
  app.get('/metrics', async (_request, response) => void response.type(metrics.contentType).send(await metrics.text()));
  app.use(
    pushApi({
      ...{ pool, now },
      ...(pushesAtOnce === undefined ? {} : { atOnce: pushesAtOnce }),
      pushed: (cluster, answer, bytes) => {
        metrics.pushed(cluster, answer, bytes);
        if (answer === 'unproven' || answer === 'forked') log.error({ cluster, answer }, 'push refused');
      },
    }),
  );
  const clusters = new Clusters(pool);
  app.use('/clusters/:cluster', async (request, response, next) => {
    if (authenticate === null)
      throw new KubeblameError('forbidden', 'nobody may read here', 'start the hub with --read-token-file');
    await authenticate(request);
    const store = await clusters.open(request.params.cluster);
    const reader = new StoreReader(store, now, closing);
    const api = readApi({
      ...{ authenticate, now, closing, log },
      reading: {
        readerOf: () => reader,
        json: async (_caller, question, query) =>
          Buffer.from(stringifyJson((await reader[question](query as never)) as unknown as Json)),
      },
      caughtUp: () => Promise.resolve(),
      lastSeq: async () => (await store.last())?.seq ?? 0,
    });
    void api(request, response, next);
  });
  app.use((request) => {
    throw new KubeblameError('not-found', `there is nothing at ${request.path}`);
  });
  app.use(failures(log));
  return app;
}

/** Ready is who reaches its database, with the schema of its version; ledgers that are frozen are named. */
async function readiness(pool: Pool, closing: AbortSignal): Promise<{ ready: boolean; text: string }> {
  if (closing.aborted) return { ready: false, text: 'stopping\n' };
  try {
    await checkSchema(pool);
    const frozen = (await listLedgers(pool)).filter(({ state }) => state === 'forked');
    return {
      ready: true,
      text: ['ok', ...frozen.map(({ cluster, origin, reason }) => `${cluster}: ${origin}: ${reason}`), ''].join('\n'),
    };
  } catch (error) {
    return { ready: false, text: `${messageOf(translate(error))}\n` };
  }
}

function failures(log: Logger): ErrorRequestHandler {
  return (given: unknown, request, response, _next) => {
    const error = translate(given);
    const known =
      error instanceof KubeblameError ? error : new KubeblameError('server-error', 'the hub failed to answer');
    const status = statusOf(known);
    if (status >= 500) {
      const stack = error instanceof Error && !(error instanceof KubeblameError) ? error.stack : undefined;
      log.error({ path: request.path, code: known.code, reason: messageOf(error), stack }, 'request not answered');
    }
    if (response.headersSent) return void response.destroy();
    // The database comes back.
    if (status === 503) response.set('Retry-After', '5');
    response.status(status).type('application/json').send(failureText(known));
  };
}
