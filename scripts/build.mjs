import { createHash } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { buildPage } from './build-page.mjs';

/** The server starts once: its dependencies stay in node_modules, where the image's scanners and `npm audit` see them. */
const SERVER = { source: 'webhook/programs/main.ts', name: 'kubeblame-webhook' };
const HUB = { source: 'webhook/programs/hub.ts', name: 'kubeblame-hub' };
/** Started by the server, as threads. */
const WRITER = { source: 'webhook/ledger/sqlite/write/writer-thread.ts', name: 'ledger-writer' };
const READING = { source: 'webhook/ask/thread/reading-thread.ts', name: 'ledger-reading' };
const CHECK = { source: 'webhook/ledger/sqlite/check/check-thread.ts', name: 'ledger-check' };
const SHIPPER = { source: 'webhook/ledger/push/ship-thread.ts', name: 'ledger-shipper' };
const GATE = { source: 'webhook/record/gate/thread/gate-thread.ts', name: 'admission-gate' };

/**
 * The CLI is run for every question, so all of it is one file: opening one instead of hundreds is most of its start. It
 * is CommonJS, which Node loads faster than a module. Only better-sqlite3's compiled part stays outside.
 */
const PLUGIN = { source: 'plugin/main.ts', name: 'kubectl-blame' };

/**
 * What the CLI mostly does without, and what takes long to load: only loaded when it is called. In the sources they are
 * ordinary imports. Names are those that are used; a name that is missing here fails the build.
 */
const LAZY = {
  'string-width': ['default'],
  'supports-hyperlinks': ['createSupportsHyperlinks'],
  yaml: ['isAlias', 'isMap', 'isPair', 'isScalar', 'isSeq', 'parse', 'parseAllDocuments', 'parseDocument'],
  'node:child_process': ['spawn', 'spawnSync'],
  'node:crypto': [
    ...['createHash', 'createHmac', 'createPrivateKey', 'createPublicKey', 'hash', 'randomBytes', 'randomInt'],
    ...['sign', 'timingSafeEqual', 'verify'],
  ],
  'node:fs/promises': ['open', 'statfs', 'readdir', 'readFile', 'stat'],
  'node:stream/consumers': ['buffer', 'text'],
  'node:worker_threads': ['Worker'],
};
/** chalk looks for itself what the terminal can do, and loads all of node:tty for that; io.ts tells it. */
const NO_DETECTION = 'export default { stdout: false, stderr: false };';
/** Packages that load one of these as well, and seldom need it. */
const LAZY_IN = /[\\/]node_modules[\\/]commander[\\/]/;

/** cli-table3 measures by an older string-width, whose expression takes V8 some ms to compile: it gets the plugin's own. */
const oneWidth = {
  name: 'one-width',
  setup(build) {
    build.onResolve({ filter: /^string-width$/ }, ({ importer }) =>
      /[\\/]node_modules[\\/]cli-table3[\\/]/.test(importer) ? { path: 'width', namespace: 'width' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'width' }, () => ({
      contents: "module.exports = require('./plugin/views/text.ts').widthOf;",
      resolveDir: build.initialOptions.absWorkingDir,
    }));
  },
};

const HASHBANG = '#!/usr/bin/env node\n';

// CommonJS dependencies inside an ES module still call require() for Node's built-in modules.
export const REQUIRE_BANNER =
  "import { createRequire as __bannerCreateRequire } from 'node:module';\n" +
  'const require = __bannerCreateRequire(import.meta.url);';

/** Replaces the modules of LAZY by functions that load them when they are called. */
const lazyModules = {
  name: 'lazy-modules',
  setup(build) {
    build.onResolve({ filter: /^#supports-color$/ }, () => ({ path: 'supports-color', namespace: 'detection' }));
    build.onLoad({ filter: /.*/, namespace: 'detection' }, () => ({ contents: NO_DETECTION }));
    const filter = new RegExp(`^(?:${Object.keys(LAZY).join('|')})$`);
    // Of our own sources: packages may use more of them.
    build.onResolve({ filter }, ({ path, namespace, importer }) =>
      namespace === 'lazy' || (importer.includes('node_modules') && !LAZY_IN.test(importer))
        ? undefined
        : { path, namespace: 'lazy' },
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => {
      const members = LAZY[path].map((name) => {
        // A class is called with new.
        const call = /^[A-Z]/.test(name)
          ? `function (...args) { return new (load().${name})(...args); };`
          : `(...args) => load().${name}(...args);`;
        return name === 'default' ? `export default ${call}` : `export const ${name} = ${call}`;
      });
      const load = `let loaded;\nconst load = () => (loaded ??= require(${JSON.stringify(path)}));`;
      return { contents: [load, ...members].join('\n'), resolveDir: build.initialOptions.absWorkingDir };
    });
  },
};

/** What most commands do without, by how the sources import it: files of their own, loaded where they are needed. */
const ASIDE = [
  // Reading through a cluster needs it, and it is twice the size of all the rest.
  { import: /^@kubernetes\/client-node$/, entry: '@kubernetes/client-node', name: `${PLUGIN.name}-kubernetes` },
  // -i: with the libraries for a whole screen.
  { import: /\/browser\/browser\.ts$/, entry: 'plugin/browser/browser.ts', name: `${PLUGIN.name}-browser` },
];

/** The files of `kubectl blame ui`, built and embedded: in the place of the module that builds them where the sources run. */
const PAGE = { import: /\/page\/assets\.ts$/, name: `${PLUGIN.name}-page` };

const aside = {
  name: 'aside',
  setup(build) {
    for (const { import: filter, name } of [...ASIDE, PAGE]) {
      build.onResolve({ filter }, () => ({ path: `./${name}.cjs`, external: true }));
    }
  },
};

/** Bundles the programs into `outdir`; what the server imports lazily goes to `outdir`/chunks. */
export async function buildPrograms({ root, outdir }) {
  await rm(outdir, { recursive: true, force: true });
  await buildServer(root, outdir);
  await buildPlugin(root, outdir);
}

async function buildServer(root, outdir) {
  await bundle({
    absWorkingDir: root,
    entryPoints: [SERVER, HUB, WRITER, READING, CHECK, GATE, SHIPPER].map(({ source, name }) => ({
      in: source,
      out: name,
    })),
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: REQUIRE_BANNER },
    logLevel: 'warning',
    packages: 'external',
    define: await versionOf(root),
  });
  for (const { name } of [SERVER, HUB]) {
    const file = join(outdir, `${name}.js`);
    // Not in the banner: that goes to every chunk as well, and would stand twice where the source has its own.
    const text = await readFile(file, 'utf8');
    await writeProgram(file, text);
  }
}

/** The CLI as NAME-main.cjs, what it seldom needs beside it, and NAME.cjs, which starts it from V8's compiled form. */
export async function buildPlugin(root, outdir) {
  const main = join(outdir, `${PLUGIN.name}-main.cjs`);
  const common = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // Of a script that start.cjs compiles Node calls import() experimental, and warns at each start.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__moduleUrl', ...(await versionOf(root)) },
    banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
    legalComments: 'none',
  };
  for (const { name, entry } of ASIDE) {
    await bundle({ ...common, entryPoints: [entry], outfile: join(outdir, `${name}.cjs`) });
  }
  const page = JSON.stringify(await buildPage(root));
  await writeFile(join(outdir, `${PAGE.name}.cjs`), `exports.pageFiles = async () => new Map(${page});\n`);
  await bundle({
    ...common,
    entryPoints: [PLUGIN.source],
    outfile: main,
    plugins: [aside, oneWidth, lazyModules],
  });
  // esbuild leaves regular expressions as they are; a file of ASCII alone is read faster.
  const text = (await readFile(main, 'utf8')).replace(/[\u0080-\uffff]/g, escapeCharacter);
  await writeFile(main, text);
  const build = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const start = await readFile(join(root, 'plugin', 'start.cjs'), 'utf8');
  await writeProgram(join(outdir, `${PLUGIN.name}.cjs`), start.replace('__BUILD__', build));
}

function escapeCharacter(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

async function versionOf(root) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return { KUBEBLAME_VERSION: JSON.stringify(version) };
}

async function writeProgram(file, text) {
  await writeFile(file, text.startsWith('#!') ? text : HASHBANG + text);
  await chmod(file, 0o755);
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
