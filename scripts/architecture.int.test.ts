import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint, Linter } from 'eslint';
import { parser } from 'typescript-eslint';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RULES = ['no-restricted-imports', 'no-restricted-syntax'];

/** What is in each folder of webhook/. Of a folder without files git knows nothing: left by a branch, it is not counted. */
function folders(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const entry of readdirSync(`${ROOT}webhook`, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const parts = relative(ROOT, join(entry.parentPath, entry.name)).split(sep);
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      found.set(folder, (found.get(folder) ?? new Set()).add(parts[depth] ?? ''));
    }
  }
  return found;
}

describe('docs/architecture.md', () => {
  const page = readFileSync(`${ROOT}docs/architecture.md`, 'utf8');

  it('names only files and folders that exist', () => {
    const named = [...page.matchAll(/`((?:webhook|plugin|shared|docs|certs|scripts)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    );
    assert.ok(named.length >= 30);
    assert.deepEqual(
      named.filter((path) => !existsSync(`${ROOT}${path}`)),
      [],
    );
  });

  it('tells the way of a review, and of a question, in ten steps each', () => {
    const steps = page.split(/^## /m).map((section) => section.match(/^\d+\. /gm)?.length ?? 0);
    assert.deepEqual(
      steps.filter((count) => count > 0),
      [10, 10],
    );
  });

  it('names each layer of webhook/', () => {
    for (const folder of folders().get('webhook') ?? []) assert.ok(page.includes(`\`webhook/${folder}/\``), folder);
  });
});

describe('webhook/', () => {
  it('has no folder with more than nine entries', () => {
    const large = [...folders()].filter(([, entries]) => entries.size > 9).map(([folder]) => folder);
    assert.deepEqual(large, []);
  });
});

describe('the source', () => {
  /** Still to be split. None may be added. */
  const LONG = [
    'webhook/ledger/sqlite/store/store.ts',
    'webhook/ledger/sqlite/write/append.ts',
    'webhook/record/capture/audit/capture-audit.ts',
    'webhook/record/capture/recorder/recorder.ts',
    'webhook/record/sources/watch/observer.ts',
  ];

  it('has no file over 300 lines but tests', () => {
    const files = ['certs', 'plugin', 'scripts', 'shared', 'webhook'].flatMap((folder) =>
      readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
    );
    const sources = files.filter((path) => /\.[cm]?[jt]s$/.test(path) && !/\.test\.ts$/.test(path));
    assert.ok(sources.length > 300, String(sources.length));
    const long = sources.filter((path) => readFileSync(`${ROOT}${path}`, 'utf8').split('\n').length > 301);
    assert.deepEqual(long.sort(), LONG);
  });
});

describe('the linter', () => {
  const eslint = new ESLint({ cwd: ROOT });

  /** What the rules about layers say of a source text as if it were in this file. */
  async function lint(file: string, text: string): Promise<string[]> {
    const { rules } = (await eslint.calculateConfigForFile(`${ROOT}${file}`)) as { rules: Linter.RulesRecord };
    const layers = Object.fromEntries(Object.entries(rules).filter(([name]) => RULES.includes(name)));
    const config = { files: ['**/*.ts'], languageOptions: { parser: parser as Linter.Parser }, rules: layers };
    return new Linter({ cwd: ROOT })
      .verify(text, [config], { filename: `${ROOT}${file}` })
      .map(({ message }) => message);
  }

  const UPWARD = {
    'record to ask': ['webhook/record/capture/recorder/recorder.ts', '../../../ask/questions/reader.ts'],
    'ask to record': ['webhook/ask/questions/reader.ts', '../../record/capture/recorder/recorder.ts'],
    'record to entities': ['webhook/record/spool/spool.ts', '../../entities/landscape/projection/projection.ts'],
    'entities to record': ['webhook/entities/landscape/projection/projection.ts', '../../../record/spool/spool.ts'],
    'entities to ask': ['webhook/entities/landscape/projection/projection.ts', '../../../ask/questions/reader.ts'],
    'the stream of commits to the reading thread': ['webhook/ask/stream/stream.ts', '../thread/reading.ts'],
    'ledger to record': ['webhook/ledger/port/port.ts', '../../record/capture/objects/draft.ts'],
    'platform to ledger': ['webhook/platform/http/http.ts', '../../ledger/port/port.ts'],
    'record to install': ['webhook/record/gate/thread/gate.ts', '../../../install/identity.ts'],
    'install to programs': ['webhook/install/identity.ts', '../programs/config/config.ts'],
    'ledger to testing': ['webhook/ledger/sqlite/store/store.ts', '../../../testing/folder.ts'],
    'the port of the ledger to an adapter': ['webhook/ledger/port/port.ts', '../sqlite/store/store.ts'],
    'the spool to capture': ['webhook/record/spool/spool.ts', '../capture/intake/intake.ts'],
  } as const;
  for (const [what, [file, path]] of Object.entries(UPWARD)) {
    it(`refuses an import from ${what}`, async () => {
      const [layer] = /(?<=^webhook\/)\w+/.exec(file) ?? [''];
      const texts = [
        `import { a } from '${path}';\n`,
        `import type { A } from '${path}';\n`,
        `export { a } from '${path}';\n`,
        `export const a = await import('${path}');\n`,
        `export type A = import('${path}').A;\n`,
      ];
      for (const text of texts) {
        const messages = await lint(file, text);
        assert.equal(messages.length, 1, text);
        assert.match(messages[0] ?? '', new RegExp(`${layer} may not import this: imports go down only`));
      }
    });
  }

  it('lets imports go down, and stay in their folder', async () => {
    assert.deepEqual(await lint('webhook/record/capture/recorder/recorder.ts', `import '../../spool/spool.ts';\n`), []);
    assert.deepEqual(
      await lint('webhook/ask/questions/reader.ts', `import '../../entities/landscape/projection/projection.ts';\n`),
      [],
    );
    assert.deepEqual(
      await lint('webhook/entities/landscape/projection/projection.ts', `import '../../../ledger/port/port.ts';\n`),
      [],
    );
    assert.deepEqual(await lint('webhook/programs/recorder/server.ts', `import '../../ask/rest/routes.ts';\n`), []);
    assert.deepEqual(await lint('webhook/install/identity.ts', `import '../record/rules/predicates.ts';\n`), []);
    assert.deepEqual(await lint('webhook/ledger/sqlite/store/store.ts', `import '../../port/port.ts';\n`), []);
  });

  it('still refuses a default export in each layer', async () => {
    const messages = await lint('webhook/record/spool/spool.ts', 'export default 1;\n');
    assert.deepEqual(messages, ['Use a named export, so that a thing has one name everywhere.']);
  });
});
