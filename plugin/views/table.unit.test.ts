import assert from 'node:assert/strict';
import { createStyle } from './style.ts';
import { tableLines } from './table.ts';
import { widthOf } from './text.ts';
import { PIPE, terminal } from '../testing/style.ts';

describe('a table', () => {
  it('stands in columns, without spaces behind the last one', () => {
    const rows = [
      ['1', 'alice', 'created'],
      ['20', 'bob', ''],
    ];
    const expected = ['ID  USER   CHANGE', '1   alice  created', '20  bob'];
    assert.deepEqual(tableLines(['ID', 'USER', 'CHANGE'], rows, terminal(80)), expected);
    assert.deepEqual(tableLines(['ID', 'CHANGE'], [['1', 'x']], PIPE), ['ID   CHANGE', '1    x']);
    assert.deepEqual(tableLines(['NAME'], [['web']], PIPE), ['NAME', 'web']);
  });

  it('counts the columns of wide characters, and none for colours', () => {
    const colours = createStyle({ columns: 80, colour: 1, unicode: true, timeZone: 'UTC' });
    const user = colours.chalk.red('日本');
    const lines = tableLines(['USER', 'CHANGE'], [[user, 'x'], ['alice', 'x']], colours); // prettier-ignore
    assert.deepEqual(lines.map(widthOf), ['USER   CHANGE'.length, 'alice  x'.length, 'alice  x'.length]);
    assert.ok(lines[1]?.includes(user));
  });

  it('cuts nothing off, also of what libraries measure in different ways', () => {
    for (const name of ['👩‍👩‍👧‍👦', 'नमस्ते', 'e\u0301\u20dd', '←…→']) {
      assert.deepEqual(tableLines(['USER', 'CHANGE'], [[name, name]], PIPE)[1]?.split(/ +/), [name, name]);
    }
  });

  it('has no trouble with a long value: cli-table3 alone would take minutes for this one', () => {
    const long = '漢'.repeat(200_000);
    assert.equal(tableLines(['ID', 'CHANGE'], [['1', long]], PIPE)[1], `1    ${long}`);
  });
});
