import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseJson, stringifyJson } from '../../../shared/json.ts';
import type { Json } from '../../../shared/types.ts';
import { ListSplitter } from './list-splitter.ts';

/** What a splitter makes of a text that comes in pieces of these lengths, again and again. */
function split(text: string, lengths: readonly number[]): { items: Json[]; rest: Json } {
  const bytes = Buffer.from(text);
  const splitter = new ListSplitter();
  const items: Json[] = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const end = at + (lengths[n % lengths.length] ?? 1);
    // As a socket's buffer, which the next piece may be written over.
    const piece = Buffer.from(bytes.subarray(at, end));
    items.push(...splitter.take(piece).map((item) => parseJson(item.toString())));
    piece.fill(0);
    at = end;
  }
  return { items, rest: parseJson(splitter.rest()) };
}

describe('splitting a list into its items', () => {
  const list = {
    kind: 'ConfigMapList',
    metadata: { resourceVersion: '7', continue: 'a"]}[{\\' },
    items: [{ a: 1 }, {}, { text: '"]}\\"items":[', nested: { items: [{ b: [[]] }] } }],
    after: ['items', { items: [] }],
  };

  it('gives each item, and the document without them', () => {
    const { items, ...outside } = list;
    for (const length of [1, 2, 3, 7, 1_000]) {
      assert.deepEqual(split(stringifyJson(list), [length]), { items, rest: { ...outside, items: [] } });
      assert.deepEqual(split(JSON.stringify(list, null, 2), [length]), { items, rest: { ...outside, items: [] } });
    }
  });

  it('takes a document that is no list as what is outside of items', () => {
    for (const other of [{ kind: 'Status', code: 410 }, { items: null }, { items: {} }, { other: [{ a: 1 }] }]) {
      assert.deepEqual(split(stringifyJson(other), [3]), { items: [], rest: other });
    }
  });

  it('gives back any list, cut anywhere', () => {
    const value = fc.json().map((text) => parseJson(text));
    const item = fc.dictionary(fc.string(), value, { maxKeys: 4 });
    const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(item), item, lengths, (items, metadata, pieces) => {
        const { items: _, ...others } = metadata;
        const text = stringifyJson({ metadata: others, items: items as Json[], last: true });
        const expected = parseJson(
          stringifyJson({ items: items as Json[], rest: { metadata: others, items: [], last: true } }),
        );
        assert.deepEqual(split(text, pieces), expected);
      }),
      { numRuns: 300 },
    );
  });
});
