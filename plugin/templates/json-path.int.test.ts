import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../../shared/json.ts';
import { useSharedFolder } from '../../webhook/testing/folder.ts';
import { fill, parseTemplate } from './json-path.ts';

const POD = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x","labels":{"app.io/name":"web","n":"1","q":"1"}},
  "spec":{"terminationGracePeriodSeconds":30,"containers":[{"image":"i:1","name":"c1","ports":[{"containerPort":80},{"containerPort":443}]},
    {"image":"i:2","name":"c2"},{"image":"i:3","name":"c3","tty":true}]}}`;

/** Templates, and what kubectl 1.36 prints of the pod. */
const CASES: readonly (readonly [template: string, printed: string])[] = [
  ['{.metadata.name}', 'a'],
  ['.metadata.name', '.metadata.name'],
  ['{.spec.containers[*].name}', 'c1 c2 c3'],
  ['{.spec.containers[-1].name}', 'c3'],
  ['{.spec.containers[0:2].name}', 'c1 c2'],
  ['{.spec.containers[-2:].name}', 'c2 c3'],
  ['{.spec.containers[0:3:2].name}', 'c1 c3'],
  ['{.spec.containers[0,2].name}', 'c1 c3'],
  ['{.spec.containers[?(@.name=="c2")].image}', 'i:2'],
  ["{.spec.containers[?(@.name!='c2')].image}", 'i:1 i:3'],
  ['{.spec.containers[?(@.tty)].name}', 'c3'],
  ['{.spec.containers[?(@.ports[0].containerPort>79)].name}', 'c1'],
  ['{range .spec.containers[*]}{.name}{"\\t"}{.image}{"\\n"}{end}', 'c1\ti:1\nc2\ti:2\nc3\ti:3\n'],
  ['{range .spec.containers[*]}{.name}', 'c1c2c3'],
  ["{range .spec.containers[*]}{.name} {end}{'!'}", 'c1 c2 c3 !'],
  ['{range .spec.containers[*]}{range .ports[*]}{.containerPort};{end}|{end}', '80;443;|||'],
  ['{.metadata.labels.app\\.io/name}', 'web'],
  ["{.metadata.labels['app\\.io/name']}", 'web'],
  ["{.metadata['name','namespace']}", 'a x'],
  ["{['kind']}", 'Pod'],
  ['{@.kind}', 'Pod'],
  ['{$.kind}', 'Pod'],
  ['{.nope}', ''],
  ['{.nope.deeper}', ''],
  ['{.spec.containers.name}', ''],
  ['{..containerPort}', '80 443'],
  ['{.spec.containers[*].ports[*].containerPort}', '80 443'],
  ['{.spec.containers[0].ports}', '[{"containerPort":80},{"containerPort":443}]'],
  ['{.metadata.labels}', '{"app.io/name":"web","n":"1","q":"1"}'],
  ['{.spec.containers[2].tty}', 'true'],
  ['{.spec.terminationGracePeriodSeconds}', '30'],
  ['x{"y"}z', 'xyz'],
  ['{.metadata.name},{.kind}', 'a,Pod'],
];

describe('jsonpath', () => {
  const file = useSharedFolder();

  for (const [template, printed] of CASES) {
    it(`prints ${template} as kubectl does`, () => {
      assert.equal(fill(parseTemplate(template), parseJson(POD)), printed);
    });
  }

  it('prints as the kubectl here does, too', function () {
    const kubectl = [process.env.KUBEBUILDER_ASSETS ?? '', ...(process.env.PATH ?? '').split(':')]
      .map((folder) => join(folder, 'kubectl'))
      .find((path) => existsSync(path));
    if (kubectl === undefined) {
      console.warn('    SKIPPED: templates are not compared, for want of kubectl');
      return this.skip();
    }
    this.timeout(60_000);
    writeFileSync(file('pod.json'), POD);
    for (const [template, printed] of CASES) {
      const args = ['label', '--local', '-f', file('pod.json'), 'q=1', '--overwrite', '-o', `jsonpath=${template}`];
      const { stdout, stderr }: SpawnSyncReturns<string> = spawnSync(kubectl, args, { encoding: 'utf8' });
      assert.equal(stdout, printed, `${template} ${stderr}`);
    }
  });

  it('keeps numbers and names that JavaScript would change', () => {
    const document = parseJson('{"big":12345678901234567890,"__proto__":{"a,b":1},"list":[1.0],"text":"abc"}');
    assert.equal(fill(parseTemplate('{.big} {.__proto__} {.list[0]} {.__proto__.a,b}'), document), '12345678901234567890 {"a,b":1} 1.0 1'); // prettier-ignore
    assert.equal(fill(parseTemplate('{.constructor}{.toString}{.list.length}{.text.length}{.text[0]}'), document), '');
  });

  for (const [template, reason] of [
    ['{.metadata.name', 'a brace is not closed'],
    ['{kind}', 'kind does not start with a dot'],
    ['{end}', 'there is an {end} without a {range}'],
    ['{.a[*][name]}', '"[name]" is no step of a path'],
    ['{"a" .b}', '"a" .b is not one quoted text'],
  ] as const) {
    it(`refuses ${template}`, () => {
      const message = `jsonpath ${JSON.stringify(template)}: ${reason}`;
      assert.throws(() => parseTemplate(template), { code: 'usage-invalid', message });
    });
  }
});
