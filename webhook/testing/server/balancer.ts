import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Address } from '../../platform/http/listener.ts';

/** What a Service is: takes connections, and passes each on to where `pick` says at that moment. It knows nothing of what goes through. */
export class Balancer {
  private readonly sockets = new Set<Socket>();
  /** Connections for which there was nobody. */
  refused = 0;

  private constructor(
    private readonly server: Server,
    readonly address: Address,
  ) {}

  static async start(pick: () => Address | null, port = 0): Promise<Balancer> {
    const server = createServer((socket) => balancer.pass(socket, pick()));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const balancer = new Balancer(server, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    return balancer;
  }

  stop(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Breaks what goes through at this moment; resolves when nothing does. */
  async cut(): Promise<void> {
    const ends = [...this.sockets].map(
      (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    );
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(ends);
  }

  private pass(socket: Socket, to: Address | null): void {
    this.keep(socket);
    if (to === null) {
      this.refused++;
      socket.destroy();
      return;
    }
    const other = connect(to.port, to.host);
    this.keep(other);
    other.on('error', () => socket.destroy());
    socket.on('error', () => other.destroy());
    socket.pipe(other).pipe(socket);
    // What was piped before is still to be read.
    other.on('close', () => socket.end());
    socket.on('close', () => other.end());
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
  }
}
