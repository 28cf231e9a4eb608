import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Clock } from '../webhook/platform/clock/clock.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { TestServer } from '../webhook/testing/server/server.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { DirectTransport, ServerReader } from './client.ts';
import { ask, NOW, type Answer } from './testing/ask.ts';

const TOKEN = 'a-token-of-enough-characters';

describe('kubectl blame against a server', () => {
  const file = useSharedFolder();
  let server: TestServer;
  let url: string;

  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('ledger.db'), true)).close();
    // Nothing is recorded here, so any key will do.
    writeFileSync(file('ledger.db.key'), `${'0'.repeat(64)}\n`);
    const clock = new Clock();
    clock.standAt(NOW);
    server = await TestServer.start(file, { readToken: TOKEN, clock });
    url = `https://127.0.0.1:${server.running.read.port}`;
    writeFileSync(file('ca.crt'), server.certificates.ca);
    writeFileSync(file('token'), `${TOKEN}\n`);
    writeFileSync(file('wrong'), 'another token');
  });
  after(() => server.stop());

  const asked = (words: string, source: readonly string[]): Promise<Answer> =>
    ask([...source, ...words.split(' ').filter((word) => word !== '')]);
  const serverFlags = (): string[] => [
    ...['--server', url, '--token-file', file('token'), '--certificate-authority', file('ca.crt')],
  ];

  it('answers as the file does, over many pages too', async function () {
    this.timeout(180_000);
    for (const words of [
      '',
      '--limit 1200 --status --attempts',
      'deployment web -n shop --format diff',
      'deployment web -n shop --format json',
      'ns sandbox --since 2026-11-22T05:06 --until 2026-11-22T05:08 -o wide',
      'deploy,sts -n shop --at 2026-11-22T05:06:30Z -o yaml',
      '--at 2026-11-22T05:07:41Z',
      '-l app=web --from 2026-11-22T05:06 --to 2026-11-22T05:08',
      'apps --at 2026-11-22T05:07:06Z -o json',
      'apps shop --at 2026-11-22T05:07:06Z',
      'releases shop',
      'app/shop',
      'app/shop --at 2026-11-22T05:07:06Z -o json',
      'app/shop --from 2026-11-22T05:06 --to 2026-11-22T05:07 --rules-then',
      'who team/checkout',
      'app/shpo',
      'releases shop 24.2..24.3',
      'deploy -n shop --at 2026-11-22T05:07:06Z --format lines --removed',
      'rs -n shop --at 2026-11-22T05:07:06Z --humans --ignore-user alice@example.com --field spec.template',
      'deploy web -n shop --field spec.replicas',
      'coverage',
      'deploy wbe -n shop',
      'feature dark-mode -n shop',
    ]) {
      const expected = await asked(words, ['--db', file('ledger.db')]);
      const answer = await asked(words, serverFlags());
      assert.deepEqual(answer, expected, words);
      assert.ok(expected.out !== '' || expected.code !== 0, words);
    }
  });

  it('says what to do where it is not let in', async () => {
    const answer = (flags: string[]): Promise<Answer> => asked('', ['--server', url, ...flags]);
    const ca = ['--certificate-authority', file('ca.crt')];
    assert.deepEqual(await answer(ca), {
      code: 1,
      out: '',
      err: 'error: the read API needs a bearer token\nhint: give --token-file\n',
    });
    assert.equal((await answer([...ca, '--token-file', file('wrong')])).code, 1);
    const untrusted = await answer(['--token-file', file('token')]);
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.err, /hint: give the CA of its certificate with --certificate-authority\n$/);
    const missing = await answer([...ca, '--token-file', file('none')]);
    assert.equal(missing.code, 2);
    assert.match(missing.err, /^error: --token-file: ENOENT/);
  });

  it('says so where nothing answers, or something else', async () => {
    const other = createServer(
      { cert: readFileSync(server.certificates.cert), key: readFileSync(server.certificates.key) },
      (_request, response) => response.end('<html>hello</html>'),
    );
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const flags = ['--server', `https://127.0.0.1:${port}`, '--certificate-authority', file('ca.crt')];
    const odd = await ask(flags);
    assert.equal(odd.code, 1);
    assert.match(odd.err, /^error: https:\/\/127\.0\.0\.1:\d+ answered .*\nhint: is it a Kubeblame server\?\n$/);
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
    const gone = await ask(flags);
    assert.equal(gone.code, 1);
    assert.match(
      gone.err,
      /^error: https:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED.*\nhint: check --server/,
    );
  });

  it('asks again where a kept connection was closed meanwhile', async () => {
    const used = new WeakSet<object>();
    const closing = createServer(
      { cert: readFileSync(server.certificates.cert), key: readFileSync(server.certificates.key) },
      ({ socket }, response) => {
        if (used.has(socket)) socket.destroy();
        else response.end('{}');
        used.add(socket);
      },
    );
    closing.listen(0, '127.0.0.1');
    await once(closing, 'listening');
    const { port } = closing.address() as AddressInfo;
    const reader = new ServerReader(
      new DirectTransport({ url: `https://127.0.0.1:${port}`, certificateAuthority: file('ca.crt') }),
    );
    for (let count = 0; count < 3; count++) assert.deepEqual(await reader.info(), {});
    closing.closeAllConnections();
    closing.close();
  });

  it('never sends a token over a connection that is not encrypted', async () => {
    const { code, err } = await ask(['--server', url.replace('https', 'http'), '--token-file', file('token')]);
    assert.equal(code, 2);
    assert.match(err, /is not an https:\/\/ URL/);
  });
});
