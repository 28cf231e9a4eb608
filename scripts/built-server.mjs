import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
/** `npm ci` and `make clean` may remove it: it is made again. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'kubeblame');
const MADE_OF = join(CACHE, 'server.json');
/** What the bundle depends on besides the sources. */
const ALSO = ['package.json', 'package-lock.json', 'scripts/build.mjs'];
/** A build that others replaced may still be run by a process that began before. */
const KEPT_MS = 60 * 60 * 1000;

/**
 * A program of the server, or a thread of it, as its sources are now: the URL of its bundle. It is built anew only where a source
 * changed. Tests start many servers, and tsx takes seconds of processor time to load the same sources file by file, in each
 * process and each thread.
 */
export async function builtServer(name) {
  const { folder, sources } = await lastBuild();
  const current = folder !== '' && (await areUnchanged(sources));
  return pathToFileURL(join(current ? folder : await build(), name));
}

async function lastBuild() {
  try {
    return JSON.parse(await readFile(MADE_OF, 'utf8'));
  } catch {
    return { folder: '', sources: {} };
  }
}

async function areUnchanged(sources) {
  const now = await modified(Object.keys(sources));
  return Object.entries(sources).every(([source, at]) => now[source] === at);
}

/** When each file was last modified, in ms; null for one that is gone. */
async function modified(sources) {
  const at = async (source) => [source, await stat(join(ROOT, source)).then(({ mtimeMs }) => mtimeMs, () => null)]; // prettier-ignore
  return Object.fromEntries(await Promise.all(sources.map(at)));
}

async function build() {
  const { buildServer } = await import('./build.mjs');
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'server-'));
  const sources = await modified([...(await buildServer(ROOT, folder)), ...ALSO]);
  // Several processes may build at once: each names its own whole build.
  const file = join(folder, 'server.json');
  await writeFile(file, JSON.stringify({ folder, sources }));
  await rename(file, MADE_OF);
  for (const name of await readdir(CACHE)) {
    const old = join(CACHE, name);
    const { mtimeMs } = await stat(old).catch(() => ({ mtimeMs: Date.now() }));
    if (old !== folder && name.startsWith('server-') && mtimeMs < Date.now() - KEPT_MS) await rm(old, { recursive: true, force: true }); // prettier-ignore
  }
  return folder;
}
