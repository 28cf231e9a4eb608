import assert from 'node:assert/strict';
import { normalise } from '../../../../shared/normalise.ts';
import { configMap, SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

describe('what a watch shows that no review did', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  beforeEach(async () => {
    ledger = await TestRecorder.open(file('ledger.db'));
  });
  afterEach(() => ledger.close());

  const show = (data: JsonObject, resourceVersion: string, since?: number): Promise<void> =>
    ledger.recorder.observe(SETTINGS, normalise(configMap(data, { resourceVersion })), (ledger.at += 1000), since);

  describe('an object that is shown in two API versions', () => {
    const scaler = (
      apiVersion: string,
      version: string,
      spec: JsonObject,
      managedFields: JsonObject[] = [],
    ): JsonObject => ({
      apiVersion,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web', namespace: 'shop', uid: 'u-1', resourceVersion: version, managedFields },
      spec,
    });
    const type = { group: 'autoscaling', resource: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler' };
    const showScaler = (body: JsonObject): Promise<void> =>
      ledger.recorder.observe({ ...SETTINGS, ...type, name: 'web' }, normalise(body), (ledger.at += 1000));
    const apply = (from: JsonObject | null, to: JsonObject): Promise<unknown> =>
      ledger.review({
        ...type,
        name: 'web',
        operation: from === null ? 'CREATE' : 'UPDATE',
        oldObject: from,
        object: to,
      });
    const by = (manager: string, second: string): JsonObject => ({ manager, time: `2026-11-22T05:00:${second}Z` });

    it('is committed by the other version, and shows no change in between', async () => {
      await apply(null, scaler('autoscaling/v1', '', { percent: 50 }));
      await showScaler(scaler('autoscaling/v2', '11', { metrics: [50] }));
      await apply(scaler('autoscaling/v1', '11', { percent: 50 }), scaler('autoscaling/v1', '11', { percent: 70 }));
      await showScaler(scaler('autoscaling/v2', '12', { metrics: [70] }, [by('kubectl-create', '03')]));
      assert.deepEqual(await ledger.summary(), ['1 admission CREATE committed@11', '2 admission UPDATE committed@12']);
      const reader = new StoreReader(ledger.store, () => ledger.at);
      const { changes } = await reader.changes({ scope: {}, limit: 10 });
      assert.deepEqual(
        changes.map(({ seq, deltas }) => [seq, deltas.map(({ path }) => path)]),
        [
          [2, ['spec.metrics[0]']],
          [1, ['']],
        ],
      );
      const [shown] = (await reader.states({ scope: {}, at: ledger.at, limit: 10 })).states;
      assert.deepEqual(
        [shown?.seq, shown?.actor?.username, shown?.body.apiVersion],
        [2, 'alice@example.com', 'autoscaling/v2'],
      );
    });

    it('has changed by itself where its managers name nobody who asked', async () => {
      await showScaler(scaler('autoscaling/v2', '11', { metrics: [50] }));
      await apply(scaler('autoscaling/v1', '11', { percent: 50 }), scaler('autoscaling/v1', '11', { percent: 70 }));
      await showScaler(scaler('autoscaling/v2', '12', { metrics: [90] }, [by('helm', '02')]));
      assert.deepEqual(await ledger.summary(), [
        '1 baseline CREATE committed@11',
        '2 admission UPDATE dropped',
        '3 watch UPDATE committed@12',
      ]);
      assert.deepEqual((await ledger.changes())[2]?.detail().managersHint, ['helm']);
    });
  });

  it('takes an object that was created after the record began, and not through us, for a difference', async () => {
    await ledger.review({ object: configMap({}) });
    const ref = { ...SETTINGS, name: 'missed', uid: 'u-2' };
    const managedFields = [{ manager: 'kubectl', time: '2026-11-22T05:00:02Z' }];
    const body = (creationTimestamp: string): JsonObject =>
      configMap({}, { name: 'missed', uid: 'u-2', creationTimestamp, resourceVersion: '9', managedFields });
    ledger.at += 10_000;
    await ledger.recorder.observe(ref, normalise(body('2026-11-22T05:00:02Z')), ledger.at);
    await ledger.recorder.observe(
      { ...ref, name: 'old', uid: 'u-3' },
      normalise(body('2026-11-22T05:00:01Z')),
      ledger.at,
    );
    assert.deepEqual((await ledger.summary()).slice(1), [
      '2 watch CREATE committed@9',
      '3 baseline CREATE committed@9',
    ]);
    const { notBefore, managersHint } = (await ledger.changes())[1]?.detail() ?? {};
    assert.deepEqual([notBefore, managersHint], [Date.parse('2026-11-22T05:00:02Z'), ['kubectl']]);
  });

  it('bounds a difference by what the watch had shown before', async () => {
    await ledger.review({ object: configMap({ a: '1' }) });
    await show({ a: '1' }, '11');
    ledger.at += 60_000;
    const since = ledger.at - 5_000;
    await show({ a: '2' }, '12', since);
    await ledger.recorder.observeGone(SETTINGS, '13', ledger.at + 9_000, ledger.at);
    const [, changed, gone] = await ledger.changes();
    assert.deepEqual([changed?.detail().notBefore, gone?.detail().notBefore], [since, ledger.at]);
  });

  it('names the deletion of the definition, or of the namespace, as the cause of an end', async () => {
    for (const [index, [ref, container]] of [
      [
        { ...SETTINGS, group: 'example.com', resource: 'trains', kind: 'Train', name: 'ice' },
        {
          group: 'apiextensions.k8s.io',
          resource: 'customresourcedefinitions',
          kind: 'CustomResourceDefinition',
          name: 'trains.example.com',
        },
      ] as const,
      [
        { ...SETTINGS, name: 'inside', uid: 'u-2' },
        { resource: 'namespaces', kind: 'Namespace', name: 'shop' },
      ] as const,
    ].entries()) {
      const body: JsonObject = {
        metadata: { name: container.name, uid: `u-c${index}`, resourceVersion: '5', finalizers: ['x'] },
      };
      await ledger.recorder.observe(
        ref,
        normalise(configMap({}, { name: ref.name, uid: ref.uid, resourceVersion: '4' })),
        ledger.at,
      );
      await ledger.review({
        ...container,
        namespace: '',
        operation: 'DELETE',
        oldObject: body,
        object: null,
        options: {},
      });
      const deletion = (await ledger.store.last())?.seq ?? 0;
      await ledger.recorder.observeGone(ref, '7', ledger.at);
      const end = (await ledger.changes()).at(-1);
      assert.deepEqual(
        [end?.source, end?.operation, end?.object.name, end?.detail().cause],
        ['watch', 'DELETE', ref.name, deletion],
      );
    }
  });

  it('ends what is in a namespace with it, also what waits for the same commit', async () => {
    const namespace = { resource: 'namespaces', kind: 'Namespace', namespace: '', name: 'shop', uid: 'u-ns' };
    const body = { metadata: { name: 'shop', uid: 'u-ns', resourceVersion: '5' } };
    await ledger.recorder.observe({ ...SETTINGS, ...namespace }, normalise(body), ledger.at);
    await Promise.all([
      ledger.review({ object: configMap({}) }),
      ledger.recorder.observeGone({ ...SETTINGS, ...namespace }, '9', ledger.at + 1000),
    ]);
    assert.deepEqual(await ledger.summary(), [
      '1 baseline CREATE committed@5',
      '2 admission CREATE dropped',
      '3 watch DELETE committed@9',
    ]);
    assert.equal((await ledger.changes())[1]?.outcomeReason, 'its namespace is gone');
  });

  it('believes no second object of a name while the first is there', async () => {
    const at = (uid: string, resourceVersion?: string): JsonObject =>
      configMap({ by: uid }, { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) });
    const existing = async (): Promise<string[]> => {
      const { states } = await new StoreReader(ledger.store, () => ledger.at).states({
        scope: {},
        at: ledger.at,
        limit: 9,
      });
      return states.map(({ object }) => object.uid);
    };
    const outcomes = async (): Promise<string[]> =>
      (await ledger.changes()).map(({ object, operation, outcome }) => `${object.uid} ${operation} ${outcome}`);
    await ledger.review({ object: at('u-1') });
    await show({ by: 'u-1' }, '11');
    await ledger.review({ object: at('u-2'), username: 'bob@example.com' });
    assert.deepEqual(await existing(), ['u-1']);
    await ledger.review({ operation: 'DELETE', oldObject: at('u-1', '11'), object: null, options: {} });
    assert.deepEqual(await outcomes(), ['u-1 CREATE committed', 'u-2 CREATE dropped', 'u-1 DELETE pending']);
    assert.deepEqual(await existing(), []);
    // What comes after the deletion is another matter.
    await ledger.review({ object: at('u-3') });
    assert.deepEqual(await existing(), ['u-3']);
    assert.equal((await ledger.changes())[1]?.outcomeReason, 'an object of the same name existed');
  });
});
