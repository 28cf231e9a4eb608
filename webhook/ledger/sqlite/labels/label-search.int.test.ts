import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { parseSelector } from '../../../../shared/selector.ts';
import { useFolder } from '../../../testing/folder.ts';
import { appendRandomly } from '../../port/contract/label-search.contract.ts';
import type { ObjectFilter } from '../../port/port.ts';
import { LabelSearch } from './label-search.ts';
import type { Stream } from '../read/newest.ts';
import { Statements } from '../database/statements.ts';
import { openSqliteStore } from '../store/open-store.ts';

describe('the search by label', () => {
  const file = useFolder();

  it('comes to the same by sets of labels and by objects, and gives up where both are too many', async () => {
    const store = openSqliteStore(file('ledger.db'), 'test', 0);
    await appendRandomly(store, 7);
    await store.close();
    const db = new Database(file('ledger.db'), { readonly: true });
    const search = new LabelSearch(new Statements(db));
    const found = (text: string, filter: ObjectFilter, most?: number): string[] | null => {
      const order = (streams: Stream[]): string[] => streams.map((stream) => JSON.stringify(stream)).sort();
      const streams = search.streams(search.sets(parseSelector(text)), filter, most);
      return streams === null ? null : order(streams);
    };
    let [equal, tooMany] = [0, 0];
    for (const text of ['app=web', 'app', '!app', 'tier=db', 'app=web,tier!=db', 'none']) {
      for (const filter of [{}, { namespace: 'shop' }, { names: ['7-1'] }, { names: ['7-1', '7-2', '7-3'] }]) {
        const all = found(text, filter);
        for (const most of [1, 5, 20]) {
          const some = found(text, filter, most);
          if (some === null) tooMany++;
          else {
            equal++;
            assert.deepEqual(some, all, `${text} ${JSON.stringify(filter)} ${most}`);
          }
        }
      }
    }
    db.close();
    assert.ok(equal > 20 && tooMany > 20, `${equal} ${tooMany}`);
  });
});
