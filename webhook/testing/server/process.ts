import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../platform/http/listener.ts';
import type { LogLine, TestCertificates } from './server.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function start(args: readonly string[], extra: Record<string, string> = {}): ChildProcess {
  // What configures the tests' own machine must not configure the server.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(KUBEBLAME|KUBERNETES)_/.test(name)),
  );
  return spawn(process.execPath, ['scripts/run-bundled.mjs', 'webhook/programs/main.ts', ...args], {
    cwd: ROOT,
    env: { ...env, ...extra },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a command of `kubeblame-webhook` to its end, in a process of its own. */
export async function runCommand(args: readonly string[]): Promise<Ended> {
  const child = start(args);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (part: Buffer) => void (texts[name] += part.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...texts };
}

/** The options of `serve` for a ledger, on ports that are free. */
export function serveArguments(db: string, { cert, key }: TestCertificates): string[] {
  const addresses = ['--listen', '127.0.0.1:0', '--read-listen', '127.0.0.1:0'];
  return ['serve', '--db', db, '--tls-cert', cert, '--tls-key', key, ...addresses];
}

/** The real server in a process of its own. */
export class ServerProcess {
  readonly pid: number;

  private constructor(
    private readonly child: ChildProcess,
    readonly admission: Address,
    readonly read: Address,
    readonly ended: Promise<Ended>,
  ) {
    this.pid = child.pid ?? -1;
  }

  /** Resolves when it serves; rejects with what it wrote where it ends instead. */
  static async start(args: readonly string[], environment: Record<string, string> = {}): Promise<ServerProcess> {
    const child = start(args, environment);
    let stdout = '';
    let stderr = '';
    child.stderr?.on('data', (part: Buffer) => void (stderr += part.toString()));
    const ended = once(child, 'close').then((values) => {
      const [code, signal] = values as [number | null, NodeJS.Signals | null];
      return { code, signal, stdout, stderr };
    });
    const serving = new Promise<{ admission: Address; read: Address }>((resolve) => {
      if (child.stdout === null) return;
      createInterface({ input: child.stdout }).on('line', (text) => {
        stdout += `${text}\n`;
        const line = JSON.parse(text) as LogLine & { admission: Address; read: Address };
        if (line.msg === 'serving') resolve(line);
      });
    });
    const first = await Promise.race([serving, ended]);
    if ('code' in first) throw new Error(`the server ended with ${String(first.code)}: ${first.stdout}${first.stderr}`);
    return new ServerProcess(child, first.admission, first.read, ended);
  }

  /** Sends a signal, without waiting for what comes of it. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it at once, as a power failure would. Safe to call again. */
  async kill(): Promise<Ended> {
    this.signal('SIGKILL');
    return this.ended;
  }
}
