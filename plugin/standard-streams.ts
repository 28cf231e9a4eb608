import { fstatSync, statSync, writeSync } from 'node:fs';

/*
 * stdout and stderr where they are no terminal, without Node's own streams: those load all that sockets need, a tenth of
 * the whole start. Node writes to files and pipes at once too, but for pipes on Windows.
 */

/** What the program uses of a stream. */
type Stream = NodeJS.WriteStream & { fd?: number };

/** The process with streams that are only opened where something is written to them. */
export function withDirectStreams(process: NodeJS.Process): NodeJS.Process {
  return Object.create(process, {
    stdout: { value: direct(process, 'stdout', 1) },
    stderr: { value: direct(process, 'stderr', 2) },
  }) as NodeJS.Process;
}

function direct(process: NodeJS.Process, name: 'stdout' | 'stderr', fd: number): Stream {
  if (process.platform === 'win32' || mayBeTerminal(fd)) return process[name];
  return new DirectStream(fd, () => process[name]) as unknown as Stream;
}

function mayBeTerminal(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isCharacterDevice() && stats.rdev !== statSync('/dev/null').rdev;
  } catch {
    // It is closed, or there is no such device: Node knows what to do.
    return true;
  }
}

/** As much of a stream as standard-output.ts, the pager and io.ts ask of one that is no terminal. */
class DirectStream {
  readonly isTTY = false;
  private readonly failed: ((error: Error) => void)[] = [];
  /** Node's own stream, once somebody else has made the pipe one that does not wait. */
  private slow: Stream | null = null;

  constructor(
    readonly fd: number,
    private readonly open: () => Stream,
  ) {}

  on(event: string, listener: (error: Error) => void): this {
    if (event === 'error') this.failed.push(listener);
    this.slow?.on(event, listener);
    return this;
  }

  write(text: string, done?: () => void): boolean {
    if (this.slow !== null) return this.slow.write(text, done);
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length;) {
      try {
        from += writeSync(this.fd, bytes, from);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return this.goSlow(bytes.subarray(from), done);
        for (const listener of this.failed) listener(error as Error);
        break;
      }
    }
    done?.();
    return true;
  }

  private goSlow(rest: Uint8Array, done?: () => void): boolean {
    this.slow = this.open();
    for (const listener of this.failed) this.slow.on('error', listener);
    return this.slow.write(rest, done);
  }
}
