import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ERROR_CODES } from './errors.ts';

describe('the catalogue of errors', () => {
  it('is what docs/errors.md lists, word for word', () => {
    const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning]);
    assert.deepEqual(rows, Object.entries(ERROR_CODES));
  });
});
