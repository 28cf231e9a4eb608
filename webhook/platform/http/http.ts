import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode, KubeblameError } from '../../../shared/errors.ts';

/** An HTTP handler, as node:http calls it. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The one place where an error's code becomes an HTTP status. What is not listed is the server's own failure. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  'json-invalid': 400,
  'json-duplicate-key': 400,
  'json-too-deep': 400,
  'review-invalid': 400,
  'body-incomplete': 400,
  'query-invalid': 400,
  'field-invalid': 400,
  'selector-invalid': 400,
  'time-invalid': 400,
  unauthorized: 401,
  'caller-unknown': 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  'body-too-large': 413,
  'content-type-unsupported': 415,
  'access-unknown': 503,
  'database-unavailable': 503,
  overloaded: 503,
  closing: 503,
};

export function statusOf(error: KubeblameError): number {
  return STATUS[error.code] ?? 500;
}

/** `{"error": {"code", "message", "hint"}}`. */
export function failureText({ code, message, hint }: KubeblameError): string {
  return JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } });
}

/** Answers with the error. Ends the connection where the body was not read. */
export function sendFailure(response: ServerResponse, error: KubeblameError): void {
  if (response.headersSent || response.destroyed) return;
  const body = failureText(error);
  const status = statusOf(error);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...(status === 503 ? { 'Retry-After': '1' } : {}),
    ...(response.req.complete ? {} : { Connection: 'close' }),
  });
  response.end(body);
}
