import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import type { Address } from './listener.ts';
import { drain, listen, listener, sendAway } from './listener.ts';
import { useFolder } from '../../testing/folder.ts';
import { TestCertificates } from '../../testing/server/server.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('a listener', () => {
  const file = useFolder();
  const present = performance.now.bind(performance);
  let server: Server;
  let address: Address;
  let ca: string;

  beforeEach(async () => {
    const certificates = await TestCertificates.make(file);
    ({ ca } = certificates);
    const pair = { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) };
    server = listener(pair, (_, response) => void response.end('ok'));
    address = await listen(server, { host: '127.0.0.1', port: 0 }, '--listen');
  });
  afterEach(() => {
    performance.now = present;
    server.close();
    server.closeAllConnections();
  });

  async function open(): Promise<TLSSocket> {
    const socket = connect({ ...address, ca });
    await once(socket, 'secureConnect');
    return socket;
  }

  /** The Connection header of the answer to a request that was written; '' where the connection ends without one. */
  async function answer(socket: TLSSocket): Promise<string> {
    const ended = once(socket, 'close').then(() => ['']);
    const [text] = (await Promise.race([once(socket, 'data'), ended])) as [Buffer | string];
    return /^Connection: (.*)$/m.exec(String(text))?.[1] ?? '';
  }

  it('that sends clients away ends each connection with its next answer, and serves new ones', async () => {
    const socket = await open();
    socket.write(REQUEST);
    assert.equal(await answer(socket), 'keep-alive');
    sendAway(server);
    socket.write(REQUEST);
    assert.equal(await answer(socket), 'close');
    await once(socket, 'close');
    const another = await open();
    another.write(REQUEST);
    assert.equal(await answer(another), 'close');
  });

  it('that drains answers what had arrived while its thread was held up', async () => {
    const socket = await open();
    socket.write(REQUEST);
    assert.equal(await answer(socket), 'keep-alive');
    socket.write(REQUEST);
    // Nothing is read before: for this thread, a minute goes by.
    performance.now = () => present() + 60_000;
    const drained = drain(server);
    assert.equal(await answer(socket), 'close');
    await drained;
  });

  it('that drains ends connections on which nothing comes', async () => {
    const sockets = [await open(), await open()];
    sockets[0]?.write(REQUEST);
    assert.equal(await answer(sockets[0] as TLSSocket), 'keep-alive');
    const closed = sockets.map((socket) => once(socket, 'close'));
    performance.now = () => present() + 60_000;
    await drain(server);
    await Promise.all(closed);
  });
});
