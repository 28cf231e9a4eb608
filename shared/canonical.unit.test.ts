import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configure } from 'safe-stable-stringify';
import { sortedJson } from './canonical.ts';
import { parseJson } from './json.ts';
import { jsonText } from './testing/arbitrary.ts';

const stableStringify = configure({ bigint: false });

describe('sorted JSON', () => {
  it('is what safe-stable-stringify gives, for any document', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        assert.equal(sortedJson(parseJson(text)), stableStringify(parseJson(text)));
      }),
      { numRuns: 2000 },
    );
  });

  it('sorts many keys like few, by code units', () => {
    const keys = Array.from({ length: 60 }, (_, index) => `k${(index * 7) % 60}`);
    const sorted = `{${[...keys]
      .sort()
      .map((key) => `"${key}":1`)
      .join(',')}}`;
    assert.equal(sortedJson(Object.fromEntries(keys.map((key) => [key, 1]))), sorted);
    assert.equal(sortedJson({ '\uffff': 1, '\u{10000}': 2, Z: 3, a: 4 }), '{"Z":3,"a":4,"\u{10000}":2,"\uffff":1}');
  });

  it('writes what it must escape as JSON.stringify does', () => {
    for (const text of ['"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\ud800', 'x\udc00', '\u{1f600}', '\u2028']) {
      assert.equal(sortedJson([text, { [text]: text }]), JSON.stringify([text, { [text]: text }]));
    }
  });
});
