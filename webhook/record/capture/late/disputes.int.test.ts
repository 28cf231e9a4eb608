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

  it('is told where both are read late', async () => {
    await show({ a: '2' }, '12');
    await update('alice');
    await update('erin');
    const told = (await ledger.changes()).map(({ actor, outcome }) => `${actor?.username ?? 'unknown'} ${outcome}`);
    assert.deepEqual(told.slice(1), ['unknown committed', 'alice committed', 'erin unverified']);
    assert.equal((await ledger.changes())[2]?.outcomeReason, claimed);
  });
});
