import assert from 'node:assert/strict';
import { shopLines } from '../../../../shared/testing/shop.ts';
import type { LedgerStore, StoredChange } from '../../../ledger/port/port.ts';
import { AuditJudge, changeLine, finishedRequests, type AuditEvent } from '../../server/audit.ts';
import { useSharedFolder } from '../../folder.ts';
import { importShop } from '../../ledgers/shop-ledger.ts';

/*
 * The API server's own audit log of the same minutes judges every outcome: it tells which requests succeeded.
 */
describe('outcomes against the audit log', () => {
  const file = useSharedFolder();
  let store: LedgerStore;
  let changes: StoredChange[];
  let judge: AuditJudge;
  before(async function () {
    this.timeout(60_000);
    store = await importShop(file('shop.db'), true);
    const all = (await store.changes({}, 100_000)).reverse();
    changes = all.filter(({ source, effect }) => source === 'admission' && effect !== 'none');
    const log = shopLines('audit.ndjson.gz').map((line) => JSON.parse(line) as AuditEvent);
    judge = new AuditJudge(changes, finishedRequests(log));
  });
  after(() => store.close());

  it('leave nothing open', () => {
    assert.deepEqual(changes.filter(({ outcome }) => outcome === 'pending').map(changeLine), []);
  });

  it('agree: what is committed succeeded, what failed is dropped', () => {
    const disagreeing = judge.disagreements();
    console.log(
      `      ${changes.length - disagreeing.length} outcomes agree with the audit log, ${disagreeing.length} disagree`,
    );
    assert.deepEqual(disagreeing.map(changeLine), []);
    assert.deepEqual([changes.length, changes.filter(({ outcome }) => outcome === 'dropped').length], [1369, 64]);
  });

  it('have the version that the API server answered with', () => {
    assert.deepEqual(judge.wrongVersions().map(changeLine), []);
  });

  it('commit something for every request that succeeded and that was recorded', () => {
    assert.deepEqual(
      judge.unanswered().map(({ requestURI }) => requestURI),
      [],
    );
  });
});
