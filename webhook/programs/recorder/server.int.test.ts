import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type PeerCertificate, type SecureVersion, type TLSSocket } from 'node:tls';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import { stringifyJson } from '../../../shared/json.ts';
import { VERSION } from '../../../shared/version.ts';
import type { Address } from '../../platform/http/listener.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../testing/folder.ts';
import { runCommand, serveArguments, ServerProcess } from '../../testing/server/process.ts';
import { HttpsClient, TestCertificates, TestServer, until } from '../../testing/server/server.ts';

async function handshake(
  address: Address,
  ca: string,
  versions: { minVersion?: SecureVersion; maxVersion?: SecureVersion } = {},
): Promise<{ certificate: PeerCertificate; protocol: string | null }> {
  const socket = connect({ ...address, ca, ...versions });
  await once(socket, 'secureConnect');
  const answer = { certificate: socket.getPeerCertificate(), protocol: socket.getProtocol() };
  socket.destroy();
  return answer;
}

describe('the server', () => {
  const file = useFolder();
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start(file);
  });
  afterEach(() => server.stop());

  it('is alive and ready', async () => {
    const live = await server.admission.get('/livez');
    assert.deepEqual(
      [live.status, live.headers['content-type'], live.text],
      [200, 'text/plain; charset=utf-8', 'ok\n'],
    );
    const ready = await server.admission.get('/readyz');
    assert.deepEqual([ready.status, ready.headers['content-type']], [200, 'text/plain; charset=utf-8']);
    assert.equal(ready.text, '[+]serving ok\n[+]spool ok\n[+]ledger ok\n[+]losses none\n');
  });

  it('counts what became of reviews', async () => {
    await server.admission.admit(reviewDocument());
    await server.admission.admit(reviewDocument({ dryRun: true }));
    await server.admission.admit('no review');
    await server.settled();
    const { status, headers, text } = await server.admission.get('/metrics');
    assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
    const lines = text.split('\n').filter((line) => line.startsWith('kubeblame_reviews_total'));
    assert.deepEqual(lines.sort(), [
      'kubeblame_reviews_total{result="dry-run"} 1',
      'kubeblame_reviews_total{result="excluded"} 0',
      'kubeblame_reviews_total{result="lost"} 0',
      'kubeblame_reviews_total{result="recorded"} 1',
      'kubeblame_reviews_total{result="refused"} 1',
      'kubeblame_reviews_total{result="turned-away"} 0',
      'kubeblame_reviews_total{result="unchanged"} 0',
    ]);
    assert.match(text, /^kubeblame_admission_duration_seconds_count 2$/m);
    assert.match(text, /^kubeblame_queue_depth 0$/m);
  });

  it('tells what an operator has to know', async () => {
    await server.admission.admit(reviewDocument());
    await server.settled();
    const { text } = await server.admission.get('/metrics');
    const value = (name: string): string | undefined => new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
    assert.deepEqual(
      [value('kubeblame_ledger_changes'), value('kubeblame_pending_outcomes'), value('kubeblame_watch_lag_seconds')],
      ['1', '1', undefined],
    );
    assert.ok(Number(value('kubeblame_pending_outcome_oldest_age_seconds')) < 60);
    const { db } = server.config;
    assert.equal(Number(value('kubeblame_ledger_bytes')), statSync(db).size + statSync(`${db}-wal`).size);
    const ends = Date.parse(new X509Certificate(readFileSync(server.certificates.cert)).validTo);
    assert.equal(Number(value('kubeblame_certificate_expiry_timestamp_seconds')), ends / 1000);
    for (const cause of ['unregistered', 'unreachable'])
      assert.equal(value(`kubeblame_coverage_gap{cause="${cause}"}`), '0', cause);
    // The review's commit, beside that of the sign of life at the start, which holds no change.
    assert.deepEqual([value('kubeblame_commit_changes_sum'), value('kubeblame_commit_changes_count')], ['1', '2']);
    assert.equal(value('kubeblame_build_info{version="[^"]+"}'), '1');
  });

  it('does not offer reading where reviews come in, nor reviews where it is read', async () => {
    assert.equal((await server.admission.get('/api/v1/info')).status, 404);
    for (const path of ['/admit', '/metrics', '/livez']) assert.equal((await server.read.get(path)).status, 404, path);
  });

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    const { ca } = server.certificates;
    for (const address of [server.running.admission, server.running.read]) {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const { protocol } = await handshake(address, ca, { minVersion: version, maxVersion: version });
        assert.equal(protocol, version);
      }
      // A client that offers it at all: OpenSSL's own default is no longer to.
      const old = connect({ ...address, ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' });
      await assert.rejects(once(old, 'secureConnect'), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    }
  });

  it('takes a new certificate for new connections, and goes on with the open ones', async () => {
    const { ca } = server.certificates;
    const addresses = [server.running.admission, server.running.read];
    const serials = async (): Promise<string[]> =>
      Promise.all(addresses.map(async (address) => (await handshake(address, ca)).certificate.serialNumber));
    const old = await serials();
    assert.equal((await server.admission.get('/livez')).status, 200);
    const [before] = Object.values(server.admission.agent.freeSockets).flat() as TLSSocket[];
    assert.ok(before !== undefined);

    await server.certificates.renew();
    await until('the log tells of it', () => server.log.some(({ msg }) => msg === 'certificate reloaded'));
    const renewed = await serials();
    assert.equal(renewed[0], renewed[1]);
    assert.notEqual(renewed[0], old[0]);

    assert.equal((await server.admission.admit(reviewDocument())).status, 200);
    const [after] = Object.values(server.admission.agent.freeSockets).flat() as TLSSocket[];
    assert.equal(after, before);
    assert.equal(after?.getPeerCertificate().serialNumber, old[0]);
  });

  it('keeps the old certificate where the new one cannot be used', async () => {
    const { ca, cert } = server.certificates;
    const serial = async (): Promise<string> =>
      (await handshake(server.running.admission, ca)).certificate.serialNumber;
    const old = await serial();
    const failures = (): number => server.log.filter(({ msg }) => msg === 'certificate not reloaded').length;
    writeFileSync(cert, 'no certificate');
    await until('the log tells of it', () => failures() === 1);
    assert.equal(await serial(), old);
    assert.equal(server.log.at(-1)?.level, 50);
    // A pair of two that do not belong together, as between the two writes of a renewal.
    const other = await TestCertificates.make((name) => file(`other-${name}`));
    writeFileSync(cert, other.ca);
    await until('the log tells of it again', () => failures() === 2);
    assert.equal(await serial(), old);
    await server.certificates.renew();
    await until('the log tells of the new one', () => server.log.some(({ msg }) => msg === 'certificate reloaded'));
    assert.notEqual(await serial(), old);
  });

  it('is not started on a port that is in use, and leaves the ledger free', async () => {
    const { port } = server.running.admission;
    const second = (name: string): string => file(`second-${name}`);
    const taken = { host: '127.0.0.1', port };
    for (const [option, options] of [
      ['--listen', { listen: taken }],
      ['--read-listen', { readListen: taken }],
    ] as const) {
      await assert.rejects(TestServer.start(second, options), {
        code: 'config-invalid',
        message: `${option}: cannot listen on 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
        hint: 'choose another address',
      });
    }
    await (await TestServer.start(second)).stop();
  });

  it('is not started with a certificate and a key that do not belong together', async () => {
    const second = (name: string): string => file(`second-${name}`);
    const { key } = server.certificates;
    const tls = { cert: second('tls.crt'), key };
    await assert.rejects(TestServer.start(second, { tls }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'config-invalid');
      const start = `the certificate ${tls.cert} with the key ${key} cannot be used: `;
      assert.equal(error.message.slice(0, start.length), start);
      return true;
    });
    assert.equal(existsSync(second('ledger.db')), false);
  });

  it('is not started without the key of its ledger', async () => {
    await server.admission.admit(reviewDocument());
    await server.stop();
    const keyFile = file('another.key');
    await assert.rejects(TestServer.start(file, { keyFile }), { code: 'key-missing' });
    assert.equal(existsSync(keyFile), false);
  });

  it('stops twice as once, and tells the ledger', async () => {
    await Promise.all([server.stop(), server.stop()]);
    const reader = openSqliteReader(server.config.db);
    assert.deepEqual(
      (await reader.coverage()).map(({ event, detail }) => [event, detail]),
      [
        ['started', VERSION],
        ['stopped', ''],
      ],
    );
    await reader.close();
    await assert.rejects(server.admission.get('/livez'), { code: 'ECONNREFUSED' });
  });
});

/** Sends all of a review but its last byte, so that the server has begun with it. Gives what sends the rest. */
async function beginReview(address: Address, ca: string, uid: string): Promise<() => Promise<string>> {
  const name = `map-${uid}`;
  const body = stringifyJson(reviewDocument({ uid, name, object: configMap({}, { name, uid: `u-${uid}` }) }));
  const socket = connect({ ...address, ca });
  await once(socket, 'secureConnect');
  const head = `POST /admit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(head + body.slice(0, -1));
  return async () => {
    socket.write(body.slice(-1));
    // Until the server ends the connection: it must not wait for the client to do so.
    return (await socket.toArray()).join('');
  };
}

describe('the server process', () => {
  const file = useFolder();
  let certificates: TestCertificates;
  const running: ServerProcess[] = [];
  beforeEach(async () => {
    certificates = await TestCertificates.make(file);
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.kill();
  });
  const start = async (...more: string[]): Promise<ServerProcess> => {
    const server = await ServerProcess.start([...serveArguments(file('ledger.db'), certificates), ...more]);
    running.push(server);
    return server;
  };

  it('answers and records on SIGTERM what it has begun with, and ends with 0; meanwhile it is the only one', async function () {
    this.timeout(60_000);
    const server = await start();
    const uids = ['r-1', 'r-2', 'r-3', 'r-4'];
    const finish = await Promise.all(uids.map((uid) => beginReview(server.admission, certificates.ca, uid)));
    const idle = new HttpsClient(server.admission, certificates.ca);
    await idle.get('/livez');
    // As a Go client keeps beside those that it uses.
    const spare = connect({ ...server.admission, ca: certificates.ca });
    await once(spare, 'secureConnect');

    server.signal('SIGTERM');
    await until('it takes no new connection', async () => {
      const client = new HttpsClient(server.admission, certificates.ca);
      const refused = await client.get('/livez').then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      );
      client.close();
      return refused;
    });

    const second = await runCommand(serveArguments(file('ledger.db'), certificates));
    assert.deepEqual(second, {
      code: 1,
      signal: null,
      stdout: '',
      stderr: `error: another server is writing to ${file('ledger.db')}\nhint: stop it first, or name another file\n`,
    });

    const finishing = performance.now();
    const answers = await Promise.all(finish.map((end) => end()));
    idle.close();
    spare.on('error', () => undefined);
    for (const [index, answer] of answers.entries()) {
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
      assert.ok(answer.endsWith(`"response":{"uid":"${uids[index]}","allowed":true}}`), answer);
    }
    const { code, stdout, stderr } = await server.ended;
    const seconds = (performance.now() - finishing) / 1000;
    assert.deepEqual([code, stderr], [0, '']);
    // It must not wait for its clients, which keep their connections, until it cuts these.
    assert.ok(seconds < 4, `${seconds} s from the last request to the end`);
    const messages = stdout
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { msg: string }).msg]));
    assert.deepEqual(messages.slice(-3), ['stopping', 'checkpoint', 'stopped']);
    const reader = openSqliteReader(file('ledger.db'));
    assert.deepEqual((await reader.changes({}, 10)).map(({ reviewUid }) => reviewUid).sort(), uids);
    await reader.close();
  });

  it('ends with 0 on SIGINT too, and starts again with the same ledger and key', async function () {
    this.timeout(60_000);
    for (const seq of [1, 2]) {
      const server = await start();
      const client = new HttpsClient(server.admission, certificates.ca);
      const name = `map-${seq}`;
      await client.admit(reviewDocument({ name, object: configMap({}, { name, uid: name }) }));
      client.close();
      server.signal('SIGINT');
      assert.equal((await server.ended).code, 0);
      const reader = openSqliteReader(file('ledger.db'));
      assert.equal((await reader.last())?.seq, seq);
      await reader.close();
    }
  });

  it('says what is wrong with its options, in one line, and ends with 1', async function () {
    this.timeout(60_000);
    const args = (...more: string[]): string[] => [...serveArguments(file('ledger.db'), certificates), ...more];
    const server = await start();
    const cases: [args: string[], stderr: string | RegExp][] = [
      [args('--nonsense'), /^error: unknown option '--nonsense'\n/],
      [
        ['serve', '--db', file('x.db')],
        /^error: --tls-cert \(KUBEBLAME_TLS_CERT\): is missing, and so is --tls-key: make both with `make certs`\n/,
      ],
      [
        args('--listen', '8443'),
        'error: --listen (KUBEBLAME_LISTEN): "8443" is not HOST:PORT, such as 0.0.0.0:8443 or [::1]:8443\n',
      ],
      [
        args('--db', file('other.db'), '--listen', `127.0.0.1:${server.admission.port}`),
        `error: --listen: cannot listen on 127.0.0.1:${server.admission.port}: listen EADDRINUSE: address already in use 127.0.0.1:${server.admission.port}\nhint: choose another address\n`,
      ],
    ];
    // Two at once: each is a whole process.
    const queue = [...cases];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [given, expected] = next;
        const { code, stdout, stderr } = await runCommand(given);
        assert.deepEqual([code, stdout], [1, ''], given.join(' '));
        if (typeof expected === 'string') assert.equal(stderr, expected);
        else assert.match(stderr, expected);
        assert.doesNotMatch(stderr, /^ {4}at /m);
      }
    };
    await Promise.all([worker(), worker()]);
  });
});
