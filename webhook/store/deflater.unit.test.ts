import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Deflater } from './deflater.ts';
import { DICTIONARY } from './dictionary.ts';
import { compress } from './payload.ts';

describe('a deflater', () => {
  const deflater = new Deflater();

  it('gives the bytes that a new stream for each text gives, whatever came before', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat(DICTIONARY.length).map((at) => DICTIONARY.slice(at, at + 60)),
    );
    const start = fc.constantFrom('', '{"p":[', '{"p":[{"op":"add","path":"",');
    const text = fc
      .tuple(start, fc.array(piece), fc.nat(2_000))
      .map(([first, pieces, times]) => first + pieces.join('').repeat(times));
    fc.assert(
      fc.property(text, (text) => {
        assert.deepEqual(deflater.compress(text), compress(text));
      }),
      { numRuns: 300 },
    );
  });

  it('does the same for nothing, and for more than fits into one buffer', () => {
    const random = Array.from({ length: 60_000 }, (_, n) => ((n * 2_654_435_761) >>> 0).toString(36)).join('');
    for (const text of ['', 'a', random, '']) assert.deepEqual(deflater.compress(text), compress(text));
  });
});
