import type { IncomingMessage } from 'node:http';
import { KubeblameError } from '../../shared/errors.ts';

/**
 * The largest body that is read. An object is at most 3 MiB in JSON (etcd takes 1.5 MiB, and kube-apiserver's own limit
 * for a request is 3 MiB); a review holds two, and a megabyte is ample for everything else. As controller-runtime has it.
 */
export const MAX_BODY_BYTES = 7 * 1024 * 1024;

/**
 * What is longer is read up to here, and not kept: the caller hears an answer only when all of its body was taken. An API server can send
 * so much: of 3 MiB that a client sent, and of the 1.5 MiB that etcd holds, Go writes each `<` as six bytes.
 */
export const MAX_PASSED_BYTES = 28 * 1024 * 1024;

/** A body that is larger than what is read. */
export class BodyTooLarge extends KubeblameError {
  /** `start`: what came first of it. */
  constructor(readonly start: Buffer) {
    super('body-too-large', `the body is larger than ${MAX_BODY_BYTES} bytes`);
  }
}

/**
 * Reads a request's body. Rejects with BodyTooLarge (at once, where Content-Length tells of more than MAX_PASSED_BYTES) or
 * body-incomplete. By events: iterating over a stream costs as much as all of HTTP.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_PASSED_BYTES)
    return Promise.reject(new BodyTooLarge(Buffer.alloc(0)));
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    const incomplete = (cause?: Error): void => {
      const message = 'the connection ended before the whole body had arrived';
      reject(new KubeblameError('body-incomplete', message, undefined, { cause }));
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (bytes <= MAX_PASSED_BYTES) chunks = chunks.slice(0, 1);
      else {
        // Nothing more is read of it; the answer ends the connection.
        request.pause();
        reject(new BodyTooLarge(Buffer.concat(chunks)));
      }
    });
    request.once('end', () => {
      if (bytes > MAX_BODY_BYTES) reject(new BodyTooLarge(Buffer.concat(chunks)));
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.once('error', incomplete);
    request.once('close', () => {
      if (!request.complete) incomplete();
    });
  });
}
