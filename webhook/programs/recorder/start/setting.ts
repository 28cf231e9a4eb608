import type { Logger } from 'pino';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { KubeApiClient } from '../../../platform/kubernetes/api-client.ts';
import type { ServerConfig } from '../../config/config.ts';

/** What all parts of the server are built with. */
export interface Setting {
  config: ServerConfig;
  log: Logger;
  clock: Clock;
  /** The present (ms). */
  now: () => number;
  /** null: there is no cluster. */
  client: KubeApiClient | null;
  closers: Closers;
}

type Closer = () => Promise<void> | void;

/** How what was opened is closed. */
export class Closers {
  private readonly opened: Closer[] = [];

  add(close: Closer): void {
    this.opened.push(close);
  }

  /** Closes what was opened, the last first. */
  async closeAll(): Promise<void> {
    for (const close of [...this.opened].reverse()) await close();
  }
}

/** A promise, and what resolves it. (Promise.withResolvers needs Node 22.) */
export function newPromise<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((given) => (resolve = given));
  return { promise, resolve };
}

/** Rejects with an AbortError as soon as the signal is given. */
export function rejectsWhen(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new DOMException('stopped while it was starting', 'AbortError'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}
