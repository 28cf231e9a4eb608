import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { syncFolderOf } from '../../platform/files/durable-file.ts';
import type { Collector } from '../../platform/telemetry/collector.ts';
import type { CommitText } from './documents.ts';

/** Where commits are sent: a file's path, an https:// URL, or the OpenTelemetry collector of the server. */
export type StreamTarget =
  { to: 'file'; path: string } | { to: 'url'; url: string; tokenFile: string | null } | { to: 'otlp' };

/** Takes documents in their order. */
export interface Sink {
  /**
   * Resolves when the documents have been taken for good. Rejects where they have not, or where that is not known: they are
   * sent again.
   */
  send(documents: readonly CommitText[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A target asks for a pause of its own choice before the next try (RFC 9110, Retry-After). */
export class TryLater extends Error {
  constructor(
    message: string,
    readonly afterMs: number,
  ) {
    super(message);
    this.name = 'TryLater';
  }
}

/** Opens what a target names. `collector` is what --otlp-endpoint names; a target `otlp` needs it. */
export async function openSink(target: StreamTarget, collector: Collector | null): Promise<Sink> {
  if (target.to === 'file') return fileSink(target.path);
  if (target.to === 'url') return urlSink(target.url, target.tokenFile);
  if (collector === null) throw new KubeblameError('config-invalid', '--stream otlp: --otlp-endpoint is not given');
  // Loaded only here: most servers send no logs.
  const { logSink } = await import('./otlp-logs.ts');
  return logSink(collector);
}

/** Lines of a file, which is opened for each batch: whoever rotates it only has to move it away. */
function fileSink(path: string): Sink {
  return {
    send: (documents) => {
      const isNew = !existsSync(path);
      const file = openSync(path, 'a', 0o600);
      try {
        writeSync(file, documents.map(({ text }) => `${text}\n`).join(''));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      if (isNew) syncFolderOf(path);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

/** As much of an answer that refuses as an operator needs in a log line. */
const MAX_ANSWER = 200;

/** POST of newline-delimited JSON. Any 2xx takes it. */
function urlSink(url: string, tokenFile: string | null): Sink {
  return {
    send: async (documents, signal) => {
      const body = documents.map(({ text }) => `${text}\n`).join('');
      // Read each time: a token that is mounted into a pod is renewed.
      const token = tokenFile === null ? null : readFileSync(tokenFile, 'utf8').trim();
      const headers = {
        'Content-Type': 'application/x-ndjson',
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      };
      // A redirect would carry the history to somewhere that nobody named.
      const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' }).catch(
        (error: unknown) => {
          throw causeOf(error);
        },
      );
      const text = await answer.text();
      if (answer.ok) return;
      const message = `HTTP ${answer.status} ${text.slice(0, MAX_ANSWER)}`.trim();
      const seconds = Number(answer.headers.get('retry-after') ?? '');
      throw seconds > 0 ? new TryLater(message, seconds * 1000) : new Error(message);
    },
    close: () => Promise.resolve(),
  };
}

/** fetch() says "fetch failed", and keeps for itself why. */
function causeOf(error: unknown): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new Error(messageOf(cause), { cause: error });
}
