import { request, type RequestOptions } from 'node:https';

/** An answer as it came. */
export interface Answer {
  status: number;
  text: string;
}

/** Nothing at all may come for so long: a whole cluster at a moment takes seconds to rebuild. */
const IDLE_MS = 60_000;

export interface SendOptions {
  body?: string | undefined;
  /** How long the whole request may take, in ms; 0 for no limit. Without it only silence ends it, after a minute. */
  timeoutMs?: number | undefined;
}

/**
 * Sends a request, and resolves with what came back, whatever its status. Rejects with Node's own errors where nothing
 * did, and where it took too long.
 */
export function send(url: URL, options: RequestOptions, { body, timeoutMs }: SendOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timeout = timeoutMs === undefined ? IDLE_MS : 0;
    const sent = request(url, { timeout, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    const giveUp = (ms: number) => (): void => void sent.destroy(new Error(`no answer within ${ms / 1000} s`));
    sent.on('timeout', giveUp(IDLE_MS));
    const timer = timeoutMs === undefined || timeoutMs === 0 ? undefined : setTimeout(giveUp(timeoutMs), timeoutMs);
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that the server, or a proxy, closed meanwhile: https.Agent cannot know. Asked again on a new one.
      if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(send(url, options, { body, timeoutMs }));
      else reject(error);
    });
    sent.end(body);
  });
}
