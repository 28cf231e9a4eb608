import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isGlob, matchesGlob } from './glob.ts';

describe('matchesGlob', () => {
  it('takes * for any text and ? for one character', () => {
    for (const [pattern, text, expected] of [
      ['alice', 'alice', true],
      ['alice', 'alice2', false],
      ['alice*', 'alice@example.com', true],
      ['*@example.com', 'alice@example.com', true],
      ['system:*', 'alice', false],
      ['*', '', true],
      ['', '', true],
      ['', 'a', false],
      ['a?c', 'abc', true],
      ['a?c', 'ac', false],
      ['*a*b*', 'xxaxxbxx', true],
      ['a.c', 'abc', false],
      ['[a]', 'a', false],
      ['a*', 'a\nb', true],
      ['*ab', 'aab', true],
    ] as const) {
      assert.equal(matchesGlob(pattern, text), expected, `${pattern} ${text}`);
    }
    assert.deepEqual(['a*', 'a?', 'a.b@c'].map(isGlob), [true, true, false]);
  });

  it('agrees with a regular expression', () => {
    const letters = (units: string[]): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...units), { maxLength: 9 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(letters(['a', 'b', '*', '?']), letters(['a', 'b']), (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        assert.equal(matchesGlob(pattern, text), expression.test(text));
      }),
    );
  });

  it('is quick with many stars', () => {
    assert.equal(matchesGlob(`${'*a'.repeat(60)}b`, 'a'.repeat(3000)), false);
  });
});
