import { existsSync } from 'node:fs';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';

/**
 * The programs. The CLI is run for every question, so its dependencies are bundled: opening one file instead of
 * hundreds is most of its start. Only better-sqlite3 stays outside, for its compiled part. The server starts once, and
 * its dependencies stay in node_modules, where the image's scanners and `npm audit` see them.
 */
export const PROGRAMS = [
  { source: 'plugin/main.ts', name: 'kubectl-blame', bundling: { external: ['better-sqlite3'] } },
  { source: 'webhook/main.ts', name: 'kubeblame-webhook', bundling: { packages: 'external' } },
  // Started by the server, as a thread.
  { source: 'webhook/store/sqlite/writer-thread.ts', name: 'ledger-writer', bundling: { packages: 'external' } },
];

const HASHBANG = '#!/usr/bin/env node\n';

// CommonJS dependencies inside an ES module still call require() for Node's built-in modules.
const REQUIRE_BANNER =
  "import { createRequire as __bannerCreateRequire } from 'node:module';\n" +
  'const require = __bannerCreateRequire(import.meta.url);';

/** Bundles each program into `outdir`/NAME.js, executable; what it imports lazily goes to `outdir`/chunks. */
export async function buildPrograms({ root, outdir, programs = PROGRAMS }) {
  const missing = programs.filter(({ source }) => !existsSync(join(root, source)));
  if (missing.length > 0) {
    throw new Error(`No source for ${missing.map(({ source, name }) => `${name} (${source})`).join(', ')} in ${root}`);
  }
  await rm(outdir, { recursive: true, force: true });
  for (const { source, name, bundling } of programs) {
    await bundle({
      absWorkingDir: root,
      entryPoints: [{ in: source, out: name }],
      outdir,
      chunkNames: 'chunks/[name]-[hash]',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      banner: { js: REQUIRE_BANNER },
      logLevel: 'warning',
      ...bundling,
    });
    const file = join(outdir, `${name}.js`);
    // Not in the banner: that goes to every chunk as well, and would stand twice where the source has its own.
    const text = await readFile(file, 'utf8');
    if (!text.startsWith('#!')) await writeFile(file, HASHBANG + text);
    await chmod(file, 0o755);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(import.meta.dirname, '..');
  try {
    await buildPrograms({ root, outdir: join(root, 'dist') });
  } catch (error) {
    // esbuild has printed its own errors with their place.
    console.error(`build: ${error.message}`);
    process.exitCode = 1;
  }
}
