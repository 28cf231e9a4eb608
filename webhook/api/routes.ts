import { createHash, timingSafeEqual } from 'node:crypto';
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express';
import express from 'express';
import type { Logger } from 'pino';
import {
  decodeBlameQuery,
  decodeChangeQuery,
  decodeDifferenceQuery,
  decodeObjectQuery,
  decodeStateQuery,
  decodeUserQuery,
  encodeError,
  ROUTES,
} from '../../shared/api.ts';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { stringifyJson } from '../../shared/json.ts';
import type { Json, LedgerReader } from '../../shared/types.ts';
import { statusOf } from '../http.ts';

type Answer = (reader: LedgerReader, search: URLSearchParams) => Promise<object>;

const ANSWERS: Record<keyof typeof ROUTES, Answer> = {
  info: (reader) => reader.info(),
  resources: (reader) => reader.resources(),
  objects: (reader, search) => {
    const { scope, limit } = decodeObjectQuery(search);
    return reader.objects(scope, limit);
  },
  changes: (reader, search) => reader.changes(decodeChangeQuery(search)),
  users: (reader, search) => reader.users(decodeUserQuery(search)),
  states: (reader, search) => reader.states(decodeStateQuery(search)),
  differences: (reader, search) => reader.differences(decodeDifferenceQuery(search)),
  blame: (reader, search) => reader.blame(decodeBlameQuery(search)),
  coverage: (reader) => reader.coverage(),
};

/** The read API, version 1 (shared/api.ts). `token` null: whoever reaches it may read, so it must be on loopback. */
export function readApi(reader: LedgerReader, token: string | null, log: Logger): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requireToken(token));
  for (const name of Object.keys(ANSWERS) as (keyof typeof ROUTES)[]) {
    app.get(ROUTES[name], async (request, response) => {
      send(response, 200, (await ANSWERS[name](reader, searchOf(request))) as Json);
    });
    app.all(ROUTES[name], (request) => {
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

function send(response: Response, status: number, body: Json): void {
  response.status(status).type('application/json').set('Cache-Control', 'no-store').send(stringifyJson(body));
}

/** Compares digests, so that the time tells nothing about the token, its length included. */
function requireToken(token: string | null): RequestHandler {
  if (token === null) return (_request, _response, next) => next();
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${token}`);
  return (request, _response, next) => {
    if (timingSafeEqual(digest(request.get('authorization') ?? ''), expected)) next();
    else throw new KubeblameError('unauthorized', 'the read API needs a bearer token', 'give --token-file');
  };
}

function failures(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (error instanceof KubeblameError && statusOf(error) < 500) {
      send(response, statusOf(error), encodeError(error));
      return;
    }
    const code = error instanceof KubeblameError ? error.code : 'internal';
    const stack = error instanceof Error && code === 'internal' ? error.stack : undefined;
    log.error({ path: request.path, code, reason: messageOf(error), stack }, 'question not answered');
    const failure =
      error instanceof KubeblameError ? error : new KubeblameError('server-error', 'the server failed to answer');
    send(response, statusOf(failure), encodeError(failure));
  };
}
