import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { createDurably } from '../../platform/files/durable-file.ts';
import { readSigner, readVerifier, signerOf, type Signer, type Verifier } from '../proof/note.ts';

const SEED_BYTES = 32;

/** The files that a server keeps beside a ledger. */
export const checkpointsBeside = (db: string): string => `${db}.checkpoints`;
export const signingKeyBeside = (db: string): string => `${db}.signing-key`;

/**
 * The key that a ledger's checkpoints are signed with: a file that only its owner can read, and beside it `FILE.pub` to
 * give to others. Made where there is none; where checkpoints were signed with one before (`isNew` is false), a new one
 * would make them worthless, so that is an error (key-missing). `origin` names the key.
 */
export function signingKey(path: string, origin: string, isNew: boolean): Signer {
  if (!existsSync(path)) {
    if (!isNew) {
      throw new KubeblameError(
        'key-missing',
        `the ledger has signed checkpoints, but its signing key ${path} is missing`,
        'restore the key file, or name it with --signing-key; to start with a new key, move the .checkpoints file away',
      );
    }
    // Durable before it signs anything: with a lost key, its checkpoints would be worthless.
    createDurably(path, `${signerOf(origin, randomBytes(SEED_BYTES)).text}\n`);
  }
  const signer = named(path, () => readSigner(readFileSync(path, 'utf8')));
  if (signer.verifier.name !== origin) {
    throw new KubeblameError(
      'config-invalid',
      `--signing-key: ${path} is the key of ${signer.verifier.name}, and this ledger is ${origin}`,
      'name the key that was made with this ledger',
    );
  }
  const open = `${signer.verifier.text}\n`;
  if (!existsSync(`${path}.pub`) || readFileSync(`${path}.pub`, 'utf8') !== open) writeFileSync(`${path}.pub`, open);
  return signer;
}

/** Verification keys: `NAME+ID+KEY` itself, or a file with one a line. Throws config-invalid. */
export function readVerifiers(textOrFile: string): Verifier[] {
  if (!existsSync(textOrFile)) return [readVerifier(textOrFile)];
  const lines = readFileSync(textOrFile, 'utf8').split('\n');
  return named(textOrFile, () => lines.filter((line) => line.trim() !== '').map((line) => readVerifier(line)));
}

function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new KubeblameError('config-invalid', `${path}: ${messageOf(error)}`, undefined, { cause: error });
  }
}
