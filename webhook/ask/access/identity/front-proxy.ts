import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Authenticator } from './caller.ts';
import { identityIn, type IdentityHeaders } from './identity-headers.ts';

/** Whom the API server's front proxy is: from ConfigMap kube-system/extension-apiserver-authentication. */
export interface FrontProxyTrust {
  /** PEM certificates that the client certificate must chain to. */
  ca: string;
  /** Common names that it may bear; empty: any, as for the API server itself. */
  allowedNames: string[];
  headers: IdentityHeaders;
}

/**
 * Identity headers, where the connection proves to come from the front proxy: OpenSSL has verified its client
 * certificate against the CA (chain, dates, purpose), and it bears an allowed name. Headers of anybody else are not
 * looked at.
 */
export class FrontProxy {
  private trust: FrontProxyTrust | null = null;
  /** The trust under which each open connection began: after a change, one that was verified by the old CA is not. */
  private readonly begun = new Map<string, FrontProxyTrust>();

  /** Notes of each connection under which trust it begins. The listener's secure context must have `ca`. */
  guard(server: Server): void {
    server.prependListener('connection', (socket: Socket) => {
      const key = keyOf(socket);
      if (this.trust !== null) this.begun.set(key, this.trust);
      socket.once('close', () => this.begun.delete(key));
    });
  }

  /** The CA for the listener; undefined while there is no trust. */
  get ca(): string | undefined {
    return this.trust?.ca;
  }

  /** Call it together with the listener's setSecureContext. */
  change(trust: FrontProxyTrust | null): void {
    this.trust = trust;
  }

  readonly authenticate: Authenticator = (request) => {
    const { trust } = this;
    if (trust === null || !this.isFrontProxy(request, trust)) return Promise.resolve(null);
    const user = identityIn(request, trust.headers);
    return Promise.resolve(user === null ? null : { kind: 'user', user });
  };

  private isFrontProxy({ socket }: IncomingMessage, trust: FrontProxyTrust): boolean {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
    if (this.begun.get(keyOf(socket)) !== trust) return false;
    const names = commonNames(socket.getPeerX509Certificate()?.subject ?? '');
    return trust.allowedNames.length === 0 || (names.length === 1 && trust.allowedNames.includes(names[0] ?? ''));
  }
}

function keyOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''} ${localPort ?? ''}`;
}

/** `subject` has an attribute a line, as `CN=front-proxy-client`; a name of several values is `+`-joined on one. */
function commonNames(subject: string): string[] {
  return subject.split(/\n|\+(?=[A-Za-z0-9.]+=)/).flatMap((part) => (part.startsWith('CN=') ? [part.slice(3)] : []));
}
