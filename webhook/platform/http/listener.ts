import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { KubeblameError } from '../../../shared/errors.ts';
import type { Address } from '../../programs/config/config.ts';
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

/** An HTTPS server with our limits. */
export function listener(tls: ServerOptions, handle: Handler): Server {
  const server = createServer(
    { ...tls, minVersion: 'TLSv1.2', connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    handle,
  );
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const sockets = new Map<Duplex, number>();
  spare.set(server, sockets);
  server.on('secureConnection', (socket) => {
    sockets.set(socket, performance.now());
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => sockets.delete(socket));
  return server;
}

/** The connections of each listener that have brought no request yet, with when they began: Node calls none of them idle. */
const spare = new WeakMap<Server, Map<Duplex, number>>();

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
 * Takes no new connections, and ends the idle ones. Requests that still come on open ones are served, each the last of
 * its connection: a review that is turned away is lost.
 */
export function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    const sweep = setInterval(() => {
      // A connection whose request was under way becomes idle after its answer.
      server.closeIdleConnections();
      const before = performance.now() - SPARE_MS;
      for (const [socket, since] of spare.get(server) ?? []) if (since < before) socket.destroy();
    }, DRAIN_SWEEP_MS);
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      response.setHeader('Connection', 'close');
    });
    server.close(() => {
      clearTimeout(force);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}
