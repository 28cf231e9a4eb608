import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TERMINAL = fileURLToPath(new URL('terminal.py', import.meta.url));

/** The plugin as it is delivered, bundled into `folder`/bin, and called as users do. */
export class Program {
  readonly bin: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(folder: string, env: NodeJS.ProcessEnv = {}) {
    this.bin = join(folder, 'bin');
    const build = `import('./scripts/build.mjs').then(({ buildPlugin }) => buildPlugin(process.cwd(), process.argv[1]))`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', build, this.bin], { cwd: ROOT });
    if (status !== 0) throw new Error(stderr.toString());
    mkdirSync(this.bin, { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    symlinkSync('kubectl-blame.cjs', join(this.bin, 'kubectl-blame'));
    const { PATH = '', NODE_V8_COVERAGE } = process.env;
    // c8's folder makes each of them write megabytes.
    this.env = { PATH: `${this.bin}:${PATH}`, HOME: folder, TERM: 'xterm', TZ: 'UTC', LC_ALL: 'C.UTF-8', ...env };
    if (NODE_V8_COVERAGE !== undefined) this.env.NODE_V8_COVERAGE = '';
  }

  /** In pipes. */
  run(words: string, env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
    return spawnSync('sh', ['-c', `kubectl-blame ${words}`], { env: { ...this.env, ...env }, encoding: 'utf8' });
  }

  /** In a terminal of 80 columns and 24 rows; each of `steps` is what to wait for, and what to type (or which signal to send) then. */
  async inTerminal(
    command: string,
    env: NodeJS.ProcessEnv = {},
    steps: readonly Step[] = [],
  ): Promise<{ code: number; shown: string }> {
    const args = [TERMINAL, '80', '24', JSON.stringify(steps), 'sh', '-c', command];
    const child = spawn('python3', args, { env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const shown = await text(child.stdout);
    const [code] = (await ended) as [number];
    return { code, shown };
  }
}

export type Step = readonly [awaited: string, then: string | { readonly signal: NodeJS.Signals }];

/** True where a program can be called. */
export function isInstalled(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}
