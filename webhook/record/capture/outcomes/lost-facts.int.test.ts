import assert from 'node:assert/strict';
import { normalise } from '../../../../shared/normalise.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { configMap, SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { LedgerStore, NewEntries } from '../../../ledger/port/port.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TEST_KEY } from '../../../testing/ledgers/recorder.ts';
import { Predicates } from '../../rules/predicates.ts';
import { Recorder } from '../recorder/recorder.ts';

const AT = Date.parse('2026-11-22T05:00:00Z');

describe('an object of a watch that cannot be recorded', () => {
  const file = useFolder();

  async function record(names: readonly string[], failing: 'reading' | 'committing'): Promise<string[]> {
    const real = openSqliteStore(file('ledger.db'), 'test', AT);
    const store = new Proxy<LedgerStore>(real, {
      get: (target, name) => {
        if (name === 'append' && failing === 'committing') {
          return (entries: NewEntries) =>
            entries.changes.some(({ object }) => object.name === 'poison')
              ? Promise.reject(new Error('a bug'))
              : target.append(entries);
        }
        if (name === 'incarnations' && failing === 'reading') {
          return (key: Parameters<LedgerStore['incarnations']>[0]) =>
            key.name === 'poison' ? Promise.reject(new Error('a bug')) : target.incarnations(key);
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const lost: string[] = [];
    const recorder = await Recorder.open({
      store,
      redactor: new Redactor(TEST_KEY),
      predicates: new Predicates([]),
      lostFact: (error, object) => lost.push(`${object.name} ${(error as Error).message}`),
    });
    await Promise.all(
      names.map((name, n) =>
        recorder.observe(
          { ...SETTINGS, name, uid: name },
          normalise(configMap({ name }, { name, uid: name, resourceVersion: String(n + 1) })),
          AT + n,
        ),
      ),
    );
    await recorder.close();
    const recorded = (await real.objects({}, 10)).map(({ name }) => name).sort();
    const told = (await real.coverage()).map(({ event, detail }) => `${event}: ${detail}`);
    await real.close();
    assert.deepEqual(lost, ['poison a bug']);
    assert.deepEqual(told, ['lost: the state of 1 object could not be recorded: configmaps shop/poison']);
    return recorded;
  }

  it('is passed over and told, where it cannot be understood', async () => {
    assert.deepEqual(await record(['a', 'poison', 'b'], 'reading'), ['a', 'b']);
  });

  it('is passed over and told, where its commit fails, and takes no other with it', async () => {
    assert.deepEqual(await record(['a', 'poison', 'b'], 'committing'), ['a', 'b']);
  });
});
