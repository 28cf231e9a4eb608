import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Blame, ownerAt, type BlameStep } from './blame.ts';
import { diff } from './patch.ts';
import { mergeRemoved } from './removed.ts';
import { touchedBy } from './touched.ts';
import type { Json, JsonObject, Owner, RemovedPart } from './types.ts';

interface Answer {
  owner: (...at: string[]) => Owner;
  removed: RemovedPart[];
  steps: number;
}

/** The blame of the last of some bodies; the change to each has its number, from 1. */
function blame(bodies: JsonObject[], { ignored = [] as number[], field = [] as string[] } = {}): Answer {
  const found = new Blame(bodies.at(-1) ?? {}, field);
  let steps = 0;
  for (let seq = bodies.length; seq > 0 && !found.done; seq--, steps++) {
    const [before, after] = [bodies[seq - 2] ?? null, bodies[seq - 1] ?? {}];
    const patch = diff(before, after);
    const concerned = found.concerns(touchedBy(patch));
    const step: BlameStep = { seq, before, after, ignored: ignored.includes(seq), patch };
    const known = JSON.stringify([found.owners(), found.removed()]);
    found.back(step);
    // What does not concern it may be left out.
    if (!concerned) assert.equal(JSON.stringify([found.owners(), found.removed()]), known);
  }
  const owners = found.owners();
  return { owner: (...at) => ownerAt(owners, at), removed: found.removed(), steps };
}

const pod = (...containers: Json[]): JsonObject => ({ spec: { containers } });

describe('blame', () => {
  it('gives a value to the change that set it last, and the rest to the creation', () => {
    const { owner } = blame([
      { a: 1, b: { c: 1 } },
      { a: 1, b: { c: 2 } },
      { a: 1, b: { c: 2, d: 3 } },
    ]);
    assert.deepEqual(owner('a'), { seq: 1 });
    assert.deepEqual(owner('b'), { seq: 1 });
    assert.deepEqual(owner('b', 'c'), { seq: 2 });
    assert.deepEqual(owner('b', 'd'), { seq: 3 });
  });

  it('gives a value that came back to who brought it back', () => {
    assert.deepEqual(blame([{ a: 1 }, { a: 2 }, { a: 1 }]).owner('a'), { seq: 3 });
    assert.deepEqual(blame([{ a: 1, b: 1 }, { b: 1 }, { a: 1, b: 1 }]).owner('a'), { seq: 3 });
  });

  it('follows list items by their key through every order', () => {
    const [web, log] = [
      { name: 'web', image: 'web:1' },
      { name: 'log', image: 'log:1' },
    ];
    const newer = { name: 'web', image: 'web:2' };
    const first = { name: 'init', image: 'init:1' };
    const { owner } = blame([pod(web, log), pod(log, web), pod(log, newer), pod(first, newer, log)]);
    assert.deepEqual(owner('spec', 'containers', '0', 'image'), { seq: 4 });
    assert.deepEqual(owner('spec', 'containers', '1', 'image'), { seq: 3 });
    assert.deepEqual(owner('spec', 'containers', '1', 'name'), { seq: 1 });
    assert.deepEqual(owner('spec', 'containers', '2', 'image'), { seq: 1 });
    assert.deepEqual(owner('spec', 'containers'), { seq: 1 });
  });

  it('follows equal items of a list without keys wherever they went', () => {
    const { owner } = blame([{ args: ['--a', '--b', '--c'] }, { args: ['--c', '--x', '--a', '--d'] }]);
    assert.deepEqual(
      ['0', '1', '2', '3'].map((place) => owner('args', place).seq),
      [1, 2, 1, 2],
    );
    const rules = blame([{ rules: [{ verbs: ['get'], to: 1 }] }, { rules: [{ verbs: ['get', 'list'], to: 1 }] }]);
    assert.deepEqual(rules.owner('rules', '0', 'to'), { seq: 1 });
    assert.deepEqual(rules.owner('rules', '0', 'verbs', '0'), { seq: 1 });
    assert.deepEqual(rules.owner('rules', '0', 'verbs', '1'), { seq: 2 });
  });

  it('follows the lines of a text', () => {
    const text = (...lines: string[]): JsonObject => ({ data: { conf: `${lines.join('\n')}\n` } });
    const { owner } = blame([text('a', 'b', 'c'), text('new', 'a', 'B', 'c'), text('new', 'a', 'c')]);
    assert.deepEqual(owner('data', 'conf'), { seq: 1 });
    assert.deepEqual(
      ['0', '1', '2'].map((line) => owner('data', 'conf', line).seq),
      [2, 1, 1],
    );
    const grown = blame([{ a: 'one' }, { a: 'one\ntwo' }]);
    assert.deepEqual([grown.owner('a', '0').seq, grown.owner('a', '1').seq], [1, 2]);
    assert.deepEqual(blame([{ a: 7 }, { a: 'one\ntwo' }]).owner('a', '1'), { seq: 2 });
  });

  it('takes a line with another end for another line, and the text for that of whoever made the key', () => {
    const { owner } = blame([{}, { a: 'one\ntwo\nthree' }, { a: 'one\ntwo\r\nthree' }, { a: 'one\ntwo\r\nthree\n' }]);
    assert.deepEqual(
      [[], ['0'], ['1'], ['2']].map((line) => owner('a', ...line).seq),
      [2, 2, 3, 4],
    );
    assert.equal(blame([{ a: 'one' }, { a: 'one\n' }]).owner('a', '0').seq, 2);
    const appended = blame([{ a: 'one\ntwo' }, { a: 'one\ntwo\nthree' }]);
    assert.deepEqual([appended.owner('a', '1').seq, appended.owner('a', '2').seq], [1, 2]);
    const through = blame([{ a: 'x\ny\n' }, { a: 'x\nY\n' }], { ignored: [2] });
    assert.deepEqual(through.owner('a', '1'), { seq: 1, through: 2 });
    assert.deepEqual(through.owner('a'), { seq: 1 });
  });

  it('follows items whose key occurs twice, and tells which of them was removed', () => {
    const env = (...pairs: [string, string][]): JsonObject => ({
      env: pairs.map(([name, value]) => ({ name, value })),
    });
    const { owner, removed } = blame([
      env(['A', '1'], ['A', '2'], ['LOG', 'info']),
      env(['NEW', '1'], ['A', '2'], ['LOG', 'info']),
      env(['NEW', '1'], ['LOG', 'info']),
      env(['NEW', '1'], ['LOG', 'info'], ['T', 't'], ['T2', 't'], ['T', 't']),
      env(['NEW', '1'], ['LOG', 'info'], ['T', 't'], ['T2', 't']),
    ]);
    assert.deepEqual(owner('env', '0', 'name'), { seq: 2 });
    assert.deepEqual(owner('env', '0', 'value'), { seq: 1 });
    assert.deepEqual(owner('env', '1'), { seq: 1 });
    assert.deepEqual(owner('env', '2', 'name'), { seq: 4 });
    assert.deepEqual(removed, [
      { at: ['env'], key: '4', value: { name: 'T', value: 't' }, seq: 5 },
      { at: ['env'], key: '1', value: { name: 'A', value: '2' }, seq: 3 },
    ]);
  });

  it('does not take another kind of value for the same one', () => {
    const { owner } = blame([{ a: { b: 1 } }, { a: [{ b: 1 }] }, { a: { b: 1 } }]);
    assert.deepEqual(owner('a', 'b'), { seq: 3 });
    assert.deepEqual(blame([{ a: 'x' }, { a: { b: 'x' } }]).owner('a'), { seq: 2 });
  });

  it('looks through ignored changes to who set the value before', () => {
    const bodies = [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4, b: 1 }];
    assert.deepEqual(blame(bodies, { ignored: [4] }).owner('a'), { seq: 3, through: 4 });
    assert.deepEqual(blame(bodies, { ignored: [3, 4] }).owner('a'), { seq: 2, through: 4 });
    // What nobody else ever set stays with the ignored one.
    assert.deepEqual(blame(bodies, { ignored: [4] }).owner('b'), { seq: 4 });
    assert.deepEqual(blame(bodies, { ignored: [1, 2, 3, 4] }).owner('a'), { seq: 4 });
  });

  it('stops as soon as everything has its owner', () => {
    const bodies = [
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      { a: 2, b: 2 },
      { a: 2, b: 3 },
    ];
    assert.equal(blame(bodies).steps, 4);
    const { steps, owner } = blame(bodies, { field: ['b'] });
    assert.equal(steps, 1);
    assert.deepEqual(owner('b'), { seq: 4 });
  });

  it('tells what was removed, by whom, and where it stood', () => {
    const { removed } = blame([
      { labels: { a: '1', b: '2', c: '3' }, ...pod({ name: 'x' }, { name: 'y' }, { name: 'z' }) },
      { labels: { a: '1', b: '9' }, ...pod({ name: 'x' }, { name: 'z' }) },
      { labels: { a: '1', c: '3' }, ...pod({ name: 'z' }, { name: 'x' }) },
      { labels: { a: '1' }, ...pod({ name: 'z' }) },
    ]);
    assert.deepEqual(removed, [
      { at: ['labels'], key: 'c', value: '3', seq: 4 },
      { at: ['labels'], key: 'b', value: '9', seq: 3 },
      { at: ['spec', 'containers'], key: '1', value: { name: 'x' }, seq: 4 },
      { at: ['spec', 'containers'], key: '0', value: { name: 'y' }, seq: 2 },
    ]);
    assert.deepEqual(blame([{ a: 1, b: 1 }, { a: 1 }, { a: 1, b: 1 }]).removed, []);
    assert.deepEqual(blame([{ a: 1, b: 1 }, { a: 1 }], { ignored: [2] }).removed, []);
  });

  it('agrees with a model that knows who set what, through any edits and orders', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const edit = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), name, image: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ kind: fc.constant('remove' as const), name }),
      fc.record({
        kind: fc.constant('shuffle' as const),
        order: fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e'], { minLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 25 }), (edits) => {
        let items: { name: string; image: number; cameWith: number; setBy: number }[] = [];
        const body = (): JsonObject => pod(...items.map((item) => ({ name: item.name, image: item.image })));
        const bodies = [body()];
        for (const change of edits) {
          const seq = bodies.length + 1;
          if (change.kind === 'remove') items = items.filter((item) => item.name !== change.name);
          else if (change.kind === 'shuffle') {
            items = [...items].sort((a, b) => change.order.indexOf(a.name) - change.order.indexOf(b.name));
          } else {
            const known = items.find((item) => item.name === change.name);
            if (known === undefined) items = [{ ...change, cameWith: seq, setBy: seq }, ...items];
            else if (known.image !== change.image) {
              items = items.map((item) => (item === known ? { ...item, image: change.image, setBy: seq } : item));
            }
          }
          bodies.push(body());
        }
        const { owner } = blame(bodies);
        for (const [place, item] of items.entries()) {
          assert.deepEqual(owner('spec', 'containers', String(place)), { seq: item.cameWith });
          assert.deepEqual(owner('spec', 'containers', String(place), 'name'), { seq: item.cameWith });
          assert.deepEqual(owner('spec', 'containers', String(place), 'image'), { seq: item.setBy });
        }
      }),
    );
  });
});

describe('mergeRemoved', () => {
  it('puts back what was removed, and tells it from what is there', () => {
    const body = { labels: { a: '1' }, list: [{ name: 'x', n: 1 }, { name: 'z' }] };
    const { body: merged, places } = mergeRemoved(body, [
      { at: ['labels'], key: '__proto__', value: 'p', seq: 7 },
      { at: ['list'], key: '1', value: { name: 'y' }, seq: 8 },
      { at: ['list', '0'], key: 'old', value: [1], seq: 9 },
    ]);
    assert.deepEqual(merged, {
      labels: { a: '1', ['\u0000$__proto__']: 'p' },
      list: [{ name: 'x', n: 1, old: [1] }, { name: 'y' }, { name: 'z' }],
    });
    assert.deepEqual(places(['list', '2', 'name']), { at: ['list', '1', 'name'], removed: null });
    assert.deepEqual(places(['list', '1', 'name']), { at: ['list', '1', 'name'], removed: 8 });
    assert.deepEqual(places(['list', '0', 'old', '0']), { at: ['list', '0', 'old', '0'], removed: 9 });
    assert.deepEqual(places(['labels', '\u0000$__proto__']).removed, 7);
    assert.deepEqual(places(['labels', 'a']), { at: ['labels', 'a'], removed: null });
  });
});
