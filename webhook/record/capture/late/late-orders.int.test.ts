import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { normalise } from '../../../../shared/normalise.ts';
import { readReview } from '../../../../shared/review.ts';
import { configMap, reviewDocument, SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { verifyLedger } from '../../../ledger/sqlite/verify/verify.ts';
import { openForReading } from '../../../ledger/sqlite/database/open.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { ownerAt } from '../../../../shared/blame.ts';
import { useFolder } from '../../../testing/folder.ts';
import { scaled, SEED } from '../../../testing/torture/size.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

/*
 * A small API server of one object: it knows who made which version. Whatever arrives of that, in whatever order, the ledger may
 * say less than it knows, and nothing else.
 */

const START = Date.parse('2026-11-22T05:01:00Z');
const FIRST_VERSION = 100;

/** What somebody does, and what comes of it. */
interface Act {
  user: string;
  manager: string;
  /** The key that gets a new value, or goes. */
  key: string;
  removes: boolean;
  /** `silent`: nobody reviews it. `refused`: it is reviewed, and never persisted. `again`: it is sent again after a conflict. */
  fate: 'reviewed' | 'silent' | 'refused' | 'again';
  /** So many values are filled in by the API server. */
  fills: number;
}

interface Version {
  number: number;
  body: JsonObject;
  /** Who set each key of its data; null where no review came. */
  setters: Record<string, string | null>;
}

interface Sent {
  uid: string;
  user: string;
  manager: string;
  /** The version that it was made from; 0 for a creation. */
  base: number;
  oldObject: JsonObject | null;
  object: JsonObject;
  /** The version that it came to; null where it was never persisted. */
  made: number | null;
}

/** What happens, as the API server knows it. */
function happen(acts: readonly Act[]): { versions: Version[]; sent: Sent[] } {
  const versions: Version[] = [];
  const sent: Sent[] = [];
  let fields: JsonObject[] = [];
  for (const [index, { user, manager, key, removes, fate, fills }] of acts.entries()) {
    const last = versions.at(-1);
    const old = last === undefined ? null : shownAs(last);
    const { [key]: _, ...others } = (old?.data ?? {}) as JsonObject;
    const data: JsonObject =
      removes && fate !== 'refused' && key in ((old?.data ?? {}) as JsonObject)
        ? others
        : { ...others, [key]: `v${index}` };
    const isCreation = last === undefined;
    // Several within a second, as in a cluster.
    const time = new Date(START + Math.floor(index / 2) * 1000).toISOString().replace('.000', '');
    const entry = { manager, operation: 'Update', time, fieldsV1: { 'f:data': { [`f:${key}`]: {} } } };
    const managed = [...fields.filter((one) => one.manager !== manager), entry];
    const status = (old?.status ?? {}) as JsonObject;
    const metadata = {
      ...(isCreation ? {} : { resourceVersion: String(last.number) }),
      creationTimestamp: new Date(START).toISOString().replace('.000', ''),
      managedFields: managed,
    };
    const object: JsonObject = { ...configMap(data, metadata), status };
    const review = { user, manager, base: last?.number ?? 0, oldObject: old, object };
    // The first act makes the object.
    const isSent = isCreation || fate !== 'silent';
    const isMade = isCreation || fate !== 'refused';
    const number = FIRST_VERSION + index;
    if (!isCreation && fate === 'again')
      sent.push({
        ...review,
        uid: `lost-${index}`,
        made: null,
        object: { ...object, data: { ...data, [key]: `lost${index}` } },
      });
    if (isSent) sent.push({ ...review, uid: `r-${index}`, made: isMade ? number : null });
    if (!isMade) continue;
    fields = managed;
    const filled = Object.fromEntries(Array.from({ length: fills }, (_unused, n) => [`f${index}-${n}`, n]));
    const before = last?.setters ?? {};
    const setters = Object.fromEntries(
      Object.keys(data).map((name) => [name, name === key ? (isSent ? user : null) : (before[name] ?? null)]),
    );
    const body: JsonObject = {
      ...configMap(data, { ...metadata, resourceVersion: String(number) }),
      status: { ...status, ...filled },
    };
    versions.push({ number, body, setters });
  }
  return { versions, sent };
}

function shownAs({ body }: Version): JsonObject {
  return body;
}

const act: fc.Arbitrary<Act> = fc.record({
  user: fc.constantFrom('ann', 'ben', 'cem'),
  // Several users have one: it proves nothing.
  manager: fc.constantFrom('kubectl-edit', 'helm'),
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  removes: fc.boolean(),
  fate: fc.constantFrom('reviewed', 'reviewed', 'reviewed', 'silent', 'refused', 'again'),
  fills: fc.constantFrom(0, 0, 1),
});

type Event = 'watch' | 'review' | 'restart' | 'fold';

const story = fc.array(act, { minLength: 2, maxLength: 7 }).chain((acts) => {
  const { versions, sent } = happen(acts);
  const events: Event[] = [...versions.map((): Event => 'watch'), ...sent.map((): Event => 'review')];
  const all = <T>(items: readonly T[]): fc.Arbitrary<T[]> =>
    fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
  return fc.record({
    acts: fc.constant(acts),
    events: all([...events, 'restart', 'fold']),
    /** In which order reviews are read. */
    reviews: all(sent.map((_, index) => index)),
    /** Which versions a list leaves out; none where all is watched. */
    unseen: fc.oneof(fc.constant<number[]>([]), fc.subarray(versions.slice(0, -1).map(({ number }) => number))),
    /** Whether what comes next waits until this one is durable. */
    waits: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    remembered: fc.boolean(),
    folds: fc.boolean(),
    restarts: fc.boolean(),
  });
});
type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never;

describe(`reviews and facts in any order (KUBEBLAME_TEST_SEED=${SEED})`, function () {
  this.timeout(scaled(120_000, 4 * 3_600_000));
  const file = useFolder();
  let ledger: TestRecorder;
  let path = '';
  let runs = 0;

  async function play({ acts, events, reviews, unseen, waits, remembered, folds, restarts }: Story): Promise<void> {
    const { versions, sent } = happen(acts);
    const [showing, reading] = [[...versions], [...reviews]];
    let waiting: Promise<unknown>[] = [];
    const settle = async (): Promise<void> => {
      await Promise.all(waiting);
      waiting = [];
    };
    for (const [index, event] of events.entries()) {
      ledger.at += 100;
      if (event === 'watch') {
        const version = showing.shift();
        if (version !== undefined && !unseen.includes(version.number))
          waiting.push(ledger.recorder.observe(SETTINGS, normalise(shownAs(version)), ledger.at, 1));
      } else if (event === 'review') {
        const one = sent[reading.shift() ?? -1];
        assert.ok(one !== undefined);
        const { uid, user: username, manager, oldObject, object } = one;
        const review = reviewDocument({
          ...{ uid, username, oldObject, object, operation: oldObject === null ? 'CREATE' : 'UPDATE' },
          options: { fieldManager: manager },
        });
        waiting.push(ledger.recorder.record(readReview(review), ledger.at, remembered ? 500 : 0));
      } else if (event === 'restart' && restarts) {
        await settle();
        const { at } = ledger;
        await ledger.close();
        ledger = await TestRecorder.open(path);
        ledger.at = at;
      } else if (event === 'fold' && folds) {
        await settle();
        const { at } = ledger;
        await ledger.recorder.maintain(() => (ledger.store as SqliteStore).fold({ before: at - 150, now: at }));
      }
      if (waits[index % waits.length] === true) await settle();
      // A fact waits for what was answered before: the next review would overtake it here.
      else await nextTurn();
    }
    await settle();
    // The watch has come so far: what is still open never was.
    await ledger.recorder.settleUnseen(() => true, ledger.at);
  }

  async function check(told: Story): Promise<void> {
    const { versions, sent } = happen(told.acts);
    const isWatched = told.unseen.length === 0 && !overtakes(told);
    const reader = new StoreReader(ledger.store, () => ledger.at);
    const { changes } = await reader.changes({ scope: {}, limit: 1000, bodies: true });
    const stored = await ledger.changes();
    const last = versions.at(-1);
    for (const change of stored) {
      const body = await ledger.store.body(change.seq);
      const one = sent.find(({ uid }) => uid === change.reviewUid);
      const shown = versions.find(({ number }) => String(number) === change.resourceVersion)?.body;
      if (change.source === 'admission') {
        assert.ok(one !== undefined);
        assert.equal(change.actor?.username, one.user);
        const asked = normalise(one.object).body;
        assert.deepEqual(body?.data, asked.data, `the data that ${one.uid} asked for`);
        if (!change.amended) assert.deepEqual(body, asked, `what ${one.uid} asked for`);
        const isReal = one.made !== null;
        if (change.outcome === 'committed') assert.ok(isReal, `${one.uid} was never persisted`);
        if (change.outcome === 'dropped' && isWatched && !told.folds) assert.ok(!isReal, `${one.uid} was persisted`);
        // A list may show that what came later was taken back.
        if (change.outcome === 'committed' && change.resourceVersion !== '' && isWatched)
          assert.equal(change.resourceVersion, String(one.made), `the version of ${one.uid}`);
      } else if (change.resourceVersion !== '') {
        assert.ok(shown !== undefined);
        assert.deepEqual(body, normalise(shown).body, `the version ${change.resourceVersion}`);
      }
    }
    assert.ok(last !== undefined && changes.length > 0);
    const [state] = (await reader.states({ scope: {}, at: ledger.at, limit: 1 })).states;
    assert.deepEqual(state?.body, normalise(last.body).body);
    const [blame] = (await reader.blame({ scope: {}, at: ledger.at, limit: 1 })).blames;
    assert.ok(blame !== undefined);
    for (const [key, user] of Object.entries(last.setters)) {
      const { seq } = ownerAt(blame.owners, ['data', key]);
      const setter: string | null = blame.setters.find((one) => one.seq === seq)?.actor?.username ?? null;
      assert.ok(setter === null || setter === user, `data.${key} is told to be ${setter}'s, and is ${user}'s`);
      if (isWatched && !told.folds) assert.equal(setter, user, `data.${key}`);
    }
  }

  it('never name somebody who did not do it, nor drop what was persisted', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told: Story) => {
        path = file(`${++runs}.db`);
        ledger = await TestRecorder.open(path);
        ledger.at = START + 30_000;
        try {
          await play(told);
          await check(told);
        } finally {
          await ledger.close();
        }
        assert.deepEqual(await findings(path), []);
      }),
      { numRuns: scaled(40, 5_000), seed: SEED },
    );
  });
});

/** True where a review is read before the version that it was made from, and the one before that, were shown or told by others. */
function overtakes({ acts, events, reviews }: Story): boolean {
  const { versions, sent } = happen(acts);
  const place = (version: number | null): number => versions.findIndex(({ number }) => number === version);
  const reading = [...reviews];
  let [known, shown] = [-1, -1];
  for (const event of events) {
    if (event === 'watch') known = Math.max(known, ++shown);
    if (event !== 'review') continue;
    const base = place(sent[reading.shift() ?? -1]?.base ?? 0);
    if (base > known + 1) return true;
    known = Math.max(known, base);
  }
  return false;
}

async function findings(path: string): Promise<unknown[]> {
  const db = openForReading(path);
  const report = await verifyLedger(db, { checkpoints: [], unsigned: 0, samples: Infinity, random: Math.random });
  db.close();
  return report.findings;
}
