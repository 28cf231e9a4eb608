import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deltas } from './delta.ts';
import { canonicalJson, parseJson } from './json.ts';
import { asObject, objectText } from './testing/arbitrary.ts';
import type { Json, JsonObject } from './types.ts';

function words(before: JsonObject, after: JsonObject): string[] {
  return deltas(before, after).map(
    ({ path, kind, before: old, after: now }) =>
      `${path} ${kind} ${[old, now].map((value) => (value === undefined ? '' : JSON.stringify(value))).join(' → ')}`,
  );
}

describe('deltas', () => {
  it('tells a changed value by its path', () => {
    assert.deepEqual(deltas({ spec: { replicas: 3 } }, { spec: { replicas: 5 } }), [
      { path: 'spec.replicas', kind: 'changed', before: 3, after: 5 },
    ]);
  });

  it('tells a whole object that appears or ends', () => {
    assert.deepEqual(deltas(null, { a: 1 }), [{ path: '', kind: 'added', after: { a: 1 } }]);
    assert.deepEqual(deltas({ a: 1 }, null), [{ path: '', kind: 'removed', before: { a: 1 } }]);
    assert.deepEqual(deltas(null, null), []);
  });

  it('follows list items by name, through an insertion at the head', () => {
    const pod = (containers: JsonObject[]): JsonObject => ({ spec: { containers } });
    assert.deepEqual(
      words(
        pod([{ name: 'nginx', image: 'nginx:1.25' }]),
        pod([
          { name: 'proxy', image: 'envoy:1' },
          { name: 'nginx', image: 'nginx:1.26' },
        ]),
      ),
      [
        'spec.containers[nginx].image changed "nginx:1.25" → "nginx:1.26"',
        'spec.containers[proxy] added  → {"name":"proxy","image":"envoy:1"}',
      ],
    );
  });

  it('takes the key that fits the list', () => {
    const list = (field: string, before: Json[], after: Json[]): string[] =>
      words({ [field]: before }, { [field]: after });
    assert.deepEqual(
      list('volumeMounts', [{ name: 'v', mountPath: '/a b' }], [{ name: 'v', mountPath: '/a b', readOnly: true }]),
      ['volumeMounts["/a b"].readOnly added  → true'],
    );
    assert.deepEqual(list('conditions', [{ type: 'Ready', status: 'False' }], [{ type: 'Ready', status: 'True' }]), [
      'conditions[Ready].status changed "False" → "True"',
    ]);
    assert.deepEqual(
      list('ports', [{ containerPort: 80, protocol: 'TCP' }], [{ containerPort: 80, protocol: 'TCP', hostPort: 1 }]),
      ['ports[80/TCP].hostPort added  → 1'],
    );
    assert.deepEqual(
      list(
        'ownerReferences',
        [{ kind: 'ReplicaSet', name: 'web', uid: '1' }],
        [{ kind: 'ReplicaSet', name: 'web', uid: '2' }],
      ),
      ['ownerReferences[ReplicaSet/web].uid changed "1" → "2"'],
    );
  });

  it('shows that nothing but the order of a list changed', () => {
    assert.deepEqual(words({ c: [{ name: 'a' }, { name: 'b' }] }, { c: [{ name: 'b' }, { name: 'a' }] }), [
      'c[] changed ["a","b"] → ["b","a"]',
    ]);
    assert.deepEqual(words({ args: ['x', 'y'] }, { args: ['y', 'x'] }), ['args[] changed ["x","y"] → ["y","x"]']);
  });

  it('tells items without a key by their place, the equal ones aligned', () => {
    assert.deepEqual(words({ args: ['a', 'b', 'c'] }, { args: ['new', 'a', 'B', 'c'] }), [
      'args[2] changed "b" → "B"',
      'args[0] added  → "new"',
    ]);
    assert.deepEqual(
      words({ rules: [{ verbs: ['get'] }, { verbs: ['list'] }] }, { rules: [{ verbs: ['list', 'watch'] }] }),
      ['rules[0] removed {"verbs":["get"]} → ', 'rules[0].verbs[1] added  → "watch"'],
    );
  });

  it('falls back to the place where a key occurs twice', () => {
    assert.deepEqual(
      words(
        {
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
          ],
        },
        {
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '3' },
          ],
        },
      ),
      ['env[1].value changed "2" → "3"'],
    );
  });

  it('quotes keys that would be misread', () => {
    const keys = ['app.kubernetes.io/version', '', 'a/b', 'a~b', 'a b', '0'];
    const before = Object.fromEntries(keys.map((key) => [key, 1]));
    const after = Object.fromEntries(keys.map((key) => [key, 2]));
    assert.deepEqual(
      deltas({ labels: before }, { labels: after })
        .map(({ path }) => path)
        .sort(),
      [
        'labels[""]',
        'labels["0"]',
        'labels["a b"]',
        'labels["a/b"]',
        'labels["app.kubernetes.io/version"]',
        'labels["a~b"]',
      ],
    );
  });

  it('shows escaped keys as they were', () => {
    const document = (value: number): JsonObject =>
      asObject(parseJson(`{"x":{"__proto__":${value},"constructor":${value}}}`));
    assert.deepEqual(
      deltas(document(1), document(2)).map(({ path }) => path),
      ['x.__proto__', 'x.constructor'],
    );
  });

  it('tells null from absent, and a list from an object', () => {
    assert.deepEqual(words({ a: null }, {}), ['a removed null → ']);
    assert.deepEqual(words({ a: [] }, { a: {} }), ['a changed [] → {}']);
    assert.deepEqual(words({ a: [] }, { a: [null] }), ['a[0] added  → null']);
  });

  it('is empty exactly where the documents are equal', () => {
    fc.assert(
      fc.property(objectText, objectText, (first, second) => {
        const [before, after] = [asObject(parseJson(first)), asObject(parseJson(second))];
        assert.equal(deltas(before, after).length === 0, canonicalJson(before) === canonicalJson(after));
        assert.deepEqual(deltas(before, structuredClone(before)), []);
      }),
      { numRuns: 500 },
    );
  });

  it('sees every change within lists of items', () => {
    const item = fc.oneof(
      fc.record({ name: fc.constantFrom('a', 'b', 'c', '\u0000#1'), port: fc.nat(3) }, { requiredKeys: [] }),
      fc.constantFrom<Json[]>('a', 'b', null, 1, [], ['a']),
    );
    const list = fc.array(item, { maxLength: 5 });
    fc.assert(
      fc.property(list, list, fc.constantFrom('items', 'endpoints', 'ownerReferences'), (before, after, field) => {
        const found = deltas({ [field]: before }, { [field]: after });
        assert.equal(found.length === 0, canonicalJson(before) === canonicalJson(after));
      }),
      { numRuns: 2000 },
    );
  });

  it('compares two lists of 20,000 items and long texts in well under a second', () => {
    const list = (suffix: string): string[] => Array.from({ length: 20_000 }, (_, index) => `${index}${suffix}`);
    const text = 'x'.repeat(1_500_000);
    const start = performance.now();
    assert.equal(deltas({ list: list('a') }, { list: list('b') }).length, 20_000);
    assert.equal(deltas({ text }, { text: `${text}y` }).length, 1);
    assert.ok(performance.now() - start < 1000);
  });
});
