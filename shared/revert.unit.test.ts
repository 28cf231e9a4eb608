import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalJson, parseJson } from './json.ts';
import { revert, type Obstacle } from './revert.ts';
import { asObject, objectText } from './testing/arbitrary.ts';
import type { Json, JsonObject } from './types.ts';

const NOTHING = { keeps: () => false, force: false };
const spec = (members: Json): JsonObject => ({ spec: members });
const items = (...names: string[]): Json => names.map((name) => ({ name, image: `${name}:1` }));

function names({ body }: { body: JsonObject }): string[] {
  const { containers } = body['spec'] as { containers: { name: string }[] };
  return containers.map(({ name }) => name);
}

describe('revert', () => {
  it('gives back any body on what the change left', () => {
    fc.assert(
      fc.property(objectText, objectText, (first, second) => {
        const [before, after] = [asObject(parseJson(first)), asObject(parseJson(second))];
        const { body, obstacles } = revert(before, after, after, NOTHING);
        assert.equal(canonicalJson(body), canonicalJson(before));
        assert.deepEqual(obstacles, []);
      }),
    );
  });

  it('leaves alone what the change did not touch', () => {
    const result = revert(spec({ replicas: 3 }), spec({ replicas: 5 }), spec({ replicas: 5, paused: true }), NOTHING);
    assert.deepEqual(result, { body: spec({ replicas: 3, paused: true }), obstacles: [] });
  });

  it('names what somebody else has set since, and leaves it, unless it is forced', () => {
    const [before, after, present] = [
      spec({ replicas: 3, a: 1 }),
      spec({ replicas: 5, a: 2 }),
      spec({ replicas: 7, a: 2 }),
    ];
    const obstacle: Obstacle = { path: 'spec.replicas', kind: 'changed', wanted: 3, present: 7 };
    assert.deepEqual(revert(before, after, present, NOTHING), {
      body: spec({ replicas: 7, a: 1 }),
      obstacles: [obstacle],
    });
    assert.deepEqual(revert(before, after, present, { ...NOTHING, force: true }), { body: before, obstacles: [] });
  });

  it('is content with what is back already', () => {
    const [before, after] = [spec({ replicas: 3 }), spec({ replicas: 5 })];
    assert.deepEqual(revert(before, after, before, NOTHING), { body: before, obstacles: [] });
  });

  it('takes a key out of a map that others have added to, and the map where it is left empty', () => {
    const labelled = (labels: JsonObject): JsonObject => ({ metadata: { labels } });
    const none: JsonObject = { metadata: {} };
    const added = labelled({ tier: 'web' });
    assert.deepEqual(revert(none, added, labelled({ tier: 'web', team: 'a' }), NOTHING).body, labelled({ team: 'a' }));
    assert.deepEqual(revert(none, added, added, NOTHING).body, none);
  });

  it('follows list items by their key, and puts one back behind the one it followed', () => {
    const [before, after] = [spec({ containers: items('a', 'b', 'c') }), spec({ containers: items('a', 'c') })];
    const present = spec({ containers: items('new', 'a', 'c', 'last') });
    const result = revert(before, after, present, NOTHING);
    assert.deepEqual(names(result), ['new', 'a', 'b', 'c', 'last']);
    assert.deepEqual(result.obstacles, []);
    const reordered = spec({ containers: items('c', 'a') });
    assert.deepEqual(names(revert(before, after, reordered, NOTHING)), ['c', 'a', 'b']);
  });

  it('follows items without a key, so that what others did to the list stays', () => {
    const args = (...list: string[]): JsonObject => spec({ args: list });
    assert.deepEqual(revert(args('a'), args('a', 'b'), args('a', 'b'), NOTHING).body, args('a'));
    assert.deepEqual(revert(args('a'), args('a', 'b'), args('x', 'a', 'b', 'c'), NOTHING), {
      body: args('x', 'a', 'c'),
      obstacles: [],
    });
    assert.deepEqual(revert(args('a', 'b'), args('a', 'B'), args('new', 'a', 'other'), NOTHING), {
      body: args('new', 'a', 'other'),
      obstacles: [{ path: 'spec.args[2]', kind: 'changed', wanted: 'b', present: 'other' }],
    });
  });

  it('follows items whose key occurs twice', () => {
    const env = (...pairs: [string, string][]): JsonObject =>
      spec({ env: pairs.map(([name, value]) => ({ name, value })) });
    const before = env(['A', '1'], ['A', '2'], ['LOG', 'info']);
    const renamed = env(['NEW', '1'], ['A', '2'], ['LOG', 'info']);
    const present = env(['NEW', '1'], ['LOG', 'info'], ['T', 't'], ['T', 't']);
    assert.deepEqual(revert(before, renamed, present, NOTHING), {
      body: env(['A', '1'], ['LOG', 'info'], ['T', 't'], ['T', 't']),
      obstacles: [],
    });
    const gone = env(['NEW', '1'], ['LOG', 'info']);
    assert.deepEqual(revert(renamed, gone, present, NOTHING), {
      body: env(['NEW', '1'], ['A', '2'], ['LOG', 'info'], ['T', 't'], ['T', 't']),
      obstacles: [],
    });
    assert.deepEqual(revert(renamed, gone, renamed, NOTHING), { body: renamed, obstacles: [] });
  });

  it('keeps what the server sets', () => {
    const keeps = (path: string): boolean => path === 'metadata.generation';
    const at = (generation: number, replicas: number): JsonObject => ({ metadata: { generation }, spec: { replicas } });
    assert.deepEqual(revert(at(1, 3), at(2, 5), at(2, 5), { keeps, force: true }).body, at(2, 3));
  });

  it('does not write a redacted value, but takes one away that was added', () => {
    const [old, now] = ['redacted:0123456789ab', 'redacted:ba9876543210'];
    const secret = (data: JsonObject): JsonObject => ({ data });
    const rotated = revert(secret({ a: old }), secret({ a: now, b: now }), secret({ a: now, b: now }), NOTHING);
    assert.deepEqual(rotated, {
      body: secret({ a: now }),
      obstacles: [{ path: 'data.a', kind: 'unrecorded', wanted: undefined, present: now }],
    });
    const gone = revert({ data: { a: old, b: 'plain' } }, {}, {}, NOTHING);
    assert.deepEqual(gone.body, { data: { b: 'plain' } });
    assert.deepEqual(gone.obstacles.map(({ path }) => path), ['data.a']); // prettier-ignore
  });
});
