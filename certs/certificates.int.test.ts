import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { ConnectionOptions, Server, TLSSocket } from 'node:tls';
import { createAuthority, issueServingCertificate } from './certificates.ts';
import type { KeyPair } from './certificates.ts';

describe('certificates in a TLS handshake', () => {
  // The real clock: OpenSSL checks validity against it.
  const now = new Date();
  let authority: KeyPair;
  let server: Server;
  let port: number;

  before(async () => {
    authority = await createAuthority({ now, validDays: 1 });
    const serving = await issueServingCertificate(authority, {
      now,
      validDays: 1,
      dnsNames: ['kubeblame.kubeblame.svc'],
      ipAddresses: ['127.0.0.1'],
    });
    server = createServer({ cert: serving.certificate, key: serving.privateKey }, (socket) => socket.end('hello'));
    // A client that refuses the certificate ends the handshake: that is its right, and no error of the server.
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => server.close());

  async function received(options: ConnectionOptions): Promise<string> {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ...options });
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  it('is accepted by a client that trusts the authority, by name and by address', async () => {
    const ca = authority.certificate;
    assert.equal(await received({ ca, servername: 'kubeblame.kubeblame.svc' }), 'hello');
    assert.equal(await received({ ca }), 'hello');
  });

  it('is accepted by a client that trusts two authorities, as during a rotation', async () => {
    const next = await createAuthority({ now, validDays: 1 });
    for (const ca of [next.certificate + authority.certificate, authority.certificate + next.certificate]) {
      assert.equal(await received({ ca, servername: 'kubeblame.kubeblame.svc' }), 'hello');
    }
  });

  it('is refused under another name, and by a client that trusts another authority of the same name', async () => {
    const other = await createAuthority({ now, validDays: 1 });
    await assert.rejects(received({ ca: authority.certificate, servername: 'kubeblame.other.svc' }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await assert.rejects(received({ ca: other.certificate, servername: 'kubeblame.kubeblame.svc' }), {
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
  });
});
