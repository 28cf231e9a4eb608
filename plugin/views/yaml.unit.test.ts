import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parse } from 'yaml';
import { exactNumber, isObject, parseJson, unescapeText } from '../../shared/json.ts';
import { objectText } from '../../shared/testing/arbitrary.ts';
import { shopDocuments } from '../../shared/testing/shop.ts';
import type { Json } from '../../shared/types.ts';
import { compareKeys, toYaml, yamlLines } from './yaml.ts';

const TESTING = new URL('../testing/', import.meta.url);

/** What a YAML parser must find: the document without our escapes. */
function plain(value: Json): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (isObject(value)) return new Map(Object.entries(value).map(([key, member]) => [unescapeText(key), plain(member)]));
  if (typeof value !== 'string') return typeof value === 'number' ? numeric(String(value)) : value;
  const number = exactNumber(value);
  return number === null ? unescapeText(value) : numeric(number);
}

function numeric(token: string): bigint | number {
  // The parser's integers have no minus zero.
  return /^-?\d+$/.test(token) ? BigInt(token) : Number(token);
}

/** Maps, so that a `__proto__` key is one; integers as bigint, so that none is rounded. */
function parsed(text: string, version: '1.1' | '1.2' = '1.1'): unknown {
  return parse(text, { version, intAsBigInt: true, mapAsMap: true, merge: false, uniqueKeys: true });
}

/** Strings that the parser takes for floats in YAML 1.1, and go-yaml does not: `E0`, `.`, `-._`, `._0`, `.0_`. */
const MISTAKEN = /"[-+]?(?=[._eE])(?:\.[\d_]*_[\d_]*|[._]*)(?:[eE][-+]?\d+)?"/;

/** Equal but for the order of keys and the type of numbers of equal value: 1e3 may be read as an integer. */
function normal(value: unknown): unknown {
  if (value instanceof Map) {
    const members = [...(value as Map<string, unknown>)].map(([key, member]): [string, unknown] => [
      key,
      normal(member),
    ]);
    return members.sort(([a], [b]) => (a < b ? -1 : 1));
  }
  if (Array.isArray(value)) return value.map(normal);
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

describe('toYaml', () => {
  it('writes every kind of string as kubectl does', () => {
    // Printed by kubectl 1.32: kubectl patch --local -f kubectl-scalars.json --type=merge -p '{}' -o yaml
    const expected = readFileSync(new URL('kubectl-scalars.yaml.txt', TESTING), 'utf8');
    const document = parseJson(readFileSync(new URL('kubectl-scalars.json', TESTING), 'utf8'));
    assert.equal(toYaml(document, { fold: true }), expected);
  });

  it('keeps every object of the recording', () => {
    let count = 0;
    for (const mark of ['01-installed', '04-secrets-ssa-crd', '08-teardown']) {
      for (const object of shopDocuments(`truth/${mark}.ndjson.gz`)) {
        assert.deepEqual(normal(parsed(toYaml(object, { fold: true }))), normal(plain(object)));
        count++;
      }
    }
    assert.equal(count, 287 + 301 + 277);
  });

  it('keeps any document, folded or not', () => {
    fc.assert(
      fc.property(objectText, fc.boolean(), (text, fold) => {
        const document = parseJson(text);
        const yaml = toYaml(document, { fold });
        assert.deepEqual(normal(parsed(yaml, '1.2')), normal(plain(document)));
        if (!MISTAKEN.test(text)) assert.deepEqual(normal(parsed(yaml)), normal(plain(document)));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps long texts through folding', () => {
    const words = fc.array(fc.constantFrom('a', "it's", '"x"', '#', ':', '- b', '', '…', '\t', '\\'), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join(' ');
        assert.deepEqual(
          parsed(toYaml({ spec: [{ text }] }, { fold: true })),
          new Map([['spec', [new Map([['text', text]])]]]),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('does not indent lists under their key, and keeps integers beyond 2^53', () => {
    const document = parseJson(
      '{"spec":{"list":[{"b":[1,[2,[]]],"a":"x\\ny\\n"},"true"],"big":12345678901234567890,"one":1.0,"none":{}}}',
    );
    assert.equal(
      toYaml(document),
      `spec:
  big: 12345678901234567890
  list:
  - a: |
      x
      y
    b:
    - 1
    - - 2
      - []
  - "true"
  none: {}
  one: 1.0
`,
    );
  });

  it('lets no control or bidi character through', () => {
    const text = toYaml({ a: '\u001b[31m', b: '\u009b31m', c: '\u202eabc', '\u001b]0;x': 'x\u2028y' });
    assert.equal(text, '"\\e]0;x": "x\\u2028y"\na: "\\e[31m"\nb: "\\x9B31m"\nc: "\\u202Eabc"\n');
  });
});

describe('yamlLines', () => {
  it('knows what each line belongs to', () => {
    const lines = yamlLines({ spec: { containers: [{ name: 'nginx', image: 'a\nb' }], args: ['x'] } });
    assert.deepEqual(
      lines.map(({ text, path }) => [text, path]),
      [
        ['spec:', 'spec'],
        ['  args:', 'spec.args'],
        ['  - x', 'spec.args[0]'],
        ['  containers:', 'spec.containers'],
        ['  - image: |-', 'spec.containers[nginx].image'],
        ['      a', 'spec.containers[nginx].image[0]'],
        ['      b', 'spec.containers[nginx].image[1]'],
        ['    name: nginx', 'spec.containers[nginx].name'],
      ],
    );
  });
});

describe('compareKeys', () => {
  it('orders as go-yaml does', () => {
    const keys = ['a10', 'a2', 'b', 'B', '-', '10', '2', '', 'a', 'ab', 'a-b', '~', 'a1b', 'a01'];
    assert.deepEqual([...keys].sort(compareKeys), [
      '',
      '-',
      '~',
      '2',
      '10',
      'B',
      'a',
      'a-b',
      'a1b',
      'a01',
      'a2',
      'a10',
      'ab',
      'b',
    ]);
  });
});
