import assert from 'node:assert/strict';
import { believed } from '../../../../shared/versions.ts';
import { normalise } from '../../../../shared/normalise.ts';
import { reconstruct } from '../../../../shared/reconstruct.ts';
import { configMap, SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { loadStep } from '../../../ledger/port/steps.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

const at = (version: string, data: JsonObject, metadata: JsonObject = {}): JsonObject =>
  configMap(data, { ...metadata, resourceVersion: version });

describe('settling', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  beforeEach(async () => {
    ledger = await TestRecorder.open(file('ledger.db'));
  });
  afterEach(() => ledger.close());

  const update = (from: JsonObject, to: JsonObject, username?: string): Promise<unknown> =>
    ledger.review({
      operation: 'UPDATE',
      oldObject: from,
      object: to,
      ...(username === undefined ? {} : { username }),
    });
  const show = (body: JsonObject): Promise<void> =>
    ledger.recorder.observe(SETTINGS, normalise(body), (ledger.at += 1000));
  const state = async (): Promise<JsonObject | null> => {
    const [object] = await ledger.store.objects({ uid: 'u-1' }, 1);
    assert.ok(object !== undefined);
    const version = believed(await ledger.store.tail(object.id));
    return version === null ? null : reconstruct(version.seq, (seq) => loadStep(ledger.store, seq));
  };

  it('leaves an attempt pending while nothing tells', async () => {
    await ledger.review();
    assert.deepEqual(await ledger.summary(), ['1 admission CREATE pending']);
  });

  it('commits what the next review shows, and orders it by that version', async () => {
    await ledger.review({ object: configMap({ a: '1' }) });
    await update(at('11', { a: '1' }), at('11', { a: '2' }));
    await update(at('12', { a: '2' }), at('12', { a: '3' }));
    assert.deepEqual(await ledger.summary(), [
      '1 admission CREATE committed@11',
      '2 admission UPDATE committed@12',
      '3 admission UPDATE pending',
    ]);
  });

  it('settles by a review that changes nothing, which is not recorded', async () => {
    await ledger.review({ object: configMap({ a: '1' }) });
    assert.equal(await update(at('11', { a: '1' }), at('11', { a: '1' })), 'unchanged');
    assert.deepEqual(await ledger.summary(), ['1 admission CREATE committed@11']);
  });

  it('drops the attempt that lost a race, and commits its second run', async () => {
    await ledger.review({ object: configMap({}) });
    await update(at('11', {}), at('11', { a: '1' }), 'alice@example.com');
    await update(at('11', {}), at('11', { b: '1' }), 'bob@example.com');
    await update(at('12', { b: '1' }), at('12', { a: '1', b: '1' }), 'alice@example.com');
    await show(at('13', { a: '1', b: '1' }));
    assert.deepEqual(await ledger.summary(), [
      '1 admission CREATE committed@11',
      '2 admission UPDATE dropped',
      '3 admission UPDATE committed@12',
      '4 admission UPDATE committed@13',
    ]);
    assert.equal((await ledger.changes())[1]?.outcomeReason, 'another change was made from the same version');
  });

  it('records a body that no change explains, with the interval and the managers as a hint', async () => {
    await ledger.review({ object: configMap({ a: '1' }) });
    await show(at('11', { a: '1' }));
    const managedFields = [
      { manager: 'kubectl-create', time: '2026-11-22T04:00:00Z' },
      { manager: 'helm', time: '2026-11-22T05:00:02Z' },
    ];
    await update(at('15', { a: '2' }, { managedFields }), at('15', { a: '3' }));
    assert.deepEqual(await ledger.summary(), [
      '1 admission CREATE committed@11',
      '2 watch UPDATE committed@15',
      '3 admission UPDATE pending',
    ]);
    const difference = (await ledger.changes())[1];
    assert.equal(difference?.actor, null);
    assert.deepEqual(difference.detail(), {
      patch: [{ op: 'replace', path: '/data/a', value: '2' }],
      options: null,
      cause: null,
      notBefore: Date.parse('2026-11-22T05:00:01Z'),
      managersHint: ['helm'],
    });
  });

  it('commits an attempt that a later version holds, and records only the rest as a difference', async () => {
    await ledger.review({ object: configMap({}) });
    await update(at('11', {}), at('11', { a: '1' }));
    await update(at('14', { a: '1', z: '9' }), at('14', { a: '2', z: '9' }));
    assert.deepEqual(await ledger.summary(), [
      '1 admission CREATE committed@11',
      '2 admission UPDATE committed',
      '3 watch UPDATE committed@14',
      '4 admission UPDATE pending',
    ]);
    assert.deepEqual((await ledger.changes())[2]?.detail().patch, [{ op: 'add', path: '/data/z', value: '9' }]);
  });

  it('begins with the old object of a review where nothing was known', async () => {
    await update(at('41', { a: '1' }), at('41', { a: '2' }));
    assert.deepEqual(await ledger.summary(), ['1 baseline CREATE committed@41', '2 admission UPDATE pending']);
    assert.deepEqual(await state(), configMap({ a: '2' }));
  });

  it('passes over facts that are older than what is known', async () => {
    await show(at('20', { a: '2' }));
    await show(at('19', { a: '1' }));
    await show(at('9', { a: '0' }));
    assert.deepEqual(await ledger.summary(), ['1 baseline CREATE committed@20']);
  });

  it('records nothing where only the version moved', async () => {
    await show(at('20', { a: '2' }));
    await show(at('21', { a: '2' }));
    await update(at('21', { a: '2' }), at('21', { a: '3' }));
    assert.deepEqual(await ledger.summary(), ['1 baseline CREATE committed@20', '2 admission UPDATE pending']);
  });

  it('believes a delete before an update that was made from the same version', async () => {
    await show(at('20', { a: '1' }));
    await ledger.review({ operation: 'DELETE', object: null, oldObject: at('20', { a: '1' }) });
    await update(at('20', { a: '1' }), at('20', { a: '2' }));
    assert.equal(await state(), null);
    await ledger.recorder.observeGone(SETTINGS, '21', (ledger.at += 1000));
    assert.deepEqual(await ledger.summary(), [
      '1 baseline CREATE committed@20',
      '2 admission DELETE committed@21',
      '3 admission UPDATE dropped',
    ]);
  });

  it('drops a delete that did not happen', async () => {
    await show(at('20', { a: '1' }));
    await ledger.review({ operation: 'DELETE', object: null, oldObject: at('20', { a: '1' }) });
    await show(at('21', { a: '2' }));
    assert.deepEqual(await ledger.summary(), [
      '1 baseline CREATE committed@20',
      '2 admission DELETE dropped',
      '3 watch UPDATE committed@21',
    ]);
    assert.deepEqual(await state(), configMap({ a: '2' }));
  });

  it('closes an object that only the watch saw go, and names the delete that marked it', async () => {
    await show(at('20', {}, { finalizers: ['a/b'] }));
    await ledger.review({ operation: 'DELETE', object: null, oldObject: at('20', {}, { finalizers: ['a/b'] }) });
    await ledger.recorder.observeGone(SETTINGS, '22', (ledger.at += 1000));
    assert.deepEqual(await ledger.summary(), [
      '1 baseline CREATE committed@20',
      '2 admission DELETE committed',
      '3 watch DELETE committed@22',
    ]);
    assert.equal((await ledger.changes())[2]?.detail().cause, 2);
    assert.equal(await state(), null);
  });

  it('drops a creation that a later object of the same name took the place of', async () => {
    await ledger.review({ object: configMap({ a: '1' }, { uid: 'u-0' }) });
    await ledger.review({ object: configMap({ a: '1' }) });
    await update(at('11', { a: '1' }), at('11', { a: '2' }));
    assert.deepEqual((await ledger.summary()).slice(0, 2), [
      '1 admission CREATE dropped',
      '2 admission CREATE committed@11',
    ]);
  });

  it('keeps two incarnations apart', async () => {
    await show(at('11', { a: '1' }));
    await ledger.review({ operation: 'DELETE', object: null, oldObject: at('11', { a: '1' }) });
    await ledger.review({ object: configMap({ a: '9' }, { uid: 'u-2' }) });
    const objects = await ledger.store.objects({}, 10);
    assert.deepEqual(
      objects.map(({ uid }) => uid),
      ['u-1', 'u-2'],
    );
    assert.equal(await state(), null);
  });

  it('attributes a difference to the review that explains it, though that was held up', async () => {
    await show(at('20', { a: '1' }));
    await show(at('21', { a: '2' }));
    await update(at('20', { a: '1' }), at('20', { a: '2' }));
    assert.deepEqual(await ledger.summary(), [
      '1 baseline CREATE committed@20',
      '2 watch UPDATE committed@21',
      '3 admission UPDATE committed@21',
    ]);
    assert.deepEqual(await state(), configMap({ a: '2' }));
  });

  it('does the same behind a newer version, without touching the present', async () => {
    await show(at('20', { a: '1' }));
    await show(at('21', { a: '2' }));
    await show(at('22', { a: '3' }));
    await update(at('20', { a: '1' }), at('20', { a: '2' }));
    assert.deepEqual((await ledger.summary()).slice(1), [
      '2 watch UPDATE committed@21',
      '3 watch UPDATE committed@22',
      '4 admission UPDATE committed@21',
    ]);
    assert.deepEqual(await state(), configMap({ a: '3' }));
  });

  it('settles what an earlier process left open', async () => {
    await ledger.review({ object: configMap({ a: '1' }) });
    await ledger.close();
    ledger = await TestRecorder.open(file('ledger.db'));
    await update(at('11', { a: '1' }), at('11', { a: '2' }));
    assert.deepEqual(await ledger.summary(), ['1 admission CREATE committed@11', '2 admission UPDATE pending']);
  });

  it('drops what a watch has never shown', async () => {
    await ledger.review({ object: configMap({ a: '1' }) });
    await ledger.recorder.settleUnseen(() => true, ledger.at);
    assert.deepEqual(await ledger.summary(), ['1 admission CREATE dropped']);
    assert.equal(await state(), null);
  });

  it('does not take another API version of the same object for a change', async () => {
    await show(at('20', { a: '1' }));
    const other = { ...at('20', { a: '1' }), apiVersion: 'v2', extra: true };
    await update(other, { ...other, data: { a: '2' } });
    assert.deepEqual(await ledger.summary(), ['1 baseline CREATE committed@20', '2 admission UPDATE pending']);
    const [change] = (await new StoreReader(ledger.store, () => ledger.at).changes({ scope: {}, limit: 1 })).changes;
    assert.deepEqual(change?.deltas, [{ path: 'data.a', kind: 'changed', before: '1', after: '2' }]);
    assert.deepEqual(change.patch, [{ op: 'replace', path: '/data/a', value: '2' }]);
  });
});
