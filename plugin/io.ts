import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createSupportsHyperlinks } from 'supports-hyperlinks';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { LOCAL } from '../shared/time-zone.ts';
import { drained, watchOutput } from '../webhook/platform/files/standard-output.ts';
import type { Screen } from './browser/screen.ts';
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
  /** The manifests that a path names: those in a folder, or itself, which it is where this is missing. Rejects with input-invalid. */
  manifests?(path: string, recursive: boolean): Promise<string[]>;
  style: Style;
  /** ms */
  now: number;
  env: Readonly<Record<string, string | undefined>>;
  /** Ends what would go on for ever. */
  interrupted?: AbortSignal;
  /** What follows has no end: it must appear at once, and not in a pager. */
  live?: () => void;
  /** What has been done so far of something that may take long: `1200 changes`. */
  progress?: (text: string) => void;
  /** Takes the whole terminal, for its keys too; missing where there is none. */
  openScreen?: () => Promise<Screen>;
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
export function terminalIo(
  process: NodeJS.Process,
  { colour, forced: always = false, pager, headers }: OutputFlags,
): Io {
  const { stdout, stderr, env } = process;
  let failure: KubeblameError | null = null;
  watchOutput(process, (error) => (failure ??= error));
  // Once is enough to say so.
  const check = (): void => {
    const error = failure;
    failure = null;
    if (error !== null) throw error;
  };
  // What is said on the command line counts more than the environment.
  const wanted = always || (colour && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb');
  const forced = always || ((env.FORCE_COLOR ?? '') !== '' && env.FORCE_COLOR !== '0');
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
    ...(stdout.isTTY && process.stdin.isTTY && env.TERM !== 'dumb' ? { openScreen: async () => (await import('./browser/browser.ts')).openScreen(process) } : {}), // prettier-ignore
    ...FILES,
    style: createStyle({
      columns: stdout.isTTY ? stdout.columns || DEFAULT_COLUMNS : null,
      colour: wanted && (stdout.isTTY || forced) ? 1 : 0,
      unicode: !stdout.isTTY || locale === '' || /utf-?8/i.test(locale),
      timeZone: LOCAL,
      now,
      headers,
      links: () => stdout.isTTY && wanted && createSupportsHyperlinks(stdout),
    }),
    now,
    env,
  };
}

/** Reading of the machine's own files. */
export const FILES = {
  read: async (path: string): Promise<string> =>
    decoded(path === '-' ? await buffer(process.stdin) : await readBytes(path)),
  manifests: findManifests,
};

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** What Windows writes too: a byte order mark tells UTF-16, as it tells kubectl. */
function decoded(bytes: Buffer): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

const EXTENSIONS = ['.json', '.yaml', '.yml'];

/** As kubectl does: of a folder the files with a manifest's extension, in the order of their names. */
async function findManifests(path: string, recursive: boolean): Promise<string[]> {
  if (path === '-') return [path];
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const files = await walk(path, recursive);
    if (files.length > 0) return files;
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new KubeblameError('input-invalid', `${path} holds no file that ends in ${EXTENSIONS.join(', ')}`, recursive ? undefined : 'folders in it are read with -R'); // prettier-ignore
}

async function walk(folder: string, recursive: boolean): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) files.push(...(EXTENSIONS.includes(extname(path)) ? [path] : []));
    else if (recursive) files.push(...(await walk(path, recursive)));
  }
  return files;
}

function unreadable(path: string, error: unknown): KubeblameError {
  const { code } = error as NodeJS.ErrnoException;
  const message = code === 'ENOENT' ? `there is no file ${path}` : messageOf(error);
  const hint = /^https?:/.test(path) ? `it is read from stdin: curl -sL ${path} | kubectl blame -f -` : 'name a readable file or folder, or - for stdin'; // prettier-ignore
  return new KubeblameError('input-invalid', message, hint, { cause: error });
}
