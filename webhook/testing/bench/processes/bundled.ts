import { fork, type ChildProcess, type ForkOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program that runs another one of the sources as what is shipped runs: bundled. */
export const RUN_BUNDLED = fileURLToPath(new URL('../../../../scripts/run-bundled.mjs', import.meta.url));

/** A process of a module of the sources, with a channel to it. */
export function forkBundled(module: URL, args: readonly string[] = [], options: ForkOptions = {}): ChildProcess {
  return fork(RUN_BUNDLED, [fileURLToPath(module), ...args], options);
}
