import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { factsOf } from '../../../../shared/landscape/facts.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import type { NewChange, NewOutcome } from '../../../ledger/port/port.ts';
import { openSqliteReader, openSqliteStore, type SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { useFolder, useSharedFolder } from '../../../testing/folder.ts';
import { importShop } from '../../../testing/ledgers/shop-ledger.ts';
import { keepFacts } from './keep-facts.ts';
import { FactsProjection } from './projection.ts';

/** All that exists at a moment with its facts, as lines; from states where the store keeps no facts. */
async function linesAt(store: SqliteStore, at: number): Promise<string[]> {
  const found = await new StoreReader(store, () => at).objectFacts(at);
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
  store.factsSource = () => Promise.resolve(kept);
  const told = await linesAt(store, at);
  store.factsSource = undefined;
  assert.deepEqual(told, derived);
}

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

  constructor(readonly store: SqliteStore) {}

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
        const projection = new FactsProjection(path, ':memory:');
        const written = new Written(store);
        let horizon = 0;
        try {
          for (const each of events) {
            if (each.do === 'look') await projection.catchUp(60_000);
            else if (each.do === 'fold')
              horizon = (await store.fold({ before: written.at - 3_000, now: written.at }))?.horizonAt ?? horizon; // prettier-ignore
            else await written.take(each);
          }
          const last = await store.last();
          for (let at = Math.max(horizon, 1_000); at <= (last?.at ?? 0); at += 1_000) await assertSame(store, projection, at); // prettier-ignore
        } finally {
          projection.close();
          await store.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('go on where they were, and are derived anew from another ledger, or where the file is no such thing', async () => {
    const store = openSqliteStore(file('a.db'), 'test', 0);
    const written = new Written(store);
    await written.take({ do: 'create', name: 0, back: 0 });
    const first = new FactsProjection(file('a.db'), file('facts'));
    assert.equal((await first.at(1, 60_000))?.length, 1);
    first.close();
    await written.take({ do: 'create', name: 1, back: 0 });
    const again = new FactsProjection(file('a.db'), file('facts'));
    assert.equal((await again.at(2, 60_000))?.length, 2);
    again.close();
    const other = openSqliteStore(file('b.db'), 'test', 0);
    const ofOther = new FactsProjection(file('b.db'), file('facts'));
    assert.deepEqual(await ofOther.at(2, 60_000), []);
    ofOther.close();
    writeFileSync(file('a.db.facts'), 'something else, which is no database at all'.repeat(50));
    const reader = openSqliteReader(file('a.db'));
    const kept = keepFacts(file('a.db'), reader);
    assert.equal((await reader.facts(2))?.length, 2);
    kept.stop();
    assert.equal(await reader.facts(2), null);
    for (const each of [reader, other, store]) await each.close();
  });
});

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
