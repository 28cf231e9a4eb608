import assert from 'node:assert/strict';
import type { EventPage, EventQuery, JsonObject } from '../../../../../shared/types.ts';
import { useSharedFolder } from '../../../../testing/folder.ts';
import { eventDocument, eventsFile, takeEvents } from '../../../../testing/ledgers/event-ledger.ts';
import { importLandscape } from '../../../../testing/ledgers/landscape-ledger.ts';
import { TestRecorder } from '../../../../testing/ledgers/recorder.ts';
import type { LedgerStore } from '../../../../ledger/port/port.ts';
import type { Attributes } from '../../../access/rights/access-reviews.ts';
import { AuthorisedReader } from '../../../access/rights/authorised-reader.ts';
import { batchOf } from '../../../stream/open.ts';
import { StoreReader } from '../../reader.ts';

const KEEP = { keepFrom: 0, maxBytes: Number.MAX_SAFE_INTEGER };

describe('the question for Events', function () {
  this.timeout(30_000);
  const file = useSharedFolder();
  let store: LedgerStore;
  const now = Date.parse('2026-11-30T13:30:00Z');
  before(async () => {
    store = await importLandscape(file('west.db'), 'west', true);
    await takeEvents(store, eventsFile('west'));
  });
  after(() => store.close());

  /** As a user who may do what is told, who may list changes everywhere. */
  const askAs = (may: (attributes: Attributes) => boolean, query: Partial<EventQuery> = {}): Promise<EventPage> => {
    const rights = { may: (_user: unknown, attributes: Attributes) => Promise.resolve(may(attributes)) };
    const user = { username: 'alice', groups: [] };
    const reader = new AuthorisedReader(user, rights, store, () => now, new AbortController().signal);
    return reader.events({ scope: {}, limit: 500, ...query });
  };
  const isChanges = ({ resource }: Attributes): boolean => resource === 'changes';

  it('shows none to whoever may not get Events, and says so, whatever else they may read', async () => {
    const page = await askAs((asked) => isChanges(asked) || (asked.resource !== 'events' && asked.resource !== '*'));
    assert.deepEqual([page.events, page.denied], [[], ['events']]);
  });

  it('shows those of the namespaces in which somebody may get Events, and names no other denied type', async () => {
    const may = (asked: Attributes): boolean =>
      isChanges(asked) || (asked.resource === 'events' && asked.namespace === 'checkout');
    const all = (await new StoreReader(store, () => now).events({ scope: {}, limit: 500 })).events;
    const page = await askAs(may);
    const expected = all.filter(({ namespace }) => namespace === 'checkout').map(({ id }) => id);
    assert.ok(expected.length > 10);
    assert.deepEqual(page.events.map(({ id }) => id), expected); // prettier-ignore
    assert.deepEqual(page.denied, ['events']);
    assert.deepEqual((await askAs(may, { scope: { namespace: 'checkout' } })).denied, undefined);
  });

  it('tells owners and attempts only as far as the reader may read them', async () => {
    const scope = { namespace: 'checkout' };
    const events = (asked: Attributes): boolean => isChanges(asked) || asked.resource === 'events';
    const some = (page: EventPage): [attempts: number, owners: string[]] => [
      page.events.filter(({ attempt }) => attempt !== undefined).length,
      [...new Set(page.events.flatMap(({ owner }) => owner?.kind ?? []))],
    ];
    assert.deepEqual(some(await askAs(events, { scope, related: true })), [0, []]);
    const pods = (asked: Attributes): boolean => events(asked) || ['pods', 'replicasets'].includes(asked.resource);
    assert.deepEqual(some(await askAs(pods, { scope, related: true })), [10, ['ReplicaSet']]);
    const all = (asked: Attributes): boolean => pods(asked) || asked.resource === 'deployments';
    assert.deepEqual(some(await askAs(all, { scope, related: true })), [10, ['Deployment']]);
  });

  it('comes page by page, each Event once', async () => {
    const reader = new StoreReader(store, () => now);
    const ids: string[] = [];
    for (let next: string | null | undefined; next !== null;) {
      const page: EventPage = await reader.events({ scope: {}, limit: 40, ...(next === undefined ? {} : { continue: next }) }); // prettier-ignore
      ids.push(...page.events.map(({ id }) => id));
      next = page.next;
    }
    assert.equal(ids.length, 191);
    assert.equal(new Set(ids).size, 191);
    await assert.rejects(
      reader.events({ scope: {}, limit: 1, continue: 'x' }),
      /continue: "x" was not given with a page/,
    );
  });

  it('tells what was in an earlier namespace of the same name, or in one that is gone, only to those who may read everywhere', async () => {
    const ledger = await TestRecorder.open(file('namespaces.db'));
    const name = { resource: 'namespaces', kind: 'Namespace', name: 'shop', namespace: '' };
    const body = (metadata: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', ...metadata } }); // prettier-ignore
    const event = (uid: string, at: number): Promise<unknown> => {
      const firstTimestamp = new Date(at).toISOString();
      return ledger.store.takeEvents([{ uid, event: eventDocument({ metadata: { uid }, firstTimestamp, lastTimestamp: firstTimestamp }), goneAt: null }], KEEP); // prettier-ignore
    };
    const inside = (asked: Attributes): boolean => asked.namespace === 'shop';
    const seen = async (may: (asked: Attributes) => boolean): Promise<string[]> => {
      const rights = { may: (_: unknown, asked: Attributes) => Promise.resolve(may(asked)) };
      const reader = new AuthorisedReader({ username: 'alice', groups: [] }, rights, ledger.store, () => now, new AbortController().signal); // prettier-ignore
      return (await reader.events({ scope: { namespace: 'shop' }, limit: 5 })).events.map(({ uid }) => uid);
    };
    await ledger.review({ ...name, object: body({ uid: 'first' }), oldObject: null });
    await event('e-1', ledger.at);
    assert.deepEqual(await seen(inside), ['e-1']);
    const ending = body({ uid: 'first', deletionTimestamp: '2026-11-22T05:00:00Z' });
    await ledger.review({ ...name, operation: 'DELETE', object: null, oldObject: ending });
    assert.deepEqual(await seen(inside), []);
    assert.deepEqual(await seen(() => true), ['e-1']);
    ledger.at += 1_000;
    await ledger.review({ ...name, object: body({ uid: 'second' }), oldObject: null });
    await event('e-2', ledger.at);
    assert.deepEqual(await seen(inside), ['e-2']);
    assert.deepEqual(await seen(() => true), ['e-2', 'e-1']);
    await ledger.close();
  });

  it('is sent as logs, each Event with what it belongs to, and again when its count has grown', async () => {
    const first = await batchOf('Events', store, () => now, 0);
    assert.equal(first.documents.length, 191);
    const failed = first.documents.find(({ record }) => record?.attributes['kubeblame.change.id'] === 1361);
    const { 'k8s.event.count': count, 'k8s.event.reason': reason, 'kubeblame.owner': owner, 'kubeblame.application': application, 'k8s.cluster.name': cluster } = failed?.record?.attributes ?? {}; // prettier-ignore
    assert.deepEqual([failed?.record?.name, failed?.record?.severity, count, reason, owner, application, cluster], ['k8s.event', 'WARN', 16, 'FailedCreate', 'deployments.apps/checkout', 'checkout', 'west']); // prettier-ignore
    assert.match(failed?.text ?? '', /is forbidden: exceeded quota/);
    assert.deepEqual(await batchOf('Events', store, () => now, first.through), {
      documents: [],
      through: first.through,
    });
    const more = eventDocument({ metadata: { uid: 'e-1', namespace: 'checkout' } });
    await store.takeEvents([{ uid: 'e-1', event: more, goneAt: null }], KEEP);
    const next = await batchOf('Events', store, () => now, first.through);
    assert.deepEqual(next.documents.map(({ record }) => record?.attributes['kubeblame.event.id']), ['west:e-1']); // prettier-ignore
  });

  it('has changes as logs too, each once, and which were never persisted', async () => {
    const names = new Map<string, number>();
    for (let after = 0; ;) {
      const { documents, through } = await batchOf('changes', store, () => now, after);
      for (const { record } of documents) names.set(record?.name ?? '', (names.get(record?.name ?? '') ?? 0) + 1);
      if (through === after) break;
      after = through;
    }
    const last = (await store.last())?.seq ?? 0;
    assert.equal(names.get('kubeblame.change'), last);
    const dropped = (await store.changes({}, 100_000)).filter(({ outcome, source }) => outcome === 'dropped' && source === 'admission'); // prettier-ignore
    assert.equal(names.get('kubeblame.outcome'), dropped.length);
  });
});
