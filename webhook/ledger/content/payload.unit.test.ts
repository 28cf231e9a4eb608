import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DICTIONARY } from './dictionary.ts';
import { compress, decodeBody, decodeDetail, decompress, detailText } from './payload.ts';

describe('payload', () => {
  it('gives back every text, whatever its length and however much of it is in the dictionary', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat(DICTIONARY.length).map((at) => DICTIONARY.slice(at, at + 60)),
    );
    const text = fc.tuple(fc.array(piece), fc.nat(2_000)).map(([pieces, times]) => pieces.join('').repeat(times));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), text), (text) => {
        assert.equal(decompress(compress(text)), text);
      }),
      { numRuns: 200 },
    );
  });

  it('gives back texts around the length that is inflated in one way or the other', () => {
    for (const length of [0, 1, 65_535, 65_536, 65_537, 1_500_000]) {
      const text = 'abc '.repeat(length).slice(0, length);
      assert.equal(decompress(compress(text)), text, String(length));
    }
  });

  it('refuses bytes that end early', () => {
    const bytes = compress(JSON.stringify({ a: 'some text that is in no dictionary: 0123456789' }));
    assert.throws(() => decompress(bytes.subarray(0, bytes.length - 3)));
  });

  it('leaves out of a detail what is empty, and a body as it is', () => {
    const empty = { patch: [], options: null, cause: null, notBefore: null, managersHint: [] };
    assert.equal(detailText(empty), '{}');
    assert.deepEqual(decodeDetail(compress(detailText(empty))), empty);
    const full = {
      patch: [{ op: 'remove' as const, path: '' }],
      options: { gracePeriodSeconds: 0 },
      cause: 7,
      notBefore: 1_000,
      managersHint: ['kubectl'],
    };
    assert.deepEqual(decodeDetail(compress(detailText(full))), full);
    assert.deepEqual(decodeBody(compress('{"kind":"Pod"}')), { kind: 'Pod' });
  });
});
