import { readFileSync, unwatchFile, watch, watchFile, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';

/** A serving certificate and its key, PEM. */
export interface ServingPair {
  cert: string | Buffer;
  key: string | Buffer;
}

export interface CertificateFiles {
  cert: string;
  key: string;
}

/** How often the files are looked at, where the file watch is deaf (network volumes, replaced symbolic links). */
const POLL_MS = 10_000;
/** Certificate and key are two files: wait until both have been written. */
const SETTLE_MS = 200;

/** Reads a certificate and its key. Throws config-invalid where they cannot be read or do not belong together. */
export function readCertificate(files: CertificateFiles): { cert: Buffer; key: Buffer } {
  try {
    const pair = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new KubeblameError(
      'config-invalid',
      `the certificate ${files.cert} with the key ${files.key} cannot be used: ${messageOf(error)}`,
      'run `make certs` for local use, or check --tls-cert and --tls-key',
      { cause: error },
    );
  }
}

/** When a PEM certificate ends (ms): the first of a chain, which is the server's own. */
export function expiryOf(cert: string | Buffer): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

/**
 * Calls `changed` with the new pair when the files are no longer the `known` one: a file watch, and a slow poll behind it, as
 * controller-runtime's certificate watcher. A pair that cannot be used is told to `failed`, and the old one stays.
 * Returns a function that ends it.
 */
export function watchCertificate(
  files: CertificateFiles,
  known: { cert: Buffer; key: Buffer },
  changed: (pair: { cert: Buffer; key: Buffer }) => void,
  failed: (error: unknown) => void,
): () => void {
  let current = known;
  let timer: NodeJS.Timeout | undefined;
  const reload = (): void => {
    try {
      const pair = readCertificate(files);
      if (pair.cert.equals(current.cert) && pair.key.equals(current.key)) return;
      current = pair;
      changed(pair);
    } catch (error) {
      failed(error);
    }
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(reload, SETTLE_MS);
  };
  const watchers: FSWatcher[] = [];
  for (const folder of new Set([dirname(files.cert), dirname(files.key)])) {
    const watcher = watch(folder, soon);
    watcher.on('error', () => watcher.close()); // the poll goes on
    watchers.push(watcher);
  }
  for (const file of [files.cert, files.key]) watchFile(file, { interval: POLL_MS, persistent: false }, soon);
  // They may have changed since they were read.
  soon();
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
    for (const file of [files.cert, files.key]) unwatchFile(file, soon);
  };
}
