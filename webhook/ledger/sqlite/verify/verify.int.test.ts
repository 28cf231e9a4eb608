import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { seeded } from '../../../../shared/testing/random.ts';
import { configMap } from '../../../../shared/testing/reviews.ts';
import type { Touched } from '../../../../shared/touched.ts';
import { Findings, type Report } from '../../proof/report.ts';
import { useSharedFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';
import { scaled, SEED } from '../../../testing/torture/size.ts';
import { writeFormat } from '../../../testing/ledgers/older-ledger.ts';
import { importShop } from '../../../testing/ledgers/shop-ledger.ts';
import { newChange } from '../../port/contract/new-change.ts';
import { FORMAT } from '../database/schema.ts';
import { decodeSkips, encodeSkips } from '../read/skips.ts';
import { openSqliteStore } from '../store/open-store.ts';
import { CommitTree } from '../chain/tree.ts';
import { verifySkips } from './verify-skips.ts';
import { verifyLedger, type SignedHead, type VerifyOptions } from './verify.ts';

/** Verifies a file wholly, whatever it is. */
async function verify(path: string, options: Partial<VerifyOptions> = {}): Promise<Report> {
  const db = new Database(path, { readonly: true });
  try {
    const random = seeded(1);
    return await verifyLedger(db, { checkpoints: [], unsigned: 0, samples: Infinity, random, ...options });
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

const tell = (report: Report): string[] => report.findings.map(({ part, where, what }) => `${part}: ${where}: ${what}`);

/** 88 changes: an object with 70 and a checkpoint, acts, outcomes of both kinds, two users, coverage. */
async function record(path: string): Promise<void> {
  const ledger = await TestRecorder.open(path);
  await ledger.recorder.cover('started', 'test', ledger.at);
  for (let n = 0; n < 70; n++) {
    const version = (value: number) =>
      configMap({ n: String(value) }, { uid: 'u-1', resourceVersion: String(100 + value) });
    await ledger.review({
      operation: n === 0 ? 'CREATE' : 'UPDATE',
      object: version(n),
      ...(n === 0 ? {} : { oldObject: version(n - 1) }),
    });
  }
  for (let n = 0; n < 6; n++) {
    const name = `other-${n}`;
    const object = configMap({ n: 'a' }, { name, uid: name, labels: { app: 'web' } });
    await ledger.review({ name, object, username: `user-${n}` });
  }
  for (let n = 0; n < 6; n++) {
    const attach = { resource: 'pods', name: 'web-0', subResource: 'exec', operation: 'CONNECT' } as const;
    await ledger.review({ ...attach, object: null, options: { command: [`run-${n}`] } });
  }
  await ledger.recorder.cover('stopped', '', ledger.at);
  await ledger.close();
}

describe('the verification of a ledger', () => {
  const file = useSharedFolder({ verify: false });
  const sound = (): string => file('sound.db');
  let head: SignedHead;
  let copies = 0;
  before(async () => {
    await record(sound());
    head = await headOf(sound());
  });

  /** A copy on which somebody who can write the file has had his way, past the triggers. */
  function tampered(...statements: string[]): string {
    const path = file(`tampered-${++copies}.db`);
    copyFileSync(sound(), path);
    const db = new Database(path);
    db.pragma('foreign_keys = OFF');
    const all = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
    const triggers = all as { name: string; sql: string }[];
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    for (const statement of statements) {
      assert.ok(db.prepare(statement).run().changes > 0, `${statement} changes nothing`);
    }
    for (const { sql } of triggers) db.exec(sql);
    db.close();
    return path;
  }

  it('passes, and says what it looked at', async () => {
    const report = await verify(sound(), { checkpoints: [head] });
    assert.deepEqual(tell(report), []);
    const { commits, changes, coverage, lastStates, checkpoints, horizon } = report;
    assert.deepEqual(
      { changes, coverage, lastStates, horizon },
      { changes: 82, coverage: 2, lastStates: 7, horizon: null },
    );
    assert.deepEqual(checkpoints, { checked: 1, folded: 0, unsigned: 0, lastSize: commits, keys: ['a key'] });
    assert.equal(report.lastStates + report.otherStates, 76);
    assert.deepEqual(tell(await verify(tampered())), []);
  });

  it('passes on the shop recording, every state rebuilt', async function () {
    this.timeout(60_000);
    const path = file('shop.db');
    await (await importShop(path, true)).close();
    const report = await verify(path, { checkpoints: [await headOf(path)] });
    assert.deepEqual(tell(report), []);
    assert.equal(report.changes, 1706);
    assert.equal(report.lastStates + report.otherStates, 1634);
  });

  it('passes on a ledger of format 1, which the next start brings to the present one', async function () {
    this.timeout(60_000);
    await (await importShop(file('present.db'), false)).close();
    const path = file('older.db');
    writeFormat(1, path, file('present.db'));
    await openSqliteStore(path, 'shop', 0).close();
    assert.deepEqual((await verify(path)).findings, []);
  });

  const ODD = { 'half a pair': '\ud800', 'the other half': 'a\udc00b', 'a NUL': 'a\0b', 'a whole pair': '\u{1f600}' };
  for (const [what, odd] of Object.entries(ODD)) {
    it(`passes where every text has ${what} in it`, async () => {
      const path = file(`odd-${what}.db`);
      const store = openSqliteStore(path, odd, 0);
      const body = { metadata: { labels: { [odd]: odd } }, [odd]: odd };
      const change = newChange(1, {
        object: { group: odd, resource: odd, kind: odd, namespace: odd, name: odd, uid: odd },
        actor: { username: odd, groups: [odd], uid: odd, extra: { [odd]: [odd] } },
        subresource: odd,
        manager: odd,
        apiVersion: odd,
        baseResourceVersion: odd,
        resourceVersion: odd,
        reviewUid: odd,
        detail: {
          patch: diff(null, body),
          options: { [odd]: odd },
          cause: null,
          notBefore: null,
          managersHint: [odd],
        },
        hash: hashBody(body),
      });
      const [outcome, reason] = ['committed', 'the watch shows it'] as const;
      await store.append({
        changes: [change],
        outcomes: [{ seq: 1, outcome, reason, resourceVersion: odd, at: change.at }],
        coverage: [{ at: change.at, event: 'unregistered', detail: odd }],
      });
      await store.close();
      assert.deepEqual(tell(await verify(path)), []);
    });
  }

  // Each as somebody would do it who wants history to read otherwise: statements, and where it is seen first.
  const CASES: [string, string[], string | RegExp][] = [
    ['a patch that is changed', ["UPDATE changes SET detail = CAST(x'00' || substr(detail, 2) AS BLOB) WHERE seq = 20"], 'chain: commit 21 (change 20)'],
    ['a change removed', ['DELETE FROM changes WHERE seq = 20'], 'references: changes 21'],
    ['the last change removed', ['DELETE FROM changes WHERE seq = 82'], 'chain: change 82: it is not there, but commit'],
    ['a change whose time is changed', ['UPDATE changes SET at = at + 1 WHERE seq = 20'], 'chain: commit 21 (change 20)'],
    ['a change given to another user', ['UPDATE changes SET actor_id = 2 WHERE seq = 20'], 'chain: commit 21 (change 20)'],
    ['a change without its user', ['UPDATE changes SET actor_id = NULL WHERE seq = 20'], 'chain: commit 21 (change 20)'],
    ['a change moved to another object', ['UPDATE changes SET object_id = 2 WHERE seq = 20'], 'chain: commit 21 (change 20)'],
    ['a change hidden from its namespace', ["UPDATE changes SET namespace_id = (SELECT id FROM texts WHERE value = '') WHERE seq = 20"], "references: change 20: its namespace is not its object's"],
    ['two changes swapped', ['UPDATE changes SET seq = -1 WHERE seq = 20', 'UPDATE changes SET seq = 20 WHERE seq = 21', 'UPDATE changes SET seq = 21 WHERE seq = -1'], 'chain: commit 21 (change 20)'],
    ['two changes whose contents are swapped', ['UPDATE changes SET detail = (SELECT detail FROM changes WHERE seq = 78) WHERE seq = 77'], 'chain: commit'],
    ['a change inserted', ["INSERT INTO changes SELECT 83, at, object_id, namespace_id, actor_id, kind, subresource_id, manager_id, api_version_id, labels_id, parent, depth, base_version, version, review_uid, hash, detail, NULL FROM changes WHERE seq = 82"], 'chain: change 83: no commit holds it'],
    ['a change inserted before the first', ["INSERT INTO changes SELECT 0, 0, object_id, namespace_id, actor_id, kind, subresource_id, manager_id, api_version_id, labels_id, parent, depth, base_version, version, review_uid, hash, detail, NULL FROM changes WHERE seq = 1"], 'chain: change 1: it is not there, but change 0 is'],
    ['an outcome turned round', ['UPDATE outcomes SET outcome = 2 WHERE seq = 20'], 'chain: commit'],
    ['an outcome removed', ['DELETE FROM outcomes WHERE seq = 20'], 'chain: commit'],
    ['an outcome inserted', ['INSERT INTO outcomes VALUES (82, 0, 85, 2, 1, 1, NULL, NULL, NULL)'], 'chain: commit 85'],
    ['an outcome inserted beyond the end', ['INSERT INTO outcomes VALUES (82, 0, 999, 2, 1, 1, NULL, NULL, NULL)'], 'chain: commit 999: there are rows of it, but it is not there'],
    ['an outcome moved to another commit', ['UPDATE outcomes SET commit_id = commit_id + 1 WHERE seq = 20'], 'chain: commit'],
    ['a reason changed', ['UPDATE outcomes SET reason = 4 WHERE seq = 20'], 'chain: commit'],
    ['a gap in the record covered up', ['DELETE FROM coverage WHERE id = 2'], 'chain: commit'],
    ['coverage invented', ['INSERT INTO coverage VALUES (3, 5, 5, 1, 1)'], 'chain: commit 5'],
    ['a coverage event changed', ["UPDATE coverage SET detail = 'x' WHERE id = 1"], 'chain: commit 1:'],
    ['a coverage event with another time', ['UPDATE coverage SET at = at - 1 WHERE id = 1'], 'chain: commit 1:'],
    ['a checkpoint changed', ["UPDATE checkpoints SET body = CAST((SELECT body FROM checkpoints) || x'00' AS BLOB)"], 'chain: commit'],
    ['what stretches touched changed', ["UPDATE checkpoints SET skips = CAST(skips || x'00' AS BLOB)"], 'chain: commit'],
    ['a checkpoint removed', ['DELETE FROM checkpoints'], 'chain: commit'],
    ['a checkpoint inserted', ['INSERT INTO checkpoints SELECT 3, body, skips FROM checkpoints LIMIT 1'], 'chain: commit 4'],
    ['a checkpoint moved', ['UPDATE checkpoints SET seq = seq + 1'], 'chain: commit'],
    ['an object renamed', ["UPDATE objects SET name = 'x' WHERE id = 2"], 'chain: commit'],
    ['an object moved to another namespace', ["UPDATE objects SET namespace_id = (SELECT id FROM texts WHERE value = '') WHERE id = 2"], 'chain: commit'],
    ['an object with another uid', ["UPDATE objects SET uid = 'x' WHERE id = 2"], 'chain: commit'],
    ['an object of another type', ["UPDATE objects SET resource_id = 2 WHERE id = 2"], 'chain: commit'],
    ['an object removed', ['DELETE FROM objects WHERE id = 2'], 'references: changes 71: it refers to objects that are not there'],
    ['an object inserted', ["INSERT INTO objects VALUES (99, 1, 1, 'x', 'x')"], 'references: objects 99: no change refers to it'],
    ['two objects swapped', ["UPDATE objects SET name = 'y' WHERE id = 2", "UPDATE objects SET name = 'other-0' WHERE id = 3", "UPDATE objects SET name = 'other-1' WHERE id = 2"], 'chain: commit'],
    ['a user renamed', ["UPDATE actors SET username = 'x' WHERE id = 2"], 'references: actors 2: its user name is not that of its identity'],
    ['a user renamed throughout', ["UPDATE actors SET username = 'x', identity = json_set(identity, '$.username', 'x') WHERE id = 2"], 'chain: commit'],
    ['a user inserted', ["INSERT INTO actors VALUES (99, 'x', '{\"username\":\"x\"}')"], 'references: actors 99: no change refers to it'],
    ['a user removed', ['DELETE FROM actors WHERE id = 2'], 'references: changes 71: it refers to actors that are not there'],
    ['a text changed', ["UPDATE texts SET value = 'x' WHERE value = 'shop'"], 'chain: commit 2 (change 1)'],
    ['a text removed', ["DELETE FROM texts WHERE value = 'exec'"], 'references: changes 77'],
    ['a text inserted', ["INSERT INTO texts VALUES (99, 'x')"], 'references: texts 99: no change refers to it'],
    ['labels changed', [`UPDATE label_sets SET labels = '{"app":"other"}' WHERE labels = '{"app":"web"}'`], 'chain: commit'],
    ['a change with other labels', ["UPDATE changes SET labels_id = (SELECT id FROM label_sets WHERE labels = '{}') WHERE labels_id = (SELECT id FROM label_sets WHERE labels <> '{}')"], 'chain: commit'],
    ['a change without its labels', ['UPDATE changes SET labels_id = NULL WHERE seq = (SELECT max(seq) FROM changes WHERE labels_id IS NOT NULL)'], 'chain: commit'],
    ['labels that are not found', ['DELETE FROM label_index WHERE place = (SELECT min(place) FROM label_index)'], /^references: label_sets \d+: it is not found by what it says/],
    ['labels that are found by others', ['UPDATE label_index SET place = place + 1 WHERE place = (SELECT max(place) FROM label_index)'], /^references: label_sets \d+: it is not found by what it says/],
    ['labels that no change has', ["INSERT INTO label_sets VALUES (99, '{}')"], 'references: label_sets 99: no change refers to it'],
    ['labels removed', ["DELETE FROM label_sets WHERE labels <> '{}'"], 'references: '],
    ['an index of labels that there are not', ['INSERT INTO label_index VALUES (1, 99)'], 'references: label_index'],
    ['a resource renamed', ["UPDATE resources SET resource = 'x' WHERE id = 1"], 'chain: commit 2 (change 1)'],
    ['a resource with another kind', ["UPDATE resources SET kind = 'x' WHERE id = 1"], 'chain: commit 2 (change 1)'],
    ['a resource whose kind nothing told', ["UPDATE resources SET commit_id = 0 WHERE id = 1"], 'chain: commit 2 (change 1)'],
    ['a resource inserted', ["INSERT INTO resources VALUES (99, 'x', 'x', '', 0)"], 'references: resources 99: no change refers to it'],
    ['a commit changed', ["UPDATE commits SET hash = CAST(substr(hash, 2) || substr(hash, 1, 1) AS BLOB) WHERE id = 5"], 'chain: commit 5'],
    ['a commit with another time', ['UPDATE commits SET at = at + 1 WHERE id = 5'], 'chain: commit 5'],
    ['a commit with another end', ['UPDATE commits SET last_seq = last_seq + 1 WHERE id = (SELECT max(id) FROM commits)'], 'chain: change 83: it is not there, but commit'],
    ['a commit removed', ['DELETE FROM commits WHERE id = 5'], 'chain: commit 5: it is not there: commit 6 follows commit 4'],
    ['a commit inserted', ["INSERT INTO commits SELECT id + 1, at, last_seq, taken, hash FROM commits ORDER BY id DESC LIMIT 1"], 'chain: commit'],
    ['the ledger given to another cluster', ["UPDATE ledger SET cluster = 'x'"], 'chain: commit 1:'],
    ['the ledger given another id', ["UPDATE ledger SET id = x'00'"], 'chain: commit 1:'],
    ['a second ledger', ["INSERT INTO ledger SELECT * FROM ledger"], 'chain: the ledger: it has 2 rows of its own, not one'],
    ['a change listed that was not made so', ['INSERT INTO forks VALUES (19, 21)'], 'references: change 21: it is listed as made from another change than it was'],
    ['an outcome listed that there is not', ['INSERT INTO late_outcomes VALUES (5, 40)'], 'references: change 40: an outcome is listed that it does not have'],
    ['a fold invented', ["INSERT INTO folds VALUES (1, 5, 3, 2, 0, 0, 0, 0, 0, x'', x'', x'')"], 'chain: '],
  ]; // prettier-ignore

  for (const [title, statements, expected] of CASES) {
    it(`finds ${title}`, async () => {
      const report = await verify(tampered(...statements));
      const found = tell(report);
      const matches = found.some((text) =>
        typeof expected === 'string' ? text.startsWith(expected) : expected.test(text),
      );
      assert.ok(matches, `${expected.toString()} is not in\n${found.join('\n')}`);
    });
  }

  it('finds an end that was cut off cleanly, against a checkpoint that was signed before, and only so', async () => {
    const path = tampered(
      'DELETE FROM changes WHERE seq > 80',
      'DELETE FROM commits WHERE last_seq > 80',
      'DELETE FROM coverage WHERE id = 2',
    );
    assert.deepEqual(tell(await verify(path)), []);
    const [found] = tell(await verify(path, { checkpoints: [head] }));
    assert.match(
      found ?? '',
      /^checkpoints: a copy, checkpoint of 84 commits: 84 commits were signed, and the ledger ends after 81/,
    );
  });

  it('finds a history that was written anew with a chain of its own, against a checkpoint', async () => {
    const path = file('anew.db');
    await record(path);
    const { origin } = await headOf(path);
    const [found] = tell(await verify(path, { checkpoints: [head] }));
    assert.match(found ?? '', /it is of kubeblame\.io/);
    const [other] = tell(await verify(path, { checkpoints: [{ ...head, origin }] }));
    assert.match(other ?? '', /the first 84 commits are not those that were signed/);
  });

  it('finds a schema without its triggers, and other tables', async () => {
    const path = tampered();
    const db = new Database(path);
    db.exec('DROP TRIGGER changes_keep_rows; CREATE TABLE notes (text TEXT)');
    db.close();
    assert.deepEqual(tell(await verify(path)), [
      'file: the schema: the trigger changes_keep_rows is not there',
      'file: the schema: there is a table notes, which is none of ours',
    ]);
  });

  it('finds what stretches touched that is not what their changes did', () => {
    const copy = file('skips.db');
    copyFileSync(sound(), copy);
    const db = new Database(copy);
    try {
      const findings = (): string[] => {
        const found = new Findings();
        verifySkips(db, 0, found);
        return found.told.map(({ where, what }) => `${where}: ${what}`);
      };
      assert.deepEqual(findings(), []);
      const { seq, skips } = db.prepare('SELECT seq, skips FROM checkpoints ORDER BY seq DESC LIMIT 1').get() as {
        seq: number;
        skips: Buffer;
      };
      const { place, skips: all } = decodeSkips(skips);
      assert.deepEqual(all, [{ to: seq - 12, touched: new Map([['data', new Map([['n', 'all']])]]) }]);
      for (const trigger of ['keep_values', 'keep_rows']) db.exec(`DROP TRIGGER checkpoints_${trigger}`);
      const nothing = all.map(({ to }) => ({ to, touched: new Map<string, Touched>() }));
      db.prepare('UPDATE checkpoints SET skips = ? WHERE seq = ?').run(encodeSkips({ place, skips: nothing }), seq);
      const wrong = 'what it says that changes before it touched is not what they did';
      assert.deepEqual(findings(), [`change ${seq}: ${wrong}`]);
    } finally {
      db.close();
    }
  });

  it('finds an index that leaves a change out', async () => {
    const path = tampered();
    const db = new Database(path);
    db.unsafeMode(true);
    db.exec(`PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' WHERE seq <> 20' WHERE name = 'changes_by_actor';
      PRAGMA writable_schema = OFF; PRAGMA user_version = ${FORMAT}`);
    db.close();
    const again = new Database(path);
    again.exec('REINDEX changes_by_actor');
    again.unsafeMode(true);
    again.exec(
      `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ' WHERE seq <> 20', '') WHERE name = 'changes_by_actor'`,
    );
    again.close();
    const found = tell(await verify(path));
    assert.ok(
      found.some((text) => /^file: the file: .*changes_by_actor/.test(text)),
      found.join('\n'),
    );
  });

  /** Tables that have none; and nothing asks for that of the ledger's own one row. */
  const WITHOUT_ROWID = ['outcomes', 'label_index', 'forks', 'late_outcomes', 'event_steps', 'ledger'];

  /** All that can be read from a file. */
  function contents(path: string): string {
    const db = new Database(path, { readonly: true });
    try {
      const tables = db
        .prepare("SELECT CAST(name AS TEXT) FROM sqlite_schema WHERE CAST(type AS TEXT) = 'table' ORDER BY 1")
        .pluck()
        .all() as string[];
      return JSON.stringify(
        tables.map((table) =>
          db
            .prepare(`SELECT ${WITHOUT_ROWID.includes(table) ? '' : 'rowid, '}* FROM ${table}`)
            .raw()
            .all(),
        ),
      );
    } finally {
      db.close();
    }
  }

  it(`finds every flipped bit that any answer could depend on (KUBEBLAME_TEST_SEED=${SEED})`, async function () {
    this.timeout(scaled(120_000, 3_600_000));
    const flips = scaled(150, 20_000);
    const compact = new Database(sound());
    compact.prepare('VACUUM INTO ?').run(file('compact.db'));
    compact.close();
    const bytes = readFileSync(file('compact.db'));
    const original = contents(sound());
    const next = seeded(SEED);
    let [found, unused] = [0, 0];
    for (let n = 0; n < flips; n++) {
      const at = Math.floor(next() * bytes.length);
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(next() * 8));
      const path = file('flipped.db');
      writeFileSync(path, damaged);
      let outcome: string;
      try {
        outcome = tell(await verify(path, { checkpoints: [head] }))[0] ?? '';
      } catch (error) {
        outcome = String(error); // not even opened
      }
      if (outcome !== '') found++;
      else {
        unused++;
        assert.equal(contents(path), original, `byte ${at}: not found, and something reads otherwise`);
      }
    }
    console.log(
      `      ${flips} bits flipped in ${bytes.length} bytes: ${found} found, ${unused} in bytes that hold nothing`,
    );
  });
});
