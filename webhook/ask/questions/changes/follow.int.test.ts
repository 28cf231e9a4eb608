import assert from 'node:assert/strict';
import { configMap } from '../../../../shared/testing/reviews.ts';
import type { ChangePage } from '../../../../shared/types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';
import { StoreReader } from '../reader.ts';

describe('following a ledger', () => {
  const file = useFolder();
  let test: TestRecorder;
  let reader: StoreReader;
  let closing: AbortController;
  beforeEach(async () => {
    test = await TestRecorder.open(file('ledger.db'));
    closing = new AbortController();
    reader = new StoreReader(test.store, () => test.at, closing.signal);
  });
  afterEach(() => test.close());

  const create = (name: string, namespace = 'shop') =>
    test.review({ name, namespace, object: configMap({}, { name, namespace, uid: name }) });
  const seqs = ({ changes }: ChangePage): number[] => changes.map(({ seq }) => seq);

  it('tells every change once, oldest first, over pages and over what does not match', async () => {
    for (const [name, namespace] of [['a', 'shop'], ['b', 'other'], ['c', 'shop'], ['d', 'shop']] as const)
      await create(name, namespace); // prettier-ignore
    const scope = { namespace: 'shop' };
    const first = await reader.changes({ scope, after: 0, limit: 2 });
    assert.deepEqual([seqs(first), first.next], [[1, 3], 3]);
    const second = await reader.changes({ scope, after: 3, limit: 2 });
    assert.deepEqual([seqs(second), second.next], [[4], 4]);
    await create('e', 'other');
    const third = await reader.changes({ scope, after: 4, limit: 2 });
    assert.deepEqual([seqs(third), third.next], [[], 5]);
  });

  it('waits for the next change, and ends the wait when told to', async () => {
    await create('a');
    const waiting = reader.changes({ scope: {}, after: 1, limit: 10, waitMs: 20_000 });
    await create('b');
    assert.deepEqual(seqs(await waiting), [2]);
    const inVain = reader.changes({ scope: {}, after: 2, limit: 10, waitMs: 20_000 });
    closing.abort();
    assert.deepEqual(await inVain, { changes: [], next: 2, hidden: { status: 0, attempts: 0 } });
  });

  it('gives changes by number only where they lie in the scope', async () => {
    await create('a');
    await create('b', 'other');
    assert.deepEqual(seqs(await reader.changes({ scope: {}, seqs: [1, 2, 2, 9], limit: 1 })), [2, 1]);
    assert.deepEqual(seqs(await reader.changes({ scope: { namespace: 'shop' }, seqs: [1, 2], limit: 1 })), [1]);
  });
});
