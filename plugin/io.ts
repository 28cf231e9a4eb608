import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { KubeblameError, messageOf } from '../shared/errors.ts';
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
}

/** A pipe or file has no width; a terminal that does not tell it has 80 columns. */
const DEFAULT_COLUMNS = 80;

/**
 * The real terminal. Colours follow NO_COLOR and FORCE_COLOR (no-color.org), symbols the locale. Ends quietly where the
 * reader of a pipe has gone.
 */
export function terminalIo(process: NodeJS.Process, colour: boolean): Io {
  const { stdout, stderr, env } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const wanted = colour && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  const forced = (env.FORCE_COLOR ?? '') !== '' && env.FORCE_COLOR !== '0';
  const locale = env.LC_ALL ?? env.LC_CTYPE ?? env.LANG ?? '';
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    read: (path) => (path === '-' ? text(process.stdin) : readText(path)),
    style: createStyle({
      columns: stdout.isTTY ? stdout.columns || DEFAULT_COLUMNS : null,
      colour: wanted && (stdout.isTTY || forced) ? 1 : 0,
      unicode: !stdout.isTTY || locale === '' || /utf-?8/i.test(locale),
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }),
    now: Date.now(),
    env,
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new KubeblameError('input-invalid', messageOf(error), undefined, { cause: error });
  }
}
