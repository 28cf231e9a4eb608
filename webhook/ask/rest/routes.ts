import type { ErrorRequestHandler, Express, Request, Response } from 'express';
import express from 'express';
import type { Logger } from 'pino';
import { encodeError, NATIVE_API, ROUTES } from '../../../shared/api.ts';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { stringifyJson } from '../../../shared/json.ts';
import { QUESTION_NAMES, questionOf } from '../../../shared/questions/table.ts';
import type { Reading } from '../thread/reading.ts';
import type { Authenticate, Caller } from '../access/identity/caller.ts';
import { statusOf } from '../../platform/http/http.ts';
import { discovery } from '../kube-api/discovery/discovery.ts';
import { nativeApi, type NativeApi } from '../kube-api/routes.ts';
import { sendStatus } from '../kube-api/answers/status.ts';

const QUESTIONS = `${NATIVE_API.path}/${NATIVE_API.questions}`;

export interface ReadApi extends Omit<NativeApi, 'readerOf'> {
  authenticate: Authenticate;
  /** The ledger as a caller may read it. */
  reading: Pick<Reading, 'readerOf' | 'json'>;
  /** Resolves when all that was answered until now can be read. Rejects with overloaded where that takes long. */
  caughtUp: () => Promise<void>;
  log: Logger;
}

/**
 * The read API, version 1: a route for each question of shared/questions/table.ts. And the native API, of which these routes are a
 * part too.
 */
export function readApi({ authenticate, reading, caughtUp, log, ...native }: ReadApi): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(discovery());
  app.use(async (request, response, next) => {
    response.locals.caller = await authenticate(request);
    await caughtUp();
    next();
  });
  const callerOf = ({ locals }: Response): Caller => locals.caller as Caller;
  app.use(nativeApi({ ...native, readerOf: (response) => reading.readerOf(callerOf(response)) }));
  for (const name of QUESTION_NAMES) {
    const paths = [ROUTES[name], `${QUESTIONS}/${name}`];
    app.get(paths, async (request, response) => {
      const query = questionOf(name).codec.decode(searchOf(request));
      sendJson(response, 200, await reading.json(callerOf(response), name, query));
    });
    app.all(paths, (request) => {
      throw new KubeblameError('method-not-allowed', `${request.method} is not allowed here: GET`);
    });
  }
  app.use((request) => {
    throw new KubeblameError('not-found', `there is nothing at ${request.path}`);
  });
  app.use(failures(log));
  return app;
}

function searchOf(request: Request): URLSearchParams {
  return new URL(request.originalUrl, 'https://server').searchParams;
}

function sendJson(response: Response, status: number, body: Buffer | string): void {
  response.status(status).type('application/json; charset=utf-8').set('Cache-Control', 'no-store').send(body);
}

/** A Kubernetes client gets a Status; a question under the native API, the error that kubectl-blame knows. */
function answerFailure({ path }: Request, response: Response, error: KubeblameError): void {
  if (path.startsWith('/apis') && !path.startsWith(QUESTIONS)) sendStatus(response, error);
  else sendJson(response, statusOf(error), stringifyJson(encodeError(error)));
}

function failures(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (error instanceof KubeblameError && statusOf(error) < 500) {
      answerFailure(request, response, error);
      return;
    }
    const code = error instanceof KubeblameError ? error.code : 'internal';
    const stack = error instanceof Error && code === 'internal' ? error.stack : undefined;
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : undefined;
    log.error({ path: request.path, code, reason: messageOf(error), cause, stack }, 'question not answered');
    const failure =
      error instanceof KubeblameError ? error : new KubeblameError('server-error', 'the server failed to answer');
    answerFailure(request, response, failure);
  };
}
