import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import { KubeblameError } from '../../../shared/errors.ts';

/*
 * Signed notes (c2sp.org/signed-note) with Ed25519: a text, an empty line, then a line a signature. Keys are written as
 * Go's golang.org/x/mod/sumdb/note writes them, so that its tools read ours.
 */

const ED25519 = 1;
const HASH_BYTES = 4;
const KEY_BYTES = 32;
/** DER before a raw Ed25519 key: RFC 8410. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export interface Verifier {
  name: string;
  /** First bytes of SHA-256 over name and key: tells keys of one name apart. */
  id: string;
  key: KeyObject;
  /** `NAME+ID+KEY`, as it is given to others. */
  text: string;
}

export interface Signer {
  verifier: Verifier;
  key: KeyObject;
  /** `PRIVATE+KEY+NAME+ID+SEED`. */
  text: string;
}

function keyId(name: string, key: Buffer): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), key]), 'buffer')
    .subarray(0, HASH_BYTES)
    .toString('hex');
}

/** A signer of a name from 32 random bytes. */
export function signerOf(name: string, seed: Buffer): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const encoded = Buffer.concat([Buffer.from([ED25519]), der.subarray(SPKI.length)]);
  const id = keyId(name, encoded);
  const verifier = readVerifier(`${name}+${id}+${encoded.toString('base64')}`);
  const secret = Buffer.concat([Buffer.from([ED25519]), seed]).toString('base64');
  return { verifier, key, text: `PRIVATE+KEY+${name}+${id}+${secret}` };
}

/** Reads `NAME+ID+KEY`. Throws config-invalid. */
export function readVerifier(text: string): Verifier {
  const [, name = '', id = '', base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const encoded = Buffer.from(base64, 'base64');
  if (encoded.length !== 1 + KEY_BYTES || encoded[0] !== ED25519 || keyId(name, encoded) !== id) {
    throw new KubeblameError('config-invalid', 'this is not a verification key of the form NAME+ID+KEY (Ed25519)');
  }
  const der = Buffer.concat([SPKI, encoded.subarray(1)]);
  return { name, id, key: createPublicKey({ key: der, format: 'der', type: 'spki' }), text: text.trim() };
}

/** Reads `PRIVATE+KEY+NAME+ID+SEED`. Throws config-invalid; the message never holds the key. */
export function readSigner(text: string): Signer {
  const [, name = '', id = '', base64 = ''] = /^PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const encoded = Buffer.from(base64, 'base64');
  if (encoded.length === 1 + KEY_BYTES && encoded[0] === ED25519) {
    const signer = signerOf(name, encoded.subarray(1));
    if (signer.verifier.id === id) return signer;
  }
  throw new KubeblameError(
    'config-invalid',
    'this is not a signing key of the form PRIVATE+KEY+NAME+ID+SEED (Ed25519)',
  );
}

/** `text` ends with a newline. */
export function signNote(text: string, signer: Signer): string {
  const signature = Buffer.concat([Buffer.from(signer.verifier.id, 'hex'), sign(null, Buffer.from(text), signer.key)]);
  return `${text}\n— ${signer.verifier.name} ${signature.toString('base64')}\n`;
}

/** A note's text where one of the verifiers signed it, with that one; null where none did. */
export function openNote(note: string, verifiers: readonly Verifier[]): { text: string; by: Verifier } | null {
  const end = note.lastIndexOf('\n\n— ');
  if (end === -1) return null;
  const text = note.slice(0, end + 1);
  for (const line of note.slice(end + 2).split('\n')) {
    const [, name, base64 = ''] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    const id = bytes.subarray(0, HASH_BYTES).toString('hex');
    const by = verifiers.find((verifier) => verifier.name === name && verifier.id === id);
    if (by !== undefined && verify(null, Buffer.from(text), by.key, bytes.subarray(HASH_BYTES))) return { text, by };
  }
  return null;
}
