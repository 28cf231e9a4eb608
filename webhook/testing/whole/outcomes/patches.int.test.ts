import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Redactor } from '../../../../shared/redact.ts';
import { Predicates } from '../../../record/rules/predicates.ts';
import { Recorder } from '../../../record/capture/recorder/recorder.ts';
import { importRecording } from '../../../record/sources/recordings/import.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { finishedRequests, succeeded, userOf, type AuditEvent } from '../../server/audit.ts';
import { useFolder } from '../../folder.ts';
import { TEST_KEY } from '../../ledgers/recorder.ts';

const PATCHES = fileURLToPath(new URL('../../../../shared/fixtures/patches/', import.meta.url));

/*
 * Sixty concurrent patches of one object by two users, as a real API server ran them: 1,365 reviews, 60 commits.
 */
describe('the recorded concurrent patches of one object', () => {
  const file = useFolder();
  /** Versions that the API server made, and for whom. */
  const made = finishedRequests(
    gunzipSync(readFileSync(`${PATCHES}audit.ndjson.gz`))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEvent),
  )
    .filter((event) => event.verb === 'patch' && succeeded(event))
    .map((event) => `${event.responseObject?.metadata?.resourceVersion} ${userOf(event)}`)
    .sort();

  async function updates(watch: boolean): Promise<StoredChange[]> {
    const store = openSqliteStore(file('patches.db'), 'patches', 0);
    const predicates = new Predicates([]);
    const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
    const input = { reviews: `${PATCHES}reviews.ndjson.gz`, ...(watch ? { watch: `${PATCHES}watch.ndjson.gz` } : {}) };
    const bad = (error: Error): never => {
      throw error;
    };
    await importRecording(input, { recorder, store, predicates, bad });
    await recorder.close();
    const changes = (await store.changes({}, 100_000)).reverse();
    await store.close();
    assert.deepEqual(new Set(changes.map(({ source }) => source)), new Set(['admission']));
    return changes.filter(({ operation }) => operation === 'UPDATE');
  }

  const committed = (changes: readonly StoredChange[]): string[] =>
    changes
      .filter(({ outcome }) => outcome === 'committed')
      .map((change) => `${change.resourceVersion} ${change.actor?.username}`)
      .sort();
  const count = (changes: readonly StoredChange[], outcome: string): number =>
    changes.filter((change) => change.outcome === outcome).length;

  it('are as many commits as the API server made, each with its user', async function () {
    this.timeout(60_000);
    const changes = await updates(true);
    assert.equal(made.length, 60);
    assert.deepEqual(committed(changes), made);
    assert.deepEqual([count(changes, 'dropped'), count(changes, 'pending')], [1304, 0]);
    console.log(
      `      ${changes.length} reviews of patches: ${made.length} committed, ${count(changes, 'dropped')} dropped`,
    );
  });

  it('are known by reviews alone but for the last ones, which no later review settles', async function () {
    this.timeout(60_000);
    const changes = await updates(false);
    assert.deepEqual(committed(changes), made.slice(0, -1));
    assert.equal(count(changes, 'pending'), 1);
  });
});
