import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { shellWords } from './undo.ts';
import { printable } from './text.ts';

describe('shellWords', () => {
  it('quotes what a shell would not take as it is', () => {
    assert.equal(shellWords(['kubectl', 'delete', 'it is', "alice's"]), `kubectl delete 'it is' 'alice'\\''s'`);
  });

  it('writes what a terminal would obey by its bytes', () => {
    assert.equal(shellWords(['a\u001b[2J\u202e']), `"$(printf '\\141\\033\\133\\062\\112\\342\\200\\256')"`);
  });

  it('is read back by a shell as it was, and moves no cursor', () => {
    // A shell holds no NUL, and takes line ends off the end of what a command prints.
    const word = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => `${text.replaceAll('\0', '')}.`);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const line = shellWords(words);
        assert.equal(printable(line), line);
        const { stdout } = spawnSync('sh', ['-c', `printf '%s|' ${line}`], { encoding: 'utf8' });
        assert.equal(stdout, words.map((each) => `${each}|`).join(''));
      }),
      { numRuns: 20 },
    );
  }).timeout(20_000);
});
