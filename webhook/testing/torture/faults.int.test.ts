import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { notKeptOf } from '../../../shared/not-kept.ts';
import { seeded } from '../../../shared/testing/random.ts';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import type { CoverageInterval, JsonObject } from '../../../shared/types.ts';
import { RESERVE_BYTES } from '../../platform/files/disk-reserve.ts';
import { isFull } from '../../platform/files/durable-file.ts';
import { StoreReader } from '../../ask/questions/reader.ts';
import { verifyFile } from '../../ledger/files/verify-file.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { useFolder } from '../folder.ts';
import { Load } from '../server/load.ts';
import { runCommand, serveArguments, ServerProcess } from '../server/process.ts';
import { HttpsClient, TestCertificates, TestServer, until } from '../server/server.ts';
import { scaled, SEED } from './size.ts';

const ROUNDS = scaled(1, 20);

/** Where a test cannot run, that must not be overlooked. */
function skipLoudly(test: Mocha.Context, why: string): never {
  console.error(`      SKIPPED: ${why}`);
  return test.skip();
}

/** The server under load on a disk that fails: what it answered as recorded is there once, and it needs no hand after. */
describe(`a failing machine (KUBEBLAME_TEST_SEED=${SEED})`, function () {
  this.timeout(180_000);
  this.slow(60_000);
  const file = useFolder();
  const db = (): string => file('ledger.db');
  const fault = (mode: string): void => writeFileSync(file('fault'), mode);
  let certificates: TestCertificates;
  let server: ServerProcess | undefined;
  let shim: string | null = null;
  let checks = 0;
  const builtIn = fileURLToPath(new URL('fault-shim.c', import.meta.url));

  beforeEach(async () => {
    certificates = await TestCertificates.make(file);
    shim = file('shim.so');
    const compiled = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', shim, builtIn, '-ldl']);
    if (compiled.status !== 0) shim = null;
  });
  afterEach(async () => {
    await server?.kill();
  });

  async function start(path = db()): Promise<ServerProcess> {
    const environment = shim === null ? {} : { LD_PRELOAD: shim, KUBEBLAME_FAULT: file('fault') };
    server = await ServerProcess.start(serveArguments(path, certificates), environment);
    return server;
  }

  const newLoad = (prefix: string): Load => new Load(certificates.ca, prefix);

  /** Starts once more without any fault, lets it record something and stop, and looks at what is there. */
  async function requireSound(path: string, loads: readonly Load[]): Promise<void> {
    fault('');
    const again = await start(path);
    const after = newLoad(`after-${++checks}`);
    const running = after.run(again.admission, 1);
    await until('a review is recorded', () => after.recorded.size > 0, 60_000);
    after.stop();
    await running;
    again.signal('SIGTERM');
    assert.equal((await again.ended).code, 0);
    const report = await verifyFile(path, { checkpoints: [], keys: [], samples: 100, random: seeded(SEED) });
    assert.deepEqual(report.findings, []);
    const reader = openSqliteReader(path);
    const counts = new Map<string, number>();
    for (const { reviewUid } of await reader.changes({}, 1_000_000)) {
      counts.set(reviewUid, (counts.get(reviewUid) ?? 0) + 1);
    }
    await reader.close();
    for (const load of [...loads, after]) {
      const wrong = [...load.recorded].filter((uid) => counts.get(uid) !== 1);
      assert.deepEqual(wrong, [], 'answered as recorded, and not there exactly once');
      const invented = [...load.lost].filter((uid) => counts.has(uid));
      assert.deepEqual(invented, [], 'answered as not recorded, and there');
    }
    assert.deepEqual(
      [...counts].filter(([, count]) => count !== 1),
      [],
    );
  }

  /** Load, then the fault for a while, then none; the server must record again by itself. */
  async function failFor(mode: string, ms: number, test: Mocha.Context): Promise<Load> {
    if (shim === null) return skipLoudly(test, 'no C compiler (cc) to let the disk fail with');
    fault('');
    const running = await start();
    const load = newLoad(mode);
    const done = load.run(running.admission, 8);
    for (let round = 0; round < ROUNDS; round++) {
      const before = load.recorded.size;
      await until('reviews are recorded', () => load.recorded.size > before + 20, 60_000);
      fault(mode);
      await sleep(ms);
      fault('');
      const then = load.recorded.size;
      await until('reviews are recorded again', () => load.recorded.size > then + 20, 60_000);
    }
    load.stop();
    await done;
    running.signal('SIGTERM');
    assert.equal((await running.ended).code, 0);
    assert.equal(load.unanswered.size, 0);
    return load;
  }

  for (const [mode, title] of [
    ['full', 'a full disk'],
    ['eio', 'a disk whose writes and syncs fail'],
    ['sync', 'a disk whose syncs fail'],
  ] as const) {
    it(`${title}: reviews are allowed and told to be lost, and recorded again afterwards`, async function () {
      const load = await failFor(mode, 400, this);
      assert.ok(load.lost.size > 0);
      await requireSound(db(), [load]);
      const reader = openSqliteReader(db());
      const lost = (await reader.coverage()).filter(({ event }) => event === 'lost');
      await reader.close();
      const told = lost.reduce((sum, { detail }) => sum + Number.parseInt(detail, 10), 0);
      assert.equal(told, load.lost.size, 'the coverage tells each loss');
    });
  }

  it('a slow disk: every review waits for it, and is recorded', async function () {
    const load = await failFor('slow', 1000, this);
    assert.equal(load.lost.size, 0);
    await requireSound(db(), [load]);
  });

  it('a power failure after the start: the keys were synced, and the folder that names them', async function () {
    if (shim === null) skipLoudly(this, 'no C compiler (cc) to see what is synced');
    const syncs = file('syncs');
    const running = await ServerProcess.start(serveArguments(db(), certificates), {
      LD_PRELOAD: shim,
      KUBEBLAME_SYNCS: syncs,
    });
    running.signal('SIGTERM');
    assert.equal((await running.ended).code, 0);
    const synced = readFileSync(syncs, 'utf8').trimEnd().split('\n');
    for (const name of ['ledger.db.key', 'ledger.db.signing-key', 'ledger.db.checkpoints']) {
      const at = synced.indexOf(file(name));
      assert.notEqual(at, -1, name);
      assert.ok(synced.indexOf(dirname(file(name)), at) > at, `the folder, after ${name}`);
    }
  });

  it('a write that is cut in half by a power failure', async function () {
    if (shim === null) skipLoudly(this, 'no C compiler (cc) to let the disk fail with');
    const loads: Load[] = [];
    const next = seeded(SEED);
    for (let round = 0; round < scaled(3, 60); round++) {
      fault('');
      const running = await start();
      const load = newLoad(`torn-${round}`);
      loads.push(load);
      const done = load.run(running.admission, 8);
      const atLeast = 5 + next() * 60;
      await until('reviews are recorded', () => load.recorded.size > atLeast, 60_000);
      fault('torn');
      assert.equal((await running.ended).signal, 'SIGKILL');
      await done;
    }
    await requireSound(db(), loads);
  });

  it('a small disk that is really full: who asked for what is recorded, and all of it when there is room', async function () {
    const disk = file('disk');
    mkdirSync(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', disk]).status !== 0) {
      skipLoudly(this, 'mounting a small tmpfs is not allowed here');
    }
    // To the last byte, though the server writes meanwhile.
    const fill = (name: string): void => {
      const ballast = openSync(`${disk}/${name}`, 'w');
      const chunk = Buffer.alloc(64 * 1024);
      try {
        for (;;) writeSync(ballast, chunk);
      } catch (error) {
        if (!isFull(error)) throw error;
      } finally {
        closeSync(ballast);
      }
    };
    try {
      const path = `${disk}/ledger.db`;
      const running = await start(path);
      const client = new HttpsClient(running.admission, certificates.ca);
      const load = newLoad('tmpfs');
      const done = load.run(running.admission, 8);
      const coverage = async (): Promise<CoverageInterval[]> => {
        const reader = openSqliteReader(path);
        const intervals = await new StoreReader(reader, () => Date.now()).coverage();
        await reader.close();
        return intervals;
      };
      const present = async (): Promise<CoverageInterval | undefined> =>
        (await coverage()).find(({ to }) => to === null);
      const changesOf = async (name: string): Promise<string[]> => {
        const reader = openSqliteReader(path);
        const changes = await reader.changes({ names: [name] }, 10);
        await reader.close();
        return changes.reverse().map(({ operation, actor, effect, outcome, detail }) => {
          const reason = notKeptOf(detail().options)?.reason;
          return [operation, actor?.username, effect, outcome, ...(reason === undefined ? [] : [reason])].join(' ');
        });
      };
      const backdoor = {
        ...{ group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', kind: 'ClusterRoleBinding' },
        ...{ namespace: '', username: 'mallory' },
      };
      const binding = (name: string) => ({
        ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' },
        metadata: { name, uid: name, resourceVersion: '7' },
        subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
      });
      const warnings = async (document: JsonObject): Promise<unknown> =>
        ((await client.admit(document)).json().response as { warnings?: unknown }).warnings;
      await until('reviews are recorded', () => load.recorded.size > 20, 60_000);
      await until('the reserve is there', () => existsSync(`${path}-reserve`));
      const before = Date.now();
      fill('ballast');
      // While it is full: in the coverage, and whoever does something.
      await until('the coverage tells of it', async () => (await present())?.covered === false, 120_000);
      load.stop();
      await done;
      assert.equal(load.lost.size, 0);
      const gap = await present();
      assert.match(gap?.cause ?? '', /^the disk was full, so that only who asked for what was recorded$/);
      assert.ok((gap?.from ?? 0) >= before && (gap?.from ?? 0) <= Date.now());
      const name = 'backdoor';
      assert.equal(await warnings(reviewDocument({ ...backdoor, name, object: binding(name) })), undefined);
      const deletion = { operation: 'DELETE' as const, object: null, oldObject: binding(name) };
      assert.equal(await warnings(reviewDocument({ ...backdoor, name, ...deletion })), undefined);
      await until('both are recorded', async () => (await changesOf(name)).length === 2, 60_000);
      assert.deepEqual(await changesOf(name), ['CREATE mallory none pending disk-full', 'DELETE mallory none pending']);
      const ready = await client.get('/readyz');
      assert.equal(ready.status, 200);
      assert.match(ready.text, /^\[!\]disk full: only who asked for what is recorded/m);
      assert.match((await client.get('/metrics')).text, /^kubeblame_coverage_gap\{cause="disk-full"\} 1$/m);

      // The reserve is used up, too: reviews are lost, each told, and the server goes on being asked.
      fill('more-ballast');
      const large = configMap({ text: '.'.repeat(512 * 1024) });
      const warning = ['kubeblame did not record this request: its disk is full'];
      await until(
        'it takes nothing any more',
        async () => isDeepStrictEqual(await warnings(reviewDocument({ object: large })), warning),
        120_000,
      );
      assert.equal((await client.get('/readyz')).status, 200);
      rmSync(`${disk}/more-ballast`);
      rmSync(`${disk}/ballast`);
      await until('it is told that there is room', async () => (await present())?.covered === true, 60_000);
      assert.equal(statSync(`${path}-reserve`).size, RESERVE_BYTES);
      assert.equal(await warnings(reviewDocument({ ...backdoor, name: 'later', object: binding('later') })), undefined);
      await until('it is recorded', async () => (await changesOf('later')).length === 1, 60_000);
      assert.deepEqual(await changesOf('later'), ['CREATE mallory created pending']);
      const gaps = (await coverage()).filter(({ covered, to, from }) => !covered && to !== from);
      assert.deepEqual(
        gaps.map(({ from, cause }) => [from, cause]),
        [[gap?.from, gap?.cause]],
      );
      client.close();
      running.signal('SIGTERM');
      assert.equal((await running.ended).code, 0);
      await requireSound(path, [load]);

      // Read-only: nothing is recorded, and said so; nothing is touched.
      assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
      const refused = await runCommand(serveArguments(path, certificates));
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^error: the ledger .* cannot be used: .*read-?only.*\nhint: check the disk/);
      assert.equal(spawnSync('mount', ['-o', 'remount,rw', disk]).status, 0);
      await requireSound(path, [load]);
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });

  it('a clock that jumps back: the order stays, and nothing is lost', async () => {
    const clock = new Clock();
    const running = await TestServer.start(file, { clock });
    const load = new Load(running.certificates.ca, 'clock');
    const done = load.run(running.running.admission, 8);
    const next = seeded(SEED);
    for (let jump = 0; jump < scaled(5, 200); jump++) {
      const before = load.recorded.size;
      await until('reviews are recorded', () => load.recorded.size > before + 20, 60_000);
      // Up to two days, mostly back.
      clock.standAt(clock.now() + Math.floor((next() - 0.7) * 2 * 24 * 3_600_000));
    }
    load.stop();
    await done;
    await running.stop();
    ({ certificates } = running);
    // The restart below is in the past of what is there.
    await requireSound(db(), [load]);
  });

  it('a process that is paused under load, and a second server meanwhile', async () => {
    const running = await start();
    const load = newLoad('paused');
    const done = load.run(running.admission, 16);
    for (let round = 0; round < ROUNDS; round++) {
      const before = load.recorded.size;
      await until('reviews are recorded', () => load.recorded.size > before + 50, 60_000);
      running.signal('SIGSTOP');
      const since = performance.now();
      const second = await runCommand(serveArguments(db(), certificates));
      assert.equal(second.code, 1);
      assert.match(second.stderr, /^error: another server is writing to /);
      await until('the pause is longer than the API server waits', () => performance.now() - since > 2_000);
      running.signal('SIGCONT');
    }
    const then = load.recorded.size;
    await until('reviews are recorded again', () => load.recorded.size > then + 50, 60_000);
    load.stop();
    await done;
    running.signal('SIGTERM');
    assert.equal((await running.ended).code, 0);
    assert.deepEqual([load.lost.size, load.unanswered.size], [0, 0]);
    await requireSound(db(), [load]);
    const store = openSqliteReader(db());
    const gaps = (await new StoreReader(store, () => Date.now()).coverage()).filter(
      ({ cause }) => cause === 'nobody answered reviews',
    );
    await store.close();
    assert.equal(gaps.length, ROUNDS);
    for (const { from, to } of gaps) assert.ok(to !== null && to - from > 1_000);
  });
});
