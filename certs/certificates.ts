// First: the decorators inside @peculiar/x509 need it when that is loaded.
import 'reflect-metadata';
import { createPrivateKey, KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A certificate and its private key, both PEM (the key as PKCS#8). */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface AuthorityOptions {
  readonly now: Date;
  readonly validDays: number;
  readonly commonName?: string;
}

interface IssueOptions {
  readonly now: Date;
  /** Cut short where the authority ends earlier. */
  readonly validDays: number;
}

export interface ClientOptions extends IssueOptions {
  /** Who the client is. */
  readonly commonName: string;
}

export interface ServingOptions extends IssueOptions {
  /** What clients call the server by; the first one is the subject's common name. At least one. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses?: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A certificate starts this long ago: the clock of whoever checks it may be behind. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;

// P-256: every TLS client takes it, and of what every client takes it is the cheapest for the server.
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };

/** Makes a self-signed CA that can issue leaf certificates only. */
export async function createAuthority(options: AuthorityOptions): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [options.commonName ?? 'Kubeblame CA'] }],
    notBefore: startOf(options.now),
    notAfter: endOf(options),
    keys,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      // Two authorities of the same name, as during a rotation, are told apart by this.
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: toPem(certificate), privateKey: keyToPem(keys.privateKey) };
}

/**
 * Issues a certificate for a TLS server. Throws where the authority is expired, is no authority, or where its key does
 * not belong to its certificate: nobody would accept what it issues.
 */
export async function issueServingCertificate(authority: KeyPair, options: ServingOptions): Promise<KeyPair> {
  const [commonName] = options.dnsNames;
  if (commonName === undefined) throw new RangeError('a serving certificate needs at least one DNS name');
  return issue(authority, options, commonName, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension([
      ...options.dnsNames.map((value) => ({ type: 'dns' as const, value })),
      ...(options.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ]),
  ]);
}

/** Issues a certificate that a client proves itself with. Throws as for a server. */
export async function issueClientCertificate(authority: KeyPair, options: ClientOptions): Promise<KeyPair> {
  return issue(authority, options, options.commonName, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
  ]);
}

async function issue(
  authority: KeyPair,
  options: IssueOptions,
  commonName: string,
  extensions: x509.Extension[],
): Promise<KeyPair> {
  const authorityDetails = new X509Certificate(authority.certificate);
  if (!authorityDetails.ca || !isPair(authority)) {
    throw new Error('the authority is not a CA certificate with its own private key');
  }
  if (isExpired(authority.certificate, options.now)) {
    throw new Error(`the authority expired at ${expiryOf(authority.certificate).toISOString()}`);
  }

  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: issuer.subjectName,
    notBefore: startOf(options.now),
    notAfter: new Date(Math.min(endOf(options).getTime(), expiryOf(authority.certificate).getTime())),
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(authority),
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: toPem(certificate), privateKey: keyToPem(keys.privateKey) };
}

/** Whether the private key belongs to the certificate. Throws where one of them is not PEM. */
export function isPair(pair: KeyPair): boolean {
  return new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.privateKey));
}

/** Whether the authority signed the certificate. Says nothing about time. Throws where one of them is not PEM. */
export function isIssuedBy(certificate: string, authorityCertificate: string): boolean {
  const authority = new X509Certificate(authorityCertificate);
  const issued = new X509Certificate(certificate);
  return issued.checkIssued(authority) && issued.verify(authority.publicKey);
}

/** The last moment at which a certificate is accepted. Throws where it is not PEM. */
export function expiryOf(certificate: string): Date {
  return new Date(new X509Certificate(certificate).validTo);
}

/** Whether a certificate is no longer accepted at `now`. Throws where it is not PEM. */
export function isExpired(certificate: string, now: Date): boolean {
  return now > expiryOf(certificate);
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

function signingKeyOf(authority: KeyPair): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(authority.privateKey).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, KEY_ALGORITHM, false, ['sign']);
}

// X.509 counts in whole seconds.
function startOf(now: Date): Date {
  return wholeSeconds(now.getTime() - CLOCK_SKEW_MS);
}

function endOf(options: { readonly now: Date; readonly validDays: number }): Date {
  return wholeSeconds(options.now.getTime() + options.validDays * DAY_MS);
}

function wholeSeconds(timeMs: number): Date {
  return new Date(Math.floor(timeMs / 1000) * 1000);
}

function keyToPem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

// Files of several certificates are made by joining them: each needs its own line end.
function toPem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
