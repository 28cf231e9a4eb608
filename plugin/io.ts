import { createStyle, type Style } from './views/style.ts';

/** All that a command does to the outside: what tests replace. */
export interface Io {
  /** The data. */
  out(text: string): void;
  /** What explains it. */
  err(text: string): void;
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
