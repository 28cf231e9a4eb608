import assert from 'node:assert/strict';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask, type Answer } from './testing/ask.ts';

describe('flags, on the recording', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(120_000);
    await (await importShop(file('shop.db'), true)).close();
  });
  const blame = (line: string, env: Record<string, string> = {}): Promise<Answer> =>
    ask([...line.split(' '), '--db', file('shop.db')], { env: { KUBECONFIG: '/nonexistent', ...env } });
  /** How many rows, and the first id; what a flag means shows in both. */
  const rows = async (line: string): Promise<string> => {
    const { code, out, err } = await blame(`${line} --no-headers`);
    assert.equal(code, 0, `${line}: ${err}`);
    const lines = out.split('\n').filter((row) => row !== '');
    return `${lines.length} from ${lines[0]?.split('\t')[0] ?? 'none'}`;
  };

  const SHOP = 'deploy --format table --status -n shop';
  for (const [written, same] of [
    ['deploy --format table --status -n=shop', SHOP],
    ['deploy --format table --status -nshop', SHOP],
    ['deploy --format=table --status=true --namespace=shop', SHOP],
    ['deployments.apps --format table --status -n shop', SHOP],
    ['deployments -o=table --status -n shop', SHOP],
    ['deploy web -n shop', 'deploy/web -n shop'],
    ['deploy web -n shop', 'deploy shop/web'],
    ['deploy -A', 'deploy --all-namespaces=true'],
    ['deploy -A', 'deploy -A=true'],
    ['deploy -n shop', 'deploy -n shop -A=false'],
    ['deploy -n shop -l=app=web', 'deploy web -n shop'],
    ['deploy -n shop -5', 'deploy -n shop --limit=5'],
    ['deploy -n shop --user bob@*', 'deploy -n shop --user bob@example.com'],
    ['deploy -n shop --user bob@* --user alice@*', 'deploy -n shop --user alice@* --user bob@*'],
    ['deploy -n shop --user *@example.com --exclude-user alice*', 'deploy -n shop --user bob@example.com'],
    ['deploy -A --since 2026-11-22', 'deploy -A --since 1mo'],
    ['deploy -A --since 2026-11-22T05:07:06Z', 'deploy -A --since @1795324026'],
    ['deploy -A --since 2026-11-23T12:00:00Z', 'deploy -A --since yesterday'],
  ] as const) {
    it(`${written} is ${same}`, async () => assert.equal(await rows(written), await rows(same)));
  }

  for (const [line, expected] of [
    ['deploy -n shop --operation update/scale', '1 from 379'],
    ['deploy -n shop --manager kubectl-edit', '1 from 709'],
    ['deploy -n shop --user bob@example.com', '5 from 1662'],
    ['deploy -n shop --user bob@* --manager kubectl-edit', '1 from 709'],
  ] as const) {
    it(`${line} has ${expected}`, async () => assert.equal(await rows(line), expected));
  }

  for (const [line, expected] of [
    ['deploy web -n shop -2 -o jsonpath={.items[*].seq}', '1662 1451'],
    ['deploy web -n shop -2 -ojsonpath={.items[0].actor.username}', 'bob@example.com'],
    ['deploy web -n shop -2 --output=jsonpath={range~.items[*]}{.seq}{","}{end}', '1662,1451,'],
    ['-n shop -1 -o jsonpath={.items[*].verb}', 'deleted'],
    ['deploy web -n shop --at 770 -o jsonpath={.spec.replicas}', '3'],
    ['show 770 -o jsonpath={.items[*].seq}', '770'],
    [
      'deploy web -n shop -1 -o custom-columns=ID:.seq,BY:.actor.username,NO:{.nope}',
      'ID     BY                NO\n1662   bob@example.com   <none>\n',
    ],
    ['deploy web -n shop -1 -o custom-columns=ID:.seq --no-headers', '1662\n'],
    ['coverage --output custom-columns=COVERED:covered', 'COVERED\ntrue\nfalse\n'],
  ] as const) {
    it(`${line} prints what is asked for of each item`, async () => {
      const { code, out, err } = await ask([...line.split(' ').map((word) => word.replace('~', ' ')), '--db', file('shop.db')]); // prettier-ignore
      assert.deepEqual([code, out], [0, expected], err);
    });
  }

  it('takes an object for tree and impact as headers write it, too', async () => {
    for (const command of ['tree', 'impact']) {
      const [here, same] = await Promise.all(['deployment shop/web', 'deployment/web -n shop'].map((words) => blame(`${command} ${words} --at 770`))); // prettier-ignore
      assert.equal(here?.code, 0, here?.err);
      assert.equal(here.out, same?.out);
      const two = await blame(`${command} deployment shop/web -n sandbox --at 770`);
      assert.match(two.err, /^error: -n sandbox and deployment shop\/web name two namespaces\n/);
    }
  });

  it('takes the moment of a change for a time, and noon for a time of day that it names', async () => {
    assert.match((await blame('deploy web -n shop --at 755 -o name')).err, /as of 2026-11-22 05:06:24\.719 UTC/);
    assert.match((await blame('deploy -A --since noon')).err, /^# noon was taken as 2026-11-\d\d 12:00:00 UTC\n/);
    const text = await ask(['deploy', '-A', '--since', 'Nov 22', '-o', 'name', '--db', file('shop.db')]);
    assert.match(text.err, /since 2026-11-22 00:00:00 UTC/);
  });

  it('beats the environment', async () => {
    const { code, err } = await blame('deploy -n shop', { KUBEBLAME_SERVER: 'https://127.0.0.1:1' });
    assert.equal(code, 0, err);
  });

  for (const [line, code, expected] of [
    ['--limit -1', 2, /^error: --limit <count>: '-1' is not valid\. It must be a whole number of at least 1\.\nhint: /],
    ['show -1', 2, /^error: "-1" is not the id of a change\nhint: /],
    ['blame help', 1, /^error: .*\nhint: leave out the second "blame": kubectl blame help\n$/],
    ['logs web', 1, /^error: .*\nhint: logs is a command of kubectl; here TYPE comes first: kubectl blame pod NAME\n$/],
    ['deploy -n shop -o jsonpath={.items[', 2, /^error: jsonpath "\{\.items\[": a brace is not closed\nhint: /],
    ['deploy -n shop -o custom-columns=seq', 2, /^error: custom-columns: "seq" is not HEAD:PATH\nhint: /],
    ['deploy -n shop -o jsonpath=', 2, /^error: jsonpath: nothing follows the equals sign\nhint: /],
    ['deploy -o go-template-file=x', 2, /^error: go-template-file is not supported\nhint: use -o jsonpath= or /],
    ['-f README.md', 2, /^error: README\.md: not a manifest in YAML or JSON: line 3: /],
    [
      '-f docs',
      2,
      /^error: docs holds no file that ends in \.json, \.yaml, \.yml\nhint: folders in it are read with -R\n$/,
    ],
    ['deploy -A --all-namespaces=perhaps', 2, /"perhaps" is neither true nor false/],
    [
      'deploy web -n shop --field spec.nope',
      1,
      /error: spec\.nope: no such field in the record of deployment shop\/web\n/,
    ],
  ] as const) {
    it(`${line} is refused, and says why`, async () => {
      const answer = await blame(line);
      assert.equal(answer.out, '');
      assert.match(answer.err, expected);
      assert.equal(answer.code, code);
    });
  }

  for (const [line, expected] of [
    ['deploy web -n shop --user alice', /# no change by a user "alice" is recorded: did you mean alice@example\.com\?/],
    [
      '--user nobody@nowhere',
      /# no change by a user "nobody@nowhere" is recorded: `kubectl blame who` lists all users/,
    ],
    ['leases -A', /# no leases were ever recorded: none changed, or the server leaves them out \(--skip\)/],
    ['deploy -A --until 2026-11-01', /^# not recorded: recording began at 2026-11-22 05:05:31\.843 UTC\n$/],
  ] as const) {
    it(`${line} is empty, and says which it is`, async () => {
      const { code, out, err } = await blame(`${line} --format table`);
      assert.deepEqual([code, out], [0, ''], err);
      assert.match(err, expected);
    });
  }
});
