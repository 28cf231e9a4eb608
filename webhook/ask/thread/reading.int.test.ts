import assert from 'node:assert/strict';
import { stringifyJson } from '../../../shared/json.ts';
import type { Json } from '../../../shared/types.ts';
import { KubeblameError } from '../../../shared/errors.ts';
import type { LedgerReader, QuestionName } from '../../../shared/questions/table.ts';
import type { Caller } from '../access/identity/caller.ts';
import { readerFor } from '../access/access.ts';
import type { Rights } from '../access/rights/access-reviews.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { useSharedFolder } from '../../testing/folder.ts';
import { importShop } from '../../testing/ledgers/shop-ledger.ts';
import { Reading } from './reading.ts';

const AT = Date.parse('2026-11-22T05:08:30Z');
const SHOP = { namespace: 'shop' };

/** Everybody may read ConfigMaps and Deployments of namespace shop, and nothing else. */
const rights: Rights = {
  may: (_user, { resource, namespace, group }) =>
    Promise.resolve(
      (group === 'kubeblame.io' || ['configmaps', 'deployments'].includes(resource)) && namespace === 'shop',
    ),
};

const EVERYTHING: Caller = { kind: 'everything' };
const BOB: Caller = { kind: 'user', user: { username: 'bob', groups: [] } };

/** One of each question. */
const QUESTIONS: Record<QuestionName, (reader: LedgerReader) => Promise<unknown>> = {
  info: (reader) => reader.info(),
  resources: (reader) => reader.resources(),
  objects: (reader) => reader.objects({ scope: SHOP, limit: 100 }),
  changes: (reader) => reader.changes({ scope: SHOP, limit: 50, bodies: true, causes: true }),
  users: (reader) => reader.users({ scope: SHOP }),
  states: (reader) => reader.states({ scope: SHOP, at: AT, limit: 50 }),
  differences: (reader) => reader.differences({ scope: SHOP, from: AT - 60_000, to: AT, limit: 50 }),
  blame: (reader) => reader.blame({ scope: SHOP, at: AT, limit: 5, removed: true }),
  graph: (reader) => reader.graph({ at: AT }),
  impact: (reader) => reader.impact({ scope: { ...SHOP, names: ['web-config'] }, at: AT, blow: 'gone' }),
  applications: (reader) => reader.applications({ at: AT }),
  facts: (reader) => reader.facts({ at: AT }),
  manual: (reader) => reader.manual({ scope: {} }),
  events: (reader) => reader.events({ scope: SHOP, limit: 10, related: true }),
  coverage: (reader) => reader.coverage(),
};

/** The answer, or the error that is told. */
async function outcome(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof KubeblameError)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
}

describe('the thread that answers questions', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  const clock = new Clock();
  let store: LedgerStore;
  let reading: Reading;
  before(async () => {
    clock.standAt(AT);
    store = await importShop(file('shop.db'), true);
    reading = new Reading({ path: file('shop.db'), clock: clock.memory }, rights, (error) => assert.fail(error));
  });
  after(async () => {
    await reading.close();
    await store.close();
  });

  for (const [name, ask] of Object.entries(QUESTIONS)) {
    it(`answers ${name} as a reader in this thread does, to whoever asks`, async () => {
      for (const caller of [EVERYTHING, BOB]) {
        const here = readerFor(caller, rights, store, () => AT, new AbortController().signal);
        assert.deepEqual(await outcome(ask(reading.readerOf(caller))), await outcome(ask(here)));
      }
    });
  }

  it('answers the same as JSON, numbers exact, under the rights of whoever asks', async () => {
    for (const caller of [EVERYTHING, BOB]) {
      const query = { scope: SHOP, limit: 50, bodies: true };
      const value = await reading.readerOf(caller).changes(query);
      assert.equal((await reading.json(caller, 'changes', query)).toString(), stringifyJson(value as unknown as Json));
    }
  });

  it('passes on why it cannot be told who may read', async () => {
    const unknown: Rights = {
      may: () => Promise.reject(new KubeblameError('access-unknown', 'the API server does not tell', 'see its log')),
    };
    const another = new Reading({ path: file('shop.db'), clock: clock.memory }, unknown, (error) => assert.fail(error));
    assert.deepEqual(await outcome(another.readerOf(BOB).changes({ scope: SHOP, limit: 5 })), {
      code: 'access-unknown',
      message: 'the API server does not tell',
      hint: 'see its log',
    });
    await another.close();
  });

  it('answers at once what waits for a change, when it is told to hurry', async () => {
    const another = new Reading({ path: file('shop.db'), clock: clock.memory }, null, (error) => assert.fail(error));
    const reader = another.readerOf(EVERYTHING);
    const { changes: last = 0 } = await reader.info();
    const waiting = reader.changes({ scope: {}, limit: 5, after: last ?? 0, waitMs: 60_000 });
    another.hurry();
    assert.deepEqual((await waiting).changes, []);
    await another.close();
  });

  it('rejects what is asked of it when it is gone, and tells that once', async () => {
    const told: string[] = [];
    const another = new Reading({ path: file('nosuch.db'), clock: clock.memory }, null, (error) =>
      told.push(error.message),
    );
    const reader = another.readerOf(EVERYTHING);
    await assert.rejects(reader.info(), /there is no ledger file/);
    await another.close();
    await assert.rejects(reader.info(), /there is no ledger file/);
    assert.equal(told.length, 1);
  });
});
