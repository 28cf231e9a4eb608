import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { eventFacts, readEvent } from '../../../../../shared/events/event.ts';
import { canonicalJson, isObject, parseJson } from '../../../../../shared/json.ts';
import type { JsonObject } from '../../../../../shared/types.ts';
import { verifyFile } from '../../../files/verify-file.ts';
import { useSharedFolder } from '../../../../testing/folder.ts';
import {
  eventDocument,
  eventsAt,
  eventsFile,
  eventTruth,
  takeEvents,
} from '../../../../testing/ledgers/event-ledger.ts';
import { landscapeMarks, type LandscapeCluster } from '../../../../testing/ledgers/landscape-ledger.ts';
import type { EventRetention, ShownEvent } from '../../../port/events.ts';
import { openDatabase } from '../../database/native.ts';
import { openSqliteStore } from '../open-store.ts';
import { openSqliteReader, type SqliteStore } from '../store.ts';
import { NAMESPACE_EVENTS_AN_HOUR, OBJECT_EVENTS_AN_HOUR } from './event-sums.ts';
import { MAX_STATES } from './event-writer.ts';

const KEEP: EventRetention = { keepFrom: 0, maxBytes: Number.MAX_SAFE_INTEGER };
const HOUR = Date.parse('2026-11-30T13:00:00Z');

const shown = (event: JsonObject): ShownEvent => ({
  uid: eventFacts(event).uid,
  event: readEvent(event),
  goneAt: null,
});

/** One state of an Event: its count, at so many seconds after the hour. */
const counted = (count: number, seconds: number, more: JsonObject = {}): ShownEvent =>
  shown(
    eventDocument({
      ...more,
      count,
      lastTimestamp: new Date(HOUR + seconds * 1000).toISOString().replace('.000Z', 'Z'),
      metadata: { resourceVersion: String(100 + count), ...(isObject(more.metadata) ? more.metadata : {}) },
    }),
  );

/** The tables of Events, row by row, but for the batches that they came in. */
function rowsOf(path: string): unknown[] {
  const db = openDatabase(path, { readonly: true });
  try {
    return [
      'SELECT hex(uid), namespace, kind, object, first_at, last_at, count, gone_at, merged FROM events ORDER BY uid',
      'SELECT hex(e.uid), s.n, s.count, hex(s.steps) FROM event_steps s JOIN events e ON e.id = s.event_id ORDER BY e.uid, s.n',
      'SELECT hour, kind, object, type, reason, events, first_at, last_at FROM event_sums ORDER BY 1, 2, 3, 4, 5',
      'SELECT events, states, merged, summed, bytes FROM event_totals',
    ].map((sql) => db.prepare(sql).all());
  } finally {
    db.close();
  }
}

describe('Events in the ledger', function () {
  this.timeout(20_000);
  const file = useSharedFolder();
  let count = 0;
  const withStore = async <T>(work: (store: SqliteStore, path: string) => Promise<T>): Promise<T> => {
    const path = file(`${++count}.db`);
    const store = openSqliteStore(path, 'west', 0);
    try {
      return await work(store, path);
    } finally {
      await store.close();
    }
  };

  for (const cluster of ['west', 'east'] as LandscapeCluster[]) {
    it(`are at each mark what the API server of ${cluster} had, and have each step of their counts`, async () => {
      const lines = gunzipSync(readFileSync(eventsFile(cluster)))
        .toString()
        .trimEnd()
        .split('\n');
      const recorded = lines.map((line) => (parseJson(line) as { event: { type: string; object: JsonObject } }).event);
      await withStore(async (store) => {
        await takeEvents(store, eventsFile(cluster));
        for (const { mark, at } of landscapeMarks()) {
          const { events, listedAt } = eventTruth(cluster, mark);
          assert.deepEqual(await eventsAt(store, Math.max(at, listedAt)), events, mark);
          assert.ok(listedAt < at + 20_000, mark);
        }
        const kept = await store.events({}, 1_000);
        const states = recorded.filter(({ type }) => type !== 'DELETED');
        const wanted = states.map(({ object }) => canonicalJson(readEvent(object))).sort();
        assert.deepEqual(kept.flatMap((event) => event.states.map((state) => canonicalJson(state))).sort(), wanted);
        assert.equal((await store.eventTotals()).states, states.length);
      });
    });
  }

  it('are the same whatever the order of the file, and however often it is read', async () => {
    const lines = gunzipSync(readFileSync(eventsFile('west')))
      .toString()
      .trimEnd()
      .split('\n');
    const inOrder = await withStore(async (store, path) => {
      await takeEvents(store, eventsFile('west'));
      return rowsOf(path);
    });
    const reversed = file('reversed.ndjson');
    writeFileSync(reversed, [...lines].reverse().join('\n'));
    await withStore(async (store, path) => {
      // In parts, so that what is older comes in a later batch.
      for (let from = 0; from < lines.length; from += 50) {
        writeFileSync(
          file('part.ndjson'),
          [...lines]
            .reverse()
            .slice(from, from + 50)
            .join('\n'),
        );
        await takeEvents(store, file('part.ndjson'));
      }
      await takeEvents(store, reversed);
      const [events, steps] = rowsOf(path);
      assert.deepEqual([events, steps], inOrder.slice(0, 2));
      const before = rowsOf(path);
      assert.deepEqual(await takeEvents(store, reversed), {
        events: 0,
        states: 0,
        known: 271,
        summed: 0,
        removed: 0,
        bad: 0,
      });
      assert.deepEqual(rowsOf(path), before);
    });
  });

  it('take less than 5 % of a copy for each step of a count', async () => {
    await withStore(async (store, path) => {
      const all = Array.from({ length: 1_000 }, (_, index) => counted(index + 1, index * 15));
      await store.takeEvents(all, KEEP);
      const copy = all.reduce((sum, { event }) => sum + JSON.stringify(event).length, 0) / all.length;
      const db = openDatabase(path, { readonly: true });
      const bytes = db.prepare("SELECT sum(pgsize) FROM dbstat WHERE name = 'event_steps'").pluck().get() as number;
      db.close();
      assert.ok(bytes / 999 < copy * 0.02, `${bytes / 999} of ${copy}`);
    });
  });

  it('tell about how many bytes they take', async () => {
    await withStore(async (store, path) => {
      const events = Array.from({ length: 2_000 }, (_, index) =>
        counted(1, index % 3_000, {
          metadata: { uid: `1edd31fb-1a7c-42c3-a7da-${String(index).padStart(12, '0')}`, name: `web-${index}.18ecd50f3fe41a13` },
          involvedObject: { name: `web-${index}`, uid: `2edd31fb-1a7c-42c3-a7da-${String(index).padStart(12, '0')}` },
        }),
      ); // prettier-ignore
      await store.takeEvents(events, KEEP);
      const db = openDatabase(path, { readonly: true });
      const sql = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'event%' OR name LIKE 'sqlite_autoindex_event%'";
      const bytes = db.prepare(sql).pluck().get() as number;
      db.close();
      const told = (await store.eventTotals()).bytes;
      assert.ok(Math.abs(told - bytes) < bytes * 0.15, `${told} told, ${bytes} there`);
    });
  });

  it('of one object in a storm are kept up to a limit, and counted beyond', async () => {
    await withStore(async (store, path) => {
      const storm = Array.from({ length: 10_000 }, (_, index) =>
        counted(1, index / 10, { metadata: { uid: `e-${index}`, resourceVersion: String(1_000 + index) }, reason: `R${index % 2}` }),
      ); // prettier-ignore
      for (let from = 0; from < storm.length; from += 1_000)
        await store.takeEvents(storm.slice(from, from + 1_000), KEEP);
      const { events, summed, bytes } = await store.eventTotals();
      assert.deepEqual({ events, summed }, { events: OBJECT_EVENTS_AN_HOUR, summed: 10_000 - OBJECT_EVENTS_AN_HOUR });
      assert.ok(bytes < OBJECT_EVENTS_AN_HOUR * 1_000, String(bytes));
      const sums = await store.eventSums({ namespace: 'shop' }, 10);
      assert.deepEqual(
        sums.map(({ name, reason, events, firstAt }) => ({ name, reason, events, firstAt })),
        [
          { name: 'web', reason: 'R1', events: 4_750, firstAt: HOUR },
          { name: 'web', reason: 'R0', events: 4_750, firstAt: HOUR },
        ],
      );
      // The same again tells nothing new.
      const before = rowsOf(path);
      assert.deepEqual(await store.takeEvents(storm, KEEP), {
        events: 0,
        states: 0,
        known: 10_000,
        summed: 0,
        removed: 0,
      });
      assert.deepEqual(rowsOf(path), before);
    });
  });

  it('of one namespace are bounded too, also where each names another reason', async () => {
    await withStore(async (store) => {
      const events = Array.from({ length: NAMESPACE_EVENTS_AN_HOUR + 1_000 }, (_, index) =>
        counted(1, 0, {
          metadata: { uid: `e-${index}`, resourceVersion: String(1_000 + index) },
          involvedObject: { name: `web-${index}`, uid: `p-${index}` },
          reason: `R${index}`,
        }),
      );
      await store.takeEvents(events, KEEP);
      const totals = await store.eventTotals();
      assert.deepEqual([totals.events, totals.summed], [NAMESPACE_EVENTS_AN_HOUR, 1_000]);
      const sums = await store.eventSums({}, 1_000);
      assert.equal(sums.length, 201);
      assert.deepEqual(sums.filter(({ kind }) => kind === '').map(({ events, type, reason }) => ({ events, type, reason })), [{ events: 800, type: 'Warning', reason: '' }]); // prettier-ignore
    });
  });

  it('that go on and on keep their last state, and tell how many states were merged', async () => {
    await withStore(async (store) => {
      const all = Array.from({ length: MAX_STATES + 20 }, (_, index) => counted(index + 1, index));
      for (let from = 0; from < all.length; from += 700) await store.takeEvents(all.slice(from, from + 700), KEEP);
      const [event] = await store.events({}, 10);
      assert.equal(event?.states.length, MAX_STATES);
      assert.deepEqual(event.states.at(-1), all.at(-1)?.event);
      assert.deepEqual(event.states.at(-2), all[MAX_STATES - 2]?.event);
      assert.equal(event.merged, 20);
      assert.deepEqual(await store.takeEvents(all.slice(-1), KEEP), {
        events: 0,
        states: 0,
        known: 1,
        summed: 0,
        removed: 0,
      });
    });
  });

  it('go when they are too old, or take too much, and that is told; their end in the API server takes nothing away', async () => {
    await withStore(async (store, path) => {
      const minute = (n: number): ShownEvent =>
        counted(1, n * 60, { metadata: { uid: `e-${n}`, resourceVersion: String(n) }, message: 'x'.repeat(50) });
      await store.takeEvents(Array.from({ length: 60 }, (_, n) => minute(n)), KEEP); // prettier-ignore
      await store.takeEvents([{ uid: 'e-59', event: null, goneAt: HOUR + 59 * 60_000 }], KEEP);
      await store.takeEvents([], { ...KEEP, keepFrom: HOUR + 10 * 60_000 });
      const left = await store.eventTotals();
      assert.deepEqual([left.events, left.removed, left.horizonAt], [50, 10, HOUR + 10 * 60_000]);
      const each = left.bytes / 50;
      await store.takeEvents([], { keepFrom: 0, maxBytes: each * 20 });
      const totals = await store.eventTotals();
      assert.deepEqual([totals.events, totals.removed, totals.horizonAt], [20, 40, HOUR + 39 * 60_000 + 1]);
      assert.equal(Math.round(totals.bytes / 20), Math.round(each));
      const [newest] = await store.events({}, 1);
      assert.deepEqual([newest?.facts.uid, newest?.goneAt], ['e-59', HOUR + 59 * 60_000]);
      const reader = openSqliteReader(path);
      assert.equal((await reader.events({ since: 0 }, 100)).length, 20);
      await reader.close();
    });
  });

  it('come page by page, each once, as of the end of the time', async () => {
    await withStore(async (store) => {
      const events = Array.from({ length: 30 }, (_, n) => counted(1, n, { metadata: { uid: `e-${n}` } }));
      // These go on behind the time that is asked for.
      const later = [3, 9, 20].map((n) => counted(2, 50 + n, { metadata: { uid: `e-${n}` } }));
      await store.takeEvents([...events, ...later], KEEP);
      const filter = { until: HOUR + 25_000, since: HOUR + 2_000 };
      const found: string[] = [];
      for (let place: { lastAt: number; id: number } | undefined; ;) {
        const page = await store.events(filter, 7, place);
        found.push(...page.map(({ facts }) => facts.uid));
        const last = page.at(-1);
        if (last === undefined) break;
        place = { lastAt: last.facts.lastAt, id: last.id };
      }
      assert.deepEqual(
        found,
        Array.from({ length: 24 }, (_, n) => `e-${25 - n}`),
      );
    });
  });
});

describe('the verification of Events', () => {
  const file = useSharedFolder({ verify: false });
  const findings = async (change: string): Promise<string[]> => {
    const path = file('changed.db');
    copyFileSync(file('sound.db'), path);
    const db = openDatabase(path);
    db.exec(change);
    db.close();
    const report = await verifyFile(path, { checkpoints: [], keys: [], samples: 0, random: () => 0 });
    return report.findings.filter(({ part }) => part === 'events').map(({ where, what }) => `${where}: ${what}`);
  };
  before(async () => {
    const store = openSqliteStore(file('sound.db'), 'west', 0);
    await store.takeEvents([1, 2, 3].map((count) => counted(count, count)), KEEP); // prettier-ignore
    await store.close();
  });

  it('finds none wrong that is as it was recorded', async () => {
    assert.deepEqual(await findings('SELECT 1'), []);
  });

  for (const [change, found] of [
    ['UPDATE events SET count = 9', 'event 1: its times or its count are not those of its states'],
    ["UPDATE events SET reason = 'Fine'", 'event 1: it is another Event, or about another object, than it says'],
    ['UPDATE event_steps SET count = 1', 'event 1: it has another number of states than it says'],
    ["UPDATE event_steps SET steps = x'00'", 'event 1: it cannot be rebuilt: the bytes end too early'],
    ['UPDATE event_totals SET bytes = bytes + 1', 'the figures about all: there are 1 Events with 3 states in '],
    ['UPDATE event_totals SET batch = 0', 'the figures about all: there is more than they say'],
  ] as const) {
    it(`finds ${change}`, async () => {
      const all = await findings(change);
      assert.ok(all.some((line) => line.startsWith(found)), all.join('\n')); // prettier-ignore
    });
  }
});
