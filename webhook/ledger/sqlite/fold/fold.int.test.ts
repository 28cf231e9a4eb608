import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { readReview } from '../../../../shared/review.ts';
import { configMap, reviewDocument, SETTINGS } from '../../../../shared/testing/reviews.ts';
import { seeded } from '../../../../shared/testing/random.ts';
import { shopMarks } from '../../../../shared/testing/shop.ts';
import { Predicates } from '../../../record/rules/predicates.ts';
import { Recorder } from '../../../record/capture/recorder/recorder.ts';
import type { Report } from '../../proof/report.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { useSharedFolder } from '../../../testing/folder.ts';
import { TEST_KEY } from '../../../testing/ledgers/recorder.ts';
import { writeFormat } from '../../../testing/ledgers/older-ledger.ts';
import { importShop } from '../../../testing/ledgers/shop-ledger.ts';
import { newChange } from '../../port/contract/new-change.ts';
import { mattersForSecurity } from '../../retention/security.ts';
import { appendRandomly, compareLabelSearch, slowLabels } from '../../port/contract/label-search.contract.ts';
import { Appender } from '../write/append.ts';
import { newestFold } from '../chain/chained-rows.ts';
import { Folder } from './fold.ts';
import { linkOfRemains, remainsAfter, remainsAsRecorded } from '../chain/remains.ts';
import { LATE_CHANGES } from '../database/schema.ts';
import { openSqliteStore } from '../store/open-store.ts';
import { openSqliteReader, type SqliteStore } from '../store/store.ts';
import { verifyLedger, type SignedHead } from '../verify/verify.ts';

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

/** A ledger's own row, the newest of something, or a text sweep, which is done seldom and in steps. */
function isMeantToScan(sql: string): boolean {
  return / FROM (ledger|folds ORDER BY id|label_sets|texts WHERE id < )|max\(|LIMIT 1$|count\(\*\)/.test(sql);
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
    assert.equal(last?.seq, 1706 + 41);
    const late = [...(await statesAt(path, LATER + 1000)).keys()].filter((name) => name.includes('/late-'));
    assert.equal(late.length, 41);
  });

  it('keeps what a later change was made from, though others came between; and verify knows of it', async () => {
    const path = file('forked.db');
    const store = openSqliteStore(path, 'shop', 0);
    const states = [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }, { a: 1, b: 1 }, { a: 4, b: 1 }];
    // The fifth was made from the first; the last one from the fourth.
    const parents = [null, 1, 2, 3, 1, 4];
    for (const [index, body] of states.entries()) {
      const seq = index + 1;
      const parent = parents[index] ?? null;
      const patch = diff(parent === null ? null : (states[parent - 1] ?? null), body);
      const facts = parent === null ? {} : { operation: 'UPDATE' as const, effect: 'modified' as const, depth: 1 };
      const change = newChange(seq, {
        ...facts,
        parent,
        hash: hashBody(body),
        detail: { ...newChange(1).detail, patch },
      });
      const outcome = seq < 5 ? 'committed' : 'dropped';
      const reason = 'the watch shows it';
      await store.append({
        changes: [change],
        outcomes: [{ seq, outcome, reason, resourceVersion: '', at: change.at }],
      });
    }
    assert.ok((await foldAll(store, 4_500)) > 0);
    assert.deepEqual(
      (await store.changes({}, 10)).map(({ seq }) => seq),
      [6, 5, 4, 3, 1],
    );
    for (const seq of [4, 5, 6]) assert.deepEqual(await store.body(seq), states[seq - 1], String(seq));
    await store.close();
    const db = new Database(path);
    assert.deepEqual(db.prepare('SELECT parent, seq FROM forks').raw().all(), [
      [1, 5],
      [4, 6],
    ]);
    db.exec('DROP TRIGGER forks_keep_rows; DELETE FROM forks WHERE seq = 6');
    db.close();
    const found = (await verify(path)).findings.map(({ where, what }) => `${where}: ${what}`);
    const unlisted = found.find((text) => text.startsWith('change 6: it is not listed among those'));
    assert.ok(unlisted, found.join());
  });

  it('finds outcomes that are told long after their change, and folds them with the rest', async () => {
    const path = file('late.db');
    const store = openSqliteStore(path, 'shop', 0);
    const named = (seq: number) => newChange(seq, { object: { ...SETTINGS, name: `c-${seq}`, uid: `u-${seq}` } });
    const last = LATE_CHANGES + 700;
    for (let seq = 1; seq <= last; seq += 300) {
      await store.append({ changes: Array.from({ length: 300 }, (_, n) => named(seq + n)), outcomes: [] });
    }
    const reason = 'the watch shows it';
    const told = [1, 2, 299, 600, 701, last].map((seq) => ({ seq, outcome: 'dropped' as const, reason, resourceVersion: '', at: 1_000 * last } as const)); // prettier-ignore
    await store.append({ changes: [], outcomes: told });
    await store.append({
      changes: [newChange(((await store.last())?.seq ?? 0) + 1, { at: 1_000 * last + 1 })],
      outcomes: [],
    });
    const db = new Database(path, { readonly: true });
    const listed = db.prepare('SELECT seq FROM late_outcomes').pluck().all();
    assert.deepEqual(listed, [1, 2, 299, 600]);
    db.close();
    await foldAll(store, Infinity);
    assert.deepEqual(
      await Promise.all([1, 2, 299, 600, 701, last].map((seq) => store.change(seq))),
      Array(6).fill(null),
    );
    assert.equal((await store.change(3))?.outcome, 'pending');
    await store.close();
    assert.deepEqual((await verify(path)).findings, []);
  });

  it('keeps what matters for security from a moment on, whatever else is folded, and then gives it up', async () => {
    const { path, store } = copy();
    const all = (await store.changes({}, 10_000)).reverse();
    const securityFrom = (from: number): number[] =>
      all
        .filter(({ object, ...change }) => mattersForSecurity({ ...object, ...change }) && change.at >= from)
        .filter(({ source, outcome }) => source !== 'baseline' && outcome !== 'dropped')
        .map(({ seq }) => seq);
    const left = async (): Promise<Set<number>> => {
      const users = (await store.changes({}, 10_000)).filter(({ source }) => source !== 'baseline');
      return new Set(users.map(({ seq }) => seq));
    };
    const ever = new Set(securityFrom(0));
    const total = ever.size;
    assert.ok(total > 5, String(total));
    for (const [before, securityBefore] of [
      [3, 0],
      [5, 2],
      [6, 4],
      [6, 6],
    ] as const) {
      const limits = { before: at(before), securityBefore: securityBefore === 0 ? 0 : at(securityBefore), now: LATER };
      while ((await store.fold(limits)) !== null);
      const present = await left();
      const missing = securityFrom(limits.securityBefore).filter((seq) => !present.has(seq));
      assert.deepEqual(missing, [], `up to mark ${before}`);
      assert.deepEqual((await verify(path, heads)).findings, [], `up to mark ${before}`);
    }
    const kept = [...(await left())].filter((seq) => ever.has(seq)).length;
    assert.ok(kept < total, `${kept} of ${total}`);
    // The same as if nothing had been kept longer.
    const once = copy();
    await foldAll(once.store, at(6));
    const seqs = async (of: SqliteStore): Promise<number[]> => (await of.changes({}, 10_000)).map(({ seq }) => seq);
    assert.deepEqual(await seqs(store), await seqs(once.store));
    for (const mark of [6, 7]) {
      assert.deepEqual(await statesAt(path, at(mark)), await statesAt(file('whole.db'), at(mark)), `mark ${mark}`);
    }
    await store.close();
    await once.store.close();
  });

  it('reads no table from its beginning: a step costs the same however long the ledger is', async () => {
    const { path, store } = copy();
    await store.close();
    const db = new Database(path);
    const asked = new Set<string>();
    const prepare = db.prepare.bind(db);
    db.prepare = (sql: string) => {
      asked.add(sql);
      return prepare(sql);
    };
    const folder = new Folder(db, new Appender(db));
    let steps = 0;
    while (folder.fold({ before: Infinity, securityBefore: 0, now: LATER }) !== null) steps++;
    while (folder.fold({ before: Infinity, now: LATER }) !== null) steps++;
    db.prepare = prepare;
    // Or the plan shows what foreign keys would look for: a fold checks none.
    db.pragma('foreign_keys = OFF');
    assert.ok(steps > 4, String(steps));
    const scans = [...asked]
      .filter((sql) => /^(SELECT|UPDATE|DELETE)/.test(sql) && !isMeantToScan(sql))
      .flatMap((sql) => {
        const values = (sql.match(/\?/g) ?? []).map(() => 1);
        const named = sql.includes('@') ? [{ after: 1, to: 2, fromSeq: 1, toSeq: 2 }] : values;
        const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...named) as { detail: string }[];
        return plan
          .filter(({ detail }) => /^SCAN (?!CONSTANT|\(|s$|resources)/.test(detail))
          .map(({ detail }) => `${detail}: ${sql}`);
      });
    assert.deepEqual(scans, []);
    assert.ok(asked.size > 30, String(asked.size));
    db.close();
    assert.deepEqual((await verify(path, heads)).findings, []);
  });

  it('goes on in a ledger of format 1, which gets at its next start what folds rely on', async () => {
    const whole = file('without-watch.db');
    await (await importShop(whole, false)).close();
    const path = file('format-1.db');
    writeFormat(1, path, whole);
    const present = new Database(whole, { readonly: true });
    const forks = present.prepare('SELECT * FROM forks').raw().all();
    present.close();
    assert.ok(forks.length > 5, String(forks.length));
    assert.throws(() => openSqliteReader(path), { code: 'ledger-foreign' });
    const store = openSqliteStore(path, 'shop', 0);
    const migrated = new Database(path, { readonly: true });
    assert.deepEqual(migrated.prepare('SELECT * FROM forks').raw().all(), forks);
    migrated.close();
    assert.ok((await foldAll(store, at(4))) > 0);
    await store.close();
    assert.deepEqual((await verify(path)).findings, []);
    assert.deepEqual(await statesAt(path, at(7)), await statesAt(whole, at(7)));
  });

  it('knows the hash that ledger format 1 recorded, and goes on from it', async () => {
    const { path, store } = copy();
    await foldAll(store, at(2));
    await store.close();
    const db = new Database(path, { readonly: true });
    const last = newestFold(db);
    assert.ok(last);
    const old = { ...last, remains: linkOfRemains(db, last) };
    assert.equal(old.remains.length, 32);
    assert.ok(remainsAsRecorded(db, old));
    assert.ok(!remainsAsRecorded(db, { ...old, horizonAt: old.horizonAt + 1 }));
    assert.ok(remainsAfter(db, old).bytes.equals(last.remains));
    db.close();
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
