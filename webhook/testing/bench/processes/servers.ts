import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { createInterface } from 'node:readline';

/** A server under test, in a process of its own. */
export class BenchServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    readonly readPort: number,
  ) {}

  /** Resolves when it serves. `args` are node's. */
  static async start(args: readonly string[]): Promise<BenchServer> {
    // As in the image.
    const env = { ...process.env, MALLOC_ARENA_MAX: '2' };
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

  /** CPU time of all its threads so far, in ms; NaN where /proc does not tell (proc(5): ticks of 10 ms). */
  cpuMs(): number {
    const fields = this.proc('stat').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** Memory now and at most, in MB; NaN where /proc does not tell. */
  rssMb(): { now: number; peak: number } {
    const status = this.proc('status');
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

  private proc(name: string): string {
    const path = `/proc/${String(this.child.pid)}/${name}`;
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}
