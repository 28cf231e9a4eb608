import assert from 'node:assert/strict';
import { ownerAt } from '../../../shared/blame.ts';
import { configMap } from '../../../shared/testing/reviews.ts';
import type { BlameQuery, JsonObject, ObjectBlame } from '../../../shared/types.ts';
import { useFolder } from '../../testing/folder.ts';
import { TestRecorder } from '../../testing/ledgers/recorder.ts';
import { withLine } from '../../testing/ledgers/states.ts';
import { StoreReader } from '../questions/reader.ts';

describe('the blame of an object', () => {
  const file = useFolder();
  let recorder: TestRecorder;
  beforeEach(async () => {
    recorder = await TestRecorder.open(file('ledger.db'));
  });
  afterEach(() => recorder.close());

  async function blame(query: Partial<BlameQuery> = {}): Promise<ObjectBlame[]> {
    const reader = new StoreReader(recorder.store, () => recorder.at);
    return (await reader.blame({ scope: {}, at: recorder.at, limit: 10, ...query })).blames;
  }
  const at = (body: JsonObject, resourceVersion: string): JsonObject => ({
    ...body,
    metadata: { ...(body.metadata as JsonObject), resourceVersion },
  });
  const update = (before: JsonObject, after: JsonObject, username: string, version: string): Promise<unknown> =>
    recorder.review({ operation: 'UPDATE', object: after, oldObject: at(before, version), username });

  it('goes back over checkpoints, and rebuilds no more than it must', async () => {
    const bodies = Array.from({ length: 150 }, (_, count) =>
      configMap({ fixed: 'x', half: String(count >> 6), count: String(count) }),
    );
    await recorder.review({ object: bodies[0] ?? null });
    for (const [index, body] of bodies.entries()) {
      if (index > 0) await update(bodies[index - 1] ?? {}, body, `user-${index}`, String(100 + index));
    }
    const [found] = await blame();
    const owner = (...path: string[]): number | undefined => found && ownerAt(found.owners, path).seq;
    assert.deepEqual([owner('data', 'fixed'), owner('data', 'half'), owner('data', 'count')], [1, 129, 150]);
    assert.deepEqual(
      found?.setters.map(({ seq, actor }) => `${seq} ${actor?.username}`),
      ['1 alice@example.com', '129 user-128', '150 user-149'],
    );
    let read = 0;
    const { store } = recorder;
    const counting = withLine(store, (seq) => {
      read++;
      return store.lineage(seq);
    });
    const reader = new StoreReader(counting, () => recorder.at);
    await reader.blame({ scope: {}, at: recorder.at, limit: 10, field: 'data.count' });
    const few = read;
    await reader.blame({ scope: {}, at: recorder.at, limit: 10 });
    assert.deepEqual([few, read - few], [1, 6]);
  });

  it('begins anew with a new object of the same name', async () => {
    await recorder.review({ object: configMap({ a: '1' }), username: 'bob' });
    await recorder.review({ operation: 'DELETE', object: null, oldObject: at(configMap({ a: '1' }), '5') });
    await recorder.review({ object: configMap({ a: '1' }, { uid: 'u-2' }), username: 'carol' });
    const [found, ...others] = await blame();
    assert.deepEqual(others, []);
    assert.equal(found?.object.uid, 'u-2');
    assert.deepEqual(found.owners, { seq: 3 });
    assert.deepEqual(
      found.setters.map(({ actor }) => actor?.username),
      ['carol'],
    );
    const [older] = await blame({ at: recorder.at - 2000 });
    assert.deepEqual(older?.owners, { seq: 1 });
  });

  it('follows an object that is seen in another API version', async () => {
    const type = { group: 'example.com', resource: 'widgets', kind: 'Widget' };
    const widget = (apiVersion: string, size: number): JsonObject => ({
      ...configMap(),
      apiVersion,
      kind: 'Widget',
      data: { size, kept: 1 },
    });
    // managedFields tell that it is what carol's request made.
    const managed = (body: JsonObject): JsonObject => ({
      ...body,
      metadata: {
        ...(body.metadata as JsonObject),
        managedFields: [{ manager: 'kubectl-create', operation: 'Update', time: '2026-11-22T05:00:02Z' }],
      },
    });
    await recorder.review({ ...type, version: 'v1', object: widget('example.com/v1', 0) });
    await recorder.review({
      ...{ ...type, version: 'v1', operation: 'UPDATE', username: 'carol' },
      ...{ object: widget('example.com/v1', 1), oldObject: at(widget('example.com/v1', 0), '6') },
    });
    await recorder.review({
      ...{ ...type, version: 'v2', operation: 'UPDATE', username: 'bob' },
      ...{ object: widget('example.com/v2', 2), oldObject: managed(at(widget('example.com/v2', 1), '7')) },
    });
    const [found] = await blame();
    const setter = (...path: string[]): string => {
      const seq = found && ownerAt(found.owners, path).seq;
      const by = found?.setters.find((one) => one.seq === seq);
      return `${by?.source} ${by?.actor?.username}`;
    };
    assert.equal(setter('data', 'kept'), 'admission alice@example.com');
    assert.equal(setter('data', 'size'), 'admission bob');
    // Nobody set it: it is only asked for in another version.
    assert.equal(setter('apiVersion'), 'admission alice@example.com');
  });

  it('leaves out objects without the field, and pages over the others', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const data = name === 'b' ? { other: 'x' } : { level: 'x' };
      await recorder.review({ name, object: configMap(data, { name, uid: name }) });
    }
    const reader = new StoreReader(recorder.store, () => recorder.at);
    const query = { scope: {}, at: recorder.at, limit: 2, field: 'data.level' };
    const first = await reader.blame(query);
    assert.deepEqual(
      first.blames.map(({ object }) => object.name),
      ['a', 'c'],
    );
    const second = await reader.blame({ ...query, continue: first.next ?? '' });
    assert.deepEqual(
      second.blames.map(({ object }) => object.name),
      ['d'],
    );
    assert.equal(second.next, null);
  });
});
