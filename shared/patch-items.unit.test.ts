import assert from 'node:assert/strict';
import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import { canonicalJson } from './json.ts';
import { patchByItems } from './patch-items.ts';
import { holdsRedacted } from './redacted.ts';
import type { Json, JsonObject } from './types.ts';

const TAG = 'redacted:0123456789ab';
const variables = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('A', 'B', 'C', 'D'), value: fc.constantFrom('1', '2') }),
  {
    selector: ({ name }) => name,
  },
);
/** What D has was redacted: the same in all versions, as nobody knows another. */
const body = fc
  .record({
    spec: fc.record(
      { env: variables, args: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 }) },
      { requiredKeys: ['env'] },
    ),
    'a/b~c': fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom('1', '2')),
  })
  .map((each): JsonObject => {
    const env = each.spec.env.map((item) => (item.name === 'D' ? { ...item, value: TAG } : item));
    // Without the null prototypes that it makes: the other library cannot do with them.
    return structuredClone({ ...each, spec: { ...each.spec, env } });
  });

describe('a patch by items', () => {
  it('makes the one body of the other, as another library applies it, or names the list that it leaves', () => {
    fc.assert(
      fc.property(body, body, (before, after) => {
        const { patch, unsaid } = patchByItems(before, after);
        const result = jsonPatch.applyPatch(structuredClone(before), patch, true).newDocument;
        if (unsaid.length === 0) assert.equal(canonicalJson(result), canonicalJson(after));
        else {
          assert.deepEqual(unsaid, ['/spec/env']);
          const names = ({ spec }: JsonObject): Json => (spec as JsonObject).env ?? null;
          assert.equal(canonicalJson(names(result)), canonicalJson(names(before)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('does not write again what stays in its list', () => {
    fc.assert(
      fc.property(body, body, (before, after) => {
        const has = ({ spec }: JsonObject): boolean => holdsRedacted(spec ?? null);
        if (!has(before)) return;
        const { patch } = patchByItems(before, after);
        const written = patch.filter(
          (operation) => operation.op !== 'test' && 'value' in operation && holdsRedacted(operation.value),
        );
        assert.deepEqual(written, []);
      }),
      { numRuns: 500 },
    );
  });
});
