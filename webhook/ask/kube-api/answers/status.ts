import type { Response } from 'express';
import type { KubeblameError } from '../../../../shared/errors.ts';
import { stringifyJson } from '../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../shared/types.ts';
import { statusOf } from '../../../platform/http/http.ts';

/** The `reason` that Kubernetes' clients understand. */
const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  422: 'Invalid',
  503: 'ServiceUnavailable',
};

/** A failure as the Kubernetes API tells it: kind Status. */
export function statusDocument(error: KubeblameError, code = statusOf(error)): JsonObject {
  const { message, hint } = error;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: hint === undefined ? message : `${message}: ${hint}`,
    reason: REASONS[code] ?? 'InternalError',
    code,
  };
}

export function sendStatus(response: Response, error: KubeblameError, code = statusOf(error)): void {
  sendJson(response, statusDocument(error, code), code);
}

/** Numbers and keys stay exact. */
export function sendJson(response: Response, document: Json, code = 200, type = 'application/json'): void {
  const body = Buffer.from(stringifyJson(document));
  // Not by send(), which puts a charset between the parameters that tell the client which document it is.
  response.writeHead(code, { 'Content-Type': type, 'Cache-Control': 'no-store', 'Content-Length': body.length });
  response.end(body);
}
