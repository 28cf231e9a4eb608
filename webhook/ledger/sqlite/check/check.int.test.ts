import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, utimesSync, statSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { useFolder } from '../../../testing/folder.ts';
import { TestServer, until } from '../../../testing/server/server.ts';
import { newChange } from '../../port/contract/new-change.ts';
import { checkPages } from './page-check.ts';
import { openSqliteStore } from '../store/open-store.ts';
import type { SqliteStore } from '../store/store.ts';

const PAGE = 2_048;

describe('whether a ledger is as it was closed', () => {
  const file = useFolder({ verify: false });
  const path = (): string => file('ledger.db');
  const open = (name = 'ledger.db'): SqliteStore => openSqliteStore(file(name), 'test', 0);

  async function filled(changes = 400): Promise<void> {
    const store = open();
    for (let seq = 1; seq <= changes; seq++) {
      const object = {
        group: '',
        resource: 'configmaps',
        kind: 'ConfigMap',
        namespace: 'n',
        name: `c-${seq}`,
        uid: `u-${seq}`,
      };
      const actor = seq % 3 === 0 ? null : { username: `user-${seq % 7}`, groups: [] };
      await store.append({
        changes: [newChange(seq, { object, actor, ...(actor === null ? { source: 'watch' } : {}) })],
        outcomes: [],
      });
    }
    await store.close();
  }

  it('is known after a clean stop, once', async () => {
    await filled(3);
    assert.ok(existsSync(`${path()}.closed`));
    const store = open();
    assert.equal(store.check.soundness, 'sound');
    // A crash from here on must not leave it behind.
    assert.ok(!existsSync(`${path()}.closed`));
    for (const suffix of ['', '-wal']) copyFileSync(path() + suffix, file(`crashed.db${suffix}`));
    await store.close();
    const crashed = open('crashed.db');
    assert.equal(crashed.check.soundness, 'unknown');
    await crashed.close();
    assert.ok(!existsSync(file('crashed.db.closed')));
    const again = open('crashed.db');
    await again.check.run();
    assert.equal(again.check.soundness, 'sound');
    await again.close();
    assert.ok(existsSync(file('crashed.db.closed')));
  });

  it('is not known where the file has been written to since, or is another one', async () => {
    await filled(3);
    const { atime, mtime } = statSync(path());
    const mark = readFileSync(`${path()}.closed`);
    utimesSync(path(), atime, new Date(mtime.getTime() + 1));
    const touched = open();
    assert.equal(touched.check.soundness, 'unknown');
    await touched.close();
    assert.ok(!existsSync(`${path()}.closed`));

    const other = open('other.db');
    await other.close();
    writeFileSync(file('other.db.closed'), mark);
    const wrong = open('other.db');
    assert.equal(wrong.check.soundness, 'unknown');
    await wrong.close();
  });

  it('is checked to the last row, in steps, and every damaged page is found', async () => {
    await filled(60);
    const whole = readFileSync(path());
    const steps = (stepMs?: number): number => {
      const db = new Database(path(), { readonly: true });
      try {
        return [...checkPages(db, stepMs)].length;
      } finally {
        db.close();
      }
    };
    // Each row of each table and index is a step of its own, where a step takes no time.
    const db = new Database(path(), { readonly: true });
    const rows = (sql: string): number => db.prepare(sql).pluck().get() as number;
    const changes = rows('SELECT count(*) FROM changes');
    assert.ok(steps(0) > 6 * changes, String(steps(0)));
    const pages = db.pragma('page_count', { simple: true }) as number;
    assert.equal(rows('SELECT count(*) FROM (SELECT 1 FROM dbstat)'), pages);
    db.close();
    assert.ok(pages > 30);
    for (const stepMs of [0, undefined]) {
      for (let page = 1; page < pages; page++) {
        const damaged = Buffer.from(whole);
        damaged.fill(0xff, page * PAGE, (page + 1) * PAGE);
        writeFileSync(path(), damaged);
        assert.throws(() => steps(stepMs), /malformed/, `page ${page + 1} of ${pages}`);
      }
    }
  });

  it('where it is not: the server starts, finds it, tells it, and folds nothing', async () => {
    const server = await TestServer.start(file);
    await server.stop();
    await fillAndDamage(path());
    const retention = { ageMs: 3_600_000, bytes: null, securityMs: null };
    const damaged = await TestServer.start(file, { retention });
    await until('the check', () => damaged.log.some(({ msg }) => msg === 'the ledger is damaged: see the runbook'));
    const page = async (name: string): Promise<string> => (await damaged.admission.get(name)).text;
    assert.match(
      await page('/readyz'),
      /^\[!\]ledger damaged: .*table \w+: database disk image is malformed: see the runbook$/m,
    );
    assert.match(await page('/metrics'), /^kubeblame_ledger_damaged 1$/m);
    await damaged.stop();
    assert.ok(!existsSync(`${path()}.closed`));
  });
});

/** Fills a ledger, and damages a page in its middle. */
async function fillAndDamage(path: string): Promise<void> {
  const store = openSqliteStore(path, 'test', 0);
  const from = ((await store.last())?.seq ?? 0) + 1;
  for (let seq = from; seq < from + 400; seq++) await store.append({ changes: [newChange(seq)], outcomes: [] });
  await store.close();
  const db = new Database(path);
  const leaf =
    "SELECT pageno FROM dbstat WHERE name = 'changes' AND pagetype = 'leaf' ORDER BY pageno LIMIT 1 OFFSET 5";
  const page = db.prepare(leaf).pluck().get() as number;
  db.close();
  const bytes = readFileSync(path);
  bytes.fill(0xff, (page - 1) * PAGE, page * PAGE);
  writeFileSync(path, bytes);
}
