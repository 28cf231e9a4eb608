import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hashBody } from '../../../../shared/patch.ts';
import { useFolder } from '../../../testing/folder.ts';
import { useDatabase } from '../../../testing/server/postgres.ts';
import { newChange } from '../../port/contract/new-change.ts';
import type { NewChange, StoredChange } from '../../port/port.ts';
import { signCheckpoint } from '../../proof/checkpoint.ts';
import { signerOf } from '../../proof/note.ts';
import { PUSH_LIMITS } from '../../push/commit-lines.ts';
import { openSqliteReader } from '../../sqlite/store/store.ts';
import { escapeText, unescapeText, decodeAny, encodeAny } from '../database/pool.ts';
import { TABLES } from '../database/tables.ts';
import { PostgresStore } from '../read/store.ts';
import { mirror, type Mirrored } from '../testing/mirror.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('the hub takes in what a ledger pushes', () => {
  const file = useFolder({ verify: false });
  const { pool } = useDatabase();
  let west: Mirrored;
  beforeEach(async () => {
    west = await mirror(pool(), file('ledger.db'));
  });
  afterEach(() => west.store.close());

  const append = (...changes: NewChange[]): Promise<void> => west.store.append({ changes, outcomes: [] });
  const hub = (): PostgresStore => new PostgresStore(pool(), west.ledger, 'west', west.store.id);
  const refusal = (lines: readonly string[]): Promise<string> =>
    west.send(0, lines).then(
      () => 'taken',
      (error: Error) => error.message,
    );
  const rows = async (sql: string): Promise<unknown[]> =>
    (await pool().query<{ value: unknown }>(sql)).rows.map(({ value }) => value);

  /** A creation whose body is worth shortening. */
  const large = (seq: number, values: Partial<NewChange> = {}): NewChange => {
    const value = {
      metadata: { name: 'large' },
      data: { text: Array.from({ length: 5_000 }, (_, n) => n * 7_919).join() },
    };
    return newChange(seq, {
      ...values,
      hash: hashBody(value),
      detail: { ...newChange(seq).detail, patch: [{ op: 'add', path: '', value }] },
    });
  };

  it('byte for byte: every row of the hub is that of the file, in pushes of any size', async () => {
    await append(newChange(1), newChange(2, { bodySnapshot: { a: 1 } }));
    for (const seq of [3, 4, 5]) await append(newChange(seq));
    await west.store.append({
      changes: [newChange(6)],
      outcomes: [{ seq: 1, outcome: 'committed', resourceVersion: '7', reason: 'the watch shows it', at: 7_000 }],
      coverage: [{ at: 7_000, event: 'started', detail: '' }],
    });
    await west.push({ commits: 2, changes: 2 });
    const { db } = west.store as unknown as { db: { prepare(sql: string): { all(): Record<string, unknown>[] } } };
    for (const [table, columns] of Object.entries(TABLES)) {
      if (table === 'ledger') continue;
      const expected = db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all();
      const names = Object.keys(columns)
        .map((name) => `"${name}"`)
        .join(', ');
      const { rows: found } = await pool().query<Record<string, unknown>>(
        `SELECT ${names} FROM ${table} WHERE ledger = ${west.ledger} ORDER BY 1, 2`,
      );
      for (const row of found)
        for (const [name, type] of Object.entries(columns))
          if (type.startsWith('any') && row[name] !== null) row[name] = decodeAny(row[name] as Buffer);
      assert.deepEqual(found, expected, table);
    }
  });

  it('of odd ledgers: NUL, half a surrogate pair, an identity of 3 KB, a large body', async () => {
    const odd = 'a\0b\x01\ud800';
    // Without what compresses: an index entry has at most 2,704 bytes.
    const long = Array.from({ length: 3_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7_919) % 20_000))).join(
      '',
    );
    const object = { ...newChange(1).object, name: odd, namespace: odd, uid: odd };
    const body = { metadata: { name: odd, labels: { odd } }, data: { text: 'x'.repeat(3_000_000) } };
    const detail = { ...newChange(1).detail, patch: [{ op: 'add' as const, path: '', value: body }], options: { odd } };
    await append(
      newChange(1, { object, detail, manager: odd, reviewUid: odd, actor: { username: odd, groups: [odd] } }),
    );
    await append(
      newChange(2, {
        object: { ...object, name: long, uid: long },
        actor: { username: long, groups: [] },
        manager: long,
      }),
    );
    await west.push();
    const reader = openSqliteReader(west.path);
    const whole = (change: StoredChange | null): unknown => ({ ...change, detail: change?.detail(), audit: null });
    for (const seq of [1, 2]) assert.deepEqual(whole(await hub().change(seq)), whole(await reader.change(seq)));
    assert.deepEqual(
      (await hub().changes({ username: long }, 9)).map(({ seq }) => seq),
      [2],
    );
    assert.deepEqual(
      (await hub().changes({ namespace: odd.toWellFormed() }, 9)).map(({ seq }) => seq),
      [2, 1],
    );
    assert.deepEqual(
      (await hub().objects({}, 9)).map(({ name }) => name),
      (await reader.objects({}, 9)).map(({ name }) => name),
    );
    await reader.close();
  });

  it('and escapes texts so that they come back, and in the same order', () => {
    const text = fc.string({ unit: fc.constantFrom('\0', '\x01', '\x02', 'a', 'é') });
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(unescapeText(escapeText(a)), a);
        assert.ok(!escapeText(a).includes('\0'));
        const order = (x: string, y: string): number => Buffer.compare(Buffer.from(x), Buffer.from(y));
        assert.equal(order(escapeText(a), escapeText(b)), order(a, b));
        assert.equal(decodeAny(encodeAny(a)), a);
      }),
    );
  });

  it('nothing of which a row was changed, dropped, added or swapped: it names the place', async () => {
    await append(newChange(1), newChange(2));
    await append(newChange(3));
    await append(newChange(4));
    const { lines = [] } = (await west.next()) ?? {};
    const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
    const without = (start: string): string[] => counted(lines.filter((_, index) => index !== at(start)));
    const changed = (start: string, from: string, to: string): string[] => {
      assert.ok(lines[at(start)]?.includes(from), start);
      return lines.map((line, index) => (index === at(start) ? line.replace(from, to) : line));
    };
    const counted = (some: string[]): string[] => [
      ...some.slice(0, -1),
      `${JSON.stringify({ rows: some.length - 2 })}\n`,
    ];
    const swapped = lines.map((line) => line.replace(/^\["commits",2,/, '["commits",x,').replace(/^\["commits",3,/, '["commits",2,').replace('["commits",x,', '["commits",3,')); // prettier-ignore
    const badHash = 'its hash is not that of its rows behind the commit before it';
    const cases: [string, string[], RegExp][] = [
      [
        'a user name',
        changed('["actors"', '"alice@example.com"', '"mallory"'),
        /^actors 1: its user name is not that of its identity$/,
      ],
      ['an identity', changed('["actors"', 'dev-team', 'admins'), new RegExp(`^commit 1: ${badHash}$`)],
      ['an object', changed('["objects"', '"settings"', '"others"'), new RegExp(`^commit 1: ${badHash}$`)],
      ['a time', changed('["changes",3,', '3000', '3001'), new RegExp(`^commit 2: ${badHash}$`)],
      [
        'a change that is not there',
        without('["changes",3,'),
        /^change 3: it is not there, but commit 2 holds changes up to 3$/,
      ],
      ['the last change', without('["changes",4,'), /^change 4: it is not there, but commit 3 holds changes up to 4$/],
      [
        'a commit that is not there',
        without('["commits",2,'),
        /^commit 2: it is not there: commit 3 follows commit 1$/,
      ],
      ['two commits, swapped', swapped, /^commit 2: it is not there: commit 3 follows commit 1$/],
      ['a text that is not there', without('["texts"'), /^texts \d+: it is not there, and a change refers to it$/],
      ['a cut end', lines.slice(0, -1), /the last line is not there: a part was lost on the way$/],
      [
        'an outcome of no commit',
        counted([...lines.slice(0, -1), '["outcomes",1,0,9,1,0,"",null,null,null]\n', lines.at(-1) ?? '']),
        /^commit 9: there are rows of it, but it is not there$/,
      ],
      [
        'a value that the column cannot hold',
        changed('["changes",3,', '3000', '"x"'),
        /changes\.at cannot have this value$/,
      ],
      ['another format', changed('{"kubeblame"', '"format":', '"format":9'), /^line 1: the ledger has format 9/],
      [
        'another ledger',
        changed('["ledger"', '"west"', '"east"'),
        /^ledger: this is kubeblame\.io\/ledger\/east\/.* was enrolled$/,
      ],
    ];
    for (const [what, sent, expected] of cases) assert.match(await refusal(sent), expected, what);
    assert.deepEqual(await rows('SELECT count(*) AS value FROM texts UNION ALL SELECT count(*) FROM changes'), [0, 0]);
    // What they were made of is taken.
    assert.equal(await refusal(lines), 'taken');
  });

  it('no id that stood for something else before', async () => {
    await append(newChange(1));
    await west.push();
    await append(newChange(2));
    const { lines = [] } = (await west.next()) ?? {};
    const other = lines.map((line) => (line.startsWith('["texts"') ? line.replace('"kubectl"', '"helm"') : line));
    assert.notDeepEqual(other, lines);
    await assert.rejects(west.send(1, other), /^Refusal: texts \d+: it stood for something else before$/);
  });

  it('each commit once, whoever pushes it: many at a time, with connections that are ended', async () => {
    for (let seq = 1; seq <= 30; seq++) await append(newChange(seq));
    const limits = { ...PUSH_LIMITS, commits: 3 };
    /** Goes on where something else came first, or its connection was ended. */
    const pusher = async (): Promise<void> => {
      for (let round = 0; round < 100; round++) {
        try {
          const { commit } = await west.head();
          const push = await west.next(commit, [], limits);
          if (push === null) return;
          await west.send(commit, push.lines);
        } catch {
          // Asked again.
        }
      }
    };
    const KILL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
      AND pid <> pg_backend_pid() AND query LIKE 'INSERT INTO changes%' LIMIT 1`;
    const killer = async (): Promise<void> => {
      for (let round = 0; round < 20; round++)
        await pool()
          .query(KILL)
          .catch(() => undefined);
    };
    await Promise.all([pusher(), pusher(), pusher(), killer()]);
    assert.deepEqual(
      await rows('SELECT seq AS value FROM changes ORDER BY seq'),
      Array.from({ length: 30 }, (_, n) => n + 1),
    );
    assert.equal((await west.head()).commit, 30);
  });

  it('keeps history that is folded, or shortened, at its source, and takes what comes after', async () => {
    await append(large(1, { object: { ...newChange(1).object, name: 'refused', uid: 'r' } }));
    const dropped = {
      seq: 1,
      outcome: 'dropped',
      resourceVersion: '',
      reason: 'the watch never showed it',
      at: 2_000,
    } as const;
    await west.store.append({ changes: [], outcomes: [dropped] });
    for (let seq = 2; seq <= 8; seq++) await append(newChange(seq, seq === 2 ? {} : { parent: seq - 1, depth: seq - 2, effect: 'modified', operation: 'UPDATE', detail: { ...newChange(seq).detail, patch: [{ op: 'replace', path: '/data/seq', value: seq }] } })); // prettier-ignore
    const outcomes = [2, 3, 4, 5, 6, 7, 8].map((seq) => ({
      ...dropped,
      seq,
      outcome: 'committed' as const,
      reason: 'the watch shows it' as const,
      at: 8_000,
    }));
    await west.store.append({ changes: [], outcomes });
    await append(newChange(9, { parent: 8, depth: 7, effect: 'modified', operation: 'UPDATE' }));
    await west.push();
    const before = await Promise.all([1, 2, 5, 9].map((seq) => hub().body(seq)));
    assert.equal(await west.store.shorten([1], 3 * DAY_MS), 1);
    while ((await west.store.fold({ before: 10_000, now: 3 * DAY_MS })) !== null);
    assert.equal(await west.store.change(5), null);
    await append(newChange(10, { at: 3 * DAY_MS }));
    await west.push();
    assert.equal((await hub().last())?.seq, 10);
    assert.deepEqual(await Promise.all([1, 2, 5, 9].map((seq) => hub().body(seq))), before);
  });

  it('takes what was shortened before it was pushed', async () => {
    await append(large(1));
    const dropped = {
      seq: 1,
      outcome: 'dropped',
      resourceVersion: '',
      reason: 'the watch never showed it',
      at: 2_000,
    } as const;
    await west.store.append({ changes: [newChange(2)], outcomes: [dropped] });
    await west.store.shorten([1], DAY_MS);
    await west.push({ commits: 1, changes: 1 });
    assert.equal((await west.head()).commit, 3);
    const reader = openSqliteReader(west.path);
    assert.deepEqual((await hub().change(1))?.detail(), (await reader.change(1))?.detail());
    await reader.close();
  });

  it('no checkpoint that another key signed, or that is of other commits', async () => {
    await append(newChange(1));
    const head = await west.store.treeHead();
    const other = signerOf(west.signer.verifier.name, Buffer.alloc(32, 7));
    const send = async (note: string): Promise<unknown> => west.send(0, (await west.next(0, [note]))?.lines ?? []);
    await assert.rejects(
      send(signCheckpoint(head, other)),
      /^Refusal: checkpoint of 1 commits: it is not signed by the key that was pinned/,
    );
    const wrong = { ...head, root: Buffer.alloc(32, 1) };
    await assert.rejects(
      send(signCheckpoint(wrong, west.signer)),
      /^Refusal: checkpoint of 1 commits: these are not the commits that were signed$/,
    );
    await send(signCheckpoint(head, west.signer));
    assert.equal((await west.head()).signed, 1);
    // The same of commits that the hub has already.
    const late = (await west.next(1, [signCheckpoint(wrong, west.signer)]))?.lines ?? [];
    await assert.rejects(west.send(1, late), /these are not the commits that were signed$/);
  });
});
