import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, openSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ROUTES } from '../../../shared/api.ts';
import { seeded } from '../../../shared/testing/random.ts';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { Address } from '../../platform/http/listener.ts';
import { verifyFile } from '../../ledger/files/verify-file.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { useFolder } from '../folder.ts';
import { serveArguments } from '../server/process.ts';
import { HttpsClient, TestCertificates, until } from '../server/server.ts';
import { FULL, scaled, SEED } from './size.ts';

const LASTS_MS = scaled(12_000, 3_600_000);
const LOOKS = scaled(12, 240);
const OBJECTS = 400;
/** What a server of this load may use: DESIGN.md asks for less than 200 MB in a burst. */
const RSS_BYTES = 400 * 1024 * 1024;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface Look {
  rss: number;
  handles: number;
}

function look(pid: number): Look {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(status) ?? [];
  return { rss: Number(kib) * 1024, handles: readdirSync(`/proc/${pid}/fd`).length };
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

describe(`a soak (KUBEBLAME_TEST_SEED=${SEED})`, function () {
  this.timeout(LASTS_MS + 300_000);
  this.slow(LASTS_MS * 3);
  const file = useFolder();
  let child: ChildProcess | undefined;
  afterEach(() => {
    child?.kill('SIGKILL');
  });

  it('of mixed load keeps memory and file handles flat, while certificates and logs are rotated', async function () {
    if (process.platform !== 'linux') {
      console.error('      SKIPPED: no /proc to see memory and file handles in');
      this.skip();
    }
    const certificates = await TestCertificates.make(file);
    const [log, db] = [file('server.log'), file('ledger.db')];
    // As a supervisor runs it: the log is a file, which logrotate copies and truncates (copytruncate).
    const output = openSync(log, 'a');
    const args = ['scripts/run-bundled.mjs', 'webhook/programs/main.ts', ...serveArguments(db, certificates)];
    child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', output, output] });
    closeSync(output);
    const ended = once(child, 'exit');
    const pid = child.pid ?? 0;
    const lines = (): (JsonObject & { admission?: unknown; read?: unknown })[] =>
      readFileSync(log, 'utf8').split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as JsonObject); // prettier-ignore
    await until('it serves', () => lines().some(({ msg }) => msg === 'serving'), 30_000);
    const serving = lines().find(({ msg }) => msg === 'serving') as unknown as { admission: Address; read: Address };

    const load = new MixedLoad(certificates.ca, serving);
    const done = load.run();
    const looks: Look[] = [];
    let [certificateRotations, logRotations] = [0, 0];
    for (let n = 0; n < LOOKS; n++) {
      await sleep(LASTS_MS / LOOKS);
      looks.push(look(pid));
      if (n % 3 === 0) {
        await certificates.renew();
        certificateRotations++;
      }
      if (n % 3 === 1) {
        copyFileSync(log, `${log}.1`);
        truncateSync(log);
        logRotations++;
      }
    }
    load.stop();
    await done;
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(load.unexpected, []);

    const quarter = Math.floor(looks.length / 4);
    const [middle, end] = [looks.slice(quarter, 2 * quarter), looks.slice(-quarter)];
    const rss = [middle, end].map((part) => median(part.map((seen) => seen.rss)));
    const handles = [middle, end].map((part) => median(part.map((seen) => seen.handles)));
    const megabytes = rss.map((bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`).join(' and ');
    console.log(
      `      ${LASTS_MS / 1000} s: ${load.recorded.size} reviews recorded, ${load.others} others, ${load.reads} reads, ` +
        `${certificateRotations} certificates, ${logRotations} logs; memory ${megabytes}, ${handles.join(' and ')} handles ` +
        'in the second and the last quarter',
    );
    assert.ok(Math.max(...looks.map((seen) => seen.rss)) < RSS_BYTES, 'memory');
    assert.ok((handles[1] ?? 0) <= (handles[0] ?? 0) + 8, 'file handles');
    // V8 grows into what it is given at first: only an hour tells growth from that.
    if (FULL) assert.ok((rss[1] ?? 0) < (rss[0] ?? 0) * 1.2, 'memory grows');

    const report = await verifyFile(db, { checkpoints: [], keys: [], samples: 500, random: seeded(SEED) });
    assert.deepEqual(report.findings, []);
    const reader = openSqliteReader(db);
    const there = (await reader.changes({}, 100_000_000)).map(({ reviewUid }) => reviewUid).filter((uid) => uid !== '');
    await reader.close();
    assert.equal(new Set(there).size, there.length, 'recorded twice');
    const missing = new Set(load.recorded);
    for (const uid of there) missing.delete(uid);
    assert.deepEqual([...missing], [], 'answered, and not there');
  });
});

/** Objects that are made, changed and removed, reviews that are not recorded or not understood, and questions. */
class MixedLoad {
  readonly recorded = new Set<string>();
  readonly unexpected: string[] = [];
  others = 0;
  reads = 0;
  private readonly random = seeded(SEED);
  private readonly versions = new Map<string, JsonObject>();
  private running = true;
  private count = 0;

  constructor(
    private readonly ca: string,
    private readonly at: { admission: Address; read: Address },
  ) {}

  stop(): void {
    this.running = false;
  }

  async run(): Promise<void> {
    const lane = async (work: (client: HttpsClient) => Promise<void>, address: Address): Promise<void> => {
      let client = new HttpsClient(address, this.ca);
      while (this.running) {
        // New connections meet the new certificate; idle moments let the server breathe for an hour.
        if (this.random() < 0.02) {
          client.close();
          client = new HttpsClient(address, this.ca);
        }
        await work(client);
        await sleep(this.random() * 20);
      }
      client.close();
    };
    const { admission, read } = this.at;
    const writers = Array.from({ length: 6 }, () => lane((client) => this.write(client), admission));
    const askers = Array.from({ length: 2 }, () => lane((client) => this.ask(client), read));
    await Promise.all([...writers, ...askers, lane((client) => this.scrape(client), admission)]);
  }

  private async write(client: HttpsClient): Promise<void> {
    const uid = `soak-${++this.count}`;
    const chance = this.random();
    if (chance < 0.1) {
      const { status } = await client.admit(chance < 0.05 ? '{"kind":' : reviewDocument({ uid, dryRun: true }));
      this.expect([200, 400], status, 'admit');
      this.others++;
      return;
    }
    const name = `object-${Math.floor(this.random() * OBJECTS)}`;
    const before = this.versions.get(name);
    const object = configMap({ text: uid, more: 'x'.repeat(Math.floor(this.random() * 2000)) }, { name, uid: name, resourceVersion: String(this.count) }); // prettier-ignore
    this.versions.set(name, object);
    const operation = before === undefined ? 'CREATE' : 'UPDATE';
    const { status } = await client.admit(reviewDocument({ uid, name, operation, object, oldObject: before ?? null }));
    this.expect([200], status, 'admit');
    this.recorded.add(uid);
  }

  private async ask(client: HttpsClient): Promise<void> {
    const { info, changes, states, coverage } = ROUTES;
    const paths = [info, `${changes}?limit=20`, `${states}?limit=20&at=${Date.now()}`, coverage, '/none'];
    const path = paths[Math.floor(this.random() * paths.length)] ?? '';
    const { status } = await client.get(path);
    this.expect(path === '/none' ? [404] : [200], status, path);
    this.reads++;
  }

  private async scrape(client: HttpsClient): Promise<void> {
    for (const path of ['/metrics', '/readyz']) this.expect([200], (await client.get(path)).status, path);
    await sleep(500);
  }

  private expect(statuses: number[], status: number, what: string): void {
    if (!statuses.includes(status) && this.unexpected.length < 10) this.unexpected.push(`${what}: ${status}`);
  }
}
