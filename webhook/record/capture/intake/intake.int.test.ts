import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { KubeblameError } from '../../../../shared/errors.ts';
import { stringifyJson } from '../../../../shared/json.ts';
import type { Seen } from '../../../../shared/interpret.ts';
import { normalise } from '../../../../shared/normalise.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { seeded } from '../../../../shared/testing/random.ts';
import { configMap, reviewDocument } from '../../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { ReviewReader } from '../../review/review-reader.ts';
import { verifyFile } from '../../../ledger/files/verify-file.ts';
import { beginEpoch } from '../../spool/epochs.ts';
import { SpoolReader } from '../../spool/reader.ts';
import { ledgerNumber } from '../../spool/records.ts';
import { Spool, SPOOL_BYTES } from '../../spool/spool.ts';
import type { LedgerStore, NewEntries } from '../../../ledger/port/port.ts';
import { backup } from '../../../ledger/files/backup.ts';
import { translate } from '../../../ledger/sqlite/database/open.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TEST_KEY } from '../../../testing/ledgers/recorder.ts';
import { until } from '../../../testing/server/server.ts';
import { SEED } from '../../../testing/torture/size.ts';
import { Intake } from './intake.ts';
import { Predicates } from '../../rules/predicates.ts';
import { Recorder } from '../recorder/recorder.ts';

const AT = Date.parse('2026-11-22T05:00:00Z');

/** A ledger with its spool, without a server around it. */
class Line {
  private sent = 0;

  private constructor(
    readonly store: LedgerStore,
    readonly recorder: Recorder,
    readonly intake: Intake,
    readonly spool: Spool,
    readonly told: { recorded: number; lost: string[]; gone: number; failing: string[]; taken: number },
  ) {}

  /** `append` stands before the ledger's own. */
  static async open(
    db: string,
    append?: (entries: NewEntries, real: () => Promise<void>) => Promise<void>,
    reader?: Pick<ReviewReader, 'read'>,
    maxBytes = 16 * 64 * 1024,
  ): Promise<Line> {
    const real = openSqliteStore(db, 'test', AT);
    const store = new Proxy<LedgerStore>(real, {
      get: (target, name) => {
        if (name === 'append' && append !== undefined)
          return (entries: NewEntries) => append(entries, () => target.append(entries));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const redactor = new Redactor(TEST_KEY);
    const recorder: Recorder = await Recorder.open({
      store,
      redactor,
      predicates: new Predicates([]),
      turns: { hold: (fact, mayWait) => intake.hold(fact, mayWait), hurry: () => intake.hurry() },
    });
    const told = { recorded: 0, lost: [] as string[], gone: 0, failing: [] as string[], taken: 0 };
    const ledger = ledgerNumber(store.id);
    let spool: Spool | null = null;
    const intake: Intake = new Intake({
      spool: new SpoolReader(`${db}-spool`, ledger),
      reviews: (reader ?? new ReviewReader((type, text) => redactor.covers(type, text))) as ReviewReader,
      recorder,
      now: () => AT + 1_000,
      recorded: () => void told.recorded++,
      lost: (error, uid, count) => {
        told.lost.push(`${uid} ${(error as Error).message}`);
        told.gone += count;
      },
      failing: (error) => void told.failing.push((error as Error).message),
      taken: (through) => {
        told.taken = through;
        spool?.taken(through);
      },
    });
    await intake.takeLeft();
    spool = new Spool({
      folder: `${db}-spool`,
      ledger,
      next: intake.progress.through + 1,
      left: intake.left(),
      durable: (through) => {
        // As a message from another thread would come.
        if (intake.progress.advance(through)) setImmediate(() => intake.wake());
      },
      maxBytes,
    });
    return new Line(store, recorder, intake, spool, told);
  }

  /** A review of an object that there was not before. */
  async send(named?: string, bytes = 100): Promise<string> {
    this.sent++;
    const name = named ?? `r${this.sent}`;
    const document = reviewDocument({
      uid: name,
      name,
      object: configMap({ text: '.'.repeat(bytes) }, { name, uid: name }),
    });
    await this.spool.add({ at: AT + this.sent, redacted: false, body: Buffer.from(stringifyJson(document)) });
    return name;
  }

  /** As a process that is killed: what is in the spool stays there. */
  async abandon(): Promise<void> {
    await this.spool.close();
    await this.store.close();
  }

  async close(): Promise<void> {
    await this.spool.close();
    await this.intake.close();
    await this.recorder.close();
    await this.store.close();
  }
}

/** The reviews that a ledger has, oldest first; it must be sound. */
async function recordedIn(db: string): Promise<string[]> {
  const { findings } = await verifyFile(db, { checkpoints: [], keys: [], samples: 10, random: seeded(SEED) });
  assert.deepEqual(findings, []);
  const store = openSqliteStore(db, 'test', AT);
  const changes = await store.changes({}, 10_000);
  await store.close();
  return changes.map(({ reviewUid }) => reviewUid).reverse();
}

/** What a ledger says of reviews that it misses, and since when. */
async function lossesIn(db: string): Promise<[at: number, detail: string][]> {
  const store = openSqliteStore(db, 'test', AT);
  const losses = (await store.coverage()).filter(({ event }) => event === 'lost');
  await store.close();
  return losses.map(({ at, detail }) => [at, detail]);
}

describe('the intake', () => {
  const file = useFolder();

  it('takes what comes in its order, each once, and says how far it has come', async () => {
    const line = await Line.open(file('a.db'));
    const sent = await Promise.all(Array.from({ length: 100 }, () => line.send()));
    assert.equal(await line.intake.settled(5_000), true);
    assert.equal(line.intake.depth, 0);
    assert.deepEqual(line.told, { recorded: 100, lost: [], gone: 0, failing: [], taken: 100 });
    assert.equal(await line.store.taken(), 100);
    await line.close();
    const again = await Line.open(file('a.db'));
    await again.send('last');
    await again.close();
    assert.deepEqual(await recordedIn(file('a.db')), [...sent, 'last']);
  });

  it('takes at the next start what a process had answered that was killed', async () => {
    const db = file('a.db');
    let through = true;
    const line = await Line.open(db, (_, real) => (through ? real() : new Promise(() => undefined)));
    const sent = [await line.send()];
    assert.equal(await line.intake.settled(5_000), true);
    through = false;
    for (let n = 0; n < 40; n++) sent.push(await line.send());
    assert.equal(await line.intake.settled(100), false);
    assert.equal(line.intake.depth, 40);
    await line.abandon();

    const again = await Line.open(db);
    assert.deepEqual(again.told, { recorded: 40, lost: [], gone: 0, failing: [], taken: 41 });
    await again.close();
    assert.deepEqual(await recordedIn(db), sent);
  });

  it('keeps what the ledger does not take, and tries again, in order', async function () {
    this.timeout(60_000);
    this.slow(20_000);
    const db = file('a.db');
    const random = seeded(SEED);
    let failing = false;
    let failed = 0;
    const line = await Line.open(db, (_, real) => {
      if (!failing || random() < 0.3) return real();
      failed++;
      return Promise.reject(new KubeblameError('ledger-unwritable', 'the disk is full'));
    });
    const sent: string[] = [];
    for (let round = 0; round < 3; round++) {
      failing = true;
      for (let n = 0; n < 60; n++) {
        sent.push(await line.send());
        if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 10));
      }
      await until('a commit has failed', () => failed > round, 10_000);
      failing = false;
      await until('all is in the ledger', () => line.intake.depth === 0, 20_000);
    }
    const { failing: reasons, ...told } = line.told;
    assert.deepEqual(told, { recorded: 180, lost: [], gone: 0, taken: 180 });
    assert.equal(reasons.length, 3, 'told once each time');
    await line.close();
    assert.deepEqual(await recordedIn(db), sent);
  });

  it('writes over nothing that the ledger does not take at the start either', async function () {
    this.timeout(30_000);
    this.slow(10_000);
    const db = file('a.db');
    const line = await Line.open(db, () => new Promise(() => undefined));
    const sent: string[] = [];
    for (let n = 0; n < 8; n++) sent.push(await line.send(`before-${n}`, 30_000));
    await line.abandon();

    let full = true;
    const disk = new KubeblameError('ledger-unwritable', 'the disk is full');
    const again = await Line.open(db, (_, real) => (full ? Promise.reject(disk) : real()));
    assert.equal(again.intake.depth, 8);
    for (let n = 0; n < 8; n++) sent.push(await again.send(`after-${n}`, 30_000));
    full = false;
    await until('all is in the ledger', () => again.intake.depth === 0, 10_000);
    assert.deepEqual(again.told.lost, []);
    await again.close();
    assert.deepEqual(await recordedIn(db), sent);
  });

  it('ends while the ledger takes nothing, and goes on at the next start', async () => {
    const db = file('a.db');
    const line = await Line.open(db, () => Promise.reject(new KubeblameError('ledger-unwritable', 'the disk is full')));
    const sent = [await line.send(), await line.send()];
    await assert.rejects(
      async () => {
        await line.intake.settled(500);
        await line.recorder.cover('alive', '', AT);
      },
      { code: 'ledger-unwritable' },
    );
    await line.close();
    assert.deepEqual(await recordedIn(db), []);
    await (await Line.open(db)).close();
    assert.deepEqual(await recordedIn(db), sent);
  });

  it('passes over the one review that cannot be recorded, and tells it', async function () {
    this.timeout(30_000);
    this.slow(10_000);
    const db = file('a.db');
    const reader = new ReviewReader(() => false);
    const line = await Line.open(
      db,
      ({ changes }, real) =>
        changes.some(({ reviewUid }) => reviewUid === 'poison') ? Promise.reject(new Error('a bug')) : real(),
      {
        read: (bytes) => {
          const review = reader.read(bytes);
          if (review.uid === 'unreadable') throw new Error('another bug');
          return review;
        },
      },
    );
    for (const name of ['a', 'b', 'poison', 'c', 'unreadable', 'd']) await line.send(name);
    await until('all is settled', () => line.intake.depth === 0, 20_000);
    assert.deepEqual(line.told.lost.sort(), ['poison a bug', 'unreadable another bug']);
    await line.close();
    assert.deepEqual(await recordedIn(db), ['a', 'b', 'c', 'd']);
    // Each when it came, also what was undone and run again.
    const store = openSqliteStore(db, 'test', AT);
    assert.deepEqual(
      (await store.changes({}, 10)).map(({ at }) => at - AT),
      [6, 4, 2, 1],
    );
    await store.close();
    assert.deepEqual(await lossesIn(db), [
      [AT + 3, '1 review could not be recorded'],
      [AT + 5, '1 review could not be recorded'],
    ]);
  });

  it('tells what was lost with a damaged spool', async () => {
    const db = file('a.db');
    const line = await Line.open(db, () => new Promise(() => undefined));
    for (let n = 0; n < 6; n++) await line.send(undefined, 30_000);
    await line.abandon();
    const [first = ''] = readdirSync(`${db}-spool`);
    const path = join(`${db}-spool`, first);
    const bytes = readFileSync(path);
    bytes.writeUInt8(0, 40_000);
    writeFileSync(path, bytes);
    const again = await Line.open(db);
    assert.deepEqual(again.told.lost, [' the spool is damaged: reviews 2 to 2 are gone']);
    await again.close();
    assert.deepEqual(await recordedIn(db), ['r1', 'r3', 'r4', 'r5', 'r6']);
    // It is not known when it came.
    assert.deepEqual(await lossesIn(db), [[AT + 1_000, '1 review could not be recorded']]);
  });

  it('takes into a ledger that was restored what the spool still has, and tells how many it has not', async () => {
    const db = file('a.db');
    const line = await Line.open(db);
    const sent: string[] = [];
    const send = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) sent.push(await line.send(undefined, 30_000));
      assert.equal(await line.intake.settled(5_000), true);
    };
    await send(3);
    backup(db, file('copy.db'));
    // Two to a file: the first ones are written over.
    for (let n = 0; n < 8; n++) await send(2);
    await line.close();
    for (const name of readdirSync(file('')).filter((each) => /^a\.db(-wal|-shm)?$/.test(each)))
      rmSync(join(file(''), name));
    copyFileSync(file('copy.db'), db);

    const again = await Line.open(db);
    const lost = again.told.gone;
    assert.ok(lost > 0, 'none was written over');
    assert.match(again.told.lost[0] ?? '', /^ the spool is damaged: reviews 4 to \d+ are gone$/);
    await again.close();
    const restored = await recordedIn(db);
    assert.ok(restored.length > 3, 'nothing was left');
    assert.deepEqual(restored, [...sent.slice(0, 3), ...sent.slice(3 + lost)]);
  });

  it('takes nothing that another ledger left', async () => {
    const db = file('a.db');
    const line = await Line.open(db, () => new Promise(() => undefined));
    await line.send();
    await line.abandon();
    for (const name of readdirSync(file('')).filter((each) => /^a\.db(-wal|-shm)?$/.test(each)))
      rmSync(join(file(''), name));
    const other = await Line.open(db);
    await other.send('b');
    await other.close();
    assert.deepEqual(await recordedIn(db), ['b']);
  });

  it('lets what is seen wait for the reviews that were answered before', async () => {
    const db = file('a.db');
    const line = await Line.open(db);
    const sent = await Promise.all(Array.from({ length: 50 }, () => line.send()));
    await line.recorder.cover('alive', '', AT + 1_000);
    const { length } = await line.store.changes({}, 100);
    assert.equal(length, sent.length);
    await line.close();
  });

  describe('what a watch shows within one moment', () => {
    const object = { group: '', resource: 'configmaps', kind: 'ConfigMap', namespace: 'shop', name: 'a', uid: 'a' };
    const shown = (level: string, resourceVersion: string): Seen =>
      normalise(configMap({ level }, { name: 'a', uid: 'a', resourceVersion }));
    let appends: NewEntries[];
    let line: Line;
    beforeEach(async () => {
      appends = [];
      line = await Line.open(file('a.db'), (entries, real) => {
        appends.push(entries);
        return real();
      });
      await line.recorder.observe(object, shown('1', '1'), AT);
      appends = [];
    });
    const see = (level: string, version: string): Promise<void> =>
      line.recorder.observe(object, shown(level, version), AT + 900, AT, true);
    /** A review that changes the level. */
    const update = (from: string, to: string, version: string): Promise<void> => {
      const at = (level: string): JsonObject => configMap({ level }, { name: 'a', uid: 'a', resourceVersion: version });
      const review = { uid: to, name: 'a', operation: 'UPDATE', object: at(to), oldObject: at(from) };
      const body = Buffer.from(stringifyJson(reviewDocument(review)));
      return line.spool.add({ at: AT + 500, redacted: false, body });
    };
    const story = async (): Promise<unknown[]> =>
      (await line.store.changes({}, 100))
        .reverse()
        .map((change) => [change.source, change.resourceVersion, change.outcome, change.at - AT, change.detail().patch])
        .map(
          (parts) => JSON.stringify(parts).replace(/^.*"value":(.*)\}\]\]$/, '$1 ') + JSON.stringify(parts.slice(0, 4)),
        );

    it('shares one commit with the reviews that made it', async () => {
      const facts: Promise<void>[] = [];
      for (let n = 1; n <= 20; n++) {
        await update(String(n), String(n + 1), String(n));
        facts.push(see(String(n + 1), String(n + 1)));
      }
      await Promise.all(facts);
      assert.deepEqual(
        appends.map(({ changes, outcomes, taken }) => [changes.length, outcomes.length, taken]),
        [[20, 20, 20]],
      );
      await line.close();
    });

    it('stays apart, where two changes bypassed the webhook before a review', async () => {
      const facts = [see('2', '2'), see('3', '3')];
      await update('3', '4', '3');
      await Promise.all([...facts, see('4', '4')]);
      assert.deepEqual((await story()).slice(1), [
        '"2" ["watch","2","committed",900]',
        '"3" ["watch","3","committed",900]',
        '"4" ["admission","4","committed",900]',
      ]);
      await line.close();
    });

    it('stays apart, where they are shown only behind the review', async () => {
      await update('3', '4', '3');
      await Promise.all([see('2', '2'), see('3', '3'), see('4', '4')]);
      assert.deepEqual((await story()).slice(1), [
        '"2" ["watch","2","committed",500]',
        '"3" ["watch","3","committed",500]',
        '"4" ["admission","4","committed",500]',
      ]);
      await line.close();
    });

    it('is refused where what was shown before it is undone, so that it is shown again in order', async () => {
      const fails = new KubeblameError('ledger-unwritable', 'the disk is full');
      let failing = true;
      const other = await Line.open(file('b.db'), (_, real) => (failing ? Promise.reject(fails) : real()));
      const code = (seen: Promise<void>): Promise<string> =>
        seen.then(
          () => 'taken in',
          (error: unknown) => (error as KubeblameError).code,
        );
      const { recorder } = other;
      const first = code(recorder.observe(object, shown('1', '1'), AT, 0, false));
      const second = code(recorder.observe(object, shown('2', '2'), AT, 0, true));
      assert.equal(await first, 'ledger-unwritable');
      failing = false;
      assert.equal(await second, 'ledger-unwritable');
      await recorder.observe(object, shown('1', '1'), AT, 0, true);
      await recorder.observe(object, shown('2', '2'), AT, 0, true);
      assert.equal((await other.store.last())?.seq, 2);
      await other.close();
      await line.close();
    });
  });

  it('tells whoever waits for a review as soon as that one is in the ledger', async () => {
    const commits: (() => void)[] = [];
    const line = await Line.open(
      file('a.db'),
      (_, real) => new Promise((resolve, reject) => commits.push(() => void real().then(resolve, reject))),
    );
    await line.send();
    let first = false;
    const settled = line.intake.settled().then(() => (first = true));
    await until('the first is being committed', () => commits.length === 1);
    await line.send();
    let second = false;
    const later = line.intake.settled().then(() => (second = true));
    commits[0]?.();
    await settled;
    assert.deepEqual([first, second], [true, false]);
    await until('the second is being committed', () => commits.length === 2);
    assert.equal(second, false);
    commits[1]?.();
    await later;
    await line.close();
  });

  it('writes down how far it has come where the reviews leave nothing', async () => {
    const line = await Line.open(file('a.db'));
    const document = reviewDocument({ operation: 'UPDATE', object: configMap({}), oldObject: configMap({}) });
    const body = Buffer.from(stringifyJson(document));
    for (let n = 0; n < 1_100; n++) await line.spool.add({ at: AT, redacted: false, body });
    assert.equal(await line.intake.settled(10_000), true);
    const taken = await line.store.taken();
    assert.ok(taken > 500 && taken <= 1_100, String(taken));
    assert.equal((await line.store.changes({}, 10)).length, 1, 'the object as it was found');
    await line.close();
  });

  it('goes on behind reviews that left nothing where another commit than theirs fails', async () => {
    let failing = false;
    const line = await Line.open(file('a.db'), (_, real) =>
      failing ? Promise.reject(new KubeblameError('ledger-unwritable', 'the disk is full')) : real(),
    );
    const same = configMap({}, { name: 'same', uid: 'same' });
    const document = reviewDocument({ uid: 'same', name: 'same', operation: 'UPDATE', object: same, oldObject: same });
    const add = (): Promise<void> =>
      line.spool.add({ at: AT, redacted: false, body: Buffer.from(stringifyJson(document)) });
    await add();
    assert.equal(await line.intake.settled(5_000), true);
    // Settled, and no commit says so.
    await add();
    assert.equal(await line.intake.settled(5_000), true);
    failing = true;
    await assert.rejects(line.recorder.cover('alive', '', AT), { code: 'ledger-unwritable' });
    failing = false;
    await line.send('after');
    assert.equal(await line.intake.settled(5_000), true);
    await line.close();
    assert.equal((await recordedIn(file('a.db'))).at(-1), 'after');
  });

  it('gives the room back of large reviews that leave nothing', async () => {
    const line = await Line.open(file('a.db'), undefined, undefined, 16 * 1024 * 1024);
    const same = configMap({ text: '.'.repeat(400_000) }, { name: 'same', uid: 'same' });
    const document = reviewDocument({ uid: 'same', name: 'same', operation: 'UPDATE', object: same, oldObject: same });
    const body = Buffer.from(stringifyJson(document));
    for (let n = 0; n < 30; n++) {
      await line.spool.add({ at: AT, redacted: false, body });
      assert.equal(await line.intake.settled(5_000), true);
    }
    await line.close();
  });

  it('finds out at the start which review the ledger does not take', async function () {
    this.timeout(30_000);
    this.slow(10_000);
    const db = file('a.db');
    const append = ({ changes }: NewEntries, real: () => Promise<void>): Promise<void> =>
      changes.some(({ reviewUid }) => reviewUid === 'poison') ? Promise.reject(new Error('a bug')) : real();
    const line = await Line.open(db, () => new Promise(() => undefined));
    for (const name of ['a', 'poison', 'b', 'c']) await line.send(name);
    await line.abandon();
    const again = await Line.open(db, append);
    assert.equal(again.intake.depth, 0);
    assert.deepEqual(again.told.lost, ['poison a bug']);
    // What the server does next.
    await again.recorder.cover('started', '', AT);
    await again.close();
    assert.deepEqual(await recordedIn(db), ['a', 'b', 'c']);
  });

  it('loses nothing while another process has the ledger locked', async function () {
    this.timeout(30_000);
    this.slow(20_000);
    const db = file('a.db');
    const busy = translate(new Database.SqliteError('database is locked', 'SQLITE_BUSY'), db) as KubeblameError;
    let locked = true;
    const line = await Line.open(db, (_, real) => (locked ? Promise.reject(busy) : real()));
    const sent = [await line.send(), await line.send()];
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    locked = false;
    await until('all is settled', () => line.intake.depth === 0, 10_000);
    assert.deepEqual(line.told.lost, []);
    await line.close();
    assert.deepEqual(await recordedIn(db), sent);
  });

  it('takes in nothing that was seen before the reviews that it waits for, where their commit fails', async function () {
    this.slow(5_000);
    const db = file('a.db');
    let fail: (() => void) | null = null;
    let failing = true;
    const line = await Line.open(db, (_, real) =>
      failing
        ? new Promise((_resolve, reject) => {
            fail = () => reject(new KubeblameError('ledger-unwritable', 'the disk is full'));
          })
        : real(),
    );
    const sent = [await line.send('a')];
    await until('the first is being committed', () => fail !== null);
    // As a fold: it waits for the commit, and what comes after waits with it.
    const maintained = line.recorder.maintain(() => Promise.resolve());
    sent.push(await line.send('b'));
    await until('the second is handed over', () => line.recorder.depth === 2);
    const name = { name: 'b', uid: 'b' };
    const seen = {
      body: configMap({ text: '.'.repeat(100) }, name),
      resourceVersion: '7',
      managedFields: [],
    };
    const object = { group: '', resource: 'configmaps', kind: 'ConfigMap', namespace: 'shop', ...name };
    const observed = line.recorder.observe(object, seen, AT + 1_000).then(
      () => 'taken in',
      (error: unknown) => (error as KubeblameError).code,
    );
    await until('what was seen waits too', () => line.recorder.depth === 3);
    failing = false;
    (fail as unknown as () => void)();
    await maintained;
    assert.equal(await observed, 'ledger-unwritable');
    await until('all is in the ledger', () => line.intake.depth === 0);
    await line.close();
    assert.deepEqual(await recordedIn(db), sent);
  });

  it('tells at once of a million reviews that are gone', async function () {
    this.slow(5_000);
    const db = file('a.db');
    const line = await Line.open(db);
    await line.send('a');
    await line.close();
    // As behind a ledger that was restored from last week.
    const later = new Spool({
      folder: `${db}-spool`,
      ledger: ledgerNumber(line.store.id),
      next: 1_000_000,
      left: [],
      durable: () => undefined,
      maxBytes: 16 * 64 * 1024,
    });
    const b = reviewDocument({ uid: 'b', name: 'b', object: configMap({}, { name: 'b', uid: 'b' }) });
    await later.add({ at: AT, redacted: false, body: Buffer.from(stringifyJson(b)) });
    await later.close();
    const again = await Line.open(db);
    assert.deepEqual(again.told.lost, [' the spool is damaged: reviews 2 to 999999 are gone']);
    assert.equal(again.told.gone, 999_998);
    await again.close();
    assert.deepEqual(await recordedIn(db), ['a', 'b']);
  });

  it('takes what another process has answered in an epoch of its own, behind what the first one had, each once', async () => {
    const db = file('epochs.db');
    const first = await Line.open(db);
    await first.send('a');
    const reader = openSqliteReader(db);
    const [ledger, taken] = [ledgerNumber(reader.id), await reader.taken()];
    await reader.close();
    const spool = `${db}-spool`;
    const epoch = beginEpoch(spool, taken);
    const beside = new Spool({ folder: epoch.folder, ledger, next: epoch.first, left: [], durable: () => undefined, maxBytes: SPOOL_BYTES }); // prettier-ignore
    const add = (name: string): Promise<void> => {
      const document = reviewDocument({ uid: name, name, object: configMap({ text: '.' }, { name, uid: name }) });
      return beside.add({ at: AT + 500, redacted: false, body: Buffer.from(stringifyJson(document)) });
    };
    await add('c');
    await first.send('b');
    await add('d');
    await first.abandon();
    await beside.close();
    const second = await Line.open(db);
    assert.deepEqual(second.told.lost, []);
    await second.send('e');
    await second.close();
    assert.deepEqual(await recordedIn(db), ['a', 'b', 'c', 'd', 'e']);
    // Nothing again at the next start, and numbers go on.
    const third = await Line.open(db);
    await third.send('f');
    await third.close();
    assert.deepEqual(await recordedIn(db), ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.deepEqual(await lossesIn(db), []);
  });
});
