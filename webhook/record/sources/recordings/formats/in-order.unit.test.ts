import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readReview } from '../../../../../shared/review.ts';
import { reviewDocument } from '../../../../../shared/testing/reviews.ts';
import { inOrder, MAX_LATE_LINES, MAX_LATE_MS, type Ordered } from './in-order.ts';
import { InputCutOff } from '../../../../platform/files/lines.ts';
import type { RecordedReview } from './reviews.ts';

const review = readReview(reviewDocument());
const item = (exact: number, number: number, bytes = 100): RecordedReview => ({
  place: { file: 'f', number },
  at: Math.floor(exact),
  exact,
  bytes,
  review,
});

async function ordered(items: readonly RecordedReview[], failure?: Error): Promise<{ got: Ordered[]; error: unknown }> {
  async function* source(): AsyncGenerator<RecordedReview> {
    yield* items;
    if (failure !== undefined) throw failure;
    return Promise.resolve();
  }
  const got: Ordered[] = [];
  try {
    for await (const one of inOrder(source())) got.push(one);
  } catch (error) {
    return { got, error };
  }
  return { got, error: null };
}

const times = (items: readonly Ordered[]): number[] => items.map(({ exact }) => exact);
const numbers = (items: readonly Ordered[]): number[] => items.map(({ place }) => place.number);

describe('reviews in the order of their times', () => {
  it('come sorted, those of one time as they came, whatever the order within the bound', async () => {
    const entries = fc.array(fc.integer({ min: 0, max: MAX_LATE_MS }), { minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        const items = given.map((at, index) => item(at, index + 1));
        const { got } = await ordered(items);
        // Array.sort is stable.
        const wanted = [...items].sort((a, b) => a.exact - b.exact);
        assert.deepEqual(
          numbers(got),
          wanted.map(({ place }) => place.number),
        );
        assert.ok(got.every(({ behind }) => behind === null));
      }),
      { numRuns: 200 },
    );
  });

  it('tell what is finer than a millisecond apart', async () => {
    const { got } = await ordered([item(10.75, 1), item(10.5, 2), item(10.25, 3)]);
    assert.deepEqual(numbers(got), [3, 2, 1]);
  });

  it(`wait for one that comes ${MAX_LATE_LINES} lines after its turn, and not for one that comes later`, async () => {
    for (const [late, behind] of [
      [MAX_LATE_LINES, null],
      [MAX_LATE_LINES + 1, 10],
    ] as const) {
      const items = [...Array.from({ length: late }, (_, index) => item(10 + index, index + 1)), item(5, late + 1)];
      const { got } = await ordered(items);
      assert.equal(got.length, items.length);
      assert.deepEqual(
        got.filter(({ exact }) => exact === 5).map((one) => one.behind),
        [behind],
      );
      assert.equal(
        got.findIndex(({ exact }) => exact === 5),
        behind === null ? 0 : 1,
      );
    }
  });

  it(`wait for one that is ${MAX_LATE_MS} ms late, and not for one that is later`, async () => {
    const inTime = await ordered([item(10, 1), item(10 + MAX_LATE_MS, 2), item(9, 3), item(8, 4)]);
    // With 9 the newest is more than the bound younger: 9 goes, and 8 comes too late.
    assert.deepEqual(times(inTime.got), [9, 8, 10, 10 + MAX_LATE_MS]);
    assert.deepEqual(
      inTime.got.map(({ behind }) => behind),
      [null, 9, null, null],
    );
  });

  it('wait in no more memory than those of 64 KiB each would take', async () => {
    const mib = 1024 * 1024;
    const large = Array.from({ length: 70 }, (_, index) => item(10 + index, index + 1, mib));
    const { got } = await ordered([...large, item(5, 71)]);
    // 62.5 MiB fit: the 63rd puts out the first.
    assert.deepEqual(got.find(({ exact }) => exact === 5)?.behind, 10 + 70 - 63);
  });

  it('that wait are given where the input is cut off, and not where a line is to be mended', async () => {
    const items = [item(2, 1), item(1, 2)];
    const cut = new InputCutOff('input-invalid', 'cut off');
    const end = await ordered(items, cut);
    assert.deepEqual([times(end.got), end.error], [[1, 2], cut]);
    const other = new Error('a line');
    const stopped = await ordered(items, other);
    assert.deepEqual([stopped.got, stopped.error], [[], other]);
  });
});
