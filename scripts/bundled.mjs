import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
/** Whoever removes it has it made again. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'kubeblame');
/** What a bundle depends on besides its sources. */
const ALSO = ['package.json', 'package-lock.json', 'scripts/build.mjs', 'scripts/bundled.mjs'];
/** A bundle that a newer one replaces may still be read by a process that began before. */
const KEPT_MS = 60 * 60 * 1000;

/**
 * A TypeScript program (its path) as a bundle, without the packages that it uses: its URL. It is bundled anew only where one of its
 * sources changed. Tests start many servers, each with several threads; tsx loads hundreds of sources one by one in each, and wraps
 * each function to keep its name, which makes what is measured slower than what is shipped.
 */
export async function bundled(path) {
  const name = relative(ROOT, path).replaceAll(/[^\w.-]/g, '_');
  const known = await lastBundle(name);
  if (known !== null && (await areUnchanged(known.sources))) return pathToFileURL(known.file).href;
  return pathToFileURL(await bundle(path, name)).href;
}

async function lastBundle(name) {
  try {
    return JSON.parse(await readFile(join(CACHE, `${name}.json`), 'utf8'));
  } catch {
    return null;
  }
}

async function areUnchanged(sources) {
  const now = await modified(Object.keys(sources));
  return Object.entries(sources).every(([source, at]) => now[source] === at);
}

/** When each file was last modified, in ms; null for one that is gone. */
async function modified(sources) {
  const each = sources.map(async (source) => {
    const { mtimeMs } = await stat(join(ROOT, source)).catch(() => ({ mtimeMs: null }));
    return [source, mtimeMs];
  });
  return Object.fromEntries(await Promise.all(each));
}

/** Modules find their neighbours as if they were not bundled. */
const ownUrls = {
  name: 'own-urls',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)), loader: 'ts' };
    });
  },
};

async function bundle(path, name) {
  const { build, stop } = await import('esbuild');
  const { REQUIRE_BANNER } = await import('./build.mjs');
  await mkdir(CACHE, { recursive: true });
  const outdir = await mkdtemp(join(CACHE, `${name}-`));
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [path],
    outdir,
    outExtension: { '.js': '.mjs' },
    metafile: true,
    bundle: true,
    // What is imported lazily stays so.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    plugins: [ownUrls],
    banner: { js: REQUIRE_BANNER },
    logLevel: 'warning',
  });
  // Else its process stays beside a server for as long as that runs.
  await stop();
  const sources = await modified([...Object.keys(metafile.inputs), ...ALSO]);
  const file = join(outdir, `${basename(path, '.ts')}.mjs`);
  // Several processes may bundle the same at once: each names its own whole bundle.
  const named = join(outdir, 'bundle.json');
  await writeFile(named, JSON.stringify({ file, sources }));
  await rename(named, join(CACHE, `${name}.json`));
  await removeOld(name, outdir);
  return file;
}

async function removeOld(name, current) {
  for (const each of await readdir(CACHE)) {
    const folder = join(CACHE, each);
    if (!each.startsWith(`${name}-`) || folder === current) continue;
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < Date.now() - KEPT_MS) await rm(folder, { recursive: true, force: true });
  }
}
