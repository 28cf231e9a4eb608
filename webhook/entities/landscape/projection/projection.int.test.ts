import assert from 'node:assert/strict';
import { copyFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { factsOf } from '../../../../shared/landscape/facts.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { objectFacts } from '../../../ask/questions/landscape/landscape.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { verifyFacts } from '../../../ask/questions/landscape/verify-facts.ts';
import { compress, decompress } from '../../../ledger/content/payload.ts';
import type { NewChange, NewOutcome } from '../../../ledger/port/port.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader, type SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { useFolder, useSharedFolder } from '../../../testing/folder.ts';
import { importShop } from '../../../testing/ledgers/shop-ledger.ts';
import { factsFile, keepFacts } from './keep-facts.ts';
import { FactsProjection } from './projection.ts';

/** All that exists at a moment with its facts, as lines; from states where the store keeps no facts. */
async function linesAt(store: SqliteStore, at: number): Promise<string[]> {
  const asked = { store, now: () => at, closing: new AbortController().signal };
  const found = await objectFacts(asked, at);
  return found.map(({ object, facts }) => JSON.stringify([object, facts])).sort();
}

/** The same, kept and derived. */
async function assertSame(store: SqliteStore, projection: FactsProjection, at: number): Promise<void> {
  store.factsSource = undefined;
  const derived = await linesAt(store, at);
  const seq = await store.seqAt(at);
  const kept = await projection.at(seq, 60_000);
  if (kept === null) {
    // Of a moment at which nothing is left but what was folded: whoever asks derives it from states.
    assert.ok(seq < ((await store.first())?.seq ?? 0), `nothing is kept of change ${seq}`);
    return;
  }
  const now = (): number => at;
  const graph = await new StoreReader(store, now).graph({ at });
  store.factsSource = () => Promise.resolve(kept);
  const told = await linesAt(store, at);
  // What is remembered with facts that several moments share must not show in the graph of another one.
  const shared = await new StoreReader(store, now).graph({ at });
  store.factsSource = undefined;
  assert.deepEqual(told, derived);
  assert.deepEqual(shared, graph);
}

/** So small that a random history fills several segments and blocks. */
const SMALL = { turns: 3, parts: 2, sets: 3 };

/** What happens to one of three names: a version with some facts, an end, an outcome, a fold, or a look at the projection. */
type Event =
  | { do: 'change'; name: number; image: number; replicas: number; back: number; late: boolean; statusOnly: boolean }
  | { do: 'create'; name: number; back: number }
  | { do: 'delete'; name: number; back: number }
  | { do: 'settle'; back: number; outcome: NewOutcome['outcome']; amended: boolean }
  | { do: 'fold' | 'look' };

const back = fc.integer({ min: 0, max: 3 });
const name = fc.integer({ min: 0, max: 2 });
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('change' as const), name, image: fc.integer({ min: 1, max: 3 }), replicas: fc.integer({ min: 0, max: 2 }), back, late: fc.boolean(), statusOnly: fc.boolean() }) }, // prettier-ignore
  { weight: 2, arbitrary: fc.record({ do: fc.constant('create' as const), name, back }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), name, back }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('settle' as const), back, outcome: fc.constantFrom('committed' as const, 'dropped' as const), amended: fc.boolean() }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fold' as const, 'look' as const) }) },
);

/** A version of an object. */
interface Version {
  seq: number;
  uid: string;
  body: JsonObject | null;
}

/** A ledger that is written change by change, and what each version of each object is. */
class Written {
  private seq = 0;
  private uids = 0;
  /** Of each name the versions of its present incarnation. */
  private readonly versions: Version[][] = [[], [], []];
  private readonly attempts: number[] = [];
  private readonly amended = new Set<number>();

  constructor(public store: SqliteStore) {}

  /** Goes on in another file, which ends with this change. What was open there stays so. */
  on(store: SqliteStore, seq = this.seq): this {
    this.store = store;
    this.seq = seq;
    this.attempts.length = 0;
    return this;
  }

  get last(): number {
    return this.seq;
  }

  get at(): number {
    return this.seq * 1_000;
  }

  async take(event: Event): Promise<void> {
    if (event.do === 'create') {
      const uid = `uid-${++this.uids}`;
      this.versions[event.name] = [];
      await this.append(event.name, null, deployment(event.name, uid, 1, 1, 0), uid, false, false);
    } else if (event.do === 'settle') {
      const seq = this.attempts.at(-1 - event.back);
      if (seq !== undefined) await this.settle(seq, event.outcome, event.amended);
    } else if (event.do === 'change' || event.do === 'delete') {
      const known = this.versions[event.name] ?? [];
      const from = known.at(-1 - event.back) ?? known.at(-1);
      if (from === undefined || from.body === null) return;
      if (event.do === 'delete') return this.append(event.name, from, null, from.uid, false, false);
      const before = from.body as { spec: { replicas: number }; status: { n: number } };
      const body = event.statusOnly
        ? { ...from.body, status: { n: before.status.n + 1 } }
        : deployment(event.name, from.uid, event.image, event.replicas, before.status.n);
      if (diff(from.body, body).length > 0)
        await this.append(event.name, from, body, from.uid, event.late, event.statusOnly);
    }
  }

  private async append(
    index: number,
    from: Version | null,
    body: JsonObject | null,
    uid: string,
    late: boolean,
    statusOnly: boolean,
  ): Promise<void> {
    // prettier-ignore
    // A fold may have put a whole body beside it, or given it up.
    const parent = from === null ? null : await this.store.change(from.seq);
    if (from !== null && parent === null) return;
    const depth = parent === null || body === null ? 0 : parent.depth + 1;
    const seq = ++this.seq;
    const change: NewChange = {
      ...{ seq, at: this.at, subresource: '', source: 'admission', actor: { username: 'alice', groups: [] }, manager: 'm' }, // prettier-ignore
      object: { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace: 'shop', name: `n${index}`, uid },
      operation: from === null ? 'CREATE' : body === null ? 'DELETE' : 'UPDATE',
      effect: from === null ? 'created' : body === null ? 'deleted' : 'modified',
      ...{
        statusOnly,
        late,
        parent: from?.seq ?? null,
        depth,
        apiVersion: 'apps/v1',
        baseResourceVersion: '',
      },
      ...{ resourceVersion: '', reviewUid: `review-${seq}`, hash: body === null ? null : hashBody(body) },
      detail: { patch: diff(from?.body ?? null, body), options: null, cause: null, notBefore: null, managersHint: [] },
      bodySnapshot: null,
    };
    await this.store.append({ changes: [change], outcomes: [] });
    this.attempts.push(seq);
    this.versions[index]?.push({ seq, body, uid });
  }

  private async settle(seq: number, outcome: NewOutcome['outcome'], wanted: boolean): Promise<void> {
    const version = this.versions.flat().find((known) => known.seq === seq);
    const isLast = this.versions.some((known) => known.at(-1)?.seq === seq);
    // Nothing was made from it yet, and it has none: only then may there be an amendment.
    const amend = wanted && isLast && outcome === 'committed' && version?.body != null && !this.amended.has(seq);
    const body = amend && version.body !== null ? withAccount(version.body) : null;
    const amendment = body === null ? {} : { amendment: { patch: diff(version?.body ?? null, body), apiVersion: 'apps/v1', hash: hashBody(body) ?? Buffer.alloc(0) } }; // prettier-ignore
    if (body !== null && version !== undefined) {
      version.body = body;
      this.amended.add(seq);
    }
    await this.store.append({ changes: [], outcomes: [{ seq, outcome, resourceVersion: '', reason: 'the watch shows it', at: this.at, ...amendment }] }); // prettier-ignore
  }
}

/** As an API server fills in a value that facts follow from. */
function withAccount(body: JsonObject): JsonObject {
  const filled = structuredClone(body) as { spec: { template: { spec: JsonObject } } } & JsonObject;
  filled.spec.template.spec.serviceAccountName = 'filled-in';
  return filled;
}

function deployment(index: number, uid: string, image: number, replicas: number, status: number): JsonObject {
  const containers = [{ name: 'c', image: `web:${image}`, envFrom: [{ configMapRef: { name: `conf-${image}` } }] }];
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
    metadata: { namespace: 'shop', name: `n${index}`, uid },
    spec: { replicas, template: { spec: { containers } } },
    status: { n: status },
  };
}

describe('the facts that are kept beside a ledger', function () {
  this.timeout(120_000);
  const file = useFolder();

  it('are those of a fresh derivation, whatever changes come, are dropped, amended, late or folded', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 40 }), async (events) => {
        const path = file(`random-${++run}.db`);
        const store = openSqliteStore(path, 'test', 0);
        // As a server and a plugin that have one file.
        const [one, other] = [new FactsProjection(path, `${path}.facts`, SMALL), new FactsProjection(path, `${path}.facts`, SMALL)]; // prettier-ignore
        const written = new Written(store);
        let [horizon, looks] = [0, 0];
        try {
          for (const each of events) {
            if (each.do === 'look') await (++looks % 2 === 0 ? one : other).catchUp(60_000);
            else if (each.do === 'fold')
              horizon = (await store.fold({ before: written.at - 3_000, now: written.at }))?.horizonAt ?? horizon; // prettier-ignore
            else await written.take(each);
          }
          const last = await store.last();
          for (let at = Math.max(horizon, 1_000); at <= (last?.at ?? 0); at += 1_000) {
            await assertSame(store, one, at);
            await assertSame(store, other, at);
          }
        } finally {
          one.close();
          other.close();
          await store.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  /** A ledger with some versions of three objects. */
  async function recorded(name: string, count = 12): Promise<{ store: SqliteStore; written: Written; path: string }> {
    const store = openSqliteStore(file(name), 'test', 0);
    const written = new Written(store);
    for (let index = 0; index < 3; index++) await written.take({ do: 'create', name: index, back: 0 });
    await more(written, count);
    return { store, written, path: file(name) };
  }

  async function more(written: Written, count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      await written.take({ do: 'change', name: index % 3, image: 1 + index, replicas: index % 2, back: 0, late: false, statusOnly: index % 5 === 4 }); // prettier-ignore
      await written.take({ do: 'settle', back: 0, outcome: 'committed', amended: false });
    }
  }

  /** Asks a reader of its own for the facts, as the thread that answers questions does. Gives what it tells of the file. */
  async function assertKept({ store, written, path }: Awaited<ReturnType<typeof recorded>>): Promise<string[]> {
    const told: string[] = [];
    const reader = openSqliteReader(path);
    const kept = keepFacts(path, reader, (text) => told.push(text));
    const seq = await store.seqAt(written.at);
    // The first that asks may be the one that finds out.
    await reader.facts(seq);
    const facts = await reader.facts(seq);
    assert.ok(facts !== null, 'facts are kept');
    store.factsSource = undefined;
    assert.deepEqual(await linesAt(reader, written.at), await linesAt(store, written.at));
    kept.stop();
    assert.equal(await reader.facts(seq), null);
    await reader.close();
    return told;
  }

  it('go on where they were', async () => {
    const one = await recorded('a.db');
    assert.deepEqual(await assertKept(one), []);
    await more(one.written, 5);
    assert.deepEqual(await assertKept(one), []);
    const taken = new FactsProjection(one.path, factsFile(one.path));
    assert.equal(taken.anew, null);
    taken.close();
    await one.store.close();
  });

  it('are derived anew where their file was deleted, cut off, overwritten, or damaged inside', async () => {
    const one = await recorded('a.db');
    const facts = factsFile(one.path);
    assert.deepEqual(await assertKept(one), []);
    rmSync(facts);
    assert.deepEqual(await assertKept(one), []);
    const damages = [
      () => truncateSync(facts, 1_500),
      () => writeFileSync(facts, 'something else, which is no database at all'.repeat(50)),
      () => withFacts(facts, (db) => db.exec("UPDATE segments SET turns = x'ff00'")),
      () => withFacts(facts, (db) => db.exec('DELETE FROM parts')),
      () => withFacts(facts, (db) => db.exec('DROP TABLE sets')),
    ];
    for (const damage of damages) {
      damage();
      const [told = '', ...rest] = await assertKept(one);
      assert.match(told, /^the facts of objects in .*a\.db\.facts cannot be used \(.+\): they are derived anew$/);
      assert.deepEqual(rest, []);
      // And what is there now can be used.
      assert.deepEqual(await assertKept(one), []);
    }
    await one.store.close();
  });

  it('are derived anew where they are of another ledger, or of another version, and this is told', async () => {
    const one = await recorded('a.db');
    const other = await recorded('b.db', 4);
    await assertKept(one);
    copyFileSync(factsFile(one.path), factsFile(other.path));
    const what = `the facts of objects in ${factsFile(other.path)} are`;
    assert.deepEqual(await assertKept(other), [`${what} of another ledger: they are derived anew`]);
    withFacts(factsFile(other.path), (db) => db.exec('UPDATE progress SET facts_version = facts_version - 1'));
    assert.deepEqual(await assertKept(other), [`${what} of another version: they are derived anew`]);
    // As the first version of this program left it.
    withFacts(factsFile(other.path), (db) =>
      db.exec('DROP TABLE segments; CREATE TABLE spans (id); PRAGMA user_version = 0'),
    );
    assert.deepEqual(await assertKept(other), [`${what} of another version: they are derived anew`]);
    for (const { store } of [one, other]) await store.close();
  });

  it('are derived anew where the ledger was restored from a backup, and went on otherwise', async () => {
    const one = await recorded('a.db');
    await one.store.close();
    copyFileSync(one.path, file('backup.db'));
    const last = one.written.last;
    const before = openSqliteStore(one.path, 'test', 0);
    await more(one.written.on(before), 7);
    await assertKept({ ...one, store: before });
    await before.close();
    copyFileSync(file('backup.db'), one.path);
    const after = openSqliteStore(one.path, 'test', 0);
    const written = one.written.on(after, last);
    // As many commits as before, of something else.
    for (let index = 0; index < 14; index++) await written.take({ do: 'create', name: index % 3, back: 0 });
    await assertKept({ path: one.path, store: after, written });
    await after.close();
  });

  it('go on after a crash in the middle of catching up', async () => {
    const one = await recorded('a.db', 90);
    const facts = factsFile(one.path);
    const dying = new FactsProjection(one.path, facts, SMALL);
    // One step of several.
    assert.equal(await dying.catchUp(0), false);
    for (const end of ['', '-wal']) copyFileSync(`${facts}${end}`, `${file('left')}${end}`);
    dying.close();
    const taken = new FactsProjection(one.path, file('left'), SMALL);
    assert.equal(taken.anew, null);
    for (let at = 1_000; at <= one.written.at; at += 5_000) await assertSame(one.store, taken, at);
    taken.close();
    await one.store.close();
  });

  it('give up what a fold has given up, in their file too', async () => {
    const one = await recorded('a.db', 120);
    const projection = new FactsProjection(one.path, factsFile(one.path), SMALL);
    await projection.catchUp(60_000);
    const count = (): number[] => {
      const counts: number[] = [];
      withFacts(factsFile(one.path), (db) => {
        for (const table of ['segments', 'sets', 'parts']) counts.push(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number); // prettier-ignore
      });
      return counts;
    };
    const before = count();
    for (let index = 0; index < 9; index++) await one.written.take({ do: 'create', name: index % 3, back: 0 });
    await one.store.fold({ before: one.written.at - 5_000, now: one.written.at });
    await projection.catchUp(60_000);
    const after = count();
    // What is left is what the fold kept of each object, and the last of each block.
    for (const [place, count] of after.entries()) assert.ok(count * 2 < (before[place] ?? 0), `${before.join(' ')}, then ${after.join(' ')}`); // prettier-ignore
    await assertSame(one.store, projection, one.written.at);
    projection.close();
    await one.store.close();
  });

  it('are compared with a fresh derivation, which names what differs first; then they are derived anew', async () => {
    const one = await recorded('a.db');
    await assertKept(one);
    const facts = factsFile(one.path);
    const good = `the facts of objects in ${facts} are those of the ledger: 9 compared, at 3 moments`;
    assert.equal(await verifyFacts(one.path, () => 0.99), good);
    const other = await recorded('b.db', 30);
    await assertKept(other);
    const parts = (change: (text: string) => string): void =>
      withFacts(facts, (db) => {
        for (const { block, items } of db.prepare('SELECT block, items FROM parts').all() as {
          block: number;
          items: Buffer;
        }[])
          // prettier-ignore
          db.prepare('UPDATE parts SET items = ? WHERE block = ?').run(compress(change(decompress(items))), block);
      });
    parts((text) => text.replaceAll('conf-', 'fonc-'));
    assert.match(
      await verifyFacts(one.path, () => 0.99),
      /^the facts of objects in .*a\.db\.facts were not those of the ledger, and are derived anew: references\[1\]\.target\.name of deployments\.apps shop\/n0 is not what its body says, as of 1970-01-01T/,
    );
    assert.equal(await verifyFacts(one.path, () => 0.99), good);
    withFacts(facts, (db) => db.exec("UPDATE segments SET turns = x'ff00'"));
    assert.match(await verifyFacts(one.path, () => 0.99), /cannot be used \(.+\): they are derived anew$/);
    assert.equal(await verifyFacts(one.path, () => 0.99), good);
    for (const { store } of [one, other]) await store.close();
  });
});

/** Opens the file of facts as no program of ours does. */
function withFacts(path: string, work: (db: Database.Database) => void): void {
  const db = new Database(path);
  try {
    work(db);
  } finally {
    db.close();
  }
}

describe('the facts of the recording', function () {
  this.timeout(120_000);
  const file = useSharedFolder();

  it('are those of a fresh derivation at every fiftieth change', async () => {
    const store = (await importShop(file('shop.db'), true)) as SqliteStore;
    const projection = new FactsProjection(file('shop.db'), file('shop.facts'));
    const last = (await store.last())?.seq ?? 0;
    for (let seq = 1; seq <= last; seq += 50) {
      const change = await store.change(seq);
      if (change !== null) await assertSame(store, projection, change.at);
    }
    projection.close();
    await store.close();
  });
});

describe('facts', () => {
  it('follow from the body alone: not from when, and not from what was read before', () => {
    const body = deployment(0, 'uid', 1, 1, 1);
    const first = JSON.stringify(factsOf(body));
    factsOf(deployment(1, 'other', 2, 1, 1));
    assert.equal(JSON.stringify(factsOf(structuredClone(body))), first);
    assert.deepEqual(body, deployment(0, 'uid', 1, 1, 1));
  });
});
