import { existsSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
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

/**
 * Starts a thread: of the program `built`, beside the bundle or its chunks, or of the module `source`, as seen from the one that
 * asks. `from`: its import.meta.url.
 */
export function startThread(from: string, source: string, built: string, options: WorkerOptions): Worker {
  const program = [`./${built}`, `../${built}`].map((name) => new URL(name, from)).find((url) => existsSync(url));
  if (program !== undefined) return new Worker(program, options);
  // In the sources only. Node's threads do not load TypeScript.
  const run = new URL('../../../scripts/run-bundled.mjs', import.meta.url);
  return new Worker(run, { ...options, argv: [fileURLToPath(new URL(source, from))] });
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
