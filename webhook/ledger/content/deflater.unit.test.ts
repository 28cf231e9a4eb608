import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { Deflater } from './deflater.ts';
import { DICTIONARY } from './dictionary.ts';
import { compress, decompress } from './payload.ts';

describe('a deflater', () => {
  const deflater = new Deflater();

  function requireText(text: string): void {
    const bytes = deflater.compress(text);
    assert.equal(
      inflateRawSync(bytes, { dictionary: Buffer.from(DICTIONARY) }).toString(),
      Buffer.from(text).toString(),
    );
    assert.equal(decompress(bytes), Buffer.from(text).toString());
    assert.ok(bytes.length <= compress(text).length + 8);
  }

  it('gives back every text, whatever came before, in as many bytes as a new stream, or a few more', () => {
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
        requireText(text);
      }),
      { numRuns: 500 },
    );
  });

  it('does the same for nothing, and for more than fits into one buffer', () => {
    const random = Array.from({ length: 60_000 }, (_, n) => ((n * 2_654_435_761) >>> 0).toString(36)).join('');
    for (const text of ['', 'a', random, '']) requireText(text);
  });

  // Found by the property above: here the two find another match.
  it('does the same where it finds another match than a new stream', () => {
    requireText('17}17}');
  });
});
