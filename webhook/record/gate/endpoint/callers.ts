import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

export const ADMISSION_PATH = '/admit';

/** How a caller of the webhook proves to be the API server. */
export type CallerProof =
  /** A client certificate of the CA in this PEM file. */
  | { by: 'certificate'; ca: string }
  /** A path that ends in a secret: this one, or (null) the one that the server made and registered itself with. */
  | { by: 'path'; secret: string | null }
  /** Nothing: whoever reaches the server may add to the ledger, so it is on loopback. */
  | { by: 'nothing' };

/**
 * Tells whether a caller is the API server. With a path secret the path is /admit/SECRET, which whoever may read
 * the webhook configuration knows (docs/decisions/0042); otherwise it is /admit.
 */
export class Callers {
  private digests: Buffer[] = [];

  constructor(private readonly by: CallerProof['by']) {}

  /** The secrets that count from now on. */
  accept(pathSecrets: readonly string[]): void {
    this.digests = pathSecrets.map(digestOf);
  }

  /** Whether a path is for reviews at all. */
  covers(path: string): boolean {
    return path === ADMISSION_PATH || (this.by === 'path' && path.startsWith(`${ADMISSION_PATH}/`));
  }

  /** Whether the caller has proved to be the API server. The path is taken as it came: nothing is decoded. */
  knows(request: IncomingMessage): boolean {
    switch (this.by) {
      case 'nothing':
        return true;
      case 'certificate':
        // OpenSSL has verified its chain, dates and purpose in the handshake.
        return request.socket instanceof TLSSocket && request.socket.authorized;
      case 'path': {
        const path = pathOf(request);
        if (!path.startsWith(`${ADMISSION_PATH}/`)) return false;
        const given = digestOf(path.slice(ADMISSION_PATH.length + 1));
        // Digests, and all of them: the time tells nothing.
        return this.digests.filter((digest) => timingSafeEqual(digest, given)).length > 0;
      }
    }
  }
}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
