import assert from 'node:assert/strict';
import { metadataText } from '../../shared/normalise.ts';
import { readManifest, type Manifest } from './documents.ts';

const A = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';
const B = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n';
const JSON_A = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}';
const JSON_B = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}';

const read = (text: string): Manifest => readManifest(text, 'x.yaml');
const names = (text: string): string =>
  read(text)
    .objects.map((object) => metadataText(object, 'name'))
    .join();

describe('readManifest', () => {
  it('finds the objects that kubectl finds', () => {
    const texts: [text: string, names: string][] = [
      [`${A}---\n${B}`, 'a,b'],
      [`---\n${A}--- # a comment\n# only a comment\n---\n${B}---\n`, 'a,b'],
      [`${A}---\r\n${B}`.replaceAll('\n', '\r\n'), 'a,b'],
      [`\ufeff${A}---\n\ufeff${B}`, 'a,b'],
      [`${JSON_A}${JSON_B}`, 'a,b'],
      [`${JSON_A}\n${JSON_B}\n`, 'a,b'],
      [`${A}---\n${JSON_B}`, 'a,b'],
      ['{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n', 'a'],
      [`apiVersion: v1\nkind: List\nitems:\n- ${JSON_A}\n- ${JSON_B}\n`, 'a,b'],
      [`~\n---\n${A}`, 'a'],
      [`${A}data:\n  text: |\n    x\n    ---\n    y\n`, 'a'],
      ['', ''],
    ];
    for (const [text, expected] of texts) {
      assert.equal(names(text), expected, text);
      assert.deepEqual(read(text).problems, [], text);
    }
  });

  it('does not let what is wrong hide the rest, and names file and line', () => {
    const texts: [text: string, problem: string][] = [
      [`x-common: {a: b}\n---\n${A}`, 'x.yaml: line 1: an object has no kind'],
      [`${A}---\nkind: Pod\n`, 'x.yaml: line 5: an object of kind Pod has no apiVersion'],
      [`${A}---\napiVersion: v1\nkind: Pod\n`, 'x.yaml: line 5: an object of kind Pod has no metadata.name'],
      [`${A}---\napiVersion: v1\nkind: Pod\nmetadata: {name: 123}\n`, 'x.yaml: line 5: metadata.name of a Pod is not a text: put it in quotes'], // prettier-ignore
      [`${A}---\na: .nan\n`, 'x.yaml: line 5: JSON has no number NaN: put it in quotes'],
      [`${A}--- {a: b}\n`, 'x.yaml: line 4: kubectl takes nothing behind --- on its line: {a: b}'],
      [`apiVersion: v1\nkind: List\nitems: [{kind: Pod}, ${JSON_A}]\n`, 'x.yaml: line 1: an object of kind Pod has no apiVersion'], // prettier-ignore
      [`- a\n---\n${A}`, 'x.yaml: line 1: it holds something that is no object'],
    ];
    for (const [text, problem] of texts) {
      assert.deepEqual(read(text).problems, [problem]);
      assert.equal(names(text), 'a', text);
    }
    assert.match(read(`${A}---\na: [\n`).problems.join(), /^x\.yaml: line \d: /);
  });

  it('says what kubectl passes over without a word', () => {
    const twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},\n"data":{"k":"1","k":"2"}}';
    assert.deepEqual(read(twice).objects[0]?.data, { k: '2' });
    const expected = 'x.yaml: line 2: the key "k" occurs twice, and the last one counts, as for kubectl';
    assert.deepEqual(read(twice).warnings, [expected]);
    const dots = read(`${A}...\n${B}`);
    assert.deepEqual(dots.warnings, ['x.yaml: what follows the line "..." is not read, as kubectl does not read it']);
    assert.equal(dots.objects.length, 1);
  });

  it('keeps an object whose name is generated', () => {
    const [job] = read('apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: mig-}\n').objects;
    assert.deepEqual(job?.metadata, { generateName: 'mig-' });
  });
});
