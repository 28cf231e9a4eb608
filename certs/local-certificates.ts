import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { createAuthority, expiryOf, isExpired, isIssuedBy, isPair, issueServingCertificate } from './certificates.ts';
import type { KeyPair } from './certificates.ts';

/** A server on this machine, and one that `make deploy` installs. */
export const LOCAL_DNS_NAMES = ['localhost', 'kubeblame.kubeblame.svc', 'kubeblame.kubeblame.svc.cluster.local'];
export const LOCAL_IP_ADDRESSES = ['127.0.0.1', '::1'];

const AUTHORITY_DAYS = 3650;
const SERVING_DAYS = 365;

export interface LocalCertificatesOptions {
  readonly directory: string;
  readonly now: Date;
  /** Replace what is there, even where it is valid. */
  readonly force?: boolean;
}

export interface LocalCertificates {
  readonly authority: 'kept' | 'made';
  readonly serving: 'kept' | 'made';
  readonly servingExpiresAt: Date;
}

/**
 * Makes sure that `directory` has a CA (`ca.crt`, `ca.key`) and a serving certificate of it (`tls.crt`, `tls.key`).
 * Makes what is missing or expired. What is there and is not what it should be may be somebody's own: that is an error
 * (`input-invalid`), unless `force`. Keys are readable by the owner only.
 */
export async function makeLocalCertificates(options: LocalCertificatesOptions): Promise<LocalCertificates> {
  const { directory, now, force = false } = options;
  await mkdir(directory, { recursive: true });

  let authority = force ? null : await readPair(directory, 'ca');
  const keepsAuthority = authority !== null && !isExpired(authority.certificate, now);
  let serving = force ? null : await readPair(directory, 'tls');
  if (authority !== null && serving !== null && !isIssuedBy(serving.certificate, authority.certificate)) {
    throw unusable(join(directory, 'tls.crt'), 'was not issued by ca.crt');
  }
  if (authority === null && serving !== null) throw unusable(join(directory, 'tls.crt'), 'has no ca.crt beside it');
  const keepsServing = keepsAuthority && serving !== null && !isExpired(serving.certificate, now);

  if (authority === null || !keepsAuthority) {
    authority = await createAuthority({ now, validDays: AUTHORITY_DAYS, commonName: 'Kubeblame local CA' });
  }
  if (serving === null || !keepsServing) {
    serving = await issueServingCertificate(authority, {
      now,
      validDays: SERVING_DAYS,
      dnsNames: LOCAL_DNS_NAMES,
      ipAddresses: LOCAL_IP_ADDRESSES,
    });
  }
  // Only now, together: whoever interrupts the making of keys leaves the old files as they were.
  if (!keepsAuthority) await writePair(directory, 'ca', authority);
  if (!keepsServing) await writePair(directory, 'tls', serving);
  return {
    authority: keepsAuthority ? 'kept' : 'made',
    serving: keepsServing ? 'kept' : 'made',
    servingExpiresAt: expiryOf(serving.certificate),
  };
}

async function readPair(directory: string, name: string): Promise<KeyPair | null> {
  const [certificateFile, keyFile] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const [certificate, privateKey] = [await readIfThere(certificateFile), await readIfThere(keyFile)];
  if (certificate === null && privateKey === null) return null;
  if (certificate === null) throw unusable(keyFile, 'has no certificate beside it');
  if (privateKey === null) throw unusable(certificateFile, 'has no private key beside it');
  const pair = { certificate, privateKey };
  let matches;
  try {
    matches = isPair(pair);
  } catch (error) {
    throw unusable(certificateFile, `and ${name}.key cannot be read as PEM: ${messageOf(error)}`);
  }
  if (!matches) throw unusable(certificateFile, `does not belong to ${name}.key`);
  return pair;
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function writePair(directory: string, name: string, pair: KeyPair): Promise<void> {
  await replaceFile(join(directory, `${name}.key`), pair.privateKey, 0o600);
  await replaceFile(join(directory, `${name}.crt`), pair.certificate, 0o644);
}

/** By a new file and a rename: a server that reloads never reads half a key, and an old file's mode is not inherited. */
async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  await writeFile(partial, text, { mode, flag: 'wx' });
  await rename(partial, file);
}

function unusable(file: string, why: string): KubeblameError {
  return new KubeblameError(
    'input-invalid',
    `${file} ${why}.`,
    'Move it away, or replace all four files with --force.',
  );
}
