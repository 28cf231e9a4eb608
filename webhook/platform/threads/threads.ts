import { existsSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { KubeblameError, messageOf, type ErrorCode } from '../../../shared/errors.ts';

/** An error on its way to another thread. */
export interface Failure {
  /** null for a bug's. */
  code: ErrorCode | null;
  message: string;
  hint: string | undefined;
  stack: string | undefined;
}

export function failureOf(error: unknown): Failure {
  const known = error instanceof KubeblameError ? error : null;
  const stack = known === null && error instanceof Error ? error.stack : undefined;
  return { code: known?.code ?? null, message: messageOf(error), hint: known?.hint, stack };
}

export function errorOf({ code, message, hint, stack }: Failure): Error {
  if (code !== null) return new KubeblameError(code, message, hint);
  return Object.assign(new Error(message), stack === undefined ? {} : { stack });
}

/** Starts a thread of the server by the name of its program. `from`: the import.meta.url of the module that asks. */
export function startThread(from: string, program: string, options: WorkerOptions): Worker {
  // The programs are built beside the server's own; a module may be in a chunk one folder below.
  const built = [`./${program}`, `../${program}`].map((name) => new URL(name, from)).find((url) => existsSync(url));
  if (built !== undefined) return new Worker(built, options);
  // In the sources only. Node's worker threads do not load TypeScript.
  return new Worker(new URL('../../../scripts/run-server.mjs', import.meta.url), { ...options, argv: [program] });
}

/** setpriority(2): 0 is usual, 19 the least. */
const BEHIND = 5;

/**
 * Lets the thread that calls it wait where others want the processor: a review is answered before those that were answered
 * are taken in. Of Linux, which has a priority for each thread.
 */
export function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(BEHIND);
  } catch {
    // Not allowed: then all have the same.
  }
}
