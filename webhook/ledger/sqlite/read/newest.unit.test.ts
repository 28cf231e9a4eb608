import assert from 'node:assert/strict';
import fc from 'fast-check';
import { newestOf, type Stream } from './newest.ts';

describe('newestOf', () => {
  it('merges streams, the newest first, each seq once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 40 }))),
        fc.integer({ min: 1, max: 45 }),
        (lists, max) => {
          const streams = lists.map((_, id): Stream => ({ column: 'object_id', id }));
          const seek = ({ id }: Stream, maxSeq: number): number =>
            Math.max(0, ...(lists[id] ?? []).filter((seq) => seq <= maxSeq));
          const expected = [...new Set(lists.flat())].filter((seq) => seq <= max).sort((a, b) => b - a);
          assert.deepEqual([...newestOf(streams, seek, max)], expected);
        },
      ),
    );
  });

  it('looks up one seq a stream, and one more for each that is taken', () => {
    const streams = Array.from({ length: 100 }, (_, id): Stream => ({ column: 'actor_id', id }));
    let seeks = 0;
    const seek = ({ id }: Stream, maxSeq: number): number => {
      seeks++;
      return Math.max(0, Math.min(maxSeq, 1_000_000) - ((Math.min(maxSeq, 1_000_000) - id) % 100));
    };
    const taken = newestOf(streams, seek, Number.MAX_SAFE_INTEGER);
    const newest = Array.from({ length: 5 }, () => taken.next().value as number);
    assert.deepEqual(newest, [1_000_000, 999_999, 999_998, 999_997, 999_996]);
    assert.equal(seeks, 104);
  });
});
