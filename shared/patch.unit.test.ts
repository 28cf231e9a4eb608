import assert from 'node:assert/strict';
import fc from 'fast-check';
// CommonJS: its functions are on the default export.
import jsonPatch from 'fast-json-patch';
import { canonicalJson, isObject, parseJson, stringifyJson } from './json.ts';
import { applyOwnPatch, applyPatch, diff, hashBody } from './patch.ts';
import { asObject, objectText } from './testing/arbitrary.ts';
import { versions } from './testing/edited-list.ts';
import type { Json, JsonObject } from './types.ts';

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Two unlike documents; and two versions of a list, in lists of their own. */
const documents = fc.tuple(objectText, objectText).map((texts) => texts.map((text) => asObject(parseJson(text))));
const lists = fc.tuple(versions, versions).map(([[a, b], [c, d]]): JsonObject[] => [
  { l: a, m: [{ k: c }, { k: a }, 1] },
  { l: b, m: [{ k: a }, { k: d }, 2, 1] },
]);

describe('patches', () => {
  it('give the document back: diff, then apply', () => {
    fc.assert(
      fc.property(objectText, objectText, (a, b) => {
        const [before, after] = [asObject(parseJson(a)), asObject(parseJson(b))];
        const result = applyPatch(before, diff(before, after));
        assert.equal(canonicalJson(result), canonicalJson(after));
        assert.equal(stringifyJson(before), a, 'the document before is not changed');
      }),
      { numRuns: 2000 },
    );
  });

  it('are never longer than those of fast-json-patch, and mean there what they mean here', () => {
    fc.assert(
      fc.property(fc.oneof(documents, lists), ([before = {}, after = {}]) => {
        const patch = diff(before, after);
        const theirs = jsonPatch.compare(before, after);
        assert.ok(JSON.stringify(patch).length <= JSON.stringify(theirs).length);
        const applied = jsonPatch.applyPatch(before, patch, true, false, false).newDocument;
        assert.equal(canonicalJson(applied), canonicalJson(after));
        assert.equal(JSON.stringify(applyPatch(before, patch)), JSON.stringify(applied));
        assert.equal(JSON.stringify(applyOwnPatch(copy(before), copy(patch))), JSON.stringify(applied));
      }),
      { numRuns: 1000 },
    );
  });

  it('are those of fast-json-patch where there are no lists', () => {
    const withoutLists = (value: Json): Json => {
      if (Array.isArray(value)) return withoutLists({ ...value });
      if (!isObject(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutLists(member)]));
    };
    fc.assert(
      fc.property(objectText, objectText, (a, b) => {
        const [before, after] = [asObject(withoutLists(parseJson(a))), asObject(withoutLists(parseJson(b)))];
        assert.equal(JSON.stringify(diff(before, after)), JSON.stringify(jsonPatch.compare(before, after)));
      }),
      { numRuns: 1000 },
    );
  });

  it('take out, put in, move and change items of a list, and leave all others alone', () => {
    const slot = (zone: string, rack: number, weight: number): JsonObject => ({ zone, rack, weight });
    const before = [slot('a', 1, 10), slot('a', 2, 20), slot('b', 1, 30)];
    assert.deepEqual(diff({ l: before }, { l: [slot('b', 1, 35), slot('a', 1, 10), slot('a', 2, 20)] }), [
      { op: 'move', from: '/l/2', path: '/l/0' },
      { op: 'replace', path: '/l/0/weight', value: 35 },
    ]);
    assert.deepEqual(diff({ l: before }, { l: [slot('a', 2, 20), slot('b', 1, 30)] }), [
      { op: 'remove', path: '/l/0' },
    ]);
    assert.deepEqual(diff({ l: before }, { l: [{ x: [true] }, ...before] }), [
      { op: 'add', path: '/l/0', value: { x: [true] } },
    ]);
    assert.deepEqual(diff({ l: before }, { l: [slot('a', 1, 10), { x: [true] }, slot('b', 1, 30)] }), [
      { op: 'replace', path: '/l/1', value: { x: [true] } },
    ]);
    // In one list inside another, and by name.
    const rule = (name: string, ...hosts: string[]): JsonObject => ({ name, hosts });
    assert.deepEqual(
      diff({ l: [rule('a', 'x', 'y'), rule('b', 'z', 'w')] }, { l: [rule('b', 'v', 'z', 'w'), rule('a', 'y')] }),
      [
        { op: 'move', from: '/l/1', path: '/l/0' },
        { op: 'add', path: '/l/0/hosts/0', value: 'v' },
        { op: 'remove', path: '/l/1/hosts/0' },
      ],
    );
  });

  it('survive being stored as JSON text', () => {
    fc.assert(
      fc.property(objectText, objectText, (a, b) => {
        const [before, after] = [asObject(parseJson(a)), asObject(parseJson(b))];
        const stored = JSON.parse(JSON.stringify(diff(before, after))) as ReturnType<typeof diff>;
        assert.equal(canonicalJson(applyPatch(before, stored)), canonicalJson(after));
      }),
    );
  });

  it('are empty for equal documents only', () => {
    fc.assert(
      fc.property(objectText, objectText, (a, b) => {
        const [before, after] = [asObject(parseJson(a)), asObject(parseJson(b))];
        assert.equal(diff(before, after).length === 0, canonicalJson(before) === canonicalJson(after));
      }),
    );
  });

  it('create and end an object', () => {
    const body = { kind: 'Pod' };
    assert.deepEqual(diff(null, body), [{ op: 'add', path: '', value: body }]);
    assert.deepEqual(applyPatch(null, diff(null, body)), body);
    assert.deepEqual(diff(body, null), [{ op: 'remove', path: '' }]);
    assert.equal(applyPatch(body, diff(body, null)), null);
    assert.deepEqual(diff(null, null), []);
  });

  it('are RFC 6902', () => {
    const before = asObject(parseJson('{"a/b":{"c~d":1},"list":[1,2,3],"gone":true}'));
    const after = asObject(parseJson('{"a/b":{"c~d":2},"list":[1,2],"new":{}}'));
    assert.deepEqual(diff(before, after), [
      { op: 'remove', path: '/gone' },
      { op: 'remove', path: '/list/2' },
      { op: 'replace', path: '/a~1b/c~0d', value: 2 },
      { op: 'add', path: '/new', value: {} },
    ]);
  });

  it('throw where they do not fit', () => {
    assert.throws(() => applyPatch({ a: 1 }, [{ op: 'replace', path: '/b/c', value: 1 }]));
    assert.throws(() => applyPatch({ a: 1 }, [{ op: 'remove', path: '/b' }]));
    assert.throws(() => applyPatch({ a: 1 }, [{ op: 'remove', path: '/toString' }]));
    assert.throws(() => applyPatch({ a: [1] }, [{ op: 'add', path: '/a/2', value: 1 }]));
    assert.throws(() => applyPatch({ a: [1] }, [{ op: 'replace', path: '/a/1', value: 1 }]));
    assert.throws(() => applyPatch({ a: [1] }, [{ op: 'add', path: '/a/01', value: 1 }]));
    assert.throws(() => applyPatch({ a: [1] }, [{ op: 'move', from: '/a/1', path: '/a/0' }]));
    assert.throws(() => applyPatch({ a: [1] }, [{ op: 'test', path: '/a/0', value: 2 }]));
    assert.throws(() => applyPatch({ a: 1 }, [{ op: 'add', path: 'a', value: 1 }]));
  });

  it('hash a body whatever the order of its keys', () => {
    assert.deepEqual(hashBody({ a: 1, b: { c: 2, d: 3 } }), hashBody({ b: { d: 3, c: 2 }, a: 1 }));
    assert.notDeepEqual(hashBody({ a: 1 }), hashBody({ a: '1' }));
    assert.equal(hashBody(null), null);
    assert.equal(hashBody({})?.length, 16);
  });

  it('hash a body by all that is in it, also in another one that shares parts with it', () => {
    const spec = { replicas: 3 };
    const bodies: JsonObject[] = [
      { spec },
      { spec, status: {} },
      { status: spec },
      { spec: { replicas: 4 } },
      { spec: [3] },
      { spec: '#' },
      { spec: null },
      parseJson('{"spec":{"replicas":3.0}}') as JsonObject,
      parseJson('{"spec":"\\u0000#3.0"}') as JsonObject,
      parseJson('{"spec":3.0}') as JsonObject,
    ];
    const hex = (body: JsonObject): string | undefined => hashBody(body)?.toString('hex');
    assert.equal(new Set(bodies.map(hex)).size, bodies.length);
    assert.deepEqual(
      bodies.map(hex),
      bodies.map((body) => hex(structuredClone(body))),
    );
  });
});
