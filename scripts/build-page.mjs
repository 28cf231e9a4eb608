import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';

/** What the page is loaded from: by its path the content type, and the source. */
const SCRIPTS = { '/page.js': 'plugin/ui/main.tsx', '/worker.js': 'plugin/ui/worker/worker.ts' };
const AS_THEY_ARE = {
  '/': ['text/html; charset=utf-8', 'plugin/ui/index.html'],
  '/icon.svg': ['image/svg+xml', 'plugin/ui/icon.svg'],
};
const STYLES = 'plugin/ui/styles/page.css';

/** Builds the files of `kubectl blame ui`: pairs of a path and a file with its type. Nothing is written. */
export async function buildPage(root) {
  const files = [];
  for (const [path, [type, source]] of Object.entries(AS_THEY_ARE)) {
    files.push([path, { type, text: await readFile(join(root, source), 'utf8') }]);
  }
  const common = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17'],
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  };
  for (const [path, source] of Object.entries(SCRIPTS)) {
    const { outputFiles } = await bundle({ ...common, entryPoints: [source], outdir: 'dist' });
    files.push([path, { type: 'text/javascript; charset=utf-8', text: outputFiles[0].text }]);
  }
  const { outputFiles } = await bundle({ ...common, entryPoints: [STYLES], outdir: 'dist' });
  files.push(['/page.css', { type: 'text/css; charset=utf-8', text: outputFiles[0].text }]);
  return files;
}
