import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { configMap } from '../../../shared/testing/reviews.ts';
import type { BlameQuery, Json, JsonObject, ObjectBlame } from '../../../shared/types.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { encodeSkips } from '../../ledger/sqlite/read/skips.ts';
import { openSqliteReader, type SqliteStore } from '../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../testing/folder.ts';
import { TestRecorder } from '../../testing/ledgers/recorder.ts';
import { withLine } from '../../testing/ledgers/states.ts';
import { StoreReader } from '../questions/reader.ts';

/** Without the skips each change is gone through. */
const plain = (store: LedgerStore): LedgerStore =>
  withLine(store, async (seq) => (await store.lineage(seq)).map((step) => ({ ...step, skips: () => [] })));

type Edit =
  { kind: 'count' | 'list' | 'drop' | 'item' | 'swap' | 'rename' | 'plain' } | { kind: 'set' | 'remove'; key: string };

/** Mostly the same key, as controllers write; now and then something else. */
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom<Edit>({ kind: 'count' }, { kind: 'item' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('set', 'remove'), key: fc.constantFrom('a', 'b', 'c') }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Edit>(
      ...(['list', 'drop', 'swap', 'rename', 'plain'] as const).map((kind) => ({ kind })),
    ),
  },
);

function edited(data: JsonObject, step: Edit, turn: number): JsonObject {
  const items = data.items as Json[];
  switch (step.kind) {
    case 'set':
      return { ...data, [step.key]: { value: turn, same: 1 } };
    case 'remove':
      return Object.fromEntries(Object.entries(data).filter(([key]) => key !== step.key));
    case 'list':
      return { ...data, items: [...items.slice(1), `item ${turn}`, ...items.slice(0, 1)].slice(-4) };
    case 'item': {
      // As a controller does: the same field of the same item.
      const parts = data.parts as JsonObject[];
      return {
        ...data,
        parts: parts.map((part, index) =>
          index === 0 ? { ...part, image: `v${turn}`, nested: [{ name: 'x', at: turn }] } : part,
        ),
      };
    }
    case 'swap':
      return { ...data, parts: [...(data.parts as Json[])].reverse() };
    case 'rename':
      return {
        ...data,
        parts: (data.parts as JsonObject[]).map((part, index) =>
          index === turn % 2 ? { ...part, name: `part-${turn % 5}-${index}` } : part,
        ),
      };
    case 'plain':
      return {
        ...data,
        pairs: (data.pairs as JsonObject[]).map((pair, index) =>
          index === turn % 3 ? { ...pair, left: turn % 4 } : pair,
        ),
      };
    default:
      return { ...data, count: String(turn) };
  }
}

async function record(path: string, edits: readonly Edit[]): Promise<TestRecorder> {
  const recorder = await TestRecorder.open(path);
  const bodyOf = (data: JsonObject, version: number): JsonObject => {
    const body = configMap(data);
    return version === 0
      ? body
      : { ...body, metadata: { ...(body.metadata as JsonObject), resourceVersion: String(version) } };
  };
  let data: JsonObject = {
    fixed: 'x',
    a: { value: 0, same: 1 },
    items: ['one', 'two', 'three'],
    parts: [
      { name: 'a', image: 'v0', kept: { deep: [1, 2] } },
      { name: 'b', image: 'v0', kept: { deep: [1, 2] } },
    ],
    pairs: [0, 1, 2].map((left) => ({ left, right: 1 })),
    count: '0',
  };
  let version = 100;
  await recorder.review({ object: bodyOf(data, 0) });
  const sent: Promise<unknown>[] = [];
  for (const [index, step] of edits.entries()) {
    const after = edited(data, step, index + 1);
    const username = `user-${index % 3}`;
    sent.push(
      recorder.review({
        operation: 'UPDATE',
        object: bodyOf(after, version),
        oldObject: bodyOf(data, version),
        username,
      }),
    );
    // What was refused is not what the next one builds on.
    if (step.kind === 'drop') continue;
    data = after;
    version++;
  }
  await Promise.all(sent);
  return recorder;
}

async function ask(store: LedgerStore, query: Partial<BlameQuery>, at: number): Promise<ObjectBlame[]> {
  return (await new StoreReader(store, () => at).blame({ scope: {}, at, limit: 10, ...query })).blames;
}

describe('the blame of an object with a long history', () => {
  const file = useFolder();
  let made = 0;

  it('is the same whether stretches are left out or not', async function () {
    this.timeout(120_000);
    this.slow(20_000);
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 300, maxLength: 700 }), fc.nat(600), async (edits, back) => {
        const recorder = await record(file(`ledger-${++made}.db`), edits);
        try {
          const queries: Partial<BlameQuery>[] = [
            { field: 'data.parts' },
            {},
            { removed: true },
            { ignore: ['user-1'] },
            { field: 'data.items' },
            { field: 'data.count' },
            { removed: true, at: recorder.at - Math.min(back, edits.length) * 1000 },
          ];
          for (const query of queries) {
            const found = await ask(recorder.store, query, recorder.at);
            assert.deepEqual(found, await ask(plain(recorder.store), query, recorder.at));
            assert.equal(found.length, 1);
          }
        } finally {
          await recorder.close();
        }
      }),
      { numRuns: 12, seed: 20261125 },
    );
  });

  it('reads as many stretches as the logarithm of its length', async () => {
    const recorder = await record(file('long.db'), [
      { kind: 'set', key: 'b' },
      ...Array.from({ length: 8_000 }, (): Edit => ({ kind: 'count' })),
    ]);
    try {
      let read = 0;
      const counted = withLine(recorder.store, (seq) => {
        read++;
        return recorder.store.lineage(seq);
      });
      const [found] = await ask(counted, {}, recorder.at);
      assert.deepEqual(
        found?.setters.map(({ seq }) => seq),
        [1, 2, 8_002],
      );
      // Of 667.
      assert.equal(read, 30);
    } finally {
      await recorder.close();
    }
  });

  it('is the same after the oldest of the history was folded', async () => {
    const recorder = await record(
      file('folded.db'),
      Array.from({ length: 400 }, (): Edit => ({ kind: 'count' })),
    );
    const path = file('folded.db');
    try {
      const store = recorder.store as SqliteStore;
      const before = recorder.at - 200_000;
      await recorder.recorder.maintain(async () => {
        while ((await store.fold({ before, now: recorder.at })) !== null);
      });
    } finally {
      await recorder.close();
    }
    const store = openSqliteReader(path);
    try {
      const found = await ask(store, { removed: true }, recorder.at);
      assert.deepEqual(found, await ask(plain(store), { removed: true }, recorder.at));
      assert.equal(found[0]?.owners.seq, (await store.changes({}, 1_000)).at(-1)?.seq);
    } finally {
      await store.close();
    }
  });
});

describe('the blame of an object of which a whole body is damaged', () => {
  const file = useFolder({ verify: false });
  const counts = (length: number): Edit[] => Array.from({ length }, () => ({ kind: 'count' }));

  /** Past the triggers, as no program of ours does. */
  function damage(path: string, skips: (seq: number) => Buffer): void {
    const db = new Database(path);
    db.exec('DROP TRIGGER checkpoints_keep_values');
    for (const seq of db.prepare('SELECT seq FROM checkpoints').pluck().all() as number[]) {
      db.prepare('UPDATE checkpoints SET skips = ? WHERE seq = ?').run(skips(seq), seq);
    }
    db.close();
  }

  it('ends where it says to go on from a newer change', async () => {
    const recorder = await record(file('forward.db'), counts(60));
    damage(file('forward.db'), (seq) => encodeSkips({ place: 1, skips: [{ to: seq, touched: new Map() }] }));
    assert.deepEqual(await ask(recorder.store, {}, recorder.at), await ask(plain(recorder.store), {}, recorder.at));
    await recorder.close();
  });

  it('does not keep what is new from being recorded', async () => {
    const recorder = await record(file('rubbish.db'), counts(20));
    assert.equal((await recorder.changes()).length, 21);
    damage(file('rubbish.db'), () => Buffer.from('rubbish'));
    const bodyAt = (count: number): JsonObject =>
      configMap({ count: String(count) }, { resourceVersion: String(count) });
    await recorder.review({ operation: 'UPDATE', object: bodyAt(200), oldObject: bodyAt(199) });
    for (let n = 201; n < 215; n++) {
      await recorder.review({ operation: 'UPDATE', object: bodyAt(n), oldObject: bodyAt(n - 1) });
    }
    assert.equal((await recorder.changes()).filter(({ source }) => source === 'admission').length, 36);
    await recorder.close();
  });
});
