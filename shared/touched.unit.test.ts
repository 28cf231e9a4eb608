import assert from 'node:assert/strict';
import { decodeTouched, encodeTouched, joinTouched, touchedBy } from './touched.ts';
import type { Json, Patch } from './types.ts';

describe('what a patch touches', () => {
  const patch = (...paths: string[]): Patch => paths.map((path) => ({ op: 'replace', path, value: 1 }));
  const touched = (body: Json, ...paths: string[]): Json => encodeTouched(touchedBy(patch(...paths), body));
  const pods = {
    spec: {
      containers: [
        { name: 'a', image: 'x' },
        { name: 'b', env: [{ name: 'E' }], args: ['-v'] },
      ],
    },
  };

  it('is told by key, and everything where all of it is replaced', () => {
    assert.deepEqual(touched(null, '/metadata/labels/a~1b', '/spec/replicas', '/spec/x~0y'), {
      metadata: { labels: { 'a/b': 1 } },
      spec: { replicas: 1, 'x~y': 1 },
    });
    assert.equal(touched(null, '/spec/replicas', ''), 1);
  });

  it('is the whole list where its items are not known', () => {
    assert.deepEqual(touched(null, '/spec/containers/0/image'), { spec: { containers: 1 } });
  });

  it('is the member of an item where the items are told apart by others', () => {
    assert.deepEqual(touched(pods, '/spec/containers/0/image', '/spec/containers/1/env/0/value'), {
      spec: { containers: { 0: { image: 1 }, 1: { env: { 0: { value: 1 } } } } },
    });
  });

  it('is the whole list where an item comes, goes, or may become another', () => {
    for (const path of [
      '/spec/containers/0',
      '/spec/containers/-',
      '/spec/containers/0/name',
      '/spec/containers/1/uid',
    ]) {
      assert.deepEqual(touched(pods, path, '/spec/containers/0/image'), { spec: { containers: 1 } }, path);
    }
  });

  it('is the whole list where nothing tells its items apart', () => {
    assert.deepEqual(touched(pods, '/spec/containers/1/args/0'), { spec: { containers: { 1: { args: 1 } } } });
    assert.deepEqual(touched({ rules: [{ verbs: 1 }, { verbs: 2 }] }, '/rules/0/verbs'), { rules: 1 });
    assert.deepEqual(touched({ parts: [{ name: 'a' }, { name: 'a' }] }, '/parts/0/image'), { parts: 1 });
  });

  it('is the member where a key of an object looks like a place', () => {
    assert.deepEqual(touched({ data: { 0: { a: 1 } } }, '/data/0/a'), { data: { 0: { a: 1 } } });
    assert.deepEqual(touched(null, '/data/0/a'), { data: 1 });
  });

  it('joins what either touches, and takes all for many', () => {
    const join = (a: Json, b: Json): Json => encodeTouched(joinTouched(decodeTouched(a), decodeTouched(b)));
    assert.deepEqual(join({ a: 1, b: { c: 1 } }, { b: { d: 1 } }), { a: 1, b: { c: 1, d: 1 } });
    assert.deepEqual(join({ b: { c: 1 } }, { b: 1 }), { b: 1 });
    assert.equal(join({ a: 1 }, 1), 1);
    const many = (from: number): Json => Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${from + n}`, 1]));
    assert.deepEqual(join({ a: many(0) }, { a: many(20), b: 1 }), { a: 1, b: 1 });
  });
});
