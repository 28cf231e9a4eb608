import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import Database from 'better-sqlite3';
import { notKeptOf } from '../../../../shared/not-kept.ts';
import { hashBody } from '../../../../shared/patch.ts';
import { configMap } from '../../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { OLDER_FORMATS, writeFormat } from '../../../testing/ledgers/older-ledger.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';
import { readArchive, writeArchive } from '../../files/archive.ts';
import type { StoredChange } from '../../port/port.ts';
import type { Report } from '../../proof/report.ts';
import { enforce, type Enforced } from '../../retention/retention.ts';
import { CommitTree } from '../chain/tree.ts';
import { openSqliteStore, openThreadedSqliteStore } from '../store/open-store.ts';
import { FORMAT } from '../database/schema.ts';
import { openSqliteReader, type SqliteStore } from '../store/store.ts';
import { verifyLedger, type SignedHead } from '../verify/verify.ts';

const HOUR_MS = 3_600_000;

async function verify(path: string, checkpoints: SignedHead[] = []): Promise<Report> {
  const db = new Database(path, { readonly: true });
  try {
    return await verifyLedger(db, { checkpoints, unsigned: 0, samples: Infinity, random: () => 0 });
  } finally {
    db.close();
  }
}

async function headOf(path: string): Promise<SignedHead> {
  const db = new Database(path, { readonly: true });
  try {
    return { ...(await new CommitTree(db).head()), from: 'a copy', key: 'a key' };
  } finally {
    db.close();
  }
}

describe('attempts that were never persisted', () => {
  const file = useFolder({ verify: false });
  let ledger: TestRecorder;

  const text = (): string => randomBytes(20_000).toString('base64');
  const named = (name: string, data: JsonObject, version = '7'): JsonObject =>
    configMap(data, { name, uid: name, resourceVersion: version });
  const shorten = (store: SqliteStore, afterMs: number): Promise<Enforced> =>
    enforce({
      ...{ store, policy: { ageMs: null, bytes: null, securityMs: null } },
      now: () => ledger.at + afterMs,
      between: (work) => work(),
    });
  /** A persisted map, with a large update; and, refused, another update of it, a large creation and a small one. The bodies of those. */
  async function record(): Promise<Record<string, JsonObject>> {
    const kept = [named('kept', { text: text() }, '1'), named('kept', { text: text() }, '2')] as const;
    await ledger.review({ name: 'kept', object: kept[0] });
    await ledger.review({ name: 'kept', operation: 'UPDATE', object: kept[1], oldObject: kept[0] });
    const refused = { kept: named('kept', { text: text() }, '2'), large: named('large', { text: text() }), small: named('small', { a: 'b' }) }; // prettier-ignore
    await ledger.review({ name: 'kept', operation: 'UPDATE', object: refused.kept, oldObject: kept[1], username: 'bob' }); // prettier-ignore
    await ledger.review({ name: 'large', object: refused.large, username: 'mallory' });
    await ledger.review({ name: 'small', object: refused.small, username: 'mallory' });
    await ledger.recorder.settleUnseen(() => true, ledger.at);
    await ledger.review({ name: 'kept', operation: 'UPDATE', object: named('kept', { text: 'x' }, '2'), oldObject: kept[1] }); // prettier-ignore
    return refused;
  }
  const of = async (store: SqliteStore): Promise<StoredChange[]> => (await store.changes({}, 100)).reverse();
  const facts = (change: StoredChange): string =>
    `${change.operation} ${change.object.name} ${change.outcome} ${change.effect}${notKeptOf(change.detail().options) === null ? '' : ' not kept'}`;

  beforeEach(async () => {
    ledger = await TestRecorder.open(file('ledger.db'));
  });
  afterEach(() => ledger.close());

  it('keep a hash and the first KB of their bodies after a day; what was persisted stays whole, and the chain holds', async () => {
    const store = ledger.store as SqliteStore;
    const refused = await record();
    const before = await of(store);
    assert.deepEqual(before.map(facts), [
      'CREATE kept committed created',
      'UPDATE kept committed modified',
      'UPDATE kept dropped modified',
      'CREATE large dropped created',
      'CREATE small dropped created',
      'UPDATE kept pending modified',
    ]);
    const bodies = await Promise.all(before.map(({ seq }) => store.body(seq)));
    const signed = await headOf(file('ledger.db'));
    const used = await store.usedBytes();

    assert.equal((await shorten(store, 23 * HOUR_MS)).shortened, 0);
    assert.equal((await shorten(store, 24 * HOUR_MS)).shortened, 2);
    assert.equal((await shorten(store, 25 * HOUR_MS)).shortened, 0);

    const after = await of(store);
    assert.deepEqual(after.map(facts), [
      'CREATE kept committed created',
      'UPDATE kept committed modified',
      'UPDATE kept dropped none not kept',
      'CREATE large dropped none not kept',
      'CREATE small dropped created',
      'UPDATE kept pending modified',
    ]);
    for (const [index, name] of [
      [2, 'kept'],
      [3, 'large'],
    ] as const) {
      // prettier-ignore
      const [change, body] = [after[index], bodies[index]];
      const told = JSON.stringify(body);
      assert.deepEqual(notKeptOf(change?.detail().options ?? null), {
        ...{ reason: 'never-persisted', bytes: Buffer.byteLength(told), start: told.slice(0, 1024) },
        hash: hashBody(body ?? null)?.toString('hex'),
      });
      assert.deepEqual(change?.hash, before[index]?.hash);
      assert.deepEqual(body?.data, refused[name]?.data);
      assert.equal(change?.actor?.username, before[index]?.actor?.username);
    }
    for (const index of [0, 1, 4, 5]) {
      assert.deepEqual(after[index]?.detail(), before[index]?.detail());
      assert.deepEqual(await store.body(after[index]?.seq ?? 0), bodies[index]);
    }
    assert.ok((await store.usedBytes()) < used - 30_000, `${used} ${await store.usedBytes()}`);
    // A checkpoint that was signed before, and kept elsewhere, still proves all of it.
    const report = await verify(file('ledger.db'), [signed]);
    assert.deepEqual([report.findings, report.checkpoints.checked, report.shortened], [[], 1, 2]);

    const db = new Database(file('ledger.db'), { readonly: true });
    await writeArchive(db, file('archive.gz'), []);
    db.close();
    const archive = await readArchive(file('archive.gz'), '');
    const options = { checkpoints: [signed], unsigned: 0, samples: Infinity, random: () => 0 };
    const archived = await verifyLedger(archive.db, options);
    archive.db.close();
    assert.deepEqual([archived.findings, archived.shortened], [[], 2]);
  });

  it('are shortened by the thread that writes too, and not while the clock is not to be trusted', async () => {
    await record();
    await ledger.store.close();
    const store = await openThreadedSqliteStore(file('ledger.db'), 'test', 0);
    const options = { store, policy: { ageMs: null, bytes: null, securityMs: null }, now: () => ledger.at + 400 * 24 * HOUR_MS }; // prettier-ignore
    const held = await enforce({ ...options, between: (work) => work(), heldBack: () => 'the clock jumped' });
    assert.deepEqual([held.shortened, held.heldBack], [0, 'the clock jumped']);
    assert.equal((await enforce({ ...options, between: (work) => work() })).shortened, 2);
    await store.close();
    assert.deepEqual((await verify(file('ledger.db'))).findings, []);
  });

  it('are all that can be shortened: nothing else is, whoever asks; and what is left of them cannot be changed unseen', async () => {
    await record();
    const store = ledger.store as SqliteStore;
    assert.equal(await store.shorten([1, 2, 5, 6], ledger.at), 0);
    await shorten(store, 24 * HOUR_MS);
    await ledger.close();
    const db = new Database(file('ledger.db'));
    for (const [statement, why] of [
      ["INSERT INTO shortened VALUES (2, 99, x'', x'')", /only what was never persisted may be shortened/],
      ["UPDATE changes SET detail = x'' WHERE seq = 2", /append-only/],
      ["UPDATE changes SET detail = x'' WHERE seq = 4", /append-only/],
      ['DELETE FROM shortened', /append-only/],
      ["UPDATE shortened SET content = x''", /append-only/],
    ] as const) {
      assert.throws(() => db.exec(statement), why, statement);
    }
    const findings = async (...statements: string[]): Promise<string[]> => {
      db.exec('BEGIN');
      for (const trigger of ['changes_keep_values', 'shortened_keep_values', 'shortened_keep_rows', 'shortened_dropped', 'outcomes_keep_values']) db.exec(`DROP TRIGGER ${trigger}`); // prettier-ignore
      for (const statement of statements) db.exec(statement);
      db.exec('COMMIT');
      db.close();
      const found = (await verify(file('ledger.db'))).findings.filter(({ part }) => part !== 'file');
      return found.map(({ where, what }) => `${where}: ${what}`);
    };
    const detail = '(SELECT detail FROM changes WHERE seq = 5)';
    const found = await findings(
      `UPDATE changes SET detail = ${detail} WHERE seq = 4`,
      'UPDATE outcomes SET outcome = 1 WHERE seq = 3',
      "INSERT INTO shortened SELECT 2, 99, x'', x''",
    );
    assert.deepEqual(
      found.sort().filter((what) => /shortened|rows of it, but/.test(what)),
      [
        'change 2: its body was shortened, and it is not known that it was never persisted',
        'change 2: what was left of it when it was shortened is not what was recorded',
        'change 3: its body was shortened, and it is not known that it was never persisted',
        'change 4: what was left of it when it was shortened is not what was recorded',
        'commit 99: there are rows of it, but it is not there',
      ],
    );
  });

  it('are folded as ever, before and after the commit that tells that they were shortened', async () => {
    await record();
    const store = ledger.store as SqliteStore;
    await shorten(store, 24 * HOUR_MS);
    ledger.at += 25 * HOUR_MS;
    await ledger.review({ name: 'later', object: named('later', {}) });
    const fold = async (before: number): Promise<void> => {
      while ((await store.fold({ before, now: ledger.at })) !== null);
      assert.deepEqual((await verify(file('ledger.db'))).findings, []);
    };
    await fold(ledger.at - 2 * HOUR_MS);
    const db = new Database(file('ledger.db'), { readonly: true });
    const rows = db.prepare('SELECT count(*) FROM shortened').pluck();
    assert.deepEqual([rows.get(), (await of(store)).map(({ seq }) => seq)], [2, [1, 2, 6, 7]]);
    ledger.at += HOUR_MS;
    await ledger.review({ name: 'last', object: named('last', {}) });
    await fold(ledger.at);
    assert.equal(rows.get(), 0);
    db.close();
  });

  it('are tried with each format before the present one, below', () => {
    assert.deepEqual(
      OLDER_FORMATS,
      Array.from({ length: FORMAT - 1 }, (_, n) => n + 1),
    );
  });

  for (const format of OLDER_FORMATS.filter((older) => older >= 4)) {
    it(`are shortened in a ledger of format ${format}, which has the digests, after the next start; the chain holds`, async () => {
      await record();
      const { at } = ledger;
      await ledger.close();
      writeFormat(format, file('older.db'), file('ledger.db'));
      assert.throws(() => openSqliteReader(file('older.db')), { code: 'ledger-foreign' });
      ledger = await TestRecorder.open(file('older.db'));
      ledger.at = at;
      assert.deepEqual((await verify(file('older.db'))).findings, []);
      const { shortened } = await shorten(ledger.store as SqliteStore, 48 * HOUR_MS);
      assert.ok(shortened > 0);
      const report = await verify(file('older.db'));
      assert.deepEqual([report.findings, report.shortened], [[], shortened]);
    });
  }

  for (const format of OLDER_FORMATS.filter((older) => older < 4)) {
    it(`stay whole where a ledger of format ${format} has them: their commits are chained by the bytes; later ones are shortened`, async () => {
      await record();
      const { at } = ledger;
      await ledger.close();
      writeFormat(format, file('older.db'), file('ledger.db'));
      assert.throws(() => openSqliteReader(file('older.db')), { code: 'ledger-foreign' });
      await openSqliteStore(file('older.db'), 'test', 0).close();
      ledger = await TestRecorder.open(file('older.db'));
      ledger.at = at;
      const store = ledger.store as SqliteStore;
      assert.equal((await shorten(store, 48 * HOUR_MS)).shortened, 0);
      ledger.at += HOUR_MS;
      await ledger.review({ name: 'new', object: named('new', { text: text() }) });
      await ledger.recorder.settleUnseen(() => true, ledger.at);
      assert.equal((await shorten(store, 48 * HOUR_MS)).shortened, 1);
      const signed = await headOf(file('older.db'));
      const report = await verify(file('older.db'), [signed]);
      assert.deepEqual([report.findings, report.checkpoints.checked, report.shortened], [[], 1, 1]);
      while ((await store.fold({ before: Infinity, now: ledger.at })) !== null);
      assert.deepEqual((await verify(file('older.db'))).findings, []);
    });
  }
});
