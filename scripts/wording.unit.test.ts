import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Phrasings that readers stumbled over, and what to write instead: one term for one thing, as in docs/glossary.md. */
const BANNED: [RegExp, string][] = [
  [/(?:came|come|comes) to nothing|(?:came|come|comes) true/i, 'never persisted'],
  [/nobody was looking|nobody looked/i, 'not recorded'],
  [/changes not (?:before|after)/i, 'only changes at or after (before) this time'],
  [/at most so many'/i, 'maximum number of results'],
  [/'how to write it'/i, 'output format'],
  [/go on with what comes/i, 'stream new changes'],
  [/it has no form that is known/i, 'unrecognized time format'],
  [/(?:can|could|cannot|to) be taken back|nothing to take back/i, 'undone, nothing to undo'],
  [/whether the history is the one that was recorded/i, 'check for tampering'],
];

/** What people read: sources with their messages, help and comments, tests, and documents. */
function* files(folder: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // Recordings are other people's words; of decisions, what was decided stays as it was written.
    if (entry.isDirectory()) {
      if (!['fixtures', 'decisions', 'images'].includes(entry.name)) yield* files(path);
    } else if (/\.(?:ts|mjs|cjs|md|txt|json|yaml)$/.test(entry.name) && entry.name !== 'wording.unit.test.ts')
      yield path;
  }
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('the wording', () => {
  it('has none of the phrasings that readers stumbled over', () => {
    const paths = ['README.md', ...['plugin', 'shared', 'webhook', 'scripts', 'docs', 'manifests'].flatMap((folder) => [...files(folder)])]; // prettier-ignore
    assert.ok(paths.includes('plugin/cli.ts') && paths.includes('docs/output.md'));
    const found = paths.flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, index) =>
          BANNED.filter(([pattern]) => pattern.test(line)).map(
            ([, better]) => `${path}:${index + 1}: ${line.trim().slice(0, 80)} (write: ${better})`,
          ),
        ),
    );
    assert.deepEqual(found, []);
  });
});
