import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Redactor } from '../../../shared/redact.ts';
import { readReview } from '../../../shared/review.ts';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import { seeded } from '../../../shared/testing/random.ts';
import { shopMarks } from '../../../shared/testing/shop.ts';
import { Predicates } from '../../capture/predicates.ts';
import { Recorder } from '../../capture/recorder.ts';
import type { Report } from '../../proof/report.ts';
import { StoreReader } from '../../query/reader.ts';
import { useSharedFolder } from '../../testing/folder.ts';
import { TEST_KEY } from '../../testing/recorder.ts';
import { importShop } from '../../testing/shop-ledger.ts';
import { newChange } from '../contract.ts';
import { appendRandomly, compareLabelSearch, slowLabels } from '../label-search.contract.ts';
import { openSqliteReader, openSqliteStore, type SqliteStore } from './store.ts';
import { verifyLedger, type SignedHead } from './verify.ts';

const LATER = Date.parse('2026-11-23T00:00:00Z');

async function verify(path: string, checkpoints: SignedHead[] = []): Promise<Report> {
  const db = new Database(path, { readonly: true });
  try {
    return await verifyLedger(db, { checkpoints, unsigned: 0, samples: Infinity, random: seeded(1) });
  } finally {
    db.close();
  }
}

/** Every object at a moment, by name. */
async function statesAt(path: string, at: number): Promise<Map<string, unknown>> {
  const reader = new StoreReader(openSqliteReader(path), () => LATER);
  const { states } = await reader.states({ scope: {}, at, limit: 100_000 });
  await reader.close();
  return new Map(states.map(({ object, body, outcome }) => [Object.values(object).join('/'), { body, outcome }]));
}

async function foldAll(store: SqliteStore, before: number): Promise<number> {
  let removed = 0;
  for (;;) {
    const result = await store.fold({ before, now: LATER });
    if (result === null) return removed;
    removed += result.removed;
  }
}

describe('folding', function () {
  this.timeout(600_000);
  const file = useSharedFolder({ verify: false });
  const marks = shopMarks();
  const at = (index: number): number => marks[index]?.at ?? NaN;
  const heads: SignedHead[] = [];
  let copies = 0;

  before(async () => {
    const store = (await importShop(file('whole.db'), true)) as SqliteStore;
    heads.push({ ...(await store.treeHead()), from: 'whole', key: 'k' });
    await store.close();
  });

  function copy(): { path: string; store: SqliteStore } {
    const path = file(`folded-${++copies}.db`);
    copyFileSync(file('whole.db'), path);
    return { path, store: openSqliteStore(path, 'shop', 0) };
  }

  for (const mark of [1, 4, 7]) {
    it(`up to mark ${mark} keeps every state since, and the proof`, async () => {
      const { path, store } = copy();
      const removed = await foldAll(store, at(mark));
      assert.ok(removed > 50 * mark, String(removed));
      await store.close();
      const report = await verify(path, heads);
      assert.deepEqual(report.findings, []);
      assert.equal(report.horizon?.removed, removed);
      assert.equal(report.checkpoints.checked, 1);
      for (let later = mark; later < marks.length; later++) {
        assert.deepEqual(await statesAt(path, at(later)), await statesAt(file('whole.db'), at(later)), `mark ${later}`);
      }
    });
  }

  it('little by little comes to the same, and each step verifies', async () => {
    const { path, store } = copy();
    for (const mark of [1, 2, 3, 4, 5, 6]) {
      await foldAll(store, at(mark));
      assert.deepEqual((await verify(path, heads)).findings, [], `mark ${mark}`);
    }
    await store.close();
    const once = copy();
    await foldAll(once.store, at(6));
    await once.store.close();
    const seqs = (db: string): unknown => new Database(db).prepare('SELECT seq, kind, parent FROM changes').raw().all();
    assert.deepEqual(seqs(path), seqs(once.path));
  });

  it('refuses to answer for what was before, and says from when on it can', async () => {
    const { path, store } = copy();
    await foldAll(store, at(4));
    const info = await new StoreReader(store, () => LATER).info();
    assert.ok((info.firstAt ?? 0) > at(3) && (info.firstAt ?? 0) <= at(4));
    // A change that stayed is told, and what it changed; who made the state before it is not known any more.
    const { changes } = await new StoreReader(store, () => LATER).changes({
      scope: { type: { group: 'apps', resource: 'deployments' }, names: ['web'], namespace: 'shop' },
      limit: 100,
    });
    const first = changes.at(-1);
    assert.deepEqual([first?.source, first?.actor, first?.effect], ['baseline', null, 'created']);
    assert.ok((changes.at(-2)?.deltas.length ?? 0) > 0);
    await store.close();
    assert.deepEqual((await verify(path)).findings, []);
  });

  it('keeps the labels of what stays, as they were', async () => {
    for (const seed of [4, 5]) {
      const path = file(`labels-${seed}.db`);
      const store = openSqliteStore(path, 'shop', 0);
      await appendRandomly(store, seed);
      await appendRandomly(store, seed + 100);
      const labels = await slowLabels(store, (await store.changes({}, 1000)).reverse());
      for (const before of [60_000, 180_000, 300_000]) {
        assert.ok((await foldAll(store, before)) > 0);
        assert.deepEqual((await verify(path)).findings, []);
        await compareLabelSearch(store, labels, 400);
      }
      await store.append({ changes: [newChange(401)], outcomes: [] });
      assert.deepEqual((await verify(path)).findings, []);
      await store.close();
    }
  });

  it('leaves a ledger that is recorded into as before', async () => {
    const { path, store } = copy();
    const options = { redactor: new Redactor(TEST_KEY), predicates: new Predicates([]) };
    const recorder = await Recorder.open({ store, ...options });
    const review = (n: number, text: string): Promise<unknown> => {
      const object = configMap({ text }, { name: `late-${n}`, uid: `late-${n}`, resourceVersion: String(n) });
      const document = reviewDocument({ name: `late-${n}`, uid: `${n}-${text}`, object });
      return recorder.record(readReview(document), LATER + n, 0);
    };
    const work: Promise<unknown>[] = [];
    for (let n = 0; n < 40; n++) {
      work.push(review(n, 'a'));
      if (n % 4 === 0) work.push(recorder.maintain(() => store.fold({ before: at(1) + n * 4000, now: LATER })));
    }
    await Promise.all(work);
    await recorder.maintain(() => foldAll(store, LATER + 20));
    await review(99, 'b');
    await recorder.close();
    const last = await store.last();
    await store.close();
    assert.deepEqual((await verify(path, heads)).findings, []);
    assert.equal(last?.seq, 1707 + 41);
    const late = [...(await statesAt(path, LATER + 1000)).keys()].filter((name) => name.includes('/late-'));
    assert.equal(late.length, 41);
  });

  it('changes nothing where what it would remove was tampered with', async () => {
    const { path, store } = copy();
    await store.close();
    const db = new Database(path);
    db.exec("DROP TRIGGER outcomes_keep_values; UPDATE outcomes SET version = '1' WHERE seq = 300");
    db.close();
    const again = openSqliteStore(path, 'shop', 0);
    await assert.rejects(foldAll(again, at(6)), { code: 'ledger-damaged' });
    assert.equal((await again.first())?.seq, 1);
    await again.close();
  });

  it('finds what is changed of the rest, and lets no other row go', async () => {
    const { path, store } = copy();
    await foldAll(store, at(6));
    await store.close();
    const db = new Database(path);
    for (const statement of [
      'DELETE FROM changes WHERE seq = 1700',
      'UPDATE changes SET at = 1 WHERE seq = 1700',
      'DELETE FROM outcomes WHERE seq = (SELECT max(seq) FROM outcomes)',
      'DELETE FROM commits WHERE id = (SELECT max(id) FROM commits)',
      'DELETE FROM folds WHERE id = (SELECT max(id) FROM folds)',
      'UPDATE folds SET removed = 0',
    ]) {
      assert.throws(() => db.exec(statement), /append-only/, statement);
    }
    db.close();
    for (const [statement, where] of [
      ['UPDATE changes SET at = at - 1 WHERE seq = (SELECT min(seq) FROM changes)', /^changes up to/],
      ['DELETE FROM changes WHERE seq = (SELECT min(seq) FROM changes)', /^changes up to/],
      ['UPDATE coverage SET at = at - 1 WHERE id = 1', /^changes up to/],
      ["UPDATE ledger SET cluster = 'x'", /^changes up to/],
      ['UPDATE folds SET removed = removed + 1 WHERE id = (SELECT max(id) FROM folds)', /^commit/],
      ['UPDATE folds SET chain = remains WHERE id = (SELECT max(id) FROM folds)', /^commit/],
      ["INSERT INTO objects VALUES (9999, 1, 1, 'x', 'x')", /^objects 9999/],
    ] as const) {
      const tampered = file(`tampered-${++copies}.db`);
      copyFileSync(path, tampered);
      const edited = new Database(tampered);
      edited.pragma('foreign_keys = OFF');
      for (const table of ['ledger', 'folds', 'coverage']) edited.exec(`DROP TRIGGER ${table}_keep_values`);
      assert.equal(edited.prepare(statement).run().changes, 1, statement);
      edited.close();
      const { findings } = await verify(tampered);
      assert.ok(
        findings.some((finding) => finding.part !== 'file' && where.test(finding.where)),
        statement,
      );
    }
  });
});
