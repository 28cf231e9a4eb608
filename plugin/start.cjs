// The program's first file: it runs kubectl-blame-main.cjs beside it, from V8's compiled form of it where that is known.
// Compiling is a third of the whole start. Node 22 has this (module.enableCompileCache); for Node 20 it is done here.
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const vm = require('node:vm');

const file = join(__dirname, 'kubectl-blame-main.cjs');

/** In the user's own cache folder, and nowhere that others can write: what it holds is run. null where there is none. */
function cacheFolder() {
  const { KUBEBLAME_NO_CACHE, XDG_CACHE_HOME, HOME, LOCALAPPDATA } = process.env;
  if (KUBEBLAME_NO_CACHE) return null;
  const base = LOCALAPPDATA || XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return base ? join(base, 'kubeblame') : null;
}

function run() {
  const folder = cacheFolder();
  if (folder === null) return void require(file);
  // It is ASCII: scripts/build.mjs sees to that.
  const source = readFileSync(file, 'latin1');
  // V8 itself refuses what another version of it, or other flags, compiled; of the source it compares only the length.
  // It holds what the run that wrote it needed, so that each command has its own.
  const words = process.argv.slice(2);
  const help = words.includes('--help') || words.includes('-h') || words[0] === 'help';
  const kind = help
    ? 'help'
    : (/^(?:show|undo|who|coverage|version|verify|export|completion|__complete)$/.exec(words[0]) ??
        (/^(?:-.*|ns|namespaces?)?$/.test(words[0] ?? '') ? ['story'] : ['blame']))[0];
  // The story is told before V8's optimizing compiler has made up for its own work: it begins later than it would. Not for
  // other answers: loading node:v8 takes longer than it saves.
  if (kind === 'story') require('node:v8').setFlagsFromString('--interrupt-budget=1000000');
  const cache = join(folder, `${process.arch}-${process.version}-__BUILD__-${kind}.bin`);
  let cachedData;
  try {
    cachedData = readFileSync(cache);
  } catch {
    // The first run, or a folder that is not to be read: it is compiled.
  }
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
  const options = { filename: file };
  const script = new vm.Script(wrapped, cachedData === undefined ? options : { ...options, cachedData });
  script.runInThisContext().call(exports, exports, require, module, file, __dirname);
  if (cachedData !== undefined && !script.cachedDataRejected) return;
  // At the end, when the functions that were needed are compiled.
  process.on('exit', () => {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const part = `${cache}.${process.pid}`;
      writeFileSync(part, script.createCachedData(), { mode: 0o600 });
      renameSync(part, cache);
    } catch {
      // No place for it: the next start takes as long.
    }
  });
}

// As kubectl calls a plugin's completion: npm installs this file under both names.
if (basename(process.argv[1]).startsWith('kubectl_complete-')) process.argv.splice(2, 0, '__complete');
run();
