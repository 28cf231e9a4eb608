import assert from 'node:assert/strict';
import type { Json, JsonObject } from '../../../../shared/types.ts';
import { holds } from './holds.ts';

const rules = (...hosts: string[]): JsonObject => ({ rules: hosts.map((prefix) => ({ prefix, to: `svc-${prefix}` })) });
const spec = (members: Json): JsonObject => ({ spec: members });

describe('whether a change stands in a later body', () => {
  it('is told by what it set and took away, whatever else changed', () => {
    const [before, after] = [spec({ a: 1, b: 1 }), spec({ a: 2 })];
    assert.equal(holds(before, after, spec({ a: 2, c: 3 }), false), true);
    assert.equal(holds(before, after, spec({ a: 2, b: 1 }), false), false);
    assert.equal(holds(before, after, spec({ a: 3 }), false), false);
    assert.equal(holds(before, after, {}, false), false);
    assert.equal(holds(before, before, {}, false), true);
  });

  it('is told item by item, wherever the items are by then', () => {
    assert.equal(holds(rules('a', 'b', 'c'), rules('b', 'c'), rules('new', 'b', 'c', 'd'), false), true);
    assert.equal(holds(rules('a', 'b', 'c'), rules('b', 'c'), rules('b', 'a', 'c'), false), false);
    assert.equal(holds(rules('b'), rules('a', 'b'), rules('b', 'x', 'a'), false), true);
    assert.equal(holds(rules('b'), rules('a', 'b'), rules('b'), false), false);
    const named = (...items: [string, number][]): JsonObject => ({ l: items.map(([name, at]) => ({ name, at })) });
    assert.equal(holds(named(['x', 1], ['y', 1]), named(['x', 1], ['y', 2]), named(['y', 2], ['x', 7]), false), true);
    assert.equal(holds(named(['x', 1], ['y', 1]), named(['x', 1], ['y', 2]), named(['y', 1], ['x', 1]), false), false);
  });

  it('passes over the exact value of what was predicted and is set by a clock', () => {
    const at = (time: string | null): JsonObject => ({ metadata: time === null ? {} : { deletionTimestamp: time } });
    assert.equal(holds(at(null), at('1'), at('2'), true), true);
    assert.equal(holds(at(null), at('1'), at('2'), false), false);
    assert.equal(holds(at(null), at('1'), at(null), true), false);
    assert.equal(holds({ status: { n: 1 } }, { status: { n: 2 } }, { status: { n: 3 } }, true), true);
  });
});
