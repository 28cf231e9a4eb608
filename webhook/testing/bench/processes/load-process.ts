import { connect, type TLSSocket } from 'node:tls';
import type { LoadOrder, LoadResult } from './load.ts';
import { lanesOf } from '../traffic/reviews.ts';

/*
 * The load, in a process of its own and as cheap as it can be, because it shares the cores with the server that it
 * measures: requests are built before, and go over TLS sockets without an HTTP client.
 */
process.on('message', (order: LoadOrder) => {
  void run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

async function run({ port, ca, connections, rounds, salt, limit }: LoadOrder): Promise<LoadResult> {
  const lanes = lanesOf(connections, rounds, salt).map((lane) => lane.slice(0, limit));
  const sockets = await Promise.all(lanes.map(() => open(port, ca)));
  const times: number[] = [];
  let warned = 0;
  const started = performance.now();
  await Promise.all(
    lanes.map(async (lane, index) => {
      const socket = sockets[index];
      if (socket !== undefined) warned += await send(socket, lane, times);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const socket of sockets) socket.destroy();
  return { seconds, timesMs: Float64Array.from(times).sort(), warned };
}

function open(port: number, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => resolve(socket));
    socket.setNoDelay(true);
    socket.once('error', reject);
  });
}

/** Sends one request after another; resolves to how many were answered with a warning. Rejects where one is not allowed. */
function send(socket: TLSSocket, lane: readonly Buffer[], times: number[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let [next, warned, sentAt, received] = [0, 0, 0, ''];
    const sendNext = (): void => {
      const request = lane[next++];
      if (request === undefined) {
        resolve(warned);
        return;
      }
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const bodyAt = received.indexOf('\r\n\r\n') + 4;
      if (bodyAt < 4) return;
      const lengthAt = received.indexOf('Content-Length: ') + 16;
      if (received.length < bodyAt + parseInt(received.slice(lengthAt, lengthAt + 8), 10)) return;
      times.push(performance.now() - sentAt);
      if (!received.startsWith('HTTP/1.1 200') || !received.includes('"allowed":true')) {
        reject(new Error(`not allowed: ${received}`));
        return;
      }
      if (received.includes('"warnings"')) warned++;
      received = '';
      sendNext();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed the connection')));
    sendNext();
  });
}
