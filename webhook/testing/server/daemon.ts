import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** How long a process may take to end by itself. */
const GRACE_MS = 10_000;
const LOG_TAIL_CHARACTERS = 2_000;

/** A process that a test started, with its log in a file. It is ended with the test's own process at the latest. */
export class Daemon {
  private readonly ended: Promise<unknown>;
  private readonly endWithUs = (): void => void this.child.kill('SIGKILL');

  private constructor(
    private readonly child: ChildProcess,
    private readonly command: string,
    private readonly logFile: string,
  ) {
    this.ended = once(child, 'close');
    // What cannot be started is told by `whenReady`.
    this.ended.catch(() => undefined);
    process.once('exit', this.endWithUs);
  }

  static start(command: string, args: readonly string[], logFile: string): Daemon {
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    return new Daemon(child, command, logFile);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Resolves when `ready` holds, which is asked again and again; rejects with its log's end where it never does. */
  async whenReady(ready: () => Promise<boolean>, withinMs: number): Promise<void> {
    const end = performance.now() + withinMs;
    while (!(await ready().catch(() => false))) {
      const over = this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
      if (over || performance.now() > end) {
        const log = readFileSync(this.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS);
        throw new Error(`${this.command} ${over ? 'ended' : `is not ready after ${withinMs} ms`}:\n${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Holds it as it is: connections stay open, and nothing is answered. Resolves when all its threads stand still. */
  async pause(): Promise<void> {
    this.child.kill('SIGSTOP');
    while (!this.isStopped()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** By proc(5): the state follows the name of the program, which is in parentheses and may hold any. */
  private isStopped(): boolean {
    const tasks = `/proc/${this.pid}/task`;
    const stateOf = (task: string): string =>
      readFileSync(`${tasks}/${task}/stat`, 'utf8').replace(/^.*\) /s, '')[0] ?? '';
    return readdirSync(tasks).every((task) => stateOf(task) === 'T');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  /** Asks it to end, and makes it end where it does not; `SIGKILL` ends it at once. Safe to call again. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    process.off('exit', this.endWithUs);
    this.child.kill(signal);
    const force = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    await this.ended.catch(() => undefined);
    clearTimeout(force);
  }
}

/**
 * A port of 127.0.0.1 that is free. From below the range that the system takes client ports from, so that a server
 * that is started again finds it free too.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
