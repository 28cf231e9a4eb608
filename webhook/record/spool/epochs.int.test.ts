import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { useFolder } from '../../testing/folder.ts';
import { beginEpoch, isFirstOfEpoch, removeOldEpochs, reviewsBetween } from './epochs.ts';
import { SpoolReader } from './reader.ts';
import { Spool } from './spool.ts';

const EPOCH = 2 ** 32;
const LEDGER = 7;

describe('epochs of the spool', () => {
  const file = useFolder();
  const open = (folder: string, next: number): Spool =>
    new Spool({ folder, ledger: LEDGER, next, left: [], durable: () => undefined, maxBytes: 16 * 4_096 });
  const add = (spool: Spool, text: string): Promise<void> =>
    spool.add({ at: 0, redacted: false, body: Buffer.from(text) });

  it('are begun behind what the ledger has taken, each by one process alone', () => {
    const spool = file('spool');
    assert.deepEqual(beginEpoch(spool, 0), { folder: join(spool, '1'), first: EPOCH + 1 });
    assert.deepEqual(beginEpoch(spool, 5), { folder: join(spool, '2'), first: 2 * EPOCH + 1 });
    assert.deepEqual(beginEpoch(spool, 4 * EPOCH), { folder: join(spool, '5'), first: 5 * EPOCH + 1 });
  });

  it('begin with a number before which nothing is missing', () => {
    const numbers = [1, 2, EPOCH, EPOCH + 1, EPOCH + 2, 7 * EPOCH + 1, 7 * EPOCH + 3];
    assert.deepEqual(numbers.filter(isFirstOfEpoch), [EPOCH + 1, 7 * EPOCH + 1]);
    assert.equal(reviewsBetween(3, 10), 7);
    assert.equal(reviewsBetween(3, EPOCH + 4), 4);
    assert.equal(reviewsBetween(EPOCH, EPOCH + 4), 4);
  });

  it('are read one after the other, also what comes to the first one later', async () => {
    const folder = file('spool');
    const first = open(folder, 1);
    await add(first, 'a');
    const epoch = beginEpoch(folder, 0);
    const second = open(epoch.folder, epoch.first);
    await add(second, 'c');
    await add(first, 'b');
    const reader = new SpoolReader(folder, LEDGER);
    const text = (number: number): string | undefined => reader.read(number)?.body.toString();
    assert.deepEqual([text(1), text(2), text(3)], ['a', 'b', undefined]);
    assert.deepEqual([reader.firstAfter(3), reader.isBegun(3)], [EPOCH + 1, false]);
    assert.equal(text(EPOCH + 1), 'c');
    assert.equal(reader.last(1), EPOCH + 1);
    assert.deepEqual(reader.filesAfter(2), [{ path: join(epoch.folder, '0001.spool'), last: EPOCH + 1 }]);
    reader.close();
    await first.close();
    await second.close();
  });

  it('are removed when the ledger has all of them, and never the present one', async () => {
    const folder = file('spool');
    for (const after of [0, 0, 0]) {
      const epoch = beginEpoch(folder, after);
      const spool = open(epoch.folder, epoch.first);
      await add(spool, 'x');
      await spool.close();
    }
    removeOldEpochs(folder, 3 * EPOCH + 2, [{ path: join(folder, '2', '0001.spool') }]);
    assert.deepEqual(readdirSync(folder), ['2', '3']);
    removeOldEpochs(folder, 3 * EPOCH + 2, []);
    assert.deepEqual(readdirSync(folder), ['3']);
    removeOldEpochs(file('none'), 1, []);
    assert.equal(existsSync(file('none')), false);
  });
});
