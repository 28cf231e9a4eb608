import type { IncomingMessage } from 'node:http';
import { KubeblameError } from '../../shared/errors.ts';

/**
 * The largest body that is read. An object is at most 3 MiB in JSON (etcd takes 1.5 MiB, and kube-apiserver's own limit
 * for a request is 3 MiB); a review holds two, and a megabyte is ample for everything else. As controller-runtime has it.
 */
export const MAX_BODY_BYTES = 7 * 1024 * 1024;

/**
 * Reads a request's body. Rejects with body-too-large (at once, where Content-Length tells it) or body-incomplete. By
 * events: iterating over a stream costs as much as all of HTTP.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const incomplete = (cause?: Error): void => {
      const message = 'the connection ended before the whole body had arrived';
      reject(new KubeblameError('body-incomplete', message, undefined, { cause }));
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        // Nothing more is read of it; the answer ends the connection.
        request.pause();
        reject(tooLarge());
      }
    });
    request.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.once('error', incomplete);
    request.once('close', () => {
      if (!request.complete) incomplete();
    });
  });
}

function tooLarge(): KubeblameError {
  return new KubeblameError('body-too-large', `the body is larger than ${MAX_BODY_BYTES} bytes`);
}
