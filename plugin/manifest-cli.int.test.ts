import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lastApplied } from '../shared/drift.ts';
import { compareManifest } from '../shared/manifest.ts';
import { normalise } from '../shared/normalise.ts';
import { isObject } from '../shared/json.ts';
import { openLedger } from '../webhook/ask/questions/open.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importCase } from '../webhook/testing/ledgers/case-ledger.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask, NOW, type Answer } from './testing/ask.ts';

const CASES = fileURLToPath(new URL('../shared/fixtures/cases/', import.meta.url));

/** Marked lines without their annotation. */
const marked = ({ out }: Answer): string[] => out.split('\n').flatMap((line) => /│([~+?-].*)$/.exec(line)?.[1] ?? []);
const summary = ({ err }: Answer): string => /^# (.*) · as of /m.exec(err)?.[1] ?? err;

describe('kubectl blame -f on the cases after public reports', () => {
  const file = useSharedFolder();
  const cases = ['03-manifest-yaml11', '10-manifest-quantities', '18-manifest-secret-same'] as const;
  before(async function () {
    this.timeout(60_000);
    for (const name of cases) await importCase(name, file(`${name}.db`));
  });

  const blame = (name: (typeof cases)[number], files: string, input?: string): Promise<Answer> => {
    const words = files.split(' ').flatMap((path) => ['-f', path === '-' || path.startsWith('/') ? path : `${CASES}${name}/${path}`]); // prettier-ignore
    return ask(['--db', file(`${name}.db`), ...words], input === undefined ? {} : { input });
  };
  const eighteen = (files: string, input?: string): Promise<Answer> => blame('18-manifest-secret-same', files, input);

  it('03: reads YAML 1.1 as kubectl does', async () => {
    const answer = await blame('03-manifest-yaml11', 'm.yaml');
    assert.deepEqual(marked(answer), []);
    assert.match(summary(answer), /· 2 objects · no line differs from what the cluster has$/);
    assert.equal(answer.code, 0);
    const infinite = await blame('03-manifest-yaml11', 'm2.yaml');
    assert.match(infinite.err, /^error: .*m2\.yaml: line 19: JSON has no number \+Inf: put it in quotes\n$/);
    assert.equal(infinite.code, 2);
  });

  it('10: compares amounts as amounts', async () => {
    const answer = await blame('10-manifest-quantities', 'm.yaml');
    assert.deepEqual(
      marked(answer).filter((line) => /^[~+]/.test(line)),
      [],
    );
    assert.match(summary(answer), /· 6 objects · no line of it differs from what the cluster has · 27 lines only in the cluster$/); // prettier-ignore
  });

  it('18: does not call equal what it cannot compare', async () => {
    const answer = await eighteen('sec.yaml');
    assert.deepEqual(marked(answer), ["?  password: '***'  # not compared (redacted)"]);
    assert.match(summary(answer), /1 object · 1 value not compared \(redacted\) · nothing else differs from what the cluster has$/); // prettier-ignore
    assert.match(answer.err, /^# secret shop\/db: data\.password: not compared \(redacted\)$/m);
    assert.equal(answer.code, 0);
    assert.doesNotMatch(answer.out, /YW5vdGhlci1wYXNzd29yZA/);
  });

  it('18: reads what Windows writes: a byte order mark, line ends of two characters, UTF-16', async () => {
    const answer = await eighteen('crlf.yaml');
    assert.deepEqual([marked(answer), answer.code], [[], 0]);
    const utf16 = file('utf16.yaml');
    const text =
      '\ufeffapiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: web, namespace: shop}\r\ndata: {k: v2}\r\n';
    writeFileSync(utf16, Buffer.from(text, 'utf16le'));
    assert.match((await eighteen(utf16)).out, /│~ {2}k: v2 {2}# cluster: v$/m);
  });

  it('18: names an object whose name is generated, and shows the rest', async () => {
    const answer = await eighteen('gen.yaml');
    assert.match(answer.out, /^# job shop\/mig-… · not comparable: its name is generated, so that each is a new one$/m);
    assert.deepEqual(marked(answer), ['-  a.conf: |  # not in the file', '-    x = 1', '-    y = 2', '~  k: v2  # cluster: v']); // prettier-ignore
    assert.match(summary(answer), /2 objects · 1 not compared · 1 line differs · 3 lines only in the cluster$/);
    assert.equal(answer.code, 1);
  });

  it('18: takes the last of equal keys, and skips what is no object, as kubectl does', async () => {
    const twice = await eighteen('dup.yaml');
    assert.match(twice.err, /^warning: .*dup\.yaml: line 6: the key "k" occurs twice, and the last one counts, as for kubectl$/m); // prettier-ignore
    assert.doesNotMatch(twice.out, /│[~+]/);
    const anchors = await eighteen('anchors.yaml');
    assert.match(anchors.out, /^# configmap shop\/web$/m);
    assert.match(anchors.err, /^error: .*anchors\.yaml: line 1: an object has no kind$/m);
    assert.equal(anchors.code, 2);
  });

  it('takes folders, several files, stdin; a missing file is one error', async () => {
    assert.match((await eighteen('dir')).err, /dir\/a\.yaml · 1 object · /);
    assert.match(summary(await eighteen('sec.yaml crlf.yaml')), /sec\.yaml, .*crlf\.yaml · 2 objects · /);
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\n';
    assert.match(summary(await eighteen('-', text)), /^stdin · 1 object · /);
    const missing = await eighteen('sec.yaml nosuch.yaml');
    assert.match(missing.err, /^error: there is no file \S+nosuch\.yaml\nhint: .*\n$/);
    assert.deepEqual([missing.out, missing.code], ['', 2]);
    mkdirSync(file('folder/inner'), { recursive: true });
    writeFileSync(file('folder/inner/a.yml'), text);
    writeFileSync(file('folder/notes.txt'), 'x');
    const flat = await eighteen(file('folder'));
    assert.match(flat.err, /^error: \S+folder holds no file that ends in \.json, \.yaml, \.yml\nhint: folders in it are read with -R\n$/); // prettier-ignore
    const deep = await ask(['--db', file('18-manifest-secret-same.db'), '-R', '-f', file('folder')]);
    assert.match(deep.err, /folder\/inner\/a\.yml · 1 object · /);
  });

  it('refuses what does not go with it, and reads what the flags say', async () => {
    const input = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop, labels: {a: b}}\n';
    const run = (...words: string[]): Promise<Answer> => ask(['--db', file('18-manifest-secret-same.db'), '-f', 'x.yaml', ...words], { input }); // prettier-ignore
    const fails: [words: string[], message: RegExp][] = [
      [['-A'], /^error: -f and -A do not go together\n/],
      [['--limit', '3'], /^error: -f and --limit do not go together\n/],
      [['-n', 'other'], /^error: the file has configmap web in namespace shop, and -n says other\n/],
    ];
    for (const [words, message] of fails) {
      const { err, code } = await run(...words);
      assert.match(err, message);
      assert.equal(code, 2);
    }
    assert.match((await run('-l', 'a=c')).err, /^(?!.*configmap)/);
    assert.equal((await ask(['--db', file('18-manifest-secret-same.db'), '-R'])).code, 2);
    // Another API version has other fields: what differs would tell nothing.
    const v2 = await ask(['--db', file('10-manifest-quantities.db'), '-f', 'x.yaml'], {
      input: 'apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: q, namespace: shop}\n',
    });
    assert.match(v2.out, /· not compared: the record has it as autoscaling\/v2, the file as autoscaling\/v1$/m);
    assert.equal(v2.code, 0);
  });
});

describe('kubectl blame -f on the recording', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });

  it('finds in what was just applied only what others have added since', async () => {
    const reader = await openLedger(file('shop.db'), () => NOW);
    const drifts: string[] = [];
    let compared = 0;
    const { changes } = await reader.changes({ scope: {}, limit: 3000, bodies: true });
    for (const { at, object, manager, outcome, after } of changes) {
      const applied = lastApplied(after ?? {});
      // The tags of a Secret's values differ in its annotation.
      if (manager !== 'kubectl-client-side-apply' || outcome !== 'committed' || object.kind === 'Secret') continue;
      if (applied === undefined || !isObject(applied)) continue;
      const scope = { type: object, namespace: object.namespace, names: [object.name] };
      const [blame] = (await reader.blame({ scope, at, limit: 1 })).blames;
      assert.ok(blame !== undefined);
      compared++;
      if (compareManifest(normalise(applied).body, blame).differs) drifts.push(`${object.kind} ${object.name}`);
    }
    await reader.close();
    assert.equal(compared, 22);
    // Labels that bob and alice set, and a variable that alice set, by kubectl label and set env.
    assert.deepEqual(drifts, ['Deployment web', 'Deployment web']);
  });

  it('finds no difference in its own -o yaml, of all that there is', async function () {
    this.timeout(60_000);
    const at = '2026-11-22T05:07:06Z';
    const yaml = await ask(['--db', file('shop.db'), '-A', '--at', at, '-o', 'yaml']);
    const { out, err, code } = await ask(['--db', file('shop.db'), '--at', at, '-f', '-'], { input: yaml.out });
    assert.equal(code, 0, err);
    assert.match(err, /^# stdin · \d{3} objects · no line differs from what the cluster has · /);
    assert.doesNotMatch(out, /│[~+?-]/);
  });
});
