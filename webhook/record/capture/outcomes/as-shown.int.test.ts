import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ownerAt } from '../../../../shared/blame.ts';
import { normalise } from '../../../../shared/normalise.ts';
import { readReview } from '../../../../shared/review.ts';
import { configMap, reviewDocument, SETTINGS, type ReviewOptions } from '../../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { verifyLedger } from '../../../ledger/sqlite/verify/verify.ts';
import { openForReading } from '../../../ledger/sqlite/database/open.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

/** A body at a version, last written by some managers at seconds past 05:00. */
function at(version: string, body: JsonObject, ...written: [manager: string, second: number][]): JsonObject {
  const managedFields = written.map(([manager, second]): JsonObject => ({
    ...{ manager, operation: 'Update', fieldsV1: { 'f:data': {} } },
    time: `2026-11-22T05:00:${String(second).padStart(2, '0')}Z`,
  }));
  const metadata = { ...(body.metadata as JsonObject), managedFields };
  return { ...body, metadata: version === '' ? metadata : { ...metadata, resourceVersion: version } };
}

const KUBECTL: [string, number] = ['kubectl-create', 1];

describe('what the API server makes of a change', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  beforeEach(async () => {
    ledger = await TestRecorder.open(file('ledger.db'));
  });
  afterEach(() => ledger.close());

  /** Records a review whose size is told, so that its managedFields are remembered, or not. */
  const review = async (options: ReviewOptions, remembered = true): Promise<void> => {
    ledger.at += 1000;
    await ledger.recorder.record(readReview(reviewDocument(options)), ledger.at, remembered ? 500 : 0);
  };
  const create = (body: JsonObject, remembered?: boolean): Promise<void> =>
    review({ object: at('', body, KUBECTL) }, remembered);
  const show = (body: JsonObject): Promise<void> =>
    ledger.recorder.observe(SETTINGS, normalise(body), (ledger.at += 100));
  const reader = (): StoreReader => new StoreReader(ledger.store, () => ledger.at);
  const asked = configMap({ a: '1' });
  const filled: JsonObject = { ...asked, status: { phase: 'Pending' } };

  for (const remembered of [true, false]) {
    describe(`where the review's managedFields are ${remembered ? 'remembered' : 'not remembered'}`, () => {
      it('is part of that change, as a watch shows it', async () => {
        await create(asked, remembered);
        await show(at('11', filled, KUBECTL));
        assert.deepEqual(await ledger.summary(), ['1 admission CREATE committed@11']);
        const [change] = (await reader().changes({ scope: {}, limit: 10, bodies: true })).changes;
        assert.deepEqual([change?.before, change?.after], [null, filled]);
        assert.deepEqual(change?.patch, [{ op: 'add', path: '', value: filled }]);
        const [state] = (await reader().states({ scope: {}, at: ledger.at, limit: 1 })).states;
        assert.deepEqual([state?.seq, state?.actor?.username, state?.body], [1, 'alice@example.com', filled]);
        const [blame] = (await reader().blame({ scope: {}, at: ledger.at, limit: 1 })).blames;
        assert.deepEqual(blame?.owners, { seq: 1 });
      });

      it('is part of that change, as the next review shows it, which is made on it', async () => {
        await create(asked, remembered);
        const [from, to] = [
          at('11', filled, KUBECTL),
          at('11', { ...filled, data: { a: '2' } }, KUBECTL, ['kubectl-edit', 2]),
        ];
        await review({ operation: 'UPDATE', oldObject: from, object: to, username: 'bob' }, remembered);
        assert.deepEqual(await ledger.summary(), ['1 admission CREATE committed@11', '2 admission UPDATE pending']);
        const { changes } = await reader().changes({ scope: {}, limit: 10 });
        assert.deepEqual(changes[0]?.deltas, [{ path: 'data.a', kind: 'changed', before: '1', after: '2' }]);
        const [blame] = (await reader().blame({ scope: {}, at: ledger.at, limit: 1 })).blames;
        assert.equal(blame && ownerAt(blame.owners, ['status', 'phase']).seq, 1);
      });

      const others: Record<string, JsonObject> = {
        'somebody else has written since': at('12', filled, KUBECTL, ['helm', 5]),
        'its own manager has written since': at('12', filled, ['kubectl-create', 9]),
        'a value was replaced': at('11', { ...filled, data: { a: '1', b: '1' }, kind: 'Other' }, KUBECTL),
        'it is marked for deletion, which leaves no trace': at(
          '12',
          { ...asked, metadata: { ...(asked.metadata as JsonObject), deletionTimestamp: '2026-11-22T05:00:01Z' } },
          KUBECTL,
        ),
      };
      for (const [what, shown] of Object.entries(others)) {
        it(`is not told apart from a change of somebody unknown where ${what}`, async () => {
          await create(asked, remembered);
          await show(shown);
          assert.deepEqual(
            (await ledger.summary()).map((line) => line.replace(/@\d+/, '')),
            ['1 admission CREATE committed', '2 watch UPDATE committed'],
          );
          assert.equal((await ledger.changes())[1]?.detail().cause, null);
        });
      }
    });
  }

  it('may come second-hand from an API server whose clock is ahead, in the second of the change', async () => {
    await create(asked, false);
    await show(at('11', filled, ['kubectl-create', 2]));
    assert.deepEqual(await ledger.summary(), ['1 admission CREATE committed@11']);
  });

  it('is a change of its own that names the request, where labels come by it, which is found by them', async () => {
    await create(asked);
    const labelled = { ...asked, metadata: { ...(asked.metadata as JsonObject), labels: { job: 'x' } } };
    await show(at('11', labelled, KUBECTL));
    assert.deepEqual(await ledger.summary(), ['1 admission CREATE committed@11', '2 watch UPDATE committed@11']);
    assert.equal((await ledger.changes())[1]?.detail().cause, 1);
    const [blame] = (await reader().blame({ scope: {}, at: ledger.at, limit: 1 })).blames;
    assert.deepEqual(
      blame?.setters.map(({ actor }) => actor?.username),
      ['alice@example.com', 'alice@example.com'],
    );
  });

  it('corrects the time that was predicted for the mark of a deletion', async () => {
    const held = { ...asked, metadata: { ...(asked.metadata as JsonObject), finalizers: ['a/b'] } };
    await show(at('10', held));
    await review({ operation: 'DELETE', object: null, oldObject: at('10', held), username: 'bob' });
    const mark = { deletionTimestamp: '2026-11-22T05:00:09Z', deletionGracePeriodSeconds: 0 };
    const marked = { ...held, metadata: { ...held.metadata, ...mark } };
    await show(at('11', marked));
    assert.deepEqual(await ledger.summary(), ['1 baseline CREATE committed@10', '2 admission DELETE committed@11']);
    const [state] = (await reader().states({ scope: {}, at: ledger.at, limit: 1 })).states;
    assert.deepEqual([state?.seq, state?.body], [2, marked]);
  });

  it('says nothing of a field that a new definition took away, or filled in, without a new version', async () => {
    await show(at('10', { ...asked, old: 1 }));
    const [from, to] = [
      { ...asked, fresh: 2 },
      { ...asked, fresh: 2, data: { a: '2' } },
    ];
    await review({ operation: 'UPDATE', oldObject: at('10', from), object: at('10', to), username: 'bob' });
    const [change] = (await reader().changes({ scope: {}, limit: 1, bodies: true })).changes;
    assert.deepEqual(change?.deltas, [{ path: 'data.a', kind: 'changed', before: '1', after: '2' }]);
    assert.deepEqual([change.before, change.after], [from, to]);
    const [blame] = (await reader().blame({ scope: {}, at: ledger.at, limit: 1 })).blames;
    const seqs = [['data', 'a'], ['fresh'], ['kind']].map((path) => blame && ownerAt(blame.owners, path).seq);
    assert.deepEqual(seqs, [2, 1, 1]);
  });

  /** The second past 05:00 at which the next review comes. */
  const nextSecond = (): number => Math.floor((ledger.at + 1000 - Date.parse('2026-11-22T05:00:00Z')) / 1000);
  const restart = async (path: string): Promise<void> => {
    const { at: now } = ledger;
    await ledger.close();
    ledger = await TestRecorder.open(path);
    ledger.at = now;
  };

  it('is kept over a restart, by a whole body beside it, by a fold, and whatever comes next', async () => {
    const body = (count: number, shown: number): JsonObject => ({
      ...configMap({ count: String(count) }),
      status: Object.fromEntries(Array.from({ length: shown }, (_, index) => [`s${index}`, index])),
    });
    await create(body(0, 0));
    let managed: [string, number] = KUBECTL;
    for (let count = 1; count <= 30; count++) {
      const before = at(String(10 + count), body(count - 1, count), managed);
      await show(before);
      if (count % 7 === 0) await restart(file('ledger.db'));
      managed = ['kubectl-create', nextSecond()];
      const after = at(String(10 + count), body(count, count), managed);
      await review({ operation: 'UPDATE', oldObject: before, object: after, username: `user-${count}` });
    }
    const changes = await ledger.changes();
    assert.deepEqual(new Set(changes.map(({ source }) => source)), new Set(['admission']));
    assert.deepEqual([changes.length, changes.filter(({ amended }) => amended).length], [31, 30]);
    const bodyNow = async (): Promise<JsonObject | undefined> =>
      (await reader().states({ scope: {}, at: ledger.at, limit: 1 })).states[0]?.body;
    assert.deepEqual(await bodyNow(), body(30, 30));
    const [blame] = (await reader().blame({ scope: {}, at: ledger.at, limit: 1 })).blames;
    const owners = [0, 1, 12, 29].map((index) => blame && ownerAt(blame.owners, ['status', `s${index}`]).seq);
    assert.deepEqual(owners, [1, 2, 13, 30]);
    await ledger.close();
    assert.deepEqual(await findings(file('ledger.db')), []);
    const store = openSqliteStore(file('ledger.db'), 'test', 0);
    assert.equal((await store.fold({ before: ledger.at - 10_000, now: ledger.at }))?.removed, 19);
    await store.close();
    ledger = await TestRecorder.open(file('ledger.db'));
    ledger.at = changes.at(-1)?.at ?? 0;
    assert.deepEqual(await bodyNow(), body(30, 30));
    assert.deepEqual(await findings(file('ledger.db')), []);
  });

  /** What a verification of the ledger's file finds, every state rebuilt. */
  async function findings(path: string): Promise<unknown[]> {
    const db = openForReading(path);
    const report = await verifyLedger(db, { checkpoints: [], unsigned: 0, samples: Infinity, random: Math.random });
    db.close();
    return report.findings;
  }

  it("is never told as somebody else's doing, and hides nobody's: each write has its row, each row what it wrote", async function () {
    this.timeout(60_000);
    const write = fc.record({
      user: fc.constantFrom('ann', 'ben'),
      fills: fc.nat(2),
      sent: fc.boolean(),
      watched: fc.boolean(),
      restarts: fc.boolean(),
      version: fc.constantFrom('v1', 'v2'),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 25 }), async (writes) => {
        const path = file(`run-${run++}.db`);
        await restart(path);
        let shown = at('10', configMap({ n: '0' }));
        await show(shown);
        for (const [index, { user, fills, sent, watched, restarts, version }] of writes.entries()) {
          const managed: [string, number] = [user, nextSecond() % 60];
          const asks = { ...withoutVersion(shown), data: { n: String(index + 1) } };
          if (sent) {
            const oldObject = { ...shown, apiVersion: version };
            const object = { ...at(String(index + 10), asks, managed), apiVersion: version };
            await review({ operation: 'UPDATE', oldObject, object, username: user, options: { fieldManager: user } });
          } else ledger.at += 2000;
          const extra = Object.fromEntries(Array.from({ length: fills }, (_, n) => [`f${index}-${n}`, n]));
          shown = at(String(index + 11), { ...asks, ...extra }, managed);
          if (restarts) await restart(path);
          // What nobody sent is shown by a watch alone; a review that is sent shows what was before it, in its version.
          if (watched || !sent || writes[index + 1]?.sent !== true) await show(shown);
        }
        const changes = (await reader().changes({ scope: {}, limit: 100, bodies: true })).changes.reverse();
        const [state] = (await reader().states({ scope: {}, at: ledger.at, limit: 1 })).states;
        const [blame] = (await reader().blame({ scope: {}, at: ledger.at, limit: 1 })).blames;
        await ledger.close();
        const found = await findings(path);
        ledger = await TestRecorder.open(path);
        assert.deepEqual(found, []);
        assert.deepEqual(state?.body, normalise(shown).body);
        const users = changes.slice(1).map(({ actor, source }) => `${source} ${actor?.username}`);
        assert.deepEqual(
          users,
          writes.map(({ user, sent }) => (sent ? `admission ${user}` : 'watch undefined')),
        );
        for (const [index, change] of changes.slice(1).entries()) {
          const numbers = change.deltas.filter(({ path: changed }) => changed === 'data.n');
          assert.deepEqual(
            numbers.map(({ before, after }) => [before, after]),
            [[String(index), String(index + 1)]],
          );
        }
        assert.equal(blame && ownerAt(blame.owners, ['data', 'n']).seq, changes.at(-1)?.seq);
        assert.equal(blame && ownerAt(blame.owners, ['metadata', 'name']).seq, 1);
      }),
      { numRuns: 30 },
    );
  });
});

function withoutVersion({ metadata, ...rest }: JsonObject): JsonObject {
  const { resourceVersion: _, managedFields: __, ...others } = metadata as JsonObject;
  return { ...rest, metadata: others };
}
