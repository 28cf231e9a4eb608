import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { widthOf } from './views/text.ts';
import { writeOut } from '../webhook/platform/files/standard-output.ts';

export interface PagerOptions {
  stdout: NodeJS.WriteStream;
  env: Readonly<Record<string, string | undefined>>;
}

/** The program that pages; null where none is wanted, as git has it: an empty name, or `cat`. */
export function pagerOf(env: Readonly<Record<string, string | undefined>>): string | null {
  const pager = env.KUBEBLAME_PAGER ?? env.PAGER ?? 'less';
  return pager.trim() === '' || pager.trim() === 'cat' ? null : pager;
}

/**
 * Output to a terminal: what fits is written there at the end, and what is longer goes through a pager as it comes
 * (`less -FRX`, as git calls it), so that the beginning is read first.
 */
export class PagedOutput {
  private held = '';
  private lines = 0;
  private pager: ChildProcess | null = null;
  private live: boolean;

  constructor(
    private readonly command: string | null,
    private readonly options: PagerOptions,
  ) {
    this.live = command === null;
  }

  get paging(): boolean {
    return this.pager !== null;
  }

  write(text: string): void {
    if (this.pager !== null) void this.pager.stdin?.write(text);
    else if (this.live) writeOut(this.options.stdout, text);
    else {
      this.held += text;
      this.lines += this.rowsOf(text);
      // One row is the shell's prompt.
      if (this.lines >= (this.options.stdout.rows || 24)) this.start();
    }
  }

  /** From now on everything appears at once: what follows has no end. */
  goLive(): void {
    this.live = true;
    this.flush();
  }

  /** Resolves when all is written, and the reader has left the pager. */
  async end(): Promise<void> {
    this.flush();
    if (this.pager === null) return;
    const ended = once(this.pager, 'close');
    this.pager.stdin?.end();
    await ended;
  }

  /** Rows that a text takes: what is longer than the terminal is wide goes on in the next one. */
  private rowsOf(text: string): number {
    const columns = this.options.stdout.columns || 80;
    const lines = text.split('\n');
    return lines.slice(0, -1).reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
  }

  private flush(): void {
    const text = this.held;
    this.held = '';
    if (text !== '') writeOut(this.options.stdout, text);
  }

  private start(): void {
    const { env, stdout } = this.options;
    const pager = spawn(this.command ?? 'cat', {
      shell: true,
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, LESS: env.LESS ?? 'FRX', LV: env.LV ?? '-c' },
    });
    // Whoever leaves the pager early has seen enough.
    pager.stdin.on('error', () => undefined);
    // ctrl-c is the pager's: it ends a search there, and must not end us before it.
    process.on('SIGINT', () => undefined);
    const text = this.held;
    this.held = '';
    pager.stdin.write(text);
    // The shell says 127 where there is no such program: nothing was shown, so it is written as it is.
    pager.on('exit', (code) => {
      if (code === 127 || code === 126) stdout.write(text);
    });
    this.pager = pager;
  }
}
