import assert from 'node:assert/strict';
import { normalise } from '../../../../shared/normalise.ts';
import { reviewDocument, configMap, SETTINGS } from '../../../../shared/testing/reviews.ts';
import { readReview } from '../../../../shared/review.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

const MANAGED = [{ manager: 'kubectl', operation: 'Update', time: '2026-11-22T05:00:09Z' }];

describe('two reviews that claim one version', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  beforeEach(async () => {
    ledger = await TestRecorder.open(file('ledger.db'));
    ledger.at = Date.parse('2026-11-22T05:00:09Z');
    await show({ a: '1' }, '11');
  });
  afterEach(() => ledger.close());

  const show = (data: JsonObject, resourceVersion: string, managedFields: JsonObject[] = []): Promise<void> =>
    ledger.recorder.observe(SETTINGS, normalise(configMap(data, { resourceVersion, managedFields })), ledger.at, 1);
  const update = (username: string, managedFields: JsonObject[] = []): Promise<unknown> => {
    const review = reviewDocument({
      ...{ username, operation: 'UPDATE', oldObject: configMap({ a: '1' }, { resourceVersion: '11' }) },
      object: configMap({ a: '2' }, { resourceVersion: '11', managedFields }),
    });
    return ledger.recorder.record(readReview(review), ledger.at, 100);
  };
  const told = async (): Promise<string[]> =>
    (await ledger.changes())
      .slice(1)
      .map(({ actor, outcome, outcomeReason }) => `${actor?.username ?? 'unknown'} ${outcome}: ${outcomeReason}`);
  const claimed = 'reviews of several users claim this version';

  it('is neither: both are shown, and what was persisted is nobody’s', async () => {
    await update('alice', MANAGED);
    await update('erin', MANAGED);
    await show({ a: '2' }, '12', MANAGED);
    assert.deepEqual(await told(), [
      `alice unverified: ${claimed}`,
      `erin unverified: ${claimed}`,
      'unknown committed: recorded as a fact',
    ]);
    const reader = new StoreReader(ledger.store, () => ledger.at);
    const { changes } = await reader.changes({ scope: {}, limit: 9 });
    assert.deepEqual(
      changes.map(({ actor }) => actor?.username),
      [undefined, 'erin', 'alice', undefined],
    );
    const [state] = (await reader.states({ scope: {}, at: ledger.at, limit: 1 })).states;
    assert.deepEqual([state?.body.data, state?.actor], [{ a: '2' }, null]);
  });

  it('is hers whose managedFields were persisted, though the other came first', async () => {
    await update('alice', [{ manager: 'forged', operation: 'Update', time: '2026-11-22T05:00:08Z' }]);
    await update('erin', MANAGED);
    await show({ a: '2' }, '12', MANAGED);
    assert.deepEqual(await told(), [
      'alice dropped: another change was made from the same version',
      'erin committed: the watch shows it',
    ]);
  });

  it('is one request that the API server sent twice, where the user is the same', async () => {
    await update('erin');
    await update('erin');
    await show({ a: '2' }, '12');
    assert.deepEqual(await told(), [
      'erin committed: the watch shows it',
      'erin dropped: another change was made from the same version',
    ]);
  });

  it('is told as well where one of them is read after the other was believed', async () => {
    await update('alice');
    await show({ a: '2' }, '12');
    await update('erin');
    assert.deepEqual(await told(), [`alice committed: ${claimed}`, `erin unverified: ${claimed}`]);
  });

  describe('both read late', () => {
    const users = async (): Promise<string[]> =>
      (await ledger.changes())
        .slice(1)
        .map(({ actor, outcome, outcomeReason }) => `${actor?.username ?? 'unknown'} ${outcome}${outcomeReason === claimed ? ' disputed' : ''}${actor?.disputed === true ? ' marked' : ''}`); // prettier-ignore
    const late = (username: string, data: JsonObject, apiVersion = 'v1', managedFields: JsonObject[] = []) =>
      ledger.recorder.record(
        readReview(
          reviewDocument({
            ...{
              username,
              operation: 'UPDATE',
              oldObject: { ...configMap({ a: '1' }, { resourceVersion: '11' }), apiVersion },
            },
            object: { ...configMap(data, { resourceVersion: '11', managedFields }), apiVersion },
          }),
        ),
        ledger.at,
        100,
      );

    it('is told: the one that was believed is disputed, and marked wherever its user is named', async () => {
      await show({ a: '2' }, '12');
      await late('alice', { a: '2' });
      await late('erin', { a: '2' });
      assert.deepEqual(await users(), ['unknown committed', 'alice committed disputed marked', 'erin unverified disputed marked']); // prettier-ignore
      const reader = new StoreReader(ledger.store, () => ledger.at);
      const [state] = (await reader.states({ scope: {}, at: ledger.at, limit: 1 })).states;
      assert.deepEqual([state?.actor?.username, state?.actor?.disputed], ['alice', true]);
      const counted = (await reader.users({ scope: {} })).users.map(({ username, disputed }) => [username, disputed]);
      assert.deepEqual(counted, [['alice', 1], ['erin', 1]]); // prettier-ignore
    });

    it('is told where the first one asked for a part alone, and the other one for all', async () => {
      await show({ a: '2', b: '1' }, '12', MANAGED);
      await late('alice', { a: '2' });
      await late('erin', { a: '2', b: '1' }, 'v1', MANAGED);
      const told = await users();
      assert.ok(told.includes('alice committed disputed marked'), told.join());
      assert.ok(told.includes('erin unverified disputed marked'), told.join());
    });

    it('is told where the API server filled in a value of the second one, which the first one has copied', async () => {
      await show({ a: '2', filled: 'in' }, '12', MANAGED);
      await late('alice', { a: '2', filled: 'in' });
      await late('erin', { a: '2' }, 'v1', MANAGED);
      assert.deepEqual(await users(), ['unknown committed', 'alice committed disputed marked', 'erin unverified disputed marked']); // prettier-ignore
    });

    for (const first of ['alice', 'erin']) {
      it(`is told where one of them is in another API version, and cannot be compared: ${first} first`, async () => {
        await show({ a: '2' }, '12');
        if (first === 'alice') await late('alice', { a: '2' });
        await late('erin', { a: '2', b: 'x' }, 'v2');
        if (first === 'erin') await late('alice', { a: '2' });
        const told = await users();
        assert.ok(told.includes('erin unverified disputed marked'), told.join());
        assert.ok(told.includes('alice committed disputed marked'), told.join());
      });
    }

    it('is none where the second one asked for something else', async () => {
      await show({ a: '2' }, '12', MANAGED);
      await late('erin', { a: '2' }, 'v1', MANAGED);
      await late('alice', { c: '4' });
      assert.deepEqual(await users(), ['unknown committed', 'erin committed', 'alice dropped']);
    });
  });
});
