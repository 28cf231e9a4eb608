import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { KubeblameError } from '../../../../shared/errors.ts';
import type { Patch } from '../../../../shared/types.ts';
import { storeContract } from '../../port/contract/contract.ts';
import { newChange } from '../../port/contract/new-change.ts';
import { useFolder } from '../../../testing/folder.ts';
import { FORMAT } from '../database/schema.ts';
import { INCARNATIONS } from '../read/objects.ts';
import { openSqliteStore, openThreadedSqliteStore } from './open-store.ts';
import { openSqliteReader } from './store.ts';

describe('the SQLite store', () => {
  const file = useFolder({ verify: false });
  const open = (): ReturnType<typeof openSqliteStore> => openSqliteStore(file('ledger.db'), 'test', 0);

  storeContract(open);
});

describe('the SQLite store that writes in a thread', () => {
  const file = useFolder({ verify: false });
  const open = (): ReturnType<typeof openThreadedSqliteStore> => openThreadedSqliteStore(file('ledger.db'), 'test', 0);

  describe('keeps the contract', () => storeContract(open));

  it('tells why it cannot write, in the words of the one that writes here', async () => {
    const store = await open();
    await store.append({ changes: [newChange(1)], outcomes: [] });
    await assert.rejects(
      store.append({ changes: [newChange(1)], outcomes: [] }),
      /UNIQUE constraint failed: changes.seq/,
    );
    await assert.rejects(store.checkWritable(), /UNIQUE constraint failed/);
    await store.append({ changes: [newChange(2)], outcomes: [] });
    await store.checkWritable();
    assert.deepEqual(await store.last(), { seq: 2, at: 2000 });
    await store.close();
  });

  it('rejects what waits where its thread ends, and all that comes after, and tells it once', async () => {
    const told: string[] = [];
    const store = await openThreadedSqliteStore(file('ledger.db'), 'test', 0, (error) => told.push(error.message));
    const { writer } = store as unknown as { writer: { worker: { terminate(): Promise<number> } } };
    await store.append({ changes: [newChange(1)], outcomes: [] });
    const ended = writer.worker.terminate();
    const lost = store.append({ changes: [newChange(2)], outcomes: [] });
    const unwritable = { code: 'ledger-unwritable', message: 'the thread that writes the ledger has ended' };
    await Promise.all([assert.rejects(lost, unwritable), ended]);
    await assert.rejects(store.append({ changes: [newChange(2)], outcomes: [] }), unwritable);
    await assert.rejects(store.checkWritable(), unwritable);
    await store.close();
    assert.deepEqual(told, [unwritable.message]);
  });

  it('reads on a connection that cannot write', async () => {
    const store = await open();
    const { db } = store as unknown as { db: Database.Database };
    assert.throws(() => db.exec("INSERT INTO texts (value) VALUES ('x')"), /readonly/);
    await store.close();
  });
});

describe('a ledger file', () => {
  const file = useFolder({ verify: false });
  const path = (): string => file('ledger.db');
  const open = (): ReturnType<typeof openSqliteStore> => openSqliteStore(path(), 'test', 0);

  function refusal(work: () => unknown): string {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof KubeblameError, String(error));
      return error.code;
    }
    return 'accepted';
  }

  async function filled(count = 50): Promise<void> {
    const store = open();
    for (let seq = 1; seq <= count; seq++) await store.append({ changes: [newChange(seq)], outcomes: [] });
    await store.close();
  }

  it('is durable: WAL with synchronous=FULL, on the writing connection', async () => {
    const store = open();
    await store.append({ changes: [newChange(1)], outcomes: [] });
    const { db } = store as unknown as { db: Database.Database };
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(db.pragma('synchronous', { simple: true }), 2);
    await store.close();
  });

  it('cannot be changed: no update, no delete, in any table but those of Events', async () => {
    const store = open();
    const patch: Patch = [{ op: 'add', path: '', value: { metadata: { labels: { app: 'web' } } } }];
    const labelled = { ...newChange(1).detail, patch };
    await store.append({
      changes: [newChange(1, { bodySnapshot: { a: 1 }, detail: labelled })],
      outcomes: [{ seq: 1, outcome: 'committed', resourceVersion: '', reason: 'the watch shows it', at: 1 }],
      coverage: [{ at: 1, event: 'started', detail: '' }],
    });
    await store.close();
    const db = new Database(path());
    // They go after a while: docs/decisions/0074.
    const EVENTS = ['event_steps', 'event_sums', 'event_totals', 'events'];
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
    assert.deepEqual(tables.sort(), [
      'actors',
      'changes',
      'checkpoints',
      'commits',
      'coverage',
      ...EVENTS,
      'folds',
      'forks',
      'label_index',
      'label_sets',
      'late_outcomes',
      'ledger',
      'objects',
      'outcomes',
      'resources',
      'shortened',
      'texts',
    ]);
    db.exec('INSERT INTO forks VALUES (1, 1); INSERT INTO late_outcomes VALUES (1, 1)');
    db.exec("INSERT INTO shortened VALUES (9, 1, x'', x'')");
    // A fold leaves the one exception: fold.int.test.ts.
    for (const table of tables.filter((name) => name !== 'folds' && !EVENTS.includes(name))) {
      const [column] = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
      assert.throws(() => db.exec(`DELETE FROM ${table}`), /append-only/, table);
      assert.throws(() => db.exec(`UPDATE ${table} SET ${String(column)} = ${String(column)}`), /append-only/, table);
    }
    db.close();
  });

  it('has one writer', async () => {
    const first = open();
    assert.equal(refusal(open), 'ledger-locked');
    await first.close();
    await open().close();
  });

  it('can be read while it is written', async () => {
    const writer = open();
    await writer.append({ changes: [newChange(1)], outcomes: [] });
    const reader = openSqliteReader(path());
    assert.equal((await reader.last())?.seq, 1);
    await writer.append({ changes: [newChange(2)], outcomes: [] });
    assert.equal((await reader.last())?.seq, 2);
    await assert.rejects(reader.append({ changes: [newChange(3)], outcomes: [] }));
    await reader.close();
    await writer.close();
  });

  it('is refused and left untouched where it is not ours', () => {
    const other = new Database(path());
    other.exec('CREATE TABLE notes (text TEXT)');
    other.close();
    const before = readFileSync(path());
    assert.equal(refusal(open), 'ledger-foreign');
    assert.equal(
      refusal(() => openSqliteReader(path())),
      'ledger-foreign',
    );
    assert.deepEqual(readFileSync(path()), before);

    writeFileSync(
      path(),
      'hello, this is no database at all, but a text of some length for the header to be read in full.......',
    );
    assert.equal(refusal(open), 'ledger-foreign');
    assert.equal(
      refusal(() => openSqliteStore(file('.'), 'test', 0)),
      'ledger-foreign',
    );
  });

  it('is refused and left untouched where it is newer than this version', async () => {
    await filled(1);
    const db = new Database(path());
    db.pragma(`user_version = ${FORMAT + 1}`);
    db.close();
    const before = readFileSync(path());
    assert.equal(refusal(open), 'ledger-newer');
    assert.equal(
      refusal(() => openSqliteReader(path())),
      'ledger-newer',
    );
    assert.deepEqual(readFileSync(path()), before);
  });

  it('is refused where what a start reads is damaged, and a question tells of any other damage', async () => {
    await filled();
    const bytes = readFileSync(path());
    const start = Buffer.from(bytes);
    start.fill(0xff, 100, 2048);
    writeFileSync(path(), start);
    assert.equal(refusal(open), 'ledger-damaged');
    assert.deepEqual(readFileSync(path()), start);

    bytes.fill(0xff, 4096 * 3, 4096 * 5);
    writeFileSync(path(), bytes);
    await assert.rejects(
      async () => {
        const reader = openSqliteReader(path());
        for (let seq = 1; seq <= 50; seq++) await reader.change(seq);
      },
      { code: 'ledger-damaged' },
    );
  });

  it('is refused where it was cut off', async () => {
    await filled();
    const size = readFileSync(path()).length;
    truncateSync(path(), size - 4096 * 2);
    assert.equal(refusal(open), 'ledger-damaged');
  });

  it('is refused where its folder is missing, and missing where there is none', () => {
    assert.equal(
      refusal(() => openSqliteStore(file('nowhere/ledger.db'), 'test', 0)),
      'ledger-unwritable',
    );
    assert.equal(
      refusal(() => openSqliteReader(file('nothing.db'))),
      'ledger-missing',
    );
  });

  it('survives a crash: what was appended is in the WAL, and is there at the next start', async () => {
    const store = open();
    await store.append({ changes: [newChange(1), newChange(2)], outcomes: [] });
    // The files as a crash would leave them: nothing closed, nothing checkpointed.
    for (const suffix of ['', '-wal']) copyFileSync(path() + suffix, file(`crashed.db${suffix}`));
    await store.close();
    const again = openSqliteStore(file('crashed.db'), 'test', 0);
    assert.equal((await again.last())?.seq, 2);
    await again.close();
    rmSync(file('crashed.db'));
  });

  it('looks an object up by its name, however many others are in its namespace', async () => {
    const store = open();
    await store.append({ changes: [newChange(1)], outcomes: [] });
    await store.close();
    const db = new Database(path(), { readonly: true });
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${INCARNATIONS}`).all('', '', '', '') as { detail: string }[];
    db.close();
    const [objects] = plan.filter(({ detail }) => detail.startsWith('SEARCH o '));
    assert.equal(
      objects?.detail,
      'SEARCH o USING COVERING INDEX sqlite_autoindex_objects_1 (resource_id=? AND namespace_id=? AND name=?)',
    );
  });
});
