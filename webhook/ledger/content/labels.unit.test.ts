import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseJson } from '../../../shared/json.ts';
import { diff } from '../../../shared/patch.ts';
import { asObject, objectText } from '../../../shared/testing/arbitrary.ts';
import type { JsonObject } from '../../../shared/types.ts';
import {
  labelSteps,
  labelsText,
  NO_LABELS,
  placeOf,
  placeOfSet,
  placesOf,
  placesOfKey,
  readLabels,
  stepLabels,
} from './labels.ts';

/** A body whose metadata and labels may be anything. */
const body = fc
  .tuple(
    objectText,
    fc.oneof(
      fc.dictionary(fc.constantFrom('app', 'a/b', 'a~b', '__proto__', ''), fc.oneof(fc.string(), fc.integer())),
      fc.constantFrom(undefined, null, 'x', 1, ['a', 'b'], {}),
      fc.array(fc.string()),
    ),
    fc.constantFrom('whole', 'none', 'text'),
  )
  .map(([text, labels, kind]): JsonObject => {
    const object = asObject(parseJson(text));
    if (kind === 'none') return object;
    const metadata = kind === 'text' ? 'x' : { name: 'a', ...(labels === undefined ? {} : { labels }) };
    return asObject(parseJson(JSON.stringify({ ...object, metadata })));
  });

describe('labels from patches', () => {
  it('are those of the body after them, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 5 }), (bodies) => {
        let [before, text]: [JsonObject | null, string] = [null, NO_LABELS];
        for (const after of bodies) {
          text = stepLabels(text, labelSteps(diff(before, after)));
          assert.equal(text, labelsText(after));
          before = after;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are not looked at where a patch touches something else', () => {
    assert.deepEqual(
      labelSteps([
        { op: 'replace', path: '/metadata/labelsOfMine', value: 'x' },
        { op: 'add', path: '/metadata/annotations/labels', value: 'x' },
        { op: 'remove', path: '/spec/metadata/labels/app' },
      ]),
      [],
    );
  });

  it('are kept with their keys in order, and read without what is no label', () => {
    const text = labelsText({ metadata: { labels: { b: '2', a: '1', c: 3 } } });
    assert.equal(text, '{"a":"1","b":"2","c":3}');
    assert.deepEqual(readLabels(text), { a: '1', b: '2' });
    assert.deepEqual(readLabels(labelsText({ metadata: { labels: ['a'] } })), {});
  });

  it('stand in the index by key and value, the values of a key together', () => {
    const { from, to } = placesOfKey('app');
    const values = ['web', 'api', '', '\ud800'].map((value) => placeOf('app', value));
    assert.ok(values.every((place) => place >= from && place <= to && Number.isSafeInteger(place)));
    assert.equal(new Set(values).size, 4);
    const text = '{"app":"web","tier":"db"}';
    const expected = [placeOfSet(text), placeOf('app', 'web'), placeOf('tier', 'db')];
    assert.deepEqual(placesOf(text), expected.sort((a, b) => a - b)); // prettier-ignore
  });
});
