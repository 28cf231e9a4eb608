import { request, type RequestOptions } from 'node:https';

/** An answer as it came. */
export interface Answer {
  status: number;
  text: string;
}

/** A whole cluster at a moment takes seconds to rebuild. */
const TIMEOUT_MS = 60_000;

/**
 * Sends a request, and resolves with what came back, whatever its status. Rejects with Node's own errors where nothing did,
 * also within a minute.
 */
export function send(url: URL, options: RequestOptions, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { timeout: TIMEOUT_MS, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that the server, or a proxy, closed meanwhile: https.Agent cannot know. Asked again on a new one.
      if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(send(url, options, body));
      else reject(error);
    });
    sent.end(body);
  });
}
