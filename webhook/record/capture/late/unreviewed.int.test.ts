import assert from 'node:assert/strict';
import { normalise } from '../../../../shared/normalise.ts';
import { configMap, SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { CoverageInterval, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { unreviewedText } from '../../../ledger/port/intervals.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';
import { UNREVIEWED_AFTER_MS } from './unreviewed.ts';

describe('a change whose review never arrived', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  beforeEach(async () => {
    ledger = await TestRecorder.open(file('ledger.db'), [
      { action: 'exclude', users: ['robot'], resources: ['secrets'] },
      { action: 'exclude', resources: ['events'] },
    ]);
    await ledger.recorder.cover('started', 'v', ledger.at);
    await ledger.recorder.cover('registered', '', ledger.at);
    await show({ a: '1' }, '11');
    ledger.at += 60_000;
  });
  afterEach(() => ledger.close());

  const show = (data: JsonObject, version: string, ref: ObjectRef = SETTINGS): Promise<void> => {
    const body = configMap(data, { name: ref.name, uid: ref.uid, resourceVersion: version });
    return ledger.recorder.observe(ref, normalise(body), ledger.at, ledger.at - 10_000);
  };
  /** Later by so much as a review may be late. */
  const wait = async (ms = UNREVIEWED_AFTER_MS): Promise<void> => {
    ledger.at += ms;
    await ledger.recorder.coverUnreviewed(ledger.at);
  };
  const reader = (): StoreReader => new StoreReader(ledger.store, () => ledger.at);
  const gaps = async (): Promise<CoverageInterval[]> => (await reader().coverage()).filter(({ covered }) => !covered);

  it('is a gap, on the change and in coverage, with the time in which it happened', async () => {
    const shownAt = ledger.at;
    await show({ a: '2' }, '12');
    await wait(UNREVIEWED_AFTER_MS - 1);
    assert.deepEqual(await gaps(), []);
    await wait(1);
    const cause = 'no review arrived of a change that the watch showed: change 2, configmaps shop/settings';
    assert.deepEqual(await gaps(), [{ from: shownAt - 10_000, to: shownAt, covered: false, cause }]);
    const [change] = (await reader().changes({ scope: {}, limit: 1 })).changes;
    assert.deepEqual([change?.seq, change?.actor, change?.gap], [2, null, cause]);
    await wait();
    assert.equal((await gaps()).length, 1);
  });

  it('is one gap with others of the same minute', async () => {
    for (const version of [12, 13, 14]) await show({ a: String(version) }, String(version));
    await wait();
    assert.deepEqual(
      (await gaps()).map(({ cause }) => cause),
      ['no review arrived of 3 changes that the watch showed: the first is change 2, configmaps shop/settings'],
    );
  });

  it('is none where the review was only late', async () => {
    const review = (): Promise<unknown> =>
      ledger.review({
        operation: 'UPDATE',
        oldObject: configMap({ a: '1' }, { resourceVersion: '11' }),
        object: configMap({ a: '2' }, { resourceVersion: '11' }),
      });
    await show({ a: '2' }, '12');
    await review();
    await wait();
    assert.deepEqual(await gaps(), []);
  });

  it('is none any more where the review came after it had been told', async () => {
    await show({ a: '2' }, '12');
    await wait();
    assert.equal((await gaps()).length, 1);
    await ledger.review({
      operation: 'UPDATE',
      oldObject: configMap({ a: '1' }, { resourceVersion: '11' }),
      object: configMap({ a: '2' }, { resourceVersion: '11' }),
    });
    await wait();
    assert.deepEqual(await gaps(), []);
    const [change] = (await reader().changes({ scope: {}, limit: 1 })).changes;
    assert.deepEqual([change?.actor?.username, change?.gap], ['alice@example.com', '']);
  });

  describe('before the server ended within half a minute', () => {
    /** Ends it without a word, as a kill does, and starts it again a second later. */
    const restart = async (): Promise<void> => {
      await ledger.close();
      const { at } = ledger;
      ledger = await TestRecorder.open(file('ledger.db'));
      ledger.at = at + 1_000;
      await ledger.recorder.cover('alive', '', at);
      await ledger.recorder.cover('started', 'v', ledger.at);
    };
    const causes = async (): Promise<string[]> => (await gaps()).map(({ cause }) => cause);
    const alone = 'no review arrived of a change that the watch showed: change 3, configmaps shop/other';
    const ended = 'the server ended without a stop';

    it('is a gap that the next one tells of, once', async () => {
      const shownAt = ledger.at;
      await show({ a: '2' }, '12');
      ledger.at += 10_000;
      // Something is recorded since: the gap of the end does not reach back to it.
      const other: ObjectRef = { ...SETTINGS, name: 'other', uid: 'u-2' };
      await show({}, '13', other);
      await ledger.recorder.cover('unreviewed', unreviewedText(3, other, ledger.at, ledger.at), ledger.at);
      await restart();
      await wait(shownAt + UNREVIEWED_AFTER_MS - ledger.at - 1);
      // So far that one alone which was told before.
      assert.deepEqual((await causes()).sort(), [alone, ended].sort());
      await wait(1);
      const both = {
        ...{ from: shownAt - 10_000, to: shownAt + 10_000, covered: false },
        cause: 'no review arrived of 2 changes that the watch showed: the first is change 2, configmaps shop/settings',
      };
      const found = async () => (await gaps()).filter(({ cause }) => cause.startsWith('no review'));
      assert.deepEqual(await found(), [both]);
      await restart();
      await wait();
      assert.deepEqual(await found(), [both]);
    });

    it('is none where its review lay in the spool, and is read by the next one', async () => {
      await show({ a: '2' }, '12');
      await restart();
      await ledger.review({
        operation: 'UPDATE',
        oldObject: configMap({ a: '1' }, { resourceVersion: '11' }),
        object: configMap({ a: '2' }, { resourceVersion: '11' }),
      });
      await wait();
      assert.deepEqual(await causes(), [ended]);
    });

    it('is none where it was known then that recording does not work', async () => {
      await ledger.recorder.cover('unregistered', 'the configuration was deleted', ledger.at);
      ledger.at += 1_000;
      await show({ a: '2' }, '12');
      await restart();
      await wait();
      assert.deepEqual(await causes(), ['the configuration was deleted', `the configuration was deleted; ${ended}`]);
    });
  });

  it('is none where no review was to come', async () => {
    const never: ObjectRef = {
      ...SETTINGS,
      group: 'admissionregistration.k8s.io',
      resource: 'validatingwebhookconfigurations',
    };
    const excluded: ObjectRef = { ...SETTINGS, resource: 'events' };
    // A rule that depends on the user, who is not known.
    const perhaps: ObjectRef = { ...SETTINGS, resource: 'secrets' };
    for (const ref of [never, excluded, perhaps]) {
      await show({ a: '1' }, '20', ref);
      await show({ a: '2' }, '21', ref);
    }
    await wait();
    assert.deepEqual(await gaps(), []);
  });

  it('is none of its own while it is known that recording does not work, nor right after', async () => {
    await ledger.recorder.cover('unregistered', 'the configuration was deleted', ledger.at);
    ledger.at += 1_000;
    await show({ a: '2' }, '12');
    ledger.at += 1_000;
    await ledger.recorder.cover('registered', '', ledger.at);
    // Begun before that.
    await show({ a: '3' }, '13');
    await wait();
    assert.deepEqual(
      (await gaps()).map(({ cause }) => cause),
      ['the configuration was deleted'],
    );
  });

  it('is none where it follows from another one: what was in a namespace that is deleted', async () => {
    const namespace = { resource: 'namespaces', kind: 'Namespace', namespace: '', name: 'shop', uid: 'u-ns' };
    const body = { metadata: { name: 'shop', uid: 'u-ns', resourceVersion: '5', finalizers: ['x'] } };
    await ledger.review({ ...namespace, operation: 'DELETE', oldObject: body, object: null, options: {} });
    await ledger.recorder.observeGone(SETTINGS, '30', ledger.at, ledger.at - 1_000);
    await wait();
    assert.deepEqual(await gaps(), []);
  });
});
