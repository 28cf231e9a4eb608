import assert from 'node:assert/strict';
import { countKeys, scanJson } from './json-scan.ts';

describe('scanJson', () => {
  const scan = (text: string): [number, number, boolean] => {
    const { keys, depth, exactNumbers } = scanJson(text);
    return [keys, depth, exactNumbers];
  };

  it('counts keys, also those that occur twice, whatever is in texts', () => {
    assert.deepEqual(scan('{"a":{"b":1},"a" \n: ["x:","\\":",{"c\\\\":"\\\\"}]}'), [4, 3, true]);
    assert.equal(countKeys({ a: { b: 1 }, c: [[{ d: null }], 'x'] }), 4);
  });

  it('counts levels, not brackets in texts', () => {
    assert.deepEqual(scan('["[[[{{{",[[]],{}]'), [0, 3, true]);
    assert.deepEqual(scan('"}"'), [0, 0, true]);
  });

  it('tells numbers that JavaScript would write in another way, and no others', () => {
    for (const exact of [
      '0',
      '-1',
      '123456789012345',
      '9007199254740991',
      '0.5',
      '[10.25,1e+21]',
      '"1.0"',
      '["10.0.0.1"]',
    ])
      assert.deepEqual([exact, scanJson(exact).exactNumbers], [exact, true]);
    for (const inexact of ['-0', '1.0', '1e400', '9007199254740993', '[1,{"a":1E5}]', '{"a" : 12345678901234567890}'])
      assert.deepEqual([inexact, scanJson(inexact).exactNumbers], [inexact, false]);
  });
});
