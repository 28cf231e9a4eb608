import type { IncomingMessage } from 'node:http';
import { KubeblameError } from '../../shared/errors.ts';

/**
 * The largest body that is read. An object is at most 3 MiB in JSON (etcd takes 1.5 MiB, and kube-apiserver's own limit
 * for a request is 3 MiB); a review holds two, and a megabyte is ample for everything else. As controller-runtime has it.
 */
export const MAX_BODY_BYTES = 7 * 1024 * 1024;

/**
 * Reads a request's body as UTF-8 text. Rejects with body-too-large (at once, where Content-Length tells it) or
 * body-incomplete.
 */
export async function readBody(request: IncomingMessage): Promise<{ text: string; bytes: number }> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof KubeblameError) throw error;
    throw new KubeblameError('body-incomplete', 'the connection ended before the whole body had arrived', undefined, {
      cause: error,
    });
  }
  const whole = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes);
  try {
    return { text: UTF8.decode(whole), bytes };
  } catch (error) {
    throw new KubeblameError('json-invalid', 'the body is not UTF-8 text', undefined, { cause: error });
  }
}

/** Strict: a replacement character in a stored value would be a change that nobody made. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function tooLarge(): KubeblameError {
  return new KubeblameError('body-too-large', `the body is larger than ${MAX_BODY_BYTES} bytes`);
}
