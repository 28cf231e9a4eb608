import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { canonicalJson, parseJson } from '../shared/json.ts';
import type { JsonObject } from '../shared/types.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask, type Answer, type AskOptions } from './testing/ask.ts';
import { widthOf } from './views/text.ts';

const T1 = '2026-11-22T05:06:30.884Z';
const T2 = '2026-11-22T05:07:06.618Z';

describe('kubectl blame on a ledger of the recording', () => {
  const file = useSharedFolder();

  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });

  const blame = (words: string, options: AskOptions = {}): Promise<Answer> =>
    ask(['--db', file('shop.db'), ...words.split(' ').filter((word) => word !== '')], options);

  it('tells who changed a deployment, when, and what', async () => {
    const { code, out, err } = await blame('deployment web -n shop --user alice@example.com', { columns: 80 });
    assert.equal(code, 0);
    assert.equal(
      out,
      `ID    TIME      USER               OPERATION     CHANGE
1448  05:08:11  alice@example.com  update
    spec.template.spec.containers[nginx].image: …:24.2.1 → …:24.2.0
    spec.template.spec.containers[nginx].resources.limits.memory: 256Mi → 128Mi
    metadata.labels["app.kubernetes.io/version"]: "24.3" → "24.2"
755   05:06:24  alice@example.com  update
    + spec.template.spec.containers[nginx].env[FEATURE_X].value: on
732   05:06:24  alice@example.com  update
    spec.template.spec.containers[nginx].resources.limits.memory: 128Mi → 256Mi
    metadata.labels["app.kubernetes.io/version"]: "24.2" → "24.3"
499   05:06:20  alice@example.com  update
    spec.replicas: 5 → 3
    spec.template.spec.containers[nginx].image: …:24.2.1 → …:24.2.0
430   05:06:02  alice@example.com  update
    + metadata.annotations.reviewed-by: alice
379   05:06:02  alice@example.com  update/scale  spec.replicas: 3 → 5
265   05:05:48  alice@example.com  create
    created: image web:24.2.0, shipper:1.4, replicas 3
`,
    );
    assert.equal(err, '# deployment shop/web · 7 changes · 2026-11-22 05:05:48 → 05:08:11 UTC\n');
  });

  it('fits 80 and 160 columns, whatever is asked', async () => {
    for (const columns of [80, 160]) {
      for (const words of ['--limit 400', 'ns sandbox --attempts --status', 'deploy -A', 'pods -A', `--at ${T1}`]) {
        const { code, out } = await blame(words, { columns });
        assert.equal(code, 0);
        const wide = out.split('\n').filter((line) => widthOf(line) > columns);
        assert.deepEqual(wide, [], `${words} at ${columns}`);
      }
    }
  });

  it('takes TYPE as kubectl does', async () => {
    const expected = (await blame('deployments.apps web -n shop')).out;
    for (const words of ['deploy web', 'deploy/web', 'Deployment web', 'deployments.v1.apps/web', 'DEPLOYMENTS web']) {
      assert.equal((await blame(`${words} -n shop`)).out, expected, words);
    }
    const both = await blame('svc/web deploy/web -n shop --limit 200');
    assert.equal((await blame('deploy,svc web -n shop --limit 200')).out, both.out);
    assert.match(both.out, /service\/web/);
    assert.match(both.out, /deployment\/web/);
  });

  it('finds custom resources, in their namespace, also after their definition is gone', async () => {
    const { code, out, err } = await blame('features -n shop');
    assert.equal(code, 0);
    assert.equal(out.match(/feature\/dark-mode/g)?.length, out.trim().split('\n').length - 1);
    assert.match(err, /^# features in namespace shop · /);
    assert.equal((await blame('feature dark-mode')).code, 3);
  });

  it('takes names exactly, and tells two objects of one name apart', async () => {
    const { out } = await blame('pod web -n shop');
    assert.equal(out, '');
    const api = await blame('deployment api -n shop');
    assert.match(api.out, /\tdeployment\/api@eb0c1ea5: created/);
    assert.match(api.out, /deployment\/api@62d267b2/);
  });

  it('answers for a namespace with the Namespace itself', async () => {
    const { out } = await blame('ns sandbox --limit 1000 --format table');
    assert.match(out, /\tnamespace\/sandbox\t/);
    assert.match(out, /\tconfigmap\/guarded\t/);
    assert.doesNotMatch(out, /\tshop\t/);
    assert.doesNotMatch((await blame('-n sandbox --limit 1000 --format table')).out, /\tnamespace\/sandbox\t/);
  });

  it('takes the namespace of the current context', async () => {
    writeFileSync(
      file('kubeconfig'),
      'current-context: a\ncontexts:\n- name: a\n  context: {namespace: shop}\n- name: b\n  context: {}\n',
    );
    const inShop = await blame('deploy web', { env: { KUBECONFIG: file('kubeconfig') } });
    assert.equal(inShop.code, 0);
    const { code, err } = await blame('deploy web');
    assert.equal(code, 3);
    assert.equal(
      err,
      'error: deployment "web" is not in namespace default; it is in shop\nhint: add -n shop, or -A for all namespaces\n',
    );
    assert.match((await blame('statefulsets')).err, /there are such objects in shop: add -n NAME, or -A for all/);
  });

  it('hides status and attempts, says so, and shows them on request', async () => {
    const plain = await blame('deploy web -n shop');
    assert.match(plain.err, /# \d+ changes of status by controllers hidden: --status shows them/);
    const status = await blame('deploy web -n shop --status --limit 1000');
    assert.ok(status.out.split('\n').length > plain.out.split('\n').length + 20);
    assert.doesNotMatch(status.err, /--status/);
    const attempts = await blame('deploy web -n shop --attempts');
    assert.match(attempts.out, /update!\tnever persisted: /);
    assert.match(attempts.err, /# ! an attempt that was never persisted/);
  });

  it('prints an object as it was', async () => {
    const { code, out, err } = await blame(`deploy web -n shop --at ${T1}`);
    assert.equal(code, 0);
    const body = parse(out, { version: '1.1' }) as { spec: { replicas: number }; metadata: { name: string } };
    assert.equal(body.spec.replicas, 3);
    assert.equal(body.metadata.name, 'web');
    assert.equal(err, '# deployment shop/web as of 2026-11-22 05:06:30.884 UTC\n');
    const json = await blame(`deploy web -n shop --at ${T1} -o json`);
    assert.ok(json.out.startsWith('{\n    "apiVersion": "apps/v1",\n    "kind": "Deployment",\n'));
    assert.deepEqual(JSON.parse(json.out), parse(out, { version: '1.1' }));
  });

  it('lists what existed, as a table or to apply', async () => {
    const table = await blame(`-n shop --at ${T1}`, { columns: 80 });
    assert.match(table.out, /^OBJECT +AGE +LAST CHANGED +BY\n/);
    const rows = table.out.trim().split('\n').length - 1;
    const list = JSON.parse((await blame(`-n shop --at ${T1} -o json`)).out) as { kind: string; items: unknown[] };
    assert.equal(list.kind, 'List');
    assert.equal(list.items.length, rows);
    const labelled = JSON.parse(
      (await blame(`-n shop --at ${T1} -l app=web,tier=frontend -o json`)).out,
    ) as typeof list;
    assert.equal(labelled.items.length, 1);
  });

  it('shows the net difference between two moments', async () => {
    const { code, out, err } = await blame(`deploy web -n shop --from 2026-11-22T05:06 --to ${T1} --format diff`);
    assert.equal(code, 0);
    assert.match(
      out,
      /^deployment shop\/web · changed · bob@example.com, system:serviceaccount:kube-system:deployment-controller, alice@example.com\n@@ /,
    );
    assert.match(out, /\n\+ {4}reviewed-by: alice\n/);
    assert.equal(err, `# deployment shop/web · 1 object differs · 2026-11-22 05:06:00 → 05:06:30.884 UTC\n`);
    assert.match((await blame(`--from ${T1} --to ${T2}`)).err, /objects differ/);
  });

  it('prints documents and patches for programs', async () => {
    const { out } = await blame('deploy web -n shop --user bob@example.com --format json');
    const list = parseJson(out) as { kind: string; items: JsonObject[] };
    assert.equal(list.kind, 'ChangeList');
    assert.equal(list.items.at(-1)?.['at'], '2026-11-22T05:06:02.127Z');
    const yaml = parse((await blame('deploy web -n shop --user bob@example.com -o yaml')).out) as JsonObject;
    assert.equal(canonicalJson(yaml), canonicalJson(JSON.parse(out) as JsonObject));
    const patch = (
      await blame('deploy web -n shop --user bob@example.com --limit 1 --until 2026-11-22T05:06:03Z -o patch')
    ).out;
    assert.deepEqual(parse(patch), [{ op: 'add', path: '/metadata/labels/tier', value: 'frontend' }]);
  });

  it('says what it understood of times, and whether anybody was looking', async () => {
    const since = await blame('deploy web -n shop --since 2026-11-22T06:08', { timeZone: 'Europe/Berlin' });
    assert.match(since.err, /^# deployment shop\/web · \d changes · since 2026-11-22 06:08:00 \+01:00\n/);
    const none = await blame('deploy web -n shop --since 1h');
    assert.equal(none.code, 0);
    assert.equal(none.out, '');
    assert.match(none.err, /no such change/);
    assert.match(none.err, /not recorded since/);
    const quiet = await blame('deploy web -n shop --since 2026-11-22T05:06:03Z --until 2026-11-22T05:06:03Z');
    assert.match(quiet.err, /no such change.*\n# recording worked all that time: kubectl blame coverage\n/);
  });

  it('has an exit code for each kind of failure, and a hint', async () => {
    for (const [words, code, err] of [
      ['deploy wbe -n shop', 3, /^error: the ledger has no deployment "wbe" in namespace shop\nhint: similar: web\n$/],
      ['ns shpo', 3, /^error: namespace "shpo" is not in the ledger\nhint: similar: shop\n$/],
      ['pods -n shpo', 3, /namespace "shpo" is not in the ledger/],
      ['deploy web -n shop --at 2020-01-01', 3, /lies before the first record/],
      ['deploy web -n shop --at 2030-01-01', 3, /^error: 2030-01-01 00:00:00 UTC lies in the future\n/],
      ['deploy web -n shop --at 2026-11-22T05:05:45Z', 3, /did not exist at/],
      ['deploymnet', 1, /^error: no resource type is called "deploymnet"\nhint: did you mean deployments\?\n$/],
      ['--at 25:00', 2, /^error: the time "25:00" cannot be read: there is no hour 25\nhint: a time is like /],
      ['-l app=,', 2, /^error: the label selector /],
      ['--to 2h', 2, /^error: --to needs --from\n/],
      ['--at 2h --since 3h', 2, /^error: --at and --since do not go together\n/],
      ['--format xml', 2, /Allowed choices are story, table, wide.*\nhint: see kubectl blame --help\n/],
      ['show', 2, /^error: missing required argument 'ids'\nhint: see kubectl blame show --help\n$/],
      ['--limit 0', 2, /^error: --limit <count>: '0' is not valid\. It must be a whole number of at least 1\.\nhint: /],
      ['--bogus', 2, /unknown option/],
      ['a/b/c', 2, /^error: "a\/b\/c" is not TYPE\/NAME\n/],
    ] as const) {
      const answer = await blame(words);
      assert.match(answer.err, err, words);
      assert.equal(answer.code, code, words);
      assert.equal(answer.out, '', words);
    }
  });

  it('refuses a file that is no ledger', async () => {
    assert.equal((await ask(['--db', file('none.db')])).code, 1);
    writeFileSync(file('text.txt'), 'hello');
    const { code, err } = await ask(['--db', file('text.txt')]);
    assert.equal(code, 1);
    assert.match(err, /^error: .*\nhint: /);
    assert.match((await ask([])).err, /^error: no cluster to ask: .*\nhint: .*--db FILE or --server URL\n$/);
  });

  it('colours only where it may', async () => {
    const terminal = { colour: 1, columns: 80 } as const;
    assert.ok((await blame('deploy web -n shop', terminal)).out.includes('\u001b['));
    assert.ok(!(await blame('deploy web -n shop --no-color', terminal)).out.includes('\u001b'));
  });
});

describe('kubectl blame --help', () => {
  it('is answered without a ledger, with examples and exit codes', async () => {
    const { code, out } = await ask(['--help']);
    assert.equal(code, 0);
    assert.match(out, /\nUsage:\n {2}kubectl blame \[TYPE/);
    assert.match(out, /Exit codes: 0 answered, 1 error, 2 usage, 3 asked for a time or object that no record covers/);
  });
});
