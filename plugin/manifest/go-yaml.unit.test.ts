import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { canonicalJson, isObject, parseJson } from '../../shared/json.ts';
import { compareManifest } from '../../shared/manifest.ts';
import { objectText } from '../../shared/testing/arbitrary.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { toYaml } from '../views/yaml.ts';
import { readManifest } from './documents.ts';
import { readGoYaml } from './go-yaml.ts';

interface Read {
  yaml: string;
  json?: string;
  error?: string;
}

/** Recorded from the real kubectl; the file says how. */
const { values } = JSON.parse(readFileSync(new URL('../testing/kubectl-reads.json', import.meta.url), 'utf8')) as {
  values: Read[];
};

/** Characters that go-yaml refuses or takes for line breaks, and our parser does not; keys beyond int64. */
const OTHERWISE = new Set(['"\\x41\\u00e9\\n\\t\\e\\/\\_\\N\\L\\P"', '{18446744073709551615: a}', '\u2028', '"\u0007"', '\u007f', '"\\uD83D\\uDE00"', '\u0085x', '"a\u0085b"', '"\\ud800"']); // prettier-ignore

function specOf(yaml: string): Json {
  const { value } = readGoYaml(`apiVersion: x.example.com/v1\nkind: X\nmetadata: {name: x}\nspec:\n  v: ${yaml}\n`);
  const spec = isObject(value) ? (value.spec ?? null) : null;
  return isObject(spec) ? (spec.v ?? null) : null;
}

describe('readGoYaml', () => {
  it('reads every recorded value as kubectl does', () => {
    const wrong: unknown[] = [];
    let compared = 0;
    for (const { yaml, json, error } of values) {
      if (OTHERWISE.has(yaml)) continue;
      compared++;
      let read: string;
      try {
        read = canonicalJson(specOf(yaml));
      } catch (thrown) {
        if (error === undefined) wrong.push([yaml, thrown]);
        continue;
      }
      if (json === undefined || read !== canonicalJson(parseJson(json))) wrong.push([yaml, json ?? error, read]);
    }
    assert.deepEqual(wrong, []);
    assert.equal(compared, 439);
  });

  it('says on which line something is wrong', () => {
    const fails: [yaml: string, message: string][] = [
      ['a: 1\nb: .inf\n', 'line 2: JSON has no number +Inf: put it in quotes'],
      ['a: 1\nb: *x\n', "line 2: unknown anchor 'x' referenced"],
      ['a: &x\n  b: *x\n', "line 2: anchor 'x' value contains itself"],
      ['a:\n  <<: 1\n', 'line 2: map merge requires map or sequence of maps as the value'],
      ['~: 1\n', 'line 1: a key is null: put it in quotes'],
      ['a: !!int x\n', 'line 1: cannot decode !!str `x` as a !!int'],
    ];
    for (const [yaml, message] of fails) assert.throws(() => readGoYaml(yaml), { message });
    assert.throws(() => readGoYaml('a: [', 7), /^Error: line 7: /);
  });

  it('takes the last of equal keys, and says so', () => {
    assert.deepEqual(readGoYaml('data:\n  k: v1\n  k: v\n', 4), {
      value: { data: { k: 'v' } },
      warnings: ['line 6: the key "k" occurs twice, and the last one counts, as for kubectl'],
    });
    assert.deepEqual(readGoYaml('a: &x {k: 1}\nb:\n  <<: *x\n  k: 2\n').warnings, []);
  });

  it('does not follow aliases for ever', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++) bomb.push(`a${level}: &a${level} [${Array(10).fill(`*a${level - 1}`).join(', ')}]`); // prettier-ignore
    assert.throws(() => readGoYaml(bomb.join('\n')), /document contains excessive aliasing/);
  });
});

describe('what -o yaml prints', () => {
  /** Whether -f finds a difference between a body and its own YAML. */
  const differs = (body: JsonObject, fold: boolean): boolean => {
    const { objects, problems, warnings } = readManifest(toYaml(body, { fold }), 'own.yaml');
    assert.deepEqual([problems, warnings, objects.length], [[], [], 1]);
    const cluster = { body, owners: { seq: 1 }, setters: [] };
    const [manifest = {}] = objects;
    return compareManifest(manifest, cluster).differs;
  };

  it('never differs from itself, whatever the body holds', () => {
    fc.assert(
      fc.property(objectText, fc.boolean(), (text, fold) => {
        // Neither is in a body that an API server has taken: a number that no float can hold, half a character.
        fc.pre(!text.includes('1e400') && text.isWellFormed() && !/\\ud[89a-f]/i.test(text));
        const spec = parseJson(text);
        assert.ok(!differs({ apiVersion: 'x.example.com/v1', kind: 'X', metadata: { name: 'x' }, spec }, fold));
      }),
      { numRuns: 200 },
    );
  });

  it('never differs from itself, whatever a text looks like in YAML', () => {
    const scalars = values.map(({ yaml }) => yaml).filter((yaml) => yaml.isWellFormed());
    for (const yaml of scalars) {
      const body = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'x' },
        data: { text: yaml, [yaml]: 'key' },
      };
      assert.ok(!differs(body, false), JSON.stringify(yaml));
    }
  });
});
