import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ChainedOutcome } from './chain.ts';
import { SetHash, SET_HASH_BYTES } from './set-hash.ts';

type Row = ChainedOutcome & { commitId: number };

const row = fc.record({
  seq: fc.nat(9),
  n: fc.nat(2),
  outcome: fc.nat(2),
  reason: fc.nat(3),
  version: fc.string(),
  commitId: fc.nat(5),
  auditId: fc.constant(null),
  audit: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
  amendment: fc.option(
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    { nil: null },
  ),
});

function hashOf(rows: readonly Row[]): Buffer {
  const set = new SetHash();
  for (const one of rows) set.outcome(one, 1);
  return set.bytes;
}

describe('a hash over a set', () => {
  it('does not depend on the order, and forgets what is taken out', () => {
    fc.assert(
      fc.property(fc.array(row), fc.array(row), (kept, gone) => {
        const set = new SetHash(hashOf([...gone, ...kept].reverse()));
        for (const one of gone) set.outcome(one, -1);
        assert.ok(set.bytes.equals(hashOf(kept)));
        assert.equal(set.bytes.length, SET_HASH_BYTES);
      }),
    );
  });

  it('tells every row from every other one, and one from two', () => {
    fc.assert(
      fc.property(row, row, (a, b) => {
        assert.equal(hashOf([a]).equals(hashOf([b])), JSON.stringify(a) === JSON.stringify(b));
        assert.ok(!hashOf([a]).equals(hashOf([a, a])));
      }),
    );
  });

  it('is what it was: folds have recorded it', () => {
    // Computed by another program as well: SHAKE256 of the SHA-256 of the row's values.
    const known = hashOf([
      { seq: 1, n: 0, outcome: 1, reason: 2, version: '7', commitId: 3, amendment: null, auditId: null, audit: null },
    ]);
    assert.equal(known.subarray(0, 8).toString('hex'), '2b33d56067eee74d');
  });
});
