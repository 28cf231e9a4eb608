import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import { verifyFile } from '../files/verify-file.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { useFolder } from '../../testing/folder.ts';
import { FULL } from '../../testing/torture/size.ts';
import { runCommand } from '../../testing/server/process.ts';
import { TestRecorder } from '../../testing/ledgers/recorder.ts';
import { TestServer, until } from '../../testing/server/server.ts';
import { enforce, readPolicy, startRetention } from './retention.ts';
import { openSqliteReader, type SqliteStore } from '../sqlite/store/store.ts';

const HOUR_MS = 3_600_000;

async function findings(path: string): Promise<unknown[]> {
  return (await verifyFile(path, { checkpoints: [], keys: [], samples: Infinity, random: () => 0 })).findings;
}

describe('retention', () => {
  const file = useFolder();

  /** A config map that is changed 60 times, once an hour, and one that stays as it is. */
  async function hours(): Promise<TestRecorder> {
    const ledger = await TestRecorder.open(file('ledger.db'));
    await ledger.review({ name: 'still', object: configMap({}, { name: 'still', uid: 'still' }) });
    const version = (n: number) => configMap({ n: String(n) }, { resourceVersion: String(n) });
    for (let n = 1; n <= 60; n++) {
      ledger.at += HOUR_MS;
      await ledger.review({ operation: n === 1 ? 'CREATE' : 'UPDATE', object: version(n), ...(n === 1 ? {} : { oldObject: version(n - 1) }) }); // prettier-ignore
    }
    return ledger;
  }

  const between = <T>(work: () => Promise<T>): Promise<T> => work();

  it('folds what is older than it may be, and not the state of anything', async () => {
    const ledger = await hours();
    const now = (): number => ledger.at;
    const store = ledger.store as SqliteStore;
    const { removed } = await enforce({ store, policy: readPolicy('10h', undefined), now, between });
    assert.ok(removed >= 45, String(removed));
    const changes = await ledger.changes();
    assert.deepEqual(
      changes.slice(0, 1).map(({ object }) => object.name),
      ['still'],
    );
    assert.deepEqual(await enforce({ store, policy: readPolicy('10h', undefined), now, between }), {
      removed: 0,
      shortened: 0,
      heldBack: null,
      floods: [],
    });
    await ledger.close();
    assert.deepEqual(await findings(file('ledger.db')), []);
  });

  it('folds the oldest while it is larger than it may be, but never the last hour', async () => {
    const ledger = await hours();
    const store = ledger.store as SqliteStore;
    const used = await store.usedBytes();
    await enforce({ store, policy: { ageMs: null, bytes: used * 2, securityMs: null }, now: () => ledger.at, between });
    assert.equal((await store.first())?.seq, 1);
    await enforce({ store, policy: { ageMs: null, bytes: 1, securityMs: null }, now: () => ledger.at, between });
    const [first, last] = [await store.first(), await store.last()];
    assert.ok((last?.at ?? 0) - (first?.at ?? 0) >= HOUR_MS);
    assert.ok((last?.at ?? 0) - (first?.at ?? 0) < 3 * HOUR_MS);
    assert.ok((await store.usedBytes()) <= used);
    await ledger.close();
    assert.deepEqual(await findings(file('ledger.db')), []);
  });

  it('is held back, by age and by size, where something speaks against it, also in the middle', async () => {
    const ledger = await hours();
    const store = ledger.store as SqliteStore;
    const options = { store, now: () => ledger.at, between };
    const reasons = [null, 'the clock jumped'];
    for (const policy of [readPolicy('1h', undefined), { ageMs: null, bytes: 1, securityMs: null }]) {
      const held = await enforce({ ...options, policy, heldBack: () => 'the clock jumped' });
      assert.deepEqual([held.removed, held.heldBack], [0, 'the clock jumped']);
    }
    assert.equal((await store.first())?.seq, 1);
    const middle = await enforce({
      ...options,
      policy: readPolicy('1h', undefined),
      heldBack: () => reasons.shift() ?? null,
    });
    assert.ok(middle.removed > 0, String(middle.removed));
    await ledger.close();
  });

  it('stops behind the step that is under way', async () => {
    const ledger = await hours();
    let steps = 0;
    const stop = new AbortController();
    const { removed } = await enforce({
      store: {
        fold: () => Promise.resolve({ removed: 3, horizonAt: 0 }),
        usedBytes: () => Promise.resolve(9),
        seqAt: () => Promise.resolve(0),
        written: () => Promise.resolve([]),
        shortenable: () => Promise.resolve(null),
        shorten: () => Promise.reject(new Error('shortened')),
      },
      ...{ policy: readPolicy('1h', undefined), now: () => 0, stop: stop.signal },
      between: (work) => {
        if (++steps === 2) stop.abort();
        return work();
      },
    });
    assert.deepEqual([steps, removed], [2, 6]);
    await ledger.close();
  });

  it('keeps what matters for security longer, and gives it up last', async () => {
    const ledger = await TestRecorder.open(file('ledger.db'));
    const store = ledger.store as SqliteStore;
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'admin', uid: 'admin' },
    };
    const erin = {
      ...{ group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', kind: 'ClusterRoleBinding' },
      ...{ namespace: '', name: 'admin', username: 'erin' },
    };
    const bound = (n: number) => ({ ...binding, metadata: { ...binding.metadata, resourceVersion: String(n) }, n });
    await ledger.review({ ...erin, object: bound(0) });
    for (let n = 1; n < 4; n++) {
      await ledger.review({ ...erin, operation: 'UPDATE', object: bound(n), oldObject: bound(n - 1) });
    }
    const version = (n: number) => configMap({ n: `${n} `.repeat(50) }, { resourceVersion: String(n) });
    const flood = async (from: number): Promise<void> => {
      for (let n = from; n < from + 150; n++) {
        ledger.at += HOUR_MS / 50;
        await ledger.review({ operation: n === 1 ? 'CREATE' : 'UPDATE', object: version(n), ...(n === 1 ? {} : { oldObject: version(n - 1) }) }); // prettier-ignore
      }
    };
    await flood(1);
    const now = (): number => ledger.at;
    const kept = async (): Promise<string[]> =>
      (await ledger.changes())
        .filter(({ object }) => object.name === 'admin')
        .map((change) => `${change.operation} ${String(change.actor?.username)}`);
    const all = ['CREATE erin', 'UPDATE erin', 'UPDATE erin', 'UPDATE erin'];
    await enforce({ store, policy: { ageMs: HOUR_MS, bytes: null, securityMs: 10 * HOUR_MS }, now, between });
    assert.deepEqual(await kept(), all);
    const { length } = await ledger.changes();
    assert.ok(length >= 52 && length < 60, String(length));
    // By size: everything else goes first.
    const used = await store.usedBytes();
    await flood(151);
    const enough = used + ((await store.usedBytes()) - used) / 2;
    const { removed } = await enforce({
      store,
      policy: { ageMs: null, bytes: enough, securityMs: null },
      now,
      between,
    });
    assert.ok(removed > 0, String(removed));
    assert.deepEqual(await kept(), all);
    assert.deepEqual(await findings(file('ledger.db')), []);
    await enforce({ store, policy: { ageMs: null, bytes: 1, securityMs: null }, now, between });
    // What it is now, and what that was made from.
    assert.deepEqual(await kept(), ['CREATE undefined', 'UPDATE erin', 'UPDATE erin']);
    assert.deepEqual(await findings(file('ledger.db')), []);
    await ledger.close();
  });

  it('gives up what matters for security when it is old enough, also where nothing else is to be folded', async () => {
    const ledger = await TestRecorder.open(file('ledger.db'));
    const store = ledger.store as SqliteStore;
    const policy = { ageMs: HOUR_MS, bytes: null, securityMs: 10 * HOUR_MS };
    const secret = (n: number) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'shop', uid: 's', resourceVersion: String(n) },
      type: `t-${n}`,
    });
    const review = (n: number): Promise<unknown> => {
      ledger.at += HOUR_MS;
      return ledger.review({
        ...{ kind: 'Secret', resource: 'secrets', name: 's', namespace: 'shop' },
        ...(n === 0
          ? { object: secret(n) }
          : { operation: 'UPDATE' as const, object: secret(n), oldObject: secret(n - 1) }),
      });
    };
    for (let n = 0; n <= 8; n++) await review(n);
    const now = (): number => ledger.at;
    await enforce({ store, policy, now, between });
    assert.equal((await ledger.changes()).length, 9);
    ledger.at += 5 * HOUR_MS;
    const { removed } = await enforce({ store, policy, now, between });
    assert.ok(removed >= 2 && removed < 8, String(removed));
    assert.equal(await enforce({ store, policy, now, between }).then((again) => again.removed), 0);
    const changes = await ledger.changes();
    assert.deepEqual([changes[0]?.source, changes[0]?.actor], ['baseline', null]);
    const last = changes.at(-1);
    assert.equal((await store.body(last?.seq ?? 0))?.type, 't-8');
    await ledger.close();
    assert.deepEqual(await findings(file('ledger.db')), []);
  });

  describe('of a ledger that one user has flooded', () => {
    const MI = 2 ** 20;
    let ledger: TestRecorder;
    let store: SqliteStore;
    const now = (): number => ledger.at;
    const enforced = (bytes: number) =>
      enforce({ store, policy: { ageMs: null, bytes, securityMs: null }, now, between });
    /** How many changes of each user are left. */
    const counts = async (): Promise<Record<string, number>> => {
      const users: Record<string, number> = {};
      for (const { actor } of await ledger.changes()) {
        if (actor !== null) users[actor.username] = (users[actor.username] ?? 0) + 1;
      }
      return users;
    };
    const gone = ({ resource, name }: { resource: string; name: string }): Promise<void> =>
      ledger.recorder.observeGone(
        {
          group: '',
          resource,
          kind: resource === 'secrets' ? 'Secret' : 'ConfigMap',
          namespace: 'shop',
          name,
          uid: name,
        },
        '999',
        ledger.at,
      );
    /** Mallory creates and deletes so many objects within some minutes, every third of them a Secret. `refused`: none is ever persisted. */
    const flood = async (objects: number, bytes: number, refused: boolean): Promise<void> => {
      for (let n = 0; n < objects; n++) {
        const isSecret = n % 3 === 0 && !refused;
        const [name, resource] = [`m-${ledger.at}`, isSecret ? 'secrets' : 'configmaps'];
        const of = { name, username: 'mallory', resource, kind: isSecret ? 'Secret' : 'ConfigMap' };
        const data = isSecret ? {} : { text: randomBytes(bytes).toString('base64') };
        const annotations = isSecret ? { text: randomBytes(bytes).toString('hex') } : {};
        const object = configMap(data, { name, uid: name, resourceVersion: '7', annotations });
        await ledger.review({ ...of, object });
        if (refused) continue;
        await ledger.review({ ...of, operation: 'DELETE', object: null, oldObject: object });
        await gone({ resource, name });
      }
      if (refused) await ledger.recorder.settleUnseen(() => true, ledger.at);
    };

    /** Alice's twenty versions of one object in as many hours, and four that came and went; erin's binding, before. */
    beforeEach(async () => {
      ledger = await TestRecorder.open(file('ledger.db'));
      store = ledger.store as SqliteStore;
      await ledger.review({
        ...{ group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', kind: 'ClusterRoleBinding' },
        ...{ namespace: '', name: 'admin', username: 'erin' },
        object: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRoleBinding',
          metadata: { name: 'admin', uid: 'admin', resourceVersion: '1' },
        },
      });
      const version = (n: number) => configMap({ n: String(n) }, { resourceVersion: String(n) });
      for (let n = 0; n < 20; n++) {
        ledger.at += HOUR_MS;
        await ledger.review({
          ...{ username: 'alice', object: version(n) },
          ...(n === 0 ? {} : { operation: 'UPDATE' as const, oldObject: version(n - 1) }),
        });
        if (n >= 4) continue;
        const [name, username] = [`gone-${n}`, 'alice'];
        const object = configMap({}, { name, uid: name, resourceVersion: '5' });
        await ledger.review({ name, username, object });
        await ledger.review({ name, username, operation: 'DELETE', object: null, oldObject: object });
        await gone({ resource: 'configmaps', name });
      }
    });
    const HISTORY = { erin: 1, alice: 28 };

    for (const refused of [true, false]) {
      it(`folds what that one wrote first, ${refused ? 'refused by a quota' : 'persisted'}, and nothing of others`, async () => {
        await flood(30, 48 * 1024, refused);
        ledger.at += 10_000;
        await ledger.review({
          name: 'after',
          username: 'alice',
          object: configMap({}, { name: 'after', uid: 'after' }),
        });
        const used = await store.usedBytes();
        assert.ok(used > 1.2 * MI, String(used));
        const all = await counts();
        assert.deepEqual({ ...all, mallory: 0 }, { ...HISTORY, alice: 29, mallory: 0 });

        // Within the hour nothing of the flood can be folded, and nothing of others is.
        const early = await enforced(MI / 2);
        assert.deepEqual([early.removed, early.floods], [0, ['mallory']]);
        assert.deepEqual(await counts(), all);

        ledger.at += 2 * HOUR_MS;
        const { floods, removed } = await enforced(MI / 2);
        assert.deepEqual([floods, removed], [['mallory'], refused ? 30 : 60]);
        assert.deepEqual(await counts(), { ...HISTORY, alice: 29 });
        assert.ok((await store.usedBytes()) < MI / 2);
        assert.deepEqual(await enforced(MI / 2), { removed: 0, shortened: 0, heldBack: null, floods: [] });
        assert.deepEqual((await store.body((await ledger.changes()).find(({ object }) => object.name === 'settings')?.seq ?? 0))?.data, { n: '0' }); // prettier-ignore
        await ledger.close();
        assert.deepEqual(await findings(file('ledger.db')), []);
      });
    }

    // What took erin's binding away on a real cluster; the others have the same in a hundredth of the size.
    const OF_50_MI = 50 * MI;
    for (const refused of FULL ? [true, false] : []) {
      it(`of 50 MiB folds nothing of others: 300 objects of 1 MB, ${refused ? 'refused by a quota' : 'persisted'}`, async function () {
        this.timeout(600_000);
        await flood(300, 480 * 1024, refused);
        ledger.at += 2 * HOUR_MS;
        await ledger.review({
          name: 'after',
          username: 'alice',
          object: configMap({}, { name: 'after', uid: 'after' }),
        });
        const before = await store.usedBytes();
        const { floods, removed } = await enforced(OF_50_MI);
        const after = await store.usedBytes();
        const mebibytes = [before, after].map((bytes) => `${(bytes / MI).toFixed(0)} MiB`).join(', then ');
        console.log(`      ${mebibytes}; ${removed} of ${refused ? 300 : 600} changes folded`);
        // Of what is never persisted the budget of the hour keeps less than that in the first place.
        assert.deepEqual([before > OF_50_MI, floods], refused ? [false, []] : [true, ['mallory']]);
        assert.ok(after < OF_50_MI, String(after));
        const { mallory: _, ...others } = await counts();
        assert.deepEqual(others, { ...HISTORY, alice: 29 });
        await ledger.close();
        assert.deepEqual(await findings(file('ledger.db')), []);
      });
    }

    it('keeps the last that one did to objects of others, and what of it matters for security', async () => {
      const before = configMap({ n: '19' }, { resourceVersion: '19' });
      const after = configMap({ n: 'hacked' }, { resourceVersion: '20' });
      await ledger.review({ username: 'mallory', operation: 'UPDATE', object: after, oldObject: before });
      await ledger.review({ username: 'mallory', resource: 'pods', kind: 'PodExecOptions', subResource: 'exec', operation: 'CONNECT', name: 'web', object: { kind: 'PodExecOptions', apiVersion: 'v1', command: ['sh'] } }); // prettier-ignore
      await flood(30, 48 * 1024, false);
      ledger.at += 2 * HOUR_MS;
      await ledger.review({ name: 'after', username: 'alice', object: configMap({}, { name: 'after', uid: 'after' }) });
      await enforced(MI / 2);
      const left = (await ledger.changes()).filter(({ actor }) => actor?.username === 'mallory');
      assert.deepEqual(
        left.map(({ operation, object }) => `${operation} ${object.name}`),
        ['UPDATE settings', 'CONNECT web'],
      );
      await ledger.close();
      assert.deepEqual(await findings(file('ledger.db')), []);
    });

    it('folds later, oldest first, what it then kept of others: by age, by size, and after a restart', async () => {
      await flood(30, 48 * 1024, false);
      ledger.at += 2 * HOUR_MS;
      await ledger.review({ name: 'after', username: 'alice', object: configMap({}, { name: 'after', uid: 'after' }) });
      await enforced(MI / 2);
      assert.deepEqual(await counts(), { ...HISTORY, alice: 29 });
      await ledger.close();
      const { at } = ledger;
      ledger = await TestRecorder.open(file('ledger.db'));
      ledger.at = at;
      store = ledger.store as SqliteStore;
      const { removed } = await enforce({ store, policy: readPolicy('12h', undefined, '90d'), now, between });
      assert.ok(removed > 0);
      const aged = await counts();
      assert.equal(aged.erin, 1);
      assert.ok((aged.alice ?? 0) > 8 && (aged.alice ?? 0) < 16, JSON.stringify(aged));
      assert.ok(
        (await ledger.changes()).every(({ at, actor }) => actor?.username !== 'alice' || at > ledger.at - 13 * HOUR_MS),
      );
      await enforced(1);
      // What it is now, and what that was made from.
      const settings = (await ledger.changes()).filter(({ object }) => object.name === 'settings');
      assert.deepEqual(
        settings.map(({ source }) => source),
        ['baseline', 'admission', 'admission'],
      );
      assert.deepEqual((await store.body(settings.at(-1)?.seq ?? 0))?.data, { n: '19' });
      await ledger.close();
      assert.deepEqual(await findings(file('ledger.db')), []);
    });
  });

  it('reads what is kept, and says what it expects', () => {
    assert.deepEqual(readPolicy('90d', '10Gi'), {
      ageMs: 90 * 24 * HOUR_MS,
      bytes: 10 * 2 ** 30,
      securityMs: 900 * 24 * HOUR_MS,
    });
    assert.deepEqual(readPolicy(undefined, undefined), { ageMs: null, bytes: null, securityMs: null });
    assert.throws(
      () => readPolicy('90', undefined),
      /--retain-age \(KUBEBLAME_RETAIN_AGE\): "90" is not like 90d or 12h/,
    );
    assert.throws(
      () => readPolicy(undefined, '10GB'),
      /--retain-size \(KUBEBLAME_RETAIN_SIZE\): "10GB" is not like 10Gi/,
    );
  });

  it('is enforced by a server while it records, and by hand while none does', async () => {
    const ledger = await hours();
    await ledger.close();
    copyFileSync(file('ledger.db'), file('by-hand.db'));
    writeFileSync(file('ledger.db.key'), '00'.repeat(32));
    const clock = new Clock();
    clock.standAt(ledger.at);
    const server = await TestServer.start(file, { clock, retention: readPolicy('20h', undefined) });
    const reviews = Array.from({ length: 20 }, (_, n) => {
      const name = `new-${n}`;
      return server.admission.admit(reviewDocument({ name, object: configMap({}, { name, uid: name }) }));
    });
    for (const { status } of await Promise.all(reviews)) assert.equal(status, 200);
    await until('the fold', () => server.log.some(({ msg }) => msg === 'old history folded'));
    await server.stop();
    assert.deepEqual(await findings(file('ledger.db')), []);

    const nothing = await runCommand(['fold', '--db', file('by-hand.db')]);
    assert.match(nothing.stderr, /^error: nothing says what to keep\nhint: give --retain-age or --retain-size/);
    const folded = await runCommand(['fold', '--db', file('by-hand.db'), '--retain-age', '1h']);
    assert.match(folded.stdout, /^5\d changes removed, \d+ bytes in use\n$/);
    assert.deepEqual(await findings(file('by-hand.db')), []);
  });

  it('folds nothing unless told', async () => {
    const never = (): never => {
      throw new Error('folded');
    };
    const log = { info: never, error: never } as unknown as Parameters<typeof startRetention>[0]['log'];
    const store = {
      ...{ fold: never, usedBytes: never, written: never, shorten: never },
      ...{ seqAt: () => Promise.resolve(0), shortenable: () => Promise.resolve(null) },
    };
    await startRetention({ store, policy: readPolicy(undefined, undefined), now: () => 0, between, log })();
  });
});

describe('a backup', () => {
  const file = useFolder({ verify: false });

  it('of a ledger that is being written is a ledger, with its checkpoints; the server starts from it again', async () => {
    const server = await TestServer.start(file);
    const admit = async (name: string): Promise<void> => {
      await server.admission.admit(reviewDocument({ name, object: configMap({}, { name, uid: name }) }));
    };
    await admit('before');
    const made = await runCommand(['backup', '--db', file('ledger.db'), file('backup.db')]);
    assert.match(made.stdout, /backup\.db: 1 changes in 2 commits, \d+ bytes\n$/, made.stderr);
    await admit('after');
    const twice = await runCommand(['backup', '--db', file('ledger.db'), file('backup.db')]);
    assert.match(twice.stderr, /^error: .*backup\.db is there already/);
    await server.stop();
    assert.ok(existsSync(file('backup.db.checkpoints')) && !existsSync(file('backup.db.key')));

    // Restored: the file, its checkpoints, and the two keys, which were kept elsewhere.
    for (const suffix of ['', '.checkpoints']) copyFileSync(file(`backup.db${suffix}`), file(`restored.db${suffix}`));
    for (const key of ['.key', '.signing-key']) copyFileSync(file(`ledger.db${key}`), file(`restored.db${key}`));
    const again = await TestServer.start((name) => file(name.replace('ledger.db', 'restored.db')));
    await again.admission.admit(reviewDocument({ name: 'later', object: configMap({}, { name: 'later', uid: 'l' }) }));
    await again.stop();
    const reader = openSqliteReader(file('restored.db'));
    assert.deepEqual(
      (await reader.changes({}, 10)).map(({ object }) => object.name),
      ['later', 'before'],
    );
    await reader.close();
    const report = await verifyFile(file('restored.db'), { checkpoints: [], keys: [], samples: 9, random: () => 0 });
    assert.deepEqual(report.findings, []);
    assert.ok(report.checkpoints.checked >= 2);
  });

  it('of a ledger that was tampered with says so', async () => {
    const ledger = await TestRecorder.open(file('ledger.db'));
    await ledger.review();
    const { db } = ledger.store as unknown as { db: { exec(sql: string): void } };
    db.exec('DROP TRIGGER changes_keep_values; UPDATE changes SET at = 0');
    await ledger.close();
    const made = await runCommand(['backup', '--db', file('ledger.db'), file('backup.db')]);
    assert.match(made.stderr, /^error: .* is a copy of a ledger that is not as it was recorded: /);
    assert.equal(made.code, 1);
  });
});
