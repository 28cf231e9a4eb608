import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAuthority,
  expiryOf,
  isExpired,
  isIssuedBy,
  isPair,
  issueClientCertificate,
  issueServingCertificate,
} from './certificates.ts';
import type { KeyPair } from './certificates.ts';
import { LOCAL_DNS_NAMES, LOCAL_IP_ADDRESSES, makeLocalCertificates } from './local-certificates.ts';

const now = new Date('2026-03-03T14:32:00.500Z');
const daysLater = (days: number) => new Date(now.getTime() + days * 86_400_000);

describe('certificates', () => {
  let authority: KeyPair;
  let serving: KeyPair;

  before(async () => {
    authority = await createAuthority({ now, validDays: 30 });
    serving = await issueServingCertificate(authority, {
      now,
      validDays: 10,
      dnsNames: ['kubeblame.kubeblame.svc', 'localhost'],
      ipAddresses: ['127.0.0.1', '::1'],
    });
  });

  it('makes an authority that signed itself and may sign', () => {
    const certificate = new X509Certificate(authority.certificate);
    assert.equal(certificate.ca, true);
    assert.equal(certificate.subject, 'CN=Kubeblame CA');
    assert.equal(certificate.issuer, certificate.subject);
    assert.equal(certificate.verify(certificate.publicKey), true);
    assert.equal(isPair(authority), true);
  });

  it('issues a serving certificate that chains to its authority, and to no other of the same name', async () => {
    const other = await createAuthority({ now, validDays: 30 });
    const certificate = new X509Certificate(serving.certificate);
    assert.equal(certificate.ca, false);
    assert.equal(isPair(serving), true);
    assert.equal(isIssuedBy(serving.certificate, authority.certificate), true);
    assert.equal(isIssuedBy(serving.certificate, other.certificate), false);
    assert.equal(isPair({ certificate: serving.certificate, privateKey: other.privateKey }), false);
  });

  it('issues a client certificate, which no server can use', async () => {
    const client = await issueClientCertificate(authority, { now, validDays: 60, commonName: 'front-proxy-client' });
    const certificate = new X509Certificate(client.certificate);
    const [clientAuth, serverAuth] = ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'];
    assert.deepEqual(certificate.keyUsage, [clientAuth]);
    assert.deepEqual(new X509Certificate(serving.certificate).keyUsage, [serverAuth]);
    assert.equal(certificate.subject, 'CN=front-proxy-client');
    assert.equal(isIssuedBy(client.certificate, authority.certificate), true);
    assert.equal(certificate.validTo, new X509Certificate(authority.certificate).validTo);
  });

  it('names exactly the hosts and addresses that were asked for', () => {
    const certificate = new X509Certificate(serving.certificate);
    assert.equal(
      certificate.subjectAltName,
      'DNS:kubeblame.kubeblame.svc, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    assert.equal(certificate.subject, 'CN=kubeblame.kubeblame.svc');
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']); // server authentication
  });

  it('is valid from five minutes ago for as long as asked, in whole seconds', () => {
    const certificate = new X509Certificate(serving.certificate);
    assert.equal(new Date(certificate.validFrom).toISOString(), '2026-03-03T14:27:00.000Z');
    assert.equal(expiryOf(serving.certificate).toISOString(), '2026-03-13T14:32:00.000Z');
    assert.equal(expiryOf(authority.certificate).toISOString(), '2026-04-02T14:32:00.000Z');
    assert.equal(isExpired(serving.certificate, new Date('2026-03-13T14:32:00.000Z')), false);
    assert.equal(isExpired(serving.certificate, new Date('2026-03-13T14:32:01.000Z')), true);
  });

  it('issues nothing that outlives its authority', async () => {
    const { certificate } = await issueServingCertificate(authority, { now, validDays: 365, dnsNames: ['localhost'] });
    assert.deepEqual(expiryOf(certificate), expiryOf(authority.certificate));
  });

  it('refuses to issue without a name, or from what is no authority, has the wrong key or is expired', async () => {
    const options = { now, validDays: 1, dnsNames: ['localhost'] };
    await assert.rejects(issueServingCertificate(authority, { ...options, dnsNames: [] }), /at least one DNS name/);
    await assert.rejects(issueServingCertificate(serving, options), /not a CA certificate/);
    await assert.rejects(
      issueServingCertificate({ ...authority, privateKey: serving.privateKey }, options),
      /with its own private key/,
    );
    await assert.rejects(
      issueServingCertificate(authority, { ...options, now: daysLater(31) }),
      /the authority expired at 2026-04-02T14:32:00.000Z/,
    );
  });

  it('gives each certificate its own serial number', async () => {
    const again = await createAuthority({ now, validDays: 30 });
    assert.notEqual(
      new X509Certificate(again.certificate).serialNumber,
      new X509Certificate(authority.certificate).serialNumber,
    );
  });
});

describe('local certificates', () => {
  let directory: string;
  const file = (name: string) => readFile(join(directory, name), 'utf8');
  const all = async () => ({
    ca: await file('ca.crt'),
    caKey: await file('ca.key'),
    tls: await file('tls.crt'),
    tlsKey: await file('tls.key'),
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubeblame-certs-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('makes a CA and a serving certificate for this machine and the cluster, keys for the owner only', async () => {
    const result = await makeLocalCertificates({ directory, now });
    assert.deepEqual(result, {
      authority: 'made',
      serving: 'made',
      servingExpiresAt: new Date('2027-03-03T14:32:00.000Z'),
    });
    assert.deepEqual((await readdir(directory)).sort(), ['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
    for (const key of ['ca.key', 'tls.key']) assert.equal((await stat(join(directory, key))).mode & 0o777, 0o600);
    const { ca, tls, tlsKey } = await all();
    assert.equal(isIssuedBy(tls, ca), true);
    assert.equal(isPair({ certificate: tls, privateKey: tlsKey }), true);
    const certificate = new X509Certificate(tls);
    for (const name of LOCAL_DNS_NAMES) assert.equal(certificate.checkHost(name), name);
    for (const address of LOCAL_IP_ADDRESSES) assert.equal(certificate.checkIP(address), address);
  });

  it('keeps what is valid, and replaces it when forced, with the right mode again', async () => {
    await makeLocalCertificates({ directory, now });
    const first = await all();
    const kept = await makeLocalCertificates({ directory, now: daysLater(364) });
    assert.deepEqual([kept.authority, kept.serving], ['kept', 'kept']);
    assert.deepEqual(await all(), first);

    await chmod(join(directory, 'tls.key'), 0o644);
    const forced = await makeLocalCertificates({ directory, now, force: true });
    assert.deepEqual([forced.authority, forced.serving], ['made', 'made']);
    const second = await all();
    for (const name of ['ca', 'caKey', 'tls', 'tlsKey'] as const) assert.notEqual(second[name], first[name]);
    assert.equal((await stat(join(directory, 'tls.key'))).mode & 0o777, 0o600);
  });

  it('replaces an expired serving certificate under the same CA, so that clients need no new one', async () => {
    await makeLocalCertificates({ directory, now });
    const { ca } = await all();
    const result = await makeLocalCertificates({ directory, now: daysLater(366) });
    assert.deepEqual([result.authority, result.serving], ['kept', 'made']);
    assert.equal(await file('ca.crt'), ca);
    assert.equal(isIssuedBy(await file('tls.crt'), ca), true);
  });

  it('replaces both once the CA is expired', async () => {
    await makeLocalCertificates({ directory, now });
    const result = await makeLocalCertificates({ directory, now: daysLater(3651) });
    assert.deepEqual([result.authority, result.serving], ['made', 'made']);
    assert.equal(isIssuedBy(await file('tls.crt'), await file('ca.crt')), true);
  });

  it('makes a missing serving certificate from the CA that is there', async () => {
    await makeLocalCertificates({ directory, now });
    await rm(join(directory, 'tls.crt'));
    await rm(join(directory, 'tls.key'));
    const result = await makeLocalCertificates({ directory, now });
    assert.deepEqual([result.authority, result.serving], ['kept', 'made']);
  });

  it('does not touch files that it would not have made', async () => {
    await makeLocalCertificates({ directory, now });
    const untouched = async (message: RegExp) => {
      const before = await all().catch(() => null);
      await assert.rejects(makeLocalCertificates({ directory, now }), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'input-invalid');
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(await all().catch(() => null), before);
    };

    const { caKey, tls } = await all();
    const stranger = await createAuthority({ now, validDays: 30 });
    const strangers = await issueServingCertificate(stranger, { now, validDays: 30, dnsNames: ['localhost'] });
    await writeFile(join(directory, 'tls.crt'), strangers.certificate);
    await untouched(/tls\.crt does not belong to tls\.key/);
    await writeFile(join(directory, 'tls.key'), strangers.privateKey);
    await untouched(/tls\.crt was not issued by ca\.crt/);
    await writeFile(join(directory, 'ca.key'), 'not a key');
    await untouched(/ca\.crt and ca\.key cannot be read as PEM/);
    await rm(join(directory, 'ca.key'));
    await untouched(/ca\.crt has no private key beside it/);
    await rm(join(directory, 'ca.crt'));
    await untouched(/tls\.crt has no ca\.crt beside it/);
    await writeFile(join(directory, 'ca.key'), caKey);
    await untouched(/ca\.key has no certificate beside it/);

    await makeLocalCertificates({ directory, now, force: true });
    assert.notEqual(await file('tls.crt'), tls);
  });
});
