import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { Server as NetServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { KubeblameError } from '../../../shared/errors.ts';
import type { Handler } from './http.ts';

/** A client has this long to send its headers, and its whole request: the API server waits a few seconds at most. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** How often connections are checked against these. */
const CONNECTIONS_CHECK_MS = 1_000;
/** Longer than the API server keeps an idle connection, so that it is not the one to run into a closed one. */
const KEEP_ALIVE_MS = 120_000;
/** How long a stop waits for requests that have begun. */
const DRAIN_MS = 10_000;
const DRAIN_SWEEP_MS = 50;
/** A connection that has asked nothing for so long is a spare one: Go's clients dial more than they use, and keep them. */
const SPARE_MS = 1_000;
/** One that has asked is idle when so long nothing more came: its next request may be on its way, and would be lost. */
const IDLE_MS = 250;

/** Since when a connection waits for a request (ms); Infinity while it has one. */
interface Waiting {
  since: number;
  isUsed: boolean;
}

/** Where to listen. */
export interface Address {
  host: string;
  port: number;
}

/** An HTTPS server with our limits. */
export function listener(tls: ServerOptions, handle: Handler): Server {
  const server = createServer(
    { ...tls, minVersion: 'TLSv1.2', connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    handle,
  );
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const sockets = new Map<Duplex, Waiting>();
  connections.set(server, sockets);
  server.on('secureConnection', (socket) => {
    sockets.set(socket, { since: performance.now(), isUsed: false });
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const waiting = sockets.get(socket);
    if (waiting === undefined) return;
    [waiting.since, waiting.isUsed] = [Infinity, true];
    response.once('close', () => (waiting.since = performance.now()));
  });
  return server;
}

/** The connections of each listener. Node calls none of them idle that has brought no request yet. */
const connections = new WeakMap<Server, Map<Duplex, Waiting>>();

/** Rejects with config-invalid, naming the option. */
export function listen(server: Server, address: Address, option: string): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new KubeblameError(
          'config-invalid',
          `${option}: cannot listen on ${address.host}:${address.port}: ${error.message}`,
          'choose another address',
          { cause: error },
        ),
      ),
    );
    server.listen(address.port, address.host, () => {
      resolve({ host: address.host, port: (server.address() as AddressInfo).port });
    });
  });
}

/**
 * From now on each answer is the last of its connection, and says so: clients open a new one for their next request. A
 * connection that is closed without that may have a request on its way, which is lost: clients do not send a POST again.
 */
export function sendAway(server: Server): void {
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('Connection', 'close');
  });
}

/** Takes no new connections, serves what still comes on open ones, and ends those on which nothing comes any more. */
export function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    const close = (): void => whenRead(() => closeIdle(server));
    const sweep = setInterval(close, DRAIN_SWEEP_MS);
    sendAway(server);
    // Not its own: that cuts connections at once on which a request may be on its way.
    NetServer.prototype.close.call(server, () => {
      clearTimeout(force);
      clearInterval(sweep);
      server.close();
      resolve();
    });
    close();
  });
}

/** Calls when all that has arrived was read: a thread that was held up has not read what seems not to have come. */
function whenRead(then: () => void): void {
  // The event loop reads between the first one and the second.
  setImmediate(() => setImmediate(then));
}

function closeIdle(server: Server): void {
  const now = performance.now();
  for (const [socket, { since, isUsed }] of connections.get(server) ?? [])
    if (since < now - (isUsed ? IDLE_MS : SPARE_MS)) socket.destroy();
}
