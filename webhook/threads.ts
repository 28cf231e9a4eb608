import { existsSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { KubeblameError, messageOf, type ErrorCode } from '../shared/errors.ts';

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

/** The program of a thread: `source` beside the sources, `built` beside the bundle or its chunks. `from`: import.meta.url. */
export function threadProgram(from: string, source: string, built: string): string {
  const candidates = [source, `./${built}`, `../${built}`].map((name) => fileURLToPath(new URL(name, from)));
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`the program of a thread is at none of ${candidates.join(', ')}`);
  return path;
}

/** setpriority(2): 0 is usual, 19 the least. */
const BEHIND = 5;

/**
 * Lets the thread that calls it wait where others want the processor: a review is answered before those that were answered
 * are taken in. Of Linux, which has a priority for each thread.
 */
export function workBehindOthers(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(BEHIND);
  } catch {
    // Not allowed: then all have the same.
  }
}
