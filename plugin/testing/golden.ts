import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { printable } from '../views/text.ts';

/** What else moves a cursor would be a fault, and is seen as one. */
const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

const FOLDER = fileURLToPath(new URL('../golden/', import.meta.url));

/**
 * Compares what a terminal gets with plugin/golden/NAME.txt, where control characters are escaped (`\e` begins a colour).
 * `UPDATE_GOLDEN=1 npm run test:int` writes the files anew: look at what changed before you commit it.
 */
export function assertGolden(name: string, text: string): void {
  const written = text.split('\u001b').map(printableLines).join('\\e');
  const path = `${FOLDER}${name}.txt`;
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, written);
  }
  assert.ok(existsSync(path), `${path} is missing: UPDATE_GOLDEN=1 writes it`);
  assert.equal(written, readFileSync(path, 'utf8'));
}
