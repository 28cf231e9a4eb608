import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { LOCAL } from '../shared/time-zone.ts';
import { drained, watchOutput } from '../webhook/standard-output.ts';
import type { OutputFlags } from './cli.ts';
import { PagedOutput, pagerOf } from './pager.ts';
import { Progress } from './progress.ts';
import { createStyle, type Style } from './views/style.ts';

/** All that a command does to the outside: what tests replace. */
export interface Io {
  /** The data. */
  out(text: string): void;
  /** What explains it. */
  err(text: string): void;
  /** The text of a file, `-` is stdin. Rejects with input-invalid. */
  read(path: string): Promise<string>;
  style: Style;
  /** ms */
  now: number;
  env: Readonly<Record<string, string | undefined>>;
  /** Ends what would go on for ever. */
  interrupted?: AbortSignal;
  /** What follows has no end: it must appear at once, and not in a pager. */
  live?(): void;
  /** What has been done so far of something that may take long: `1200 changes`. */
  progress?(text: string): void;
  /** Resolves when all is written and read. */
  end?(): Promise<void>;
}

/** A pipe or file has no width; a terminal that does not tell it has 80 columns. */
const DEFAULT_COLUMNS = 80;

/**
 * The real terminal. Colours follow NO_COLOR and FORCE_COLOR (no-color.org), symbols the locale. Ends quietly where the
 * reader of a pipe has gone; `out` and `end` throw stdout-failed where the output cannot be written. On a terminal long
 * output goes to a pager, and work over a second says that it goes on.
 */
export function terminalIo(process: NodeJS.Process, { colour, pager, headers }: OutputFlags): Io {
  const { stdout, stderr, env } = process;
  let failure: KubeblameError | null = null;
  watchOutput(process, (error) => (failure ??= error));
  // Once is enough to say so.
  const check = (): void => {
    const error = failure;
    failure = null;
    if (error !== null) throw error;
  };
  const wanted = colour && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  const forced = (env.FORCE_COLOR ?? '') !== '' && env.FORCE_COLOR !== '0';
  const now = Date.now();
  const locale = env.LC_ALL ?? env.LC_CTYPE ?? env.LANG ?? '';
  const paged = new PagedOutput(stdout.isTTY && pager ? pagerOf(env) : null, { stdout, env });
  const progress = stderr.isTTY
    ? new Progress(
        (line) => void stderr.write(line),
        () => performance.now(),
      )
    : null;
  // A pager owns the screen: what explains its text comes after it.
  let late = '';
  return {
    out: (output) => {
      check();
      progress?.stop();
      paged.write(output);
    },
    err: (note) => {
      progress?.wipe();
      if (paged.paging) late += note;
      else void stderr.write(note);
    },
    live: () => {
      progress?.stop();
      paged.goLive();
    },
    progress: (label) => progress?.tick(label),
    end: async () => {
      progress?.stop();
      await paged.end();
      void stderr.write(late);
      // A pipe says only now what it did not take.
      await drained(process);
      check();
    },
    read: (path) => (path === '-' ? text(process.stdin) : readText(path)),
    style: createStyle({
      columns: stdout.isTTY ? stdout.columns || DEFAULT_COLUMNS : null,
      colour: wanted && (stdout.isTTY || forced) ? 1 : 0,
      unicode: !stdout.isTTY || locale === '' || /utf-?8/i.test(locale),
      timeZone: LOCAL,
      now,
      headers,
    }),
    now,
    env,
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = code === 'ENOENT' ? `there is no file ${path}` : messageOf(error);
    throw new KubeblameError('input-invalid', message, 'name a readable file, or - for stdin', { cause: error });
  }
}
