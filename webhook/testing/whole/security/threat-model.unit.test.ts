import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

describe('the threat model', () => {
  const rows = read('docs/threat-model.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| attack'));

  it('names a test for each attack, and each of these tests exists', () => {
    assert.ok(rows.length >= 20);
    for (const row of rows) {
      const named = [...row.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)];
      assert.notEqual(named.length, 0, row);
      for (const [, file = '', title = ''] of named)
        assert.ok(read(file).includes(title), `${file} has no test "${title}"`);
    }
  });
});
