import assert from 'node:assert/strict';
import { ROUTES } from '../../../../shared/api.ts';
import { shopMarks } from '../../../../shared/testing/shop.ts';
import {
  QUESTION_NAMES,
  type LedgerReader,
  type QueryOf,
  type QuestionName,
} from '../../../../shared/questions/table.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { mirror } from '../../../ledger/postgres/testing/mirror.ts';
import { PostgresStore } from '../../../ledger/postgres/read/store.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { useSharedFolder } from '../../folder.ts';
import { importLandscape, landscapeMarks } from '../../ledgers/landscape-ledger.ts';
import { importShop } from '../../ledgers/shop-ledger.ts';
import { useDatabase } from '../../server/postgres.ts';

type Asked = { [Name in QuestionName]: QueryOf<Name>[] };

const deployments = { type: { group: 'apps', resource: 'deployments' } };

/** Queries of every question, at a moment and up to it. */
function questions(at: number, namespace: string, name: string): Asked {
  const inside = { namespace, withNamespaceObject: true };
  const period = { since: at - 60_000, until: at };
  return {
    info: [{}],
    resources: [{}],
    objects: [
      { scope: {}, limit: 500 },
      { scope: { ...inside, ...deployments }, limit: 3 },
    ],
    changes: [
      { scope: {}, limit: 100 },
      { scope: inside, limit: 50, ...period },
      { scope: { ...deployments, names: [name] }, limit: 20, attempts: true, status: true },
      { scope: { ...inside, labels: `app.kubernetes.io/name=${name}` }, limit: 20 },
    ],
    users: [{ scope: {} }, { scope: inside, status: true, ...period }],
    states: [
      { scope: {}, at, limit: 100 },
      { scope: inside, at, limit: 2 },
      { scope: { labels: 'app.kubernetes.io/name' }, at, limit: 30 },
    ],
    differences: [{ scope: inside, from: at - 60_000, to: at, limit: 50 }],
    blame: [{ scope: { ...inside, ...deployments }, at, limit: 5, humans: true, removed: true }],
    graph: [{ at }],
    impact: [{ scope: { ...inside, ...deployments }, at, blow: 'gone', hops: 3 }],
    applications: [{ at }],
    facts: [{ at }],
    manual: [{ scope: inside, ...period, limit: 20 }],
    coverage: [{}],
    // Events stay at their source.
    events: [],
  } as unknown as Asked;
}

async function assertSame(file: LedgerReader, hub: LedgerReader, asked: Asked): Promise<void> {
  for (const name of QUESTION_NAMES) {
    for (const query of asked[name]) {
      const [expected, found] = [await file[name](query as never), await hub[name](query as never)];
      assert.deepEqual(found, expected, `${ROUTES[name]} ${JSON.stringify(query)}`);
    }
  }
}

describe('a hub answers every question as the ledger file does', () => {
  const file = useSharedFolder();
  const { pool } = useDatabase();

  async function compare(path: string, cluster: string, asked: Asked): Promise<void> {
    const west = await mirror(pool(), path, cluster);
    const { store, ledger } = west;
    await west.push();
    const now = (): number => Date.parse('2026-12-01T00:00:00Z');
    const [here, there] = [openSqliteReader(path), new PostgresStore(pool(), ledger, store.cluster, store.id)];
    await assertSame(new StoreReader(here, now), new StoreReader(there, now), asked);
    await here.close();
    await store.close();
  }

  it('of shop', async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
    await compare(file('shop.db'), 'shop', questions(shopMarks()[4]?.at ?? 0, 'shop', 'web'));
  });

  it('of a cluster of landscape', async function () {
    this.timeout(60_000);
    await (await importLandscape(file('east.db'), 'east', true)).close();
    await compare(file('east.db'), 'east', questions(landscapeMarks()[4]?.at ?? 0, 'payments', 'payments-api'));
  });
});
