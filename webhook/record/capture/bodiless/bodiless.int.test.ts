import assert from 'node:assert/strict';
import { notKeptOf } from '../../../../shared/not-kept.ts';
import { normalise } from '../../../../shared/normalise.ts';
import { hashBody } from '../../../../shared/patch.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { readReview } from '../../../../shared/review.ts';
import { configMap, reviewDocument, SETTINGS, type ReviewOptions } from '../../../../shared/testing/reviews.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TEST_KEY } from '../../../testing/ledgers/recorder.ts';
import { AttemptBudget, ATTEMPT_BYTES } from './attempt-budget.ts';
import { Predicates } from '../../rules/predicates.ts';
import type { Recorded } from '../recorder/options.ts';
import { Recorder } from '../recorder/recorder.ts';

const BEGAN = Date.parse('2026-11-22T05:00:00Z');
const HOUR_MS = 3_600_000;

describe('requests whose bodies are not kept', () => {
  const file = useFolder();
  let store: SqliteStore;
  let recorder: Recorder;
  let at = BEGAN;
  let isFull = false;
  const told: string[] = [];

  beforeEach(async () => {
    [at, isFull] = [BEGAN, false];
    told.length = 0;
    store = openSqliteStore(file('ledger.db'), 'test', at);
    recorder = await Recorder.open({
      store,
      redactor: new Redactor(TEST_KEY, []),
      predicates: new Predicates([]),
      disk: {
        get isFull() {
          return isFull;
        },
        spend: () => void told.push('full'),
      },
      overBudget: (user) => told.push(user),
    });
  });
  afterEach(async () => {
    await recorder.close();
    await store.close();
  });

  const review = (options: ReviewOptions): Promise<Recorded> =>
    recorder.record(readReview(reviewDocument(options)), (at += 1000), 0);
  const changes = async (): Promise<StoredChange[]> => (await store.changes({}, 100)).reverse();
  const line = ({ actor, operation, effect, outcome, detail }: StoredChange): string =>
    [operation, actor?.username ?? 'nobody', effect, outcome, notKeptOf(detail().options)?.reason ?? '']
      .join(' ')
      .trim();

  describe('while the disk is full', () => {
    beforeEach(() => {
      isFull = true;
    });

    it('tell who asked for what, when, and of which body; what is seen is taken in later, and belongs to them', async () => {
      const object = configMap({ text: 'x'.repeat(5_000) }, { resourceVersion: '5' });
      const seen = normalise(object);
      assert.equal(await review({ object, username: 'mallory' }), 'recorded');
      await assert.rejects(recorder.observe(SETTINGS, seen, at), { code: 'ledger-full' });
      await assert.rejects(recorder.observeGone(SETTINGS, '9', at), { code: 'ledger-full' });
      await assert.rejects(recorder.observeAbsent(SETTINGS, '9', at), { code: 'ledger-full' });
      const [created] = await changes();
      assert.deepEqual(created?.object, SETTINGS);
      assert.equal(created.manager, 'kubectl-create');
      assert.equal(created.at, BEGAN + 1000);
      assert.deepEqual(created.detail().patch, []);
      assert.deepEqual(notKeptOf(created.detail().options), {
        reason: 'disk-full',
        bytes: Buffer.byteLength(JSON.stringify(seen.body)),
        hash: hashBody(seen.body)?.toString('hex'),
        start: '',
      });
      isFull = false;
      await recorder.observe(SETTINGS, seen, (at += 1000), BEGAN);
      isFull = true;
      await review({ operation: 'DELETE', object: null, oldObject: object, username: 'mallory' });
      isFull = false;
      await recorder.observeGone(SETTINGS, '9', (at += 1000));
      assert.deepEqual((await changes()).map(line), [
        'CREATE mallory none committed disk-full',
        'CREATE nobody created committed',
        'DELETE mallory none pending',
        'DELETE nobody deleted committed',
      ]);
      assert.deepEqual(
        (await changes()).map(({ detail }) => detail().cause),
        [null, 1, null, 3],
      );
      const { changes: views } = await new StoreReader(store, () => at).changes({ scope: {}, limit: 9, causes: true });
      assert.deepEqual(
        views.map(({ causes }) => causes?.map(({ actor, certain }) => [actor?.username, certain])),
        [[['mallory', true]], [], [['mallory', true]], []],
      );
    });

    it('are told as changes of status where they are, and not at all where they change nothing', async () => {
      const object = configMap({}, { resourceVersion: '5' });
      await review({ operation: 'UPDATE', subResource: 'status', object: { ...object, status: { a: 1 } }, oldObject: object }); // prettier-ignore
      assert.equal(await review({ operation: 'UPDATE', object, oldObject: object }), 'unchanged');
      const [status, ...others] = await changes();
      assert.deepEqual([status?.statusOnly, status?.effect, others.length], [true, 'none', 0]);
    });

    it('say what was run where, and hold no value of a Secret', async () => {
      const exec = { kind: 'PodExecOptions', apiVersion: 'v1', command: ['sh', '-c', 'id'] };
      const pod = { resource: 'pods', kind: 'PodExecOptions', subResource: 'exec', name: 'db' };
      await review({ ...pod, operation: 'CONNECT', object: exec, options: {} });
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 's', uid: 's' },
        data: { p: 'aHVudGVyMg==' },
      };
      await review({ resource: 'secrets', kind: 'Secret', name: 's', object: secret });
      const [run, made] = await changes();
      assert.deepEqual(run?.detail().options, { command: ['sh', '-c', 'id'] });
      const notKept = notKeptOf(made?.detail().options ?? null);
      assert.notEqual(notKept?.hash, hashBody(normalise(secret).body)?.toString('hex'), 'of the redacted body');
    });
  });

  describe('of a user who asks for much that is not persisted', () => {
    const text = 'x'.repeat(ATTEMPT_BYTES / 8);
    const create = (name: string, username: string): Promise<Recorded> =>
      review({ name, username, object: configMap({ text }, { name, uid: name, resourceVersion: '5' }) });

    it('are those behind a budget for an hour: a hash and the first KB; small ones, and those of others, are kept', async () => {
      for (let n = 0; n < 10; n++) await create(`m-${n}`, 'mallory');
      await create('erins', 'erin');
      await review({ name: 'small', username: 'mallory', object: configMap({}, { name: 'small', uid: 'small' }) });
      const all = await changes();
      assert.deepEqual(all.map(line), [
        ...Array<string>(8).fill('CREATE mallory created pending'),
        ...Array<string>(2).fill('CREATE mallory none pending budget'),
        'CREATE erin created pending',
        'CREATE mallory created pending',
      ]);
      const { body } = normalise(configMap({ text }, { name: 'm-9', uid: 'm-9', resourceVersion: '5' }));
      assert.deepEqual(notKeptOf(all[9]?.detail().options ?? null), {
        reason: 'budget',
        bytes: Buffer.byteLength(JSON.stringify(body)),
        hash: hashBody(body)?.toString('hex'),
        start: JSON.stringify(body).slice(0, 1024),
      });
      assert.deepEqual(told, ['mallory']);
      at += HOUR_MS;
      await create('later', 'mallory');
      assert.equal(line((await changes()).at(-1) as StoredChange), 'CREATE mallory created pending');
    });

    it('are none where all is persisted, however much it is', async () => {
      for (let n = 0; n < 12; n++) {
        const name = `e-${n}`;
        await create(name, 'erin');
        const seen = normalise(configMap({ text }, { name, uid: name, resourceVersion: '5' }));
        await recorder.observe({ ...SETTINGS, name, uid: name }, seen, at);
      }
      assert.deepEqual((await changes()).map(line), Array<string>(12).fill('CREATE erin created committed'));
    });
  });
});

describe('the budget for attempts', () => {
  it('is given back with what was persisted, once, and begins anew with the hour', () => {
    const budget = new AttemptBudget();
    assert.equal(budget.add({ seq: 1, at: 0 }, 'a', ATTEMPT_BYTES - 1), false);
    assert.equal(budget.isSpent('a', 0), false);
    assert.equal(budget.add({ seq: 2, at: 0 }, 'a', 1), true);
    assert.equal(budget.isSpent('a', 0), true);
    assert.equal(budget.isSpent('b', 0), false);
    budget.persisted(2);
    budget.persisted(2);
    assert.equal(budget.isSpent('a', 0), false);
    assert.equal(budget.add({ seq: 3, at: 0 }, 'a', 5), true);
    assert.equal(budget.isSpent('a', HOUR_MS - 1), true);
    assert.equal(budget.isSpent('a', HOUR_MS), false);
    // Of the hour before.
    budget.persisted(3);
    assert.equal(budget.add({ seq: 4, at: HOUR_MS }, 'a', ATTEMPT_BYTES), true);
  });
});
