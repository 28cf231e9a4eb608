import assert from 'node:assert/strict';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importLandscape } from '../webhook/testing/ledgers/landscape-ledger.ts';
import { ask } from './testing/ask.ts';

describe('times that releases tell', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  before(async () => {
    await (await importLandscape(file('west.db'), 'west', true)).close();
  });
  // A day after the recording.
  const now = Date.parse('2026-12-01T12:00:00Z');
  const notes = async (...args: string[]) => {
    const { code, err } = await ask([...args, '--db', file('west.db')], { now });
    return { code, err: err.split('\n').filter((line) => /taken as|ever had|hint/.test(line)) };
  };

  it('are those of the applications that are named, or of all', async () => {
    assert.deepEqual(await notes('app/shop-web', '--since', 'last release'), {
      code: 0,
      err: ['# last release was taken as 2026-11-30 13:18:41.383 UTC'],
    });
    assert.deepEqual(await notes('app/shop-web', '--since', 'before 24.4', '--until', 'release 24.4'), {
      code: 0,
      err: ['# before 24.4 was taken as 2026-11-30 13:18:41.382 UTC', '# release 24.4 was taken as 2026-11-30 13:18:41.383 UTC'], // prettier-ignore
    });
  });

  it('say which versions there were, where none is called so', async () => {
    const { code, err } = await notes('--since', '99.9');
    assert.equal(code, 3);
    assert.deepEqual(err, ['error: nothing ever had the version "99.9"', 'hint: versions by label: 7.1.0, 7.2.0, 24.3.0, 24.4.0, 24.4.1, 24.5.0-rc1']); // prettier-ignore
  });
});
