import type { ServerResponse } from 'node:http';
import { stringifyJson } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';

/** A Status, as an API server says what went wrong. */
export function statusOf(code: number, message: string): JsonObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code };
}

/** Answers with a Status. */
export function sendStatus(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'Content-Type': 'application/json' });
  response.end(stringifyJson(statusOf(code, message)));
}

/** Answers with a document. */
export function send(response: ServerResponse, document: JsonObject, code = 200): void {
  response.writeHead(code, { 'Content-Type': 'application/json' });
  response.end(stringifyJson(document));
}
