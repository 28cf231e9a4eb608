import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { KubeblameError } from '../../../shared/errors.ts';
import { createDurably } from '../../platform/files/durable-file.ts';

const KEY_BYTES = 32;

/**
 * The key that a ledger's confidential values are redacted with: outside the database, so that whoever gets a copy of
 * that cannot try a dictionary. Made with a new ledger; where an old ledger's is gone, a new key would make every
 * Secret look changed, so that is an error (key-missing).
 */
export function redactionKey(path: string, ledgerIsNew: boolean): Buffer {
  if (!existsSync(path)) {
    if (!ledgerIsNew) {
      throw new KubeblameError(
        'key-missing',
        `the ledger has changes, but its redaction key ${path} is missing`,
        'restore the key file, or name it with --key-file',
      );
    }
    // Durable before it is used: with a lost key, every Secret in the ledger would look changed.
    createDurably(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`);
  }
  const text = readFileSync(path, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new KubeblameError('config-invalid', `--key-file: ${path} does not hold ${KEY_BYTES} bytes in hexadecimal`);
  }
  return Buffer.from(text, 'hex');
}
