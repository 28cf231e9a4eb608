import assert from 'node:assert/strict';
import { isObject, parseJson, stringifyJson } from '../../../../shared/json.ts';
import { readReview } from '../../../../shared/review.ts';
import { seeded } from '../../../../shared/testing/random.ts';
import { configMap, reviewDocument } from '../../../../shared/testing/reviews.ts';
import { shopDocuments } from '../../../../shared/testing/shop.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { Predicates } from '../../../record/rules/predicates.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import { verifyFile } from '../../../ledger/files/verify-file.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../folder.ts';
import { serveArguments, ServerProcess } from '../../server/process.ts';
import { HttpsClient, TestCertificates, TestServer } from '../../server/server.ts';
import { scaled, SEED } from '../../torture/size.ts';

/*
 * SIGKILL of the real server while it records. What it has answered is in the ledger, once, and the next server goes on
 * from there. That the disk keeps what was synced is the disk's word; that it was synced, store.int.test.ts tests.
 */
const ROUNDS = 5;
/** Each a ledger of its own, killed so many times: 200 kills in full. */
const PASSES = scaled(1, 40);

const uidOf = (review: JsonObject): string => (review.request as { uid: string }).uid;

/** All changes, oldest first. The file must be sound, its chain and checkpoints hold, and its seqs be without a gap. */
async function changesOf(db: string): Promise<StoredChange[]> {
  const { findings } = await verifyFile(db, { checkpoints: [], keys: [], samples: 50, random: seeded(SEED) });
  assert.deepEqual(findings, []);
  const reader = openSqliteReader(db);
  const changes = (await reader.changes({}, 100_000)).reverse();
  await reader.close();
  assert.deepEqual(
    changes.map(({ seq }) => seq),
    changes.map((_, index) => index + 1),
  );
  return changes;
}

/** How many changes each review of an answered set has become. */
function countByUid(changes: readonly StoredChange[], uids: ReadonlySet<string>): Map<string, number> {
  const counts = new Map([...uids].map((uid) => [uid, 0]));
  for (const { reviewUid, source } of changes) {
    const count = counts.get(reviewUid);
    if (source === 'admission' && count !== undefined) counts.set(reviewUid, count + 1);
  }
  return counts;
}

/** What a change says, but for its time. */
function telling(change: StoredChange): string {
  const { kind: _kind, ...object } = change.object;
  return [
    change.seq,
    change.reviewUid,
    change.source,
    change.operation,
    change.effect,
    change.parent,
    change.resourceVersion,
    change.outcome,
    change.outcomeReason,
    change.manager,
    ...Object.values(object),
  ].join(' ');
}

describe(`SIGKILL of the server (KUBEBLAME_TEST_SEED=${SEED})`, () => {
  const file = useFolder();
  let certificates: TestCertificates;
  let server: ServerProcess | undefined;
  beforeEach(async () => {
    certificates = await TestCertificates.make(file);
  });
  afterEach(async () => {
    await server?.kill();
  });

  for (let pass = 0; pass < PASSES; pass++) {
    const title = `in the middle of a replay, ${ROUNDS} times, loses and doubles no answered review`;
    it(PASSES === 1 ? title : `${title} (${pass + 1} of ${PASSES})`, killInReplay(SEED + pass));
  }

  function killInReplay(seed: number) {
    return async function (this: Mocha.Context): Promise<void> {
      this.timeout(180_000);
      this.slow(60_000);
      const db = file('ledger.db');
      const next = seeded(seed);
      // Leases and the like are answered without being recorded: a third of the recording, and nothing to lose.
      const predicates = new Predicates([]);
      const reviews = shopDocuments('reviews.ndjson.gz')
        .map(({ review }) => review)
        .filter(isObject)
        .filter((review) => predicates.includes(readReview(review)))
        .slice(0, 450);
      assert.equal(reviews.length, 450);

      const answered = new Set<string>();
      const interrupted: string[] = [];
      let position = 0;
      for (let round = 1; round <= ROUNDS; round++) {
        const running = await ServerProcess.start(serveArguments(db, certificates));
        server = running;
        const client = new HttpsClient(running.admission, certificates.ca);
        const killAt = position + 20 + Math.floor(next() * 60);
        const delayMs = next() * 4;
        for (;;) {
          const review = reviews[position++];
          assert.ok(review !== undefined);
          const uid = uidOf(review);
          if (position === killAt) setTimeout(() => running.signal('SIGKILL'), delayMs);
          try {
            const { response } = (await client.admit(review)).json() as { response: JsonObject };
            assert.deepEqual(response, { uid, allowed: true });
            answered.add(uid);
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error;
            // The API server would let the request pass, and not ask again (failurePolicy: Ignore).
            interrupted.push(uid);
            break;
          }
        }
        client.close();
        assert.deepEqual(await running.ended.then(({ code, signal }) => [code, signal]), [null, 'SIGKILL']);

        // Before anything has opened it for writing, and put right what there may be to put right.
        const counts = countByUid(await changesOf(db), answered);
        assert.deepEqual(
          [...counts].filter(([, count]) => count > 1),
          [],
          `round ${round}: doubled`,
        );
      }
      // And to the end, without one.
      const running = await ServerProcess.start(serveArguments(db, certificates));
      server = running;
      const client = new HttpsClient(running.admission, certificates.ca);
      for (const review of reviews.slice(position)) {
        assert.equal((await client.admit(review)).status, 200);
        answered.add(uidOf(review));
      }
      client.close();
      running.signal('SIGTERM');
      assert.equal((await running.ended).code, 0);
      const crashed = await changesOf(db);
      assert.equal(interrupted.length, ROUNDS);
      assert.equal(answered.size, reviews.length - ROUNDS);

      // The same reviews without a crash. Of those that got no answer, the ones that the ledger has: they came that far.
      const there = new Set(crashed.map(({ reviewUid }) => reviewUid));
      const calm = await TestServer.start((name) => file(`calm-${name}`));
      for (const review of reviews) {
        const uid = uidOf(review);
        if (answered.has(uid) || there.has(uid)) assert.equal((await calm.admission.admit(review)).status, 200);
      }
      await calm.stop();
      const undisturbed = await changesOf(calm.config.db);

      const expected = countByUid(undisturbed, answered);
      assert.ok([...expected.values()].filter((count) => count === 1).length > 400);
      assert.deepEqual(countByUid(crashed, answered), expected);
      assert.deepEqual(crashed.map(telling), undisturbed.map(telling));

      const reader = openSqliteReader(db);
      const events = (await reader.coverage()).map(({ event }) => event);
      await reader.close();
      // Each start but the first tells how far the one before it came.
      const starts = Array.from({ length: ROUNDS }, () => ['alive', 'started']).flat();
      assert.deepEqual(events, ['started', ...starts, 'stopped']);
    };
  }

  it('while reviews share commits loses and doubles no answered review', async function () {
    this.timeout(30_000);
    this.slow(30_000);
    const db = file('ledger.db');
    const running = await ServerProcess.start(serveArguments(db, certificates));
    server = running;
    const client = new HttpsClient(running.admission, certificates.ca, { connections: 16 });
    const answered = new Set<string>();
    let sent = 0;
    const killAt = 100 + Math.floor(seeded(SEED)() * 200);
    const lane = async (): Promise<void> => {
      for (;;) {
        const uid = `r-${++sent}`;
        const review = reviewDocument({ uid, name: uid, object: configMap({ uid }, { name: uid, uid }) });
        try {
          await client.admit(parseJson(stringifyJson(review)));
        } catch {
          return;
        }
        answered.add(uid);
        if (answered.size === killAt) running.signal('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    client.close();
    await running.ended;
    assert.ok(answered.size >= killAt);

    const again = await ServerProcess.start(serveArguments(db, certificates));
    server = again;
    again.signal('SIGTERM');
    assert.equal((await again.ended).code, 0);
    const changes = await changesOf(db);
    const counts = countByUid(changes, answered);
    assert.deepEqual(
      [...counts].filter(([, count]) => count !== 1),
      [],
    );
    // Of those without an answer some were written, once each.
    assert.equal(new Set(changes.map(({ reviewUid }) => reviewUid)).size, changes.length);
  });
});
