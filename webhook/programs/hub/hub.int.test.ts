import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import { firstOf } from '../../ask/access/identity/caller.ts';
import { staticToken } from '../../ask/access/identity/static-token.ts';
import { newChange } from '../../ledger/port/contract/new-change.ts';
import { retire } from '../../ledger/postgres/ledgers.ts';
import { mirror, type Mirrored } from '../../ledger/postgres/testing/mirror.ts';
import { signCheckpoint } from '../../ledger/proof/checkpoint.ts';
import { CommitLines } from '../../ledger/push/commit-lines.ts';
import { hubClient, type Hub } from '../../ledger/push/hub-client.ts';
import { Shipper, type ShipReport } from '../../ledger/push/shipper.ts';
import { backupLedger } from '../commands/backup.ts';
import { openForReading, type Sqlite } from '../../ledger/sqlite/database/open.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { drain, listen, listener, type Address } from '../../platform/http/listener.ts';
import { useFolder } from '../../testing/folder.ts';
import { useDatabase } from '../../testing/server/postgres.ts';
import { HttpsClient, TestCertificates, type Reply } from '../../testing/server/server.ts';
import { hub } from './hub.ts';

const READ_TOKEN = 'reader';

describe('a hub', () => {
  const file = useFolder();
  const { pool } = useDatabase();
  let server: Server;
  let address: Address;
  let client: HttpsClient;
  let west: Mirrored;
  const opened: { close(): unknown }[] = [];

  beforeEach(async () => {
    const certificates = await TestCertificates.make(file);
    const authenticate = firstOf([staticToken(READ_TOKEN)]);
    const options = {
      pool: pool(),
      log: pino({ level: 'silent' }),
      now: () => 1_000_000,
      authenticate,
      closing: new AbortController().signal,
    };
    server = listener({ cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) }, hub(options));
    address = await listen(server, { host: '127.0.0.1', port: 0 }, '--listen');
    client = new HttpsClient(address, certificates.ca);
    west = await mirror(pool(), file('ledger.db'), 'west');
    opened.push(west.store);
  });
  afterEach(async () => {
    client.close();
    for (const each of opened.splice(0).reverse()) await each.close();
    await drain(server);
  });

  const append = (...seqs: number[]): Promise<void> =>
    west.store.append({ changes: seqs.map((seq) => newChange(seq)), outcomes: [] });

  /** What ships a ledger file to the hub, and what it told. */
  function shipperOf(path = west.path, origin = west.signer.verifier.name, notes: string[] = []) {
    writeFileSync(file('token'), west.token);
    const source: Sqlite = openForReading(path);
    const target = { url: `https://127.0.0.1:${address.port}`, tokenFile: file('token'), caFile: file('ca.crt') };
    const way: Hub = hubClient(target);
    opened.push(source, way);
    const reports: ShipReport[] = [];
    const pauses: number[] = [];
    const ending = new AbortController();
    const shipper = new Shipper({
      ...{ lines: new CommitLines(source), hub: way, origin, notes: () => notes, random: () => 1 },
      told: (report) => reports.push(report),
      // One round: what comes after it is asked for by the test.
      sleep: (ms) => {
        pauses.push(ms);
        ending.abort();
        return Promise.resolve();
      },
    });
    return { run: () => shipper.run(ending.signal), reports, pauses, last: () => reports.at(-1) };
  }

  const post = (path: string, lines: readonly string[], token = west.token): Promise<Reply> => {
    const body = gzipSync(lines.join(''));
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Encoding': 'gzip',
      'Content-Length': String(body.length),
    };
    return client.send('POST', path, headers, [body]);
  };
  const idOf = (): string => west.signer.verifier.name.split('/').at(-1) ?? '';

  it('is sent all that a ledger has, with its signed checkpoints, and then what is new', async () => {
    await append(1, 2);
    await append(3);
    const notes = [signCheckpoint(await west.store.treeHead(), west.signer)];
    const shipper = shipperOf(undefined, undefined, notes);
    await shipper.run();
    assert.deepEqual(shipper.last(), { state: 'shipping', reason: '', held: { commit: 2, at: 3_000 }, behind: 0 });
    assert.deepEqual(
      { ...(await west.head()), hash: '' },
      { origin: west.signer.verifier.name, commit: 2, hash: '', signed: 2, state: 'active', reason: '' },
    );
    await append(4);
    // Signed when its commits have been pushed already.
    await west.push();
    notes.push(signCheckpoint(await west.store.treeHead(), west.signer));
    await shipperOf(undefined, undefined, notes).run();
    assert.deepEqual([(await west.head()).commit, (await west.head()).signed], [3, 3]);
  });

  it('goes on behind what another has pushed meanwhile', async () => {
    await append(1);
    const lines = (await west.next())?.lines ?? [];
    await west.push();
    const reply = await post(`/hub/v1/ledgers/${idOf()}/commits?after=0`, lines);
    assert.deepEqual([reply.status, (reply.json().error as { kind: string }).kind], [409, 'conflict']);
    await append(2);
    const shipper = shipperOf();
    await shipper.run();
    assert.equal(shipper.last()?.held?.commit, 2);
  });

  it('names the exact commit at which a restored ledger has another history, and keeps what it has', async () => {
    for (const seq of [1, 2, 3]) await append(seq);
    await backupLedger(west.path, file('copy.db'));
    for (const seq of [4, 5, 6]) await append(seq);
    await west.push();
    const copy = openSqliteStore(file('copy.db'), 'west', 0);
    for (const seq of [4, 5]) await copy.append({ changes: [newChange(seq, { manager: 'other' })], outcomes: [] });
    await copy.close();
    const shipper = shipperOf(file('copy.db'));
    await shipper.run();
    assert.equal(shipper.last()?.state, 'refused');
    assert.match(shipper.last()?.reason ?? '', /^commit 4 is not the one that the hub has/);
    assert.deepEqual([(await west.head()).state, (await west.head()).commit], ['forked', 6]);
    const ready = await client.get('/readyz');
    assert.equal(ready.status, 200);
    assert.match(ready.text, /^ok\nwest: kubeblame\.io\/ledger\/west\/[0-9a-f]{16}: commit 4 is not the one/);
    assert.match((await client.get('/metrics')).text, /kubeblame_hub_forked\{cluster="west"\} 1\n/);
  });

  it('tells of a restored ledger that has nothing new yet, and freezes nothing', async () => {
    await append(1);
    await backupLedger(west.path, file('copy.db'));
    await append(2);
    await west.push();
    const shipper = shipperOf(file('copy.db'));
    await shipper.run();
    assert.match(
      shipper.last()?.reason ?? '',
      /^the hub has 2 commits of this ledger, which has 1: it was restored from a backup/,
    );
    assert.equal((await west.head()).state, 'active');
  });

  it('refuses a byte that is not what was recorded, and takes the push as it was', async () => {
    await append(1, 2);
    const lines = (await west.next())?.lines ?? [];
    const path = `/hub/v1/ledgers/${idOf()}/commits?after=0`;
    const flipped = lines.map((line) => (line.startsWith('["changes",2,') ? line.replace('2000', '2001') : line));
    const reply = await post(path, flipped);
    const message = 'commit 1: its hash is not that of its rows behind the commit before it';
    assert.deepEqual([reply.status, reply.json().error], [422, { kind: 'unproven', message }]);
    assert.equal((await west.head()).commit, 0);
    assert.equal((await post(path, lines)).status, 200);
  });

  it('takes nothing with a token of another ledger, with none, or of a cluster that was retired', async () => {
    await append(1);
    const lines = (await west.next())?.lines ?? [];
    const east = await mirror(pool(), file('east.db'), 'east');
    opened.push(east.store);
    const path = `/hub/v1/ledgers/${idOf()}/commits?after=0`;
    assert.equal((await post(path, lines, east.token)).status, 403);
    assert.equal((await post(path, lines, 'guess')).status, 401);
    // With the right path, but another's commits.
    const id = east.signer.verifier.name.split('/').at(-1) ?? '';
    const stolen = await post(`/hub/v1/ledgers/${id}/commits?after=0`, lines, east.token);
    assert.equal(stolen.status, 422);
    assert.match(stolen.text, /was enrolled/);
    await retire(pool(), 'west');
    const shipper = shipperOf();
    await shipper.run();
    assert.deepEqual([shipper.last()?.state, shipper.last()?.reason], ['refused', 'the cluster was retired']);
    assert.deepEqual([(await east.head()).commit, (await west.head()).commit], [0, 0]);
  });

  it('answers one ledger at a time, and asks the others to come again', async () => {
    await append(1);
    const body = gzipSync((await west.next())?.lines.join('') ?? '');
    const headers = {
      Authorization: `Bearer ${west.token}`,
      'Content-Encoding': 'gzip',
      'Content-Length': String(body.length),
    };
    const two = new HttpsClient(address, readFileSync(file('ca.crt'), 'utf8'), { connections: 2 });
    opened.push(two);
    const path = `/hub/v1/ledgers/${idOf()}/commits?after=0`;
    const replies = await Promise.all([1, 2].map(() => two.send('POST', path, headers, [body])));
    const statuses = replies.map(({ status }) => status).sort();
    assert.equal(statuses[0], 200);
    assert.ok(statuses[1] === 409 || statuses[1] === 429, String(statuses[1]));
    assert.equal((await west.head()).commit, 1);
  });

  it('answers the questions about one cluster to whoever may read, and to nobody else', async () => {
    await append(1, 2);
    await west.push();
    const ask = (path: string, token: string): Promise<Reply> => client.get(path, { Authorization: `Bearer ${token}` });
    const info = await ask('/clusters/west/api/v1/info', READ_TOKEN);
    assert.deepEqual([info.status, info.json().cluster, info.json().changes], [200, 'west', 2]);
    const { changes } = (await ask('/clusters/west/api/v1/changes', READ_TOKEN)).json() as unknown as {
      changes: { seq: number }[];
    };
    assert.deepEqual(
      changes.map(({ seq }) => seq),
      [2, 1],
    );
    assert.equal((await ask('/clusters/west/api/v1/info', west.token)).status, 401);
    const unknown = await ask('/clusters/north/api/v1/info', READ_TOKEN);
    assert.deepEqual(
      [unknown.status, unknown.json().error],
      [404, { code: 'not-found', message: 'the hub has no cluster "north"' }],
    );
  });

  it('waits longer from failure to failure where the hub does not answer', async () => {
    await append(1);
    const shipper = shipperOf();
    await drain(server);
    await shipper.run();
    assert.equal(shipper.last()?.state, 'waiting');
    assert.match(shipper.last()?.reason ?? '', /ECONNREFUSED/);
    assert.deepEqual(shipper.pauses, [1_000]);
  });
});
