import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:https';
import { createInterface } from 'node:readline';
import { processCpuMs, procFile } from '../cost/thread-cpu.ts';

/** A server under test, in a process of its own. */
export class BenchServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    readonly readPort: number,
  ) {}

  /** Resolves when it serves. `args` are node's. */
  static async start(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<BenchServer> {
    // As in the image.
    const env = { ...process.env, MALLOC_ARENA_MAX: '2', ...more };
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
    if (child.stdout === null) throw new Error('no output');
    for await (const line of createInterface({ input: child.stdout })) {
      const entry = JSON.parse(line) as { msg: string; admission: { port: number }; read?: { port: number } };
      if (entry.msg !== 'serving') continue;
      child.stdout.resume();
      return new BenchServer(child, entry.admission.port, entry.read?.port ?? 0);
    }
    throw new Error(`${args.join(' ')} ended before it served`);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** CPU time of all its threads so far, in ms; NaN where /proc does not tell (proc(5): ticks of 10 ms). */
  cpuMs(): number {
    return processCpuMs(this.pid);
  }

  /** Memory now and at most, in MB; NaN where /proc does not tell. */
  rssMb(): { now: number; peak: number } {
    const status = procFile(this.pid, 'status');
    const value = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
    return { now: value('VmRSS'), peak: value('VmHWM') };
  }

  /** Resolves when all that it has answered is in its ledger: so long a question waits. */
  async settled(ca: string): Promise<void> {
    const ask = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port: this.readPort, path: '/api/v1/info', ca, agent: false };
        get(options, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).once('error', reject);
      });
    while ((await ask()) !== 200);
  }

  /** The text of a page at the admission endpoint. */
  page(path: string, ca: string): Promise<string> {
    return new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port: this.port, path, ca, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve(text)).on('error', reject);
      }).once('error', reject);
    });
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}
