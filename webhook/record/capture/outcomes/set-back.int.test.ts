import assert from 'node:assert/strict';
import { configMap } from '../../../../shared/testing/reviews.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

const DAY_MS = 24 * 3_600_000;

describe('a clock that was set back', () => {
  const file = useFolder();

  async function times(steps: readonly number[]): Promise<number[]> {
    const ledger = await TestRecorder.open(file('ledger.db'));
    const start = ledger.at;
    for (const [n, step] of steps.entries()) {
      // `review` adds a second.
      ledger.at += step - 1000;
      await ledger.review({ name: `c-${n}`, object: configMap({}, { name: `c-${n}`, uid: `c-${n}` }) });
    }
    const at = (await ledger.changes()).map((change) => change.at - start);
    await ledger.close();
    return at;
  }

  it('does not give all that comes later one time: times go on at half its speed', async () => {
    const late = 400 * DAY_MS;
    assert.deepEqual(await times([1000, late, -late, 1000, 10_000, 1, 1, 1, 1]), [
      1000,
      late + 1000,
      late + 1000,
      late + 1500,
      late + 6500,
      late + 6500,
      late + 6501,
      late + 6501,
      late + 6502,
    ]);
  });

  it('is caught up with, and then followed again', async () => {
    assert.deepEqual(await times([1000, -10_000, 12_000, 8_000, 1000]), [1000, 1000, 3000, 11_000, 12_000]);
  });

  it('by moments leaves things in their order, at the time of the last one', async () => {
    assert.deepEqual(await times([5000, -3000, 500, 3000]), [5000, 5000, 5000, 5500]);
  });
});
