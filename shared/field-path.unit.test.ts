import assert from 'node:assert/strict';
import { ANY_ITEM, deltasOfField, findField, findFields, mayTouch, parseField } from './field-path.ts';
import { deltas } from './delta.ts';
import { diff } from './patch.ts';
import type { Delta, JsonObject } from './types.ts';

const BODY: JsonObject = {
  metadata: { labels: { 'app.kubernetes.io/name': 'web', tier: 'a' } },
  spec: { replicas: 3, args: ['x', 'y'], containers: [{ name: 'log' }, { name: 'web', image: 'web:1' }] },
};

describe('parseField', () => {
  it('reads what people and tables write', () => {
    for (const [text, names] of [
      ['spec.replicas', ['spec', 'replicas']],
      ['.spec.replicas', ['spec', 'replicas']],
      ['{.spec.replicas}', ['spec', 'replicas']],
      ['spec.containers[web].image', ['spec', 'containers', 'web', 'image']],
      ['spec.containers[0]', ['spec', 'containers', 0]],
      ['spec.containers[*].image', ['spec', 'containers', ANY_ITEM, 'image']],
      ['spec.ports["80"]', ['spec', 'ports', '80']],
      ['spec.ports["*"]', ['spec', 'ports', '*']],
      ['spec.ports[80x]', ['spec', 'ports', '80x']],
      ['data.0', ['data', '0']],
      ['/spec/replicas', ['spec', 'replicas']],
      ['/metadata/labels/a.b~1c', ['metadata', 'labels', 'a.b/c']],
      ['/spec/containers/0/image', ['spec', 'containers', '0', 'image']],
      ['metadata.labels["a.b/c"]', ['metadata', 'labels', 'a.b/c']],
      [`metadata.labels['a.b/c']`, ['metadata', 'labels', 'a.b/c']],
      ['metadata.labels.a\\.b/c', ['metadata', 'labels', 'a.b/c']],
      ['a["x\\"]"].b', ['a', 'x"]', 'b']],
      ['ports[80/TCP]', ['ports', '80/TCP']],
      ['ports["80"]', ['ports', '80']],
    ] as const) {
      assert.deepEqual(parseField(text), names, text);
    }
    for (const text of ['', '{}', 'a..b', 'a[', 'a]', 'a[b', 'a["b]', '.']) {
      assert.throws(() => parseField(text), { code: 'field-invalid' }, text);
    }
  });
});

describe('findField', () => {
  it('finds members, items by key or place, and keys with dots', () => {
    const find = (text: string): string[] | null => findField(BODY, parseField(text));
    assert.deepEqual(find('spec.containers[web].image'), ['spec', 'containers', '1', 'image']);
    assert.deepEqual(find('spec.containers[1].image'), ['spec', 'containers', '1', 'image']);
    assert.deepEqual(find('spec.args[1]'), ['spec', 'args', '1']);
    assert.deepEqual(find('metadata.labels.app.kubernetes.io/name'), ['metadata', 'labels', 'app.kubernetes.io/name']);
    for (const text of [
      'spec.nothing',
      'spec.containers[db]',
      'spec.containers[2]',
      'spec.containers["1"]x',
      'spec[0]',
      '__proto__',
    ]) {
      assert.equal(find(text), null, text);
    }
  });
});

describe('the key of an item', () => {
  const list = (...items: JsonObject[]): JsonObject => ({ list: items });
  const path = (before: JsonObject, after: JsonObject): string => deltas(list(before), list(after))[0]?.path ?? '';

  it('is never written like a place, and is read again as the item', () => {
    const body = list({ port: 80, weight: 1 }, { port: 9, weight: 2 });
    assert.equal(path({ port: 80, weight: 1 }, { port: 80, weight: 2 }), 'list["80"].weight');
    assert.equal(path({ port: 80, protocol: 'TCP', weight: 1 }, { port: 80, protocol: 'TCP' }), 'list[80/TCP].weight');
    assert.equal(path({ name: '0', weight: 1 }, { name: '0', weight: 2 }), 'list["0"].weight');
    assert.equal(path({ host: '*', weight: 1 }, { host: '*', weight: 2 }), 'list["*"].weight');
    assert.equal(path({ host: '*.a', weight: 1 }, { host: '*.a', weight: 2 }), 'list[*.a].weight');
    assert.equal(path({ id: -1, weight: 1 }, { id: -1, weight: 2 }), 'list["-1"].weight');
    assert.deepEqual(findField(body, parseField('list["9"].weight')), ['list', '1', 'weight']);
  });
});

describe('deltasOfField', () => {
  const of = (before: JsonObject | null, after: JsonObject | null, field: string): Delta[] =>
    deltasOfField(before, after, parseField(field));
  const scaled: JsonObject = { ...BODY, spec: { ...(BODY.spec as JsonObject), replicas: 5 } };

  it('keeps what lies at and below the field, and nothing beside it', () => {
    assert.deepEqual(of(BODY, scaled, 'spec.replicas'), [
      { path: 'spec.replicas', kind: 'changed', before: 3, after: 5 },
    ]);
    assert.equal(of(BODY, scaled, 'spec').length, 1);
    assert.deepEqual(of(BODY, scaled, 'spec.replicasX'), []);
    assert.deepEqual(of(BODY, scaled, 'metadata'), []);
  });

  it('takes the field’s part of what came, went or was replaced as a whole', () => {
    const image = 'spec.containers[web].image';
    assert.deepEqual(of(null, BODY, image), [{ path: image, kind: 'added', after: 'web:1' }]);
    assert.deepEqual(of(BODY, null, image), [{ path: image, kind: 'removed', before: 'web:1' }]);
    const { spec: _, ...without } = BODY;
    assert.deepEqual(of(without, BODY, image), [{ path: image, kind: 'added', after: 'web:1' }]);
    assert.deepEqual(of({ a: [{ b: 1 }] }, { a: { b: 1 } }, 'a.b'), [{ path: 'a.b', kind: 'added', after: 1 }]);
    assert.deepEqual(of(null, BODY, 'spec.nothing'), []);
  });

  it('tells the order of the field’s own list only', () => {
    const turned = {
      ...BODY,
      spec: { ...(BODY.spec as JsonObject), containers: [{ name: 'web', image: 'web:1' }, { name: 'log' }] },
    };
    assert.equal(of(BODY, turned, 'spec.containers').length, 1);
    assert.deepEqual(of(BODY, turned, 'spec.containers[web]'), []);
  });
});

describe('deltasOfField by place and of every item', () => {
  const pod = (...containers: JsonObject[]): JsonObject => ({ spec: { containers } });
  const [log, web] = [
    { name: 'log', image: 'log:1' },
    { name: 'web', image: 'web:1' },
  ];
  const of = (before: JsonObject | null, after: JsonObject | null, field: string): Delta[] =>
    deltasOfField(before, after, parseField(field));

  it('looks a place up in each body, and names the item by its key where it is the same', () => {
    const changed = pod(log, { ...web, image: 'web:2' });
    assert.deepEqual(of(pod(log, web), changed, 'spec.containers[1].image'), [
      { path: 'spec.containers[web].image', kind: 'changed', before: 'web:1', after: 'web:2' },
    ]);
    assert.deepEqual(of(pod(log, web), changed, '/spec/containers/1/image'), [
      { path: 'spec.containers[web].image', kind: 'changed', before: 'web:1', after: 'web:2' },
    ]);
    assert.deepEqual(of(pod(log, web), changed, 'spec.containers[0].image'), []);
    assert.deepEqual(of(pod(log, web), pod(web), 'spec.containers[0].image'), [
      { path: 'spec.containers[0].image', kind: 'changed', before: 'log:1', after: 'web:1' },
    ]);
    assert.deepEqual(of(pod(log, web), pod(log), 'spec.containers[1].image'), [
      { path: 'spec.containers[web].image', kind: 'removed', before: 'web:1' },
    ]);
  });

  it('compares every item with that of the same key', () => {
    assert.deepEqual(of(pod(log, web), pod(web), 'spec.containers[*].image'), [
      { path: 'spec.containers[log].image', kind: 'removed', before: 'log:1' },
    ]);
    assert.deepEqual(of(pod(log, web), pod(web, log), 'spec.containers[*].image'), []);
    assert.deepEqual(of(null, pod(log, web), 'spec.containers[*].image'), [
      { path: 'spec.containers[log].image', kind: 'added', after: 'log:1' },
      { path: 'spec.containers[web].image', kind: 'added', after: 'web:1' },
    ]);
  });

  it('leaves equal items out where nothing tells them apart', () => {
    const rules = (...hosts: string[]): JsonObject => ({ rules: hosts.map((host) => ({ match: { host } })) });
    assert.deepEqual(of(rules('a', 'b', 'c'), rules('b', 'c'), 'rules[*].match.host'), [
      { path: 'rules[0].match.host', kind: 'removed', before: 'a' },
    ]);
    assert.deepEqual(of(rules('a', 'b'), rules('a', 'x'), 'rules[*].match.host'), [
      { path: 'rules[1].match.host', kind: 'changed', before: 'b', after: 'x' },
    ]);
  });

  it('finds all that a field names', () => {
    assert.deepEqual(findFields(pod(log, web), parseField('spec.containers[*].image')), [
      ['spec', 'containers', '0', 'image'],
      ['spec', 'containers', '1', 'image'],
    ]);
  });
});

describe('mayTouch', () => {
  it('never denies a change of the field', () => {
    const fields = [
      ...['spec.replicas', 'spec.containers[web].image', 'metadata.labels["app.kubernetes.io/name"]', 'spec'],
      ...['spec.containers[1].image', 'spec.containers[*].image', '/spec/containers/1/image'],
    ];
    const others: (JsonObject | null)[] = [
      null,
      { ...BODY, spec: { ...(BODY.spec as JsonObject), containers: [{ name: 'web', image: 'web:1' }] } },
      {},
      { spec: {} },
      { ...BODY, spec: { replicas: 4 } },
      { ...BODY, metadata: { labels: { 'app.kubernetes.io/name': 'x' } } },
    ];
    for (const other of others) {
      for (const field of fields) {
        const names = parseField(field);
        for (const [before, after] of [
          [BODY, other],
          [other, BODY],
        ] as const) {
          const touched = deltasOfField(before, after, names).length > 0;
          const told = diff(before, after).some(({ path }) => mayTouch(path, names));
          assert.ok(told || !touched, `${field} ${JSON.stringify([before, after])}`);
        }
      }
    }
    assert.equal(mayTouch('/spec/replicas', ['spec', 'template']), false);
    assert.equal(
      mayTouch('/metadata/labels/app.kubernetes.io~1name', ['metadata', 'labels', 'app.kubernetes.io/name']),
      true,
    );
  });
});
