import assert from 'node:assert/strict';
import fc from 'fast-check';
import { applyPatch } from 'diff';
import { parseJson } from '../../shared/json.ts';
import { asObject, objectText } from '../../shared/testing/arbitrary.ts';
import type { JsonObject } from '../../shared/types.ts';
import { change, deployment } from '../testing/changes.ts';
import { PIPE, terminal } from '../testing/style.ts';
import { changeDiff, netDiff } from './change-diff.ts';
import { diffLines } from './diff.ts';
import { printable } from './text.ts';
import { yamlLines } from './yaml.ts';

describe('diffLines', () => {
  it('shows changed parts with context, under the path that they lie in', () => {
    const before = deployment('nginx:1.25', 3);
    assert.deepEqual(diffLines(before, deployment('nginx:1.26', 3), PIPE), [
      '@@ -9,5 +9,5 @@ spec.template.spec.containers[nginx]',
      '   template:',
      '     spec:',
      '       containers:',
      '-      - image: nginx:1.25',
      '+      - image: nginx:1.26',
      '         name: nginx',
    ]);
  });

  it('shows texts of several lines as lines', () => {
    const body = (level: string): JsonObject => ({ data: { 'nginx.conf': `a\nlog ${level};\nb\n` } });
    assert.deepEqual(diffLines(body('warn'), body('debug'), PIPE), [
      '@@ -1,5 +1,5 @@ data["nginx.conf"]',
      ' data:',
      '   nginx.conf: |',
      '     a',
      '-    log warn;',
      '+    log debug;',
      '     b',
    ]);
  });

  it('shows only the changed line of a text, whatever YAML would make of it', () => {
    for (const [end, shown] of [
      ['\r', '"b = 1\\r"'],
      ['\t', '"b = 1\\t"'],
      [' ', '"b = 1 "'],
      ['\u00a0', '"b = 1\\xa0"'],
      ['\u{1f600}', 'b = 1\u{1f600}'],
      ['\\r', 'b = 1\\r'],
    ] as const) {
      const body = (line: string): JsonObject => ({ data: { f: `a${end}\n${line}\nc` } });
      const lines = diffLines(body('b = 0'), body(`b = 1${end}`), PIPE);
      assert.deepEqual(lines.filter((line) => /^[-+]/.test(line)), ['-    b = 0', `+    ${shown}`]); // prettier-ignore
    }
    assert.deepEqual(diffLines({ a: 'x\ny\n' }, { a: 'x\ny' }, PIPE), [
      '@@ -1,3 +1,3 @@',
      '-a: |',
      '+a: |-',
      '   x',
      '   y',
    ]);
  });

  it('shows whole objects when they come and go', () => {
    assert.deepEqual(diffLines(null, { a: 1, b: 2 }, PIPE), ['@@ -0,0 +1,2 @@', '+a: 1', '+b: 2']);
    assert.deepEqual(diffLines({ a: 1 }, null, PIPE), ['@@ -1,1 +0,0 @@', '-a: 1']);
    assert.deepEqual(diffLines({ a: 1 }, { a: 1 }, PIPE), []);
  });

  it('escapes what a terminal would obey', () => {
    assert.deepEqual(diffLines(null, { a: 'x \u202e' }, PIPE), ['@@ -0,0 +1,1 @@', '+a: "x \\u202E"']);
    assert.deepEqual(diffLines(null, { a: 'x\n\u202e' }, PIPE), ['@@ -0,0 +1,3 @@', '+a: |-', '+  x', '+  "\\u202e"']);
  });

  it('is a patch that other programs can apply', () => {
    const text = (body: JsonObject): string =>
      yamlLines(body, { blocks: true })
        .map((line) => `${printable(line.text)}\n`)
        .join('');
    fc.assert(
      fc.property(objectText, objectText, (first, second) => {
        const [before, after] = [asObject(parseJson(first)), asObject(parseJson(second))];
        const patch = ['--- a', '+++ b', ...diffLines(before, after, PIPE)].join('\n');
        assert.equal(applyPatch(text(before), `${patch}\n`), text(after));
      }),
      { numRuns: 300 },
    );
  });

  it('takes no long time for two large documents that have nothing in common', () => {
    const body = (word: string): JsonObject => ({
      data: Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`${word}-${index}`, word])),
    });
    const start = performance.now();
    const lines = diffLines(body('a'), body('b'), PIPE);
    assert.equal(lines.length, 60_002);
    assert.ok(performance.now() - start < 10_000);
  });
});

describe('changeDiff', () => {
  it('is headed by who did what to which object, and when', () => {
    const made = change({ a: 1 }, { a: 2 }, { subresource: 'scale' });
    assert.deepEqual(changeDiff(made, PIPE), [
      'change 7 · deployment shop/web · update/scale · alice@example.com · 2026-11-22T05:06:02.139Z',
      '@@ -1,1 +1,1 @@',
      '-a: 1',
      '+a: 2',
    ]);
    assert.deepEqual(changeDiff(made, terminal(80, 'Europe/Berlin')).slice(0, 2), [
      'change 7 · deployment shop/web · update/scale · alice@example.com · 2026-11-22',
      '06:06:02',
    ]);
  });

  it('says what an act was', () => {
    const act = change({ a: 1 }, { a: 1 }, { effect: 'none', subresource: 'eviction', operation: 'CREATE' });
    assert.equal(changeDiff(act, PIPE)[1], '  evicted');
  });
});

describe('netDiff', () => {
  it('names everybody who had a part', () => {
    const { object } = change(null, { a: 1 });
    assert.equal(
      netDiff({ object, before: null, after: { a: 1 }, users: ['alice@example.com', 'bob@example.com'] }, PIPE)[0],
      'deployment shop/web · created · alice@example.com, bob@example.com',
    );
  });
});
