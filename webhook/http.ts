import type { ServerResponse } from 'node:http';
import type { ErrorCode, KubeblameError } from '../shared/errors.ts';

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
  unauthorized: 401,
  'caller-unknown': 401,
  'not-found': 404,
  'method-not-allowed': 405,
  'body-too-large': 413,
  'content-type-unsupported': 415,
  overloaded: 503,
  closing: 503,
};

export function statusOf(error: KubeblameError): number {
  return STATUS[error.code] ?? 500;
}

/** Answers with the error: `{"error": {"code", "message", "hint"}}`. Ends the connection where the body was not read. */
export function sendFailure(response: ServerResponse, error: KubeblameError): void {
  if (response.headersSent || response.destroyed) return;
  const { code, message, hint } = error;
  const body = JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } });
  const status = statusOf(error);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...(status === 503 ? { 'Retry-After': '1' } : {}),
    ...(response.req.complete ? {} : { Connection: 'close' }),
  });
  response.end(body);
}
