import assert from 'node:assert/strict';
import { normalise } from '../../../../shared/normalise.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { readReview } from '../../../../shared/review.ts';
import { configMap, reviewDocument, SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { LedgerStore, StoredChange } from '../../../ledger/port/port.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TEST_KEY } from '../../../testing/ledgers/recorder.ts';
import { Predicates } from '../../rules/predicates.ts';
import { Recorder } from '../recorder/recorder.ts';

const AT = Date.parse('2026-11-22T05:00:00Z');
/** More than end in one commit. */
const OBJECTS = 600;
const NAMESPACE: ObjectRef = {
  ...SETTINGS,
  resource: 'namespaces',
  kind: 'Namespace',
  namespace: '',
  name: 'shop',
  uid: 'ns',
};

function openRecorder(store: LedgerStore): Promise<Recorder> {
  return Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates: new Predicates([]) });
}

function nth(n: number, uid = `u-${n}`): ObjectRef {
  return { ...SETTINGS, name: `c-${n}`, uid };
}

describe('the end of a namespace that holds much', () => {
  const file = useFolder();
  let store: LedgerStore;
  let recorder: Recorder;
  beforeEach(async () => {
    store = openSqliteStore(file('ledger.db'), 'test', AT);
    recorder = await openRecorder(store);
    const body = normalise({ metadata: { name: 'shop', uid: 'ns', resourceVersion: '1' } });
    await recorder.observe(NAMESPACE, body, AT);
    await Promise.all(
      Array.from({ length: OBJECTS }, (_, n) => {
        const object = configMap({ n: String(n) }, { name: `c-${n}`, uid: `u-${n}`, resourceVersion: String(n + 2) });
        return recorder.observe(nth(n), normalise(object), AT);
      }),
    );
  });
  afterEach(async () => {
    await recorder.close();
    await store.close();
  });

  /** The ends of ConfigMaps, oldest first. */
  async function ends(): Promise<StoredChange[]> {
    const changes = await store.changes({ type: { group: '', resource: 'configmaps' } }, 10_000);
    return changes.filter(({ effect }) => effect === 'deleted').reverse();
  }

  it('ends each object once, with its cause, and lets reviews in between', async () => {
    const ended = recorder.observeGone(NAMESPACE, '9000', AT + 1000);
    await ended;
    const review = reviewDocument({
      uid: 'between',
      name: 'x',
      namespace: 'other',
      object: configMap({}, { namespace: 'other', uid: 'x' }),
    });
    await recorder.record(readReview(review), AT + 2000, 0);
    await recorder.contentsEnded();
    const all = await ends();
    assert.equal(all.length, OBJECTS);
    assert.equal(new Set(all.map(({ object }) => object.uid)).size, OBJECTS);
    const cause = (await store.changes({ type: { group: '', resource: 'namespaces' } }, 1))[0]?.seq;
    assert.ok(all.every((change) => change.detail().cause === cause && change.resourceVersion === '9000'));
    const between = (await store.changes({ namespace: 'other' }, 1))[0]?.seq ?? 0;
    assert.ok(
      (all[0]?.seq ?? 0) < between && between < (all.at(-1)?.seq ?? 0),
      'the review waited for the last of them',
    );
  });

  it('spares what was made under the same names since', async () => {
    await recorder.observeGone(NAMESPACE, '9000', AT + 1000);
    const again = configMap({ n: 'again' }, { name: 'c-599', uid: 'new', resourceVersion: '9001' });
    await recorder.observe(nth(599, 'new'), normalise(again), AT + 1000);
    await recorder.contentsEnded();
    const all = await ends();
    assert.equal(all.length, OBJECTS);
    assert.ok(all.every(({ object }) => object.uid !== 'new'));
  });

  it('goes on at the next start where the process ended in between', async () => {
    await recorder.observeGone(NAMESPACE, '9000', AT + 1000);
    await recorder.close();
    const before = (await ends()).length;
    assert.ok(before > 0 && before < OBJECTS, String(before));
    recorder = await openRecorder(store);
    await recorder.contentsEnded();
    const all = await ends();
    assert.equal(all.length, OBJECTS);
    assert.equal(new Set(all.map(({ object }) => object.uid)).size, OBJECTS);
    // And there is nothing left to do.
    await recorder.close();
    recorder = await openRecorder(store);
    await recorder.contentsEnded();
    assert.equal((await ends()).length, OBJECTS);
  });

  it('ends none twice, though a list shows at the same time that all are gone', async () => {
    const version = '9100';
    await Promise.all([
      recorder.observeGone(NAMESPACE, '9000', AT + 1000),
      ...Array.from({ length: OBJECTS }, (_, n) => recorder.observeAbsent(nth(n), version, AT + 1000)),
    ]);
    await recorder.contentsEnded();
    const all = await ends();
    assert.deepEqual([all.length, new Set(all.map(({ object }) => object.uid)).size], [OBJECTS, OBJECTS]);
  });
});
