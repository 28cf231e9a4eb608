import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import pino from 'pino';
import { COVERAGE_EVENTS } from '../../ledger/port/port.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { StoreReader } from '../questions/reader.ts';
import { reviewDocument } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { useFolder, useSharedFolder } from '../../testing/folder.ts';
import { TestServer, until } from '../../testing/server/server.ts';
import { importShop } from '../../testing/ledgers/shop-ledger.ts';
import { commitBatch } from './documents.ts';
import { CommitStream } from './stream.ts';
import type { Sink } from './targets.ts';

interface CommitDocument {
  kind: string;
  cluster: string;
  from?: number;
  through?: number;
  commit: number;
  hash: string;
  changes: { seq: number; deltas: unknown; actor: { username: string } | null }[];
  outcomes: { seq: number; outcome: string }[];
  coverage: { event: string }[];
}

const linesOf = (text: string): CommitDocument[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CommitDocument);

/** A receiver that answers as it is told, and keeps the bodies that it answered with 2xx. */
class Receiver {
  readonly taken: { path: string; headers: IncomingHttpHeaders; body: string }[] = [];
  /** The statuses of the next answers; then 200. */
  readonly refusals: number[] = [];
  readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = this.refusals.shift() ?? 200;
      const bytes = Buffer.concat(chunks);
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
      if (status === 200) this.taken.push({ path: request.url ?? '', headers: request.headers, body });
      const elsewhere = status === 307 ? { Location: '/elsewhere' } : {};
      response.writeHead(status, { 'Content-Type': 'application/json', ...elsewhere }).end('{}');
    });
  });

  async open(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

describe('the documents of commits', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  let store: LedgerStore;
  let documents: CommitDocument[];
  before(async () => {
    store = await importShop(file('shop.db'), true);
    const reader = new StoreReader(store, () => Date.parse('2026-11-22T05:08:30Z'));
    documents = [];
    for (let after = 0; ;) {
      const batch = await commitBatch(store, reader, after, 200_000);
      if (batch.through === after) break;
      documents.push(...batch.documents.map(({ text }) => JSON.parse(text) as CommitDocument));
      after = batch.through;
    }
  });
  after(() => store.close());

  it('name each change of the ledger once, in order, with what it did and who made it', async () => {
    const last = await store.last();
    const seqs = documents.flatMap(({ changes }) => changes.map(({ seq }) => seq));
    assert.deepEqual(
      seqs,
      Array.from({ length: last?.seq ?? 0 }, (_, index) => index + 1),
    );
    for (const { changes } of documents) {
      for (const { seq, actor } of changes) {
        assert.deepEqual(actor, JSON.parse(JSON.stringify((await store.change(seq))?.actor)), `change ${seq}`);
      }
    }
  });

  it('tell the outcome that counts of each change', async () => {
    const outcomes = new Map(documents.flatMap((one) => one.outcomes).map(({ seq, outcome }) => [seq, outcome]));
    for (const change of await store.changes({ maxSeq: 100_000 }, 100_000)) {
      if (change.source !== 'admission') continue;
      assert.equal(outcomes.get(change.seq) ?? 'pending', change.outcome, `change ${change.seq}`);
    }
    assert.ok(outcomes.size > 1_000, String(outcomes.size));
  });

  it('tell all coverage events but signs of life, and have the hash of each commit', async () => {
    const told = documents.flatMap(({ coverage }) => coverage.map(({ event }) => event)).filter((e) => e !== 'alive');
    const kept = (await store.coverage()).map(({ event }) => event).filter((event) => event !== 'alive');
    assert.deepEqual(told, kept);
    assert.ok(kept.every((event) => COVERAGE_EVENTS.includes(event)));
    assert.ok(documents.every(({ hash, kind }) => /^[0-9a-f]{64}$/.test(hash) && kind === 'Commit'));
  });
});

describe('the stream of commits', function () {
  this.timeout(30_000);
  const file = useFolder();
  let receiver: Receiver;
  let url: string;
  beforeEach(async () => {
    receiver = new Receiver();
    url = await receiver.open();
  });
  afterEach(() => receiver.close());

  const review = (name: string): JsonObject => reviewDocument({ name });

  it('appends to a file, and goes on after a restart where it was', async () => {
    const path = file('commits.ndjson');
    const stream = { to: 'file', path } as const;
    const first = await TestServer.start(file, { stream });
    await first.admission.admit(review('one'));
    await first.settled();
    await until('sent', () => existsSync(path) && readFileSync(path, 'utf8').includes('"seq":1,'));
    await first.stop();
    const second = await TestServer.start(file, { stream });
    await second.admission.admit(review('two'));
    await second.settled();
    await second.stop();
    const documents = linesOf(readFileSync(path, 'utf8'));
    assert.deepEqual(
      documents.flatMap(({ changes }) => changes.map(({ seq }) => seq)),
      [1, 2],
    );
    assert.deepEqual(
      documents.flatMap(({ coverage }) => coverage.map(({ event }) => event)).filter((event) => event !== 'alive'),
      ['started', 'stopped', 'started', 'stopped'],
    );
    const commits = documents.map(({ commit }) => commit);
    assert.deepEqual(
      commits,
      [...new Set(commits)].sort((a, b) => a - b),
    );
  });

  it('posts to a URL with the token, again until it is taken, and never to where a redirect leads', async () => {
    receiver.refusals.push(503, 307, 401);
    writeFileSync(file('token'), 'secret\n');
    const server = await TestServer.start(file, { stream: { to: 'url', url: `${url}/in`, tokenFile: file('token') } });
    await server.admission.admit(review('one'));
    await server.settled();
    const seqs = (): number[] =>
      receiver.taken.flatMap(({ body }) => linesOf(body).flatMap(({ changes }) => changes.map(({ seq }) => seq)));
    await until('taken', () => seqs().includes(1));
    await server.stop();
    assert.deepEqual(seqs(), [1]);
    assert.deepEqual([...new Set(receiver.taken.map(({ path }) => path))], ['/in']);
    assert.equal(receiver.taken[0]?.headers.authorization, 'Bearer secret');
    assert.deepEqual(
      server.log.filter(({ msg }) => msg === 'commits not sent').map(({ reason }) => reason),
      ['HTTP 503 {}'],
    );
    assert.equal(server.log.filter(({ msg }) => msg === 'commits are sent again').length, 1);
  });

  it('sends log records to the collector', async () => {
    const server = await TestServer.start(file, { stream: { to: 'otlp' }, otlpEndpoint: url, cluster: 'prod' });
    await server.admission.admit(review('one'));
    await server.settled();
    await server.stop();
    interface Logs {
      resourceLogs: {
        scopeLogs: { logRecords: { eventName: string; timeUnixNano: string; body: { stringValue: string } }[] }[];
      }[];
    }
    const records = receiver.taken
      .filter(({ path }) => path === '/v1/logs')
      .flatMap(({ body }) => (JSON.parse(body) as Logs).resourceLogs)
      .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
    assert.ok(records.every(({ eventName }) => eventName === 'kubeblame.commit'));
    const documents = records.flatMap(({ body }) => linesOf(body.stringValue));
    assert.deepEqual(
      documents.flatMap(({ changes, cluster }) => changes.map(({ seq }) => [seq, cluster])),
      [[1, 'prod']],
    );
  });

  it('sends changes as logs of their own to a collector, where that is asked for', async () => {
    const server = await TestServer.start(file, { otlpLogs: true, otlpEndpoint: url, cluster: 'prod' });
    await server.admission.admit(review('one'));
    await server.settled();
    await server.stop();
    const logs = receiver.taken.filter(({ path }) => path === '/v1/logs').map(({ body }) => body).join('\n'); // prettier-ignore
    assert.equal([...logs.matchAll(/"eventName":"kubeblame\.change"/g)].length, 1);
    assert.match(logs, /"key":"user\.name","value":\{"stringValue":"alice@example\.com"\}/);
    assert.equal(existsSync(file('ledger.db.logged-changes')), true);
  });

  it('never holds up recording or the stop where nobody takes anything', async () => {
    receiver.close();
    const server = await TestServer.start(file, { stream: { to: 'url', url, tokenFile: null } });
    assert.equal((await server.admission.admit(review('one'))).status, 200);
    await server.settled();
    await until('told', () => server.log.some(({ msg }) => msg === 'commits not sent'));
    const { text } = await server.admission.get('/metrics');
    assert.match(text, /^kubeblame_stream_behind_seconds \d/m);
    await server.stop();
    assert.equal(existsSync(file('ledger.db.streamed')), false);
  });

  it('tells what was folded before it was sent, and sends all where the progress is of another ledger', async () => {
    const sent: string[] = [];
    const sink: Sink = {
      send: (documents) => Promise.resolve(void sent.push(...documents.map(({ text }) => text))),
      close: () => Promise.resolve(),
    };
    const progressFile = file('progress');
    writeFileSync(progressFile, JSON.stringify({ ledger: 'other', target: 'x', commit: 90 }));
    const hash = Buffer.alloc(32);
    const commit = (id: number) => ({ id, at: 5, hash, afterSeq: 0, lastSeq: 0, outcomes: [], coverage: [] });
    const coverage = [{ at: 5, event: 'started' as const, detail: '' }];
    const store = {
      id: Buffer.from('ab', 'hex'),
      cluster: 'c',
      commits: (after: number) => Promise.resolve(after < 8 ? [{ ...commit(8), coverage }] : []),
    };
    const read = (after: number) => commitBatch(store, new StoreReader(store as never, () => 5), after, 1_000);
    const log = pino({ level: 'silent' });
    const stream = new CommitStream({ read, sink, progressFile, ledger: 'ab', target: 'x', log });
    await stream.close();
    const documents = linesOf(sent.join('\n'));
    assert.deepEqual(
      documents.map(({ kind, from, through, commit: id }) => [kind, from, through, id]),
      [
        ['CommitsMissing', 1, 7, undefined],
        ['Commit', undefined, undefined, 8],
      ],
    );
    assert.deepEqual(JSON.parse(readFileSync(progressFile, 'utf8')), { ledger: 'ab', target: 'x', commit: 8 });
  });
});
