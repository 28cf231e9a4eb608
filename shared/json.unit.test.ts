import assert from 'node:assert/strict';
import fc from 'fast-check';
import { KubeblameError } from './errors.ts';
import { canonicalJson, exactNumber, MAX_DEPTH, parseJson, stringifyJson, unescapeText } from './json.ts';
import { jsonText } from './testing/arbitrary.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

function code(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof KubeblameError, String(error));
    return error.code;
  }
  return 'no error';
}

describe('JSON without loss', () => {
  it('writes every random document again as it came', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        assert.equal(stringifyJson(parseJson(text)), text);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads white space and escapes as JSON.parse does', () => {
    const text = ' {\r\n\t"a" : [ 1 , 12345678901234567890 , "\\u00e4\\n\\"" ] , "\\u005f_proto__" : { } } ';
    assert.equal(stringifyJson(parseJson(text)), '{"a":[1,12345678901234567890,"ä\\n\\""],"__proto__":{}}');
  });

  it('keeps the digits that JavaScript would round', () => {
    const [big, decimal] = parseJson('[9007199254740993, 1.0]') as [string, string];
    assert.equal(exactNumber(big), '9007199254740993');
    assert.equal(exactNumber(decimal), '1.0');
    assert.equal(exactNumber('9007199254740993'), null);
  });

  it('does not take a string that looks like an escaped number for one', () => {
    const [text] = parseJson('["\\u0000#5"]') as [string];
    assert.equal(exactNumber(text), null);
    assert.equal(unescapeText(text), '\u0000#5');
  });

  it('keeps __proto__ as a key of its own', () => {
    const value = parseJson('{"__proto__":{"admin":true}}') as Record<string, unknown>;
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal((value as { admin?: boolean }).admin, undefined);
    assert.deepEqual(Object.keys(value).map(unescapeText), ['__proto__']);
  });

  it('refuses a key that occurs twice, also in spellings that differ', () => {
    assert.equal(
      code(() => parseJson('{"a":1,"b":{"c":1,"c":2}}')),
      'json-duplicate-key',
    );
    assert.equal(
      code(() => parseJson('{"a":1,"\\u0061":2}')),
      'json-duplicate-key',
    );
    assert.equal(
      code(() => parseJson('{"a\\\\":1,"a\\\\":2}')),
      'json-duplicate-key',
    );
    assert.throws(() => parseJson('{"b":{"c":1,"c":2}}'), /the key "c" occurs twice in b$/);
  });

  it('refuses what is deeper than the limit, at the limit', () => {
    assert.equal(stringifyJson(parseJson(nested(MAX_DEPTH))), nested(MAX_DEPTH));
    assert.equal(
      code(() => parseJson(nested(MAX_DEPTH + 2))),
      'json-too-deep',
    );
    assert.equal(
      code(() => parseJson(nested(200_000))),
      'json-too-deep',
    );
  });

  it('names what is wrong with text that is not JSON', () => {
    for (const text of ['', '{', '{"a":}', '[1,]', "{'a':1}", 'NaN', '{"a":01}', '"\u0001"']) {
      assert.equal(
        code(() => parseJson(text)),
        'json-invalid',
        text,
      );
    }
  });

  it('sorts keys for the canonical text', () => {
    assert.equal(canonicalJson(parseJson('{"b":[{"d":1.0,"c":2}],"a":null}')), '{"a":null,"b":[{"c":2,"d":1.0}]}');
  });
});
