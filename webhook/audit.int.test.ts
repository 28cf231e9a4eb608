import assert from 'node:assert/strict';
import { shopLines } from '../shared/testing/shop.ts';
import type { Operation } from '../shared/types.ts';
import type { LedgerStore, StoredChange } from './store/port.ts';
import { useSharedFolder } from './testing/folder.ts';
import { importShop } from './testing/shop-ledger.ts';

/*
 * The API server's own audit log of the same minutes judges every outcome: it tells which requests succeeded.
 */
interface AuditEvent {
  stage: string;
  verb: string;
  requestURI: string;
  user: { username: string };
  impersonatedUser?: { username: string };
  objectRef?: { apiGroup?: string; resource?: string; namespace?: string; name?: string; subresource?: string };
  responseStatus?: { code: number };
  responseObject?: { metadata?: { name?: string; resourceVersion?: string } };
  requestReceivedTimestamp: string;
  stageTimestamp: string;
}

const VERBS: Record<Operation, string[]> = {
  CREATE: ['create', 'patch', 'update'],
  UPDATE: ['update', 'patch'],
  DELETE: ['delete', 'deletecollection'],
  CONNECT: ['connect', 'create', 'get'],
};
/** The clocks are one, but the log is written before the answer is. */
const SLACK_MS = 5;

const events = shopLines('audit.ndjson.gz')
  .map((line) => JSON.parse(line) as AuditEvent)
  .filter(({ stage, requestURI }) => stage === 'ResponseComplete' && !requestURI.includes('dryRun='));

const succeeded = (event: AuditEvent): boolean => (event.responseStatus?.code ?? 500) < 300;

/** True where a change can be what a logged request asked for: by whom, on what, when. */
function mayBe(change: StoredChange, event: AuditEvent): boolean {
  const { object } = change;
  const ref = event.objectRef ?? {};
  const name = ref.name ?? event.responseObject?.metadata?.name;
  // A refused generateName has no name; a deletecollection has none for each.
  const named =
    name === object.name || (name === undefined && (event.verb === 'deletecollection' || !succeeded(event)));
  const inside = ref.namespace === undefined || ref.namespace === object.namespace || object.namespace === '';
  return (
    VERBS[change.operation].includes(event.verb) &&
    (event.impersonatedUser ?? event.user).username === change.actor?.username &&
    (ref.apiGroup ?? '') === object.group &&
    ref.resource === object.resource &&
    (ref.subresource ?? '') === change.subresource &&
    named &&
    inside &&
    change.at >= Date.parse(event.requestReceivedTimestamp) - SLACK_MS &&
    change.at <= Date.parse(event.stageTimestamp) + SLACK_MS
  );
}

describe('outcomes against the audit log', () => {
  const file = useSharedFolder();
  let store: LedgerStore;
  let changes: StoredChange[];
  const requests = new Map<StoredChange, AuditEvent[]>();
  before(async function () {
    this.timeout(60_000);
    store = await importShop(file('shop.db'), true);
    const all = (await store.changes({}, 100_000)).reverse();
    changes = all.filter(({ source, effect }) => source === 'admission' && effect !== 'none');
    for (const change of changes)
      requests.set(
        change,
        events.filter((event) => mayBe(change, event)),
      );
  });
  after(() => store.close());

  const name = ({ seq, operation, subresource, object, outcome }: StoredChange): string =>
    `${seq} ${operation} ${object.resource}/${object.name} ${subresource} ${outcome}`;

  it('leave nothing open', () => {
    assert.deepEqual(changes.filter(({ outcome }) => outcome === 'pending').map(name), []);
  });

  it('agree: what is committed succeeded, what failed is dropped', () => {
    const disagreeing = changes.filter((change) => {
      const possible = requests.get(change) ?? [];
      if (possible.length === 0) return true;
      if (change.outcome === 'committed') return !possible.some(succeeded);
      // Dropped: its request failed, or was run again after a conflict, and that run is the committed one.
      return possible.every(succeeded) && !changes.some((other) => isSecondRun(other, change));
    });
    const agreeing = changes.length - disagreeing.length;
    console.log(`      ${agreeing} outcomes agree with the audit log, ${disagreeing.length} disagree`);
    assert.deepEqual(disagreeing.map(name), []);
    assert.deepEqual([changes.length, changes.filter(({ outcome }) => outcome === 'dropped').length], [1369, 64]);
  });

  const isSecondRun = (other: StoredChange, dropped: StoredChange): boolean =>
    other.outcome === 'committed' &&
    (requests.get(dropped) ?? []).some((event) => succeeded(event) && (requests.get(other) ?? []).includes(event));

  it('have the version that the API server answered with', () => {
    const wrong = changes.filter((change) => {
      if (change.outcome !== 'committed' || change.effect === 'deleted') return false;
      if (change.operation === 'DELETE' || change.subresource === 'binding') return false; // answered with a Status, or after a second step
      const versions = (requests.get(change) ?? [])
        .filter(succeeded)
        .map((event) => event.responseObject?.metadata?.resourceVersion);
      return !versions.includes(change.resourceVersion);
    });
    assert.deepEqual(
      wrong.map((change) => `${name(change)} @${change.resourceVersion}`),
      [],
    );
  });

  it('commit something for every request that succeeded and that was recorded', () => {
    const recorded = new Set([...requests.values()].flat().filter(succeeded));
    const unanswered = [...recorded].filter(
      (event) =>
        !changes.some((change) => change.outcome === 'committed' && requests.get(change)?.includes(event) === true),
    );
    assert.deepEqual(
      unanswered.map(({ requestURI }) => requestURI),
      [],
    );
  });
});
