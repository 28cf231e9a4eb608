import assert from 'node:assert/strict';
import { useFolder } from '../../../testing/folder.ts';
import { useDatabase } from '../../../testing/server/postgres.ts';
import { newChange } from '../../port/contract/new-change.ts';
import { mirror } from '../testing/mirror.ts';

describe('the hub takes in what a ledger pushes', () => {
  const file = useFolder();
  const { pool } = useDatabase();

  it('whole, and goes on from where it stands', async () => {
    const { store, push, head } = await mirror(pool(), file('ledger.db'));
    await store.append({ changes: [newChange(1), newChange(2)], outcomes: [] });
    await push();
    await store.append({ changes: [newChange(3)], outcomes: [] });
    await push();
    assert.equal((await head()).commit, 2);
    await store.close();
  });
});
