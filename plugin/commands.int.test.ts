import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { canonicalJson, parseJson } from '../shared/json.ts';
import type { JsonObject } from '../shared/types.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask, type Answer, type AskOptions } from './testing/ask.ts';

describe('the commands of kubectl blame, on a ledger of the recording', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });
  const blame = (words: string, options: AskOptions = {}): Promise<Answer> =>
    ask([...words.split(' ').filter((word) => word !== ''), '--db', file('shop.db')], options);
  /** The id of the newest change that some words find. */
  const idOf = async (words: string): Promise<string> => (await blame(`${words} --oneline -1`)).out.split(' ')[0] ?? '';

  describe('show', () => {
    it('tells everything about a change, and what is beside it', async () => {
      const id = await idOf('configmap web-config -n shop --user bob@example.com --until 2026-11-22T05:07:00Z');
      const { code, out } = await blame(`show ${id}`, { columns: 80 });
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^change ${id} configmap shop/web-config\nUser: +bob@example.com\nGroups: +sre, `));
      for (const line of [
        /^Manager: +kubectl-patch$/m,
        /^Date: +2026-11-22 05:06:24\.\d+ UTC \(2d6h ago\)$/m,
        /^Outcome: +committed: the watch shows it$/m,
        /^Before it: +\d+ create by alice@example.com: created: 2 keys: LOG_LEVEL,\n +nginx.conf$/m,
        /^After it: +\d+ update by alice@example.com: data.LOG_LEVEL: debug → info$/m,
        /^- {2}LOG_LEVEL: info\n\+ {2}LOG_LEVEL: debug$/m,
      ]) assert.match(out, line); // prettier-ignore
    });

    it('says which ids there are', async () => {
      const { code, err } = await blame('show 99999');
      assert.equal(code, 3);
      assert.match(
        err,
        /^error: there is no change 99999\nhint: ids go from 1 to 1706; tables show them in the column ID\n$/,
      );
      assert.equal((await blame('show x')).code, 2);
      assert.equal((await blame('show 3-5 -o json')).out.match(/"seq"/g)?.length, 3);
    });
  });

  describe('undo', () => {
    it('prints a guarded patch of the present object, and the command that takes it', async () => {
      // The last one that made a difference to what is there now.
      const id = await idOf('node node-2 --user bob@example.com');
      const { code, out, err } = await blame(`undo ${id}`);
      assert.equal(code, 0, err);
      const patch = parseJson(out) as JsonObject[];
      assert.deepEqual(Object.keys(patch[0] ?? {}), ['op', 'path', 'value']);
      assert.equal(patch[0]?.path, '/metadata/resourceVersion');
      assert.equal(patch.at(-1)?.path, '/spec/unschedulable');
      assert.match(
        err,
        /# nothing has been applied; pipe it into: kubectl patch nodes node-2 --type json --patch-file \/dev\/stdin\n/,
      );
      const free = await blame(`undo ${id} --any-version`);
      assert.equal(canonicalJson((parseJson(free.out) as JsonObject[])[0] ?? null), canonicalJson(patch[1] ?? null));
    });

    it('creates a deleted object again, and several as a script', async () => {
      const id = await idOf('deployment web -n shop --user bob@example.com');
      const { out, err, code } = await blame(`undo ${id}`);
      assert.equal(code, 0);
      assert.match(out, /^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n {2}annotations:/);
      assert.doesNotMatch(out, /uid|creationTimestamp: "|deployment.kubernetes.io\/revision|^status/m);
      assert.match(err, /pipe it into: kubectl create -f -\n/);
      const service = await idOf('service web -n shop --user alice@example.com');
      const script = await blame(`undo ${id},${service}`);
      assert.match(script.out, /^set -e\nkubectl create -f - <<'END'\napiVersion: apps\/v1\n/);
      assert.match(script.out, /\nEND\nkubectl create -f - <<'END'\napiVersion: v1\nkind: Service\n/);
      assert.match(script.err, /pipe it into: sh\n$/);
      assert.equal(spawnSync('sh', ['-n'], { input: script.out }).status, 0);
    });

    it('names what others have set since, and ends with 4', async () => {
      const id = await idOf('configmap web-config -n shop --user bob@example.com --until 2026-11-22T05:07:00Z');
      const { code, out, err } = await blame(`undo ${id}`);
      assert.equal(code, 4);
      assert.equal(out, '');
      assert.match(
        err,
        /^conflict: change \d+: data.LOG_LEVEL stays: it was info, is now \w+, set since by .* \(change \d+, .* UTC\)\n/,
      );
      const forced = await blame(`undo ${id} --force`);
      assert.equal(forced.code, 0);
      assert.match(forced.out, /"op":"replace","path":"\/data\/LOG_LEVEL","value":"info"/);
    });

    /** What is said beside the data, without times. */
    const said = async (words: string): Promise<string[]> => {
      const { err } = await blame(`undo ${words}`);
      return err.trimEnd().split('\n');
    };

    it('refuses what nobody did: the first sight of an object', async () => {
      const first = (words: string): Promise<string> => idOf(`${words} --until 2026-11-22T05:05:35Z`);
      for (const [id, title] of [
        [await first('namespaces -A'), 'namespace kube-node-lease'],
        [await first('node node-1'), 'node node-1'],
      ] as const) {
        assert.deepEqual(await said(id), [
          `conflict: change ${id}: ${title} was there when recording began: nobody is known to have made it, so there is nothing to undo`,
          'error: nothing to undo',
        ]);
        const forced = await blame(`undo ${id} --force`);
        assert.deepEqual([forced.out, forced.code], ['', 4]);
      }
    });

    it('counts what goes with an object that it deletes', async () => {
      const id = await idOf('namespaces -A --user kubernetes-admin --until 2026-11-22T05:05:48.150Z');
      assert.deepEqual((await said(id)).slice(1, 2), [
        'warning: namespace shop: 19 objects go with it: 3 configmaps, 3 pods, 3 serviceaccounts, 2 secrets, 1 controllerrevision, 1 cronjob, 1 deployment, 1 horizontalpodautoscaler, 1 poddisruptionbudget, 1 replicaset, 1 rolebinding, 1 statefulset',
      ]);
    });

    it('counts what does not come back with an object that it creates', async () => {
      assert.deepEqual(await said(await idOf('deployment web -n shop --user bob@example.com')), [
        '# deployment shop/web: creates it again, by the record',
        'warning: 8 objects that went with it do not come back: 5 replicasets, 3 pods; its controllers may make new ones',
        '# nothing has been applied; pipe it into: kubectl create -f -',
      ]);
      const sandbox = await idOf('namespaces -A --user kubernetes-admin');
      assert.deepEqual((await said(sandbox)).slice(1, 2), [
        'warning: 9 objects that went with it do not come back: 4 pods, 2 configmaps, 1 deployment, 1 replicaset, 1 serviceaccount',
      ]);
      // Its objects had been deleted before it.
      const definition = await idOf('crd features.shop.example.com --user kubernetes-admin');
      assert.equal((await said(definition)).length, 2);
    });

    it('says that values of a Secret were never recorded', async () => {
      const id = await idOf('secret web-secret -n shop');
      const { code, err } = await blame(`undo ${id === '' ? await idOf('secret -n shop') : id}`);
      assert.equal(code, 4);
      assert.match(err, /never recorded/);
    });
  });

  describe('who', () => {
    it('counts changes by user, the most first', async () => {
      const { out } = await blame('who deployments -n shop');
      const rows = out.trim().split('\n').map((line) => line.split(/ {3,}/)); // prettier-ignore
      assert.deepEqual(rows[0], ['USER', 'CHANGES', 'LAST SEEN', 'RESOURCES']);
      const alice = rows.find(([user]) => user === 'alice@example.com');
      const listed = await blame('deployments -n shop --user alice@example.com -o jsonl --limit 1000');
      assert.equal(Number(alice?.[1]), listed.out.trim().split('\n').length);
      assert.deepEqual(alice?.slice(3), [`${alice?.[1]} deployment`]);
    });

    it('groups what a person did by command', async () => {
      const { out } = await blame('who --user alice@example.com', { columns: 160 });
      assert.match(out, / kubectl-client-side-apply {2}create +13 objects: 3 service, 2 deployment, /);
      const bursts = parseJson((await blame('who --user alice@example.com -o json')).out) as JsonObject;
      const items = bursts.items as { changes: unknown[] }[];
      assert.equal(items.length, out.trim().split('\n').length - 1);
      assert.equal(items.at(-1)?.changes.length, 13);
    });
  });

  describe('the flags of git log', () => {
    it('turn the order, and find values', async () => {
      const newestFirst = (await blame('deploy web -n shop -o jsonl')).out.trim().split('\n');
      const reversed = (await blame('deploy web -n shop -o jsonl --reverse')).out.trim().split('\n');
      assert.deepEqual(reversed, [...newestFirst].reverse());
      const found = await blame('deploy web -n shop --grep replicas:.*5 --oneline');
      assert.deepEqual(found.out.match(/spec\.replicas: \d → \d/g), ['spec.replicas: 5 → 3', 'spec.replicas: 3 → 5']);
      assert.equal((await blame('deploy web -n shop --grep REPLICAS --oneline')).out, '');
      assert.notEqual((await blame('deploy web -n shop --ignore-case --grep REPLICAS --oneline')).out, '');
      assert.match((await blame('--grep (')).err, /^error: --grep: .*\nhint: /);
    });

    it('take -5 for a number of changes, and say so where -n 5 was meant', async () => {
      assert.equal((await blame('-5 --oneline')).out.trim().split('\n').length, 5);
      assert.match((await blame('-n 5')).err, /hint: -n is the namespace; for 5 changes: --limit 5\n$/);
    });

    it('count values', async () => {
      const { out } = await blame('deploy web -n shop --stat --user alice@example.com --grep reviewed-by');
      assert.match(
        out,
        /\n metadata\.annotations \| {3}1 \+\n values: 1 changed, 1 added\n$|\n values: 1 changed, 1 added\n$/,
      );
    });

    it('write for scripts', async () => {
      const csv = (await blame('deploy web -n shop -o csv -2')).out.split('\r\n');
      assert.equal(
        csv[0],
        'id,time,user,manager,operation,subresource,outcome,source,resource,namespace,name,uid,change',
      );
      assert.match(csv[1] ?? '', /^\d+,2026-11-22T05:08:26\.\d+Z,bob@example\.com,.*,deployments\.apps,shop,web,/);
      assert.equal((await blame('deploy,svc web -n shop -o name')).out, 'service/web\ndeployment.apps/web\n');
      assert.equal((await blame('deploy web -n shop --at 2026-11-22T05:07:00Z -o name')).out, 'deployment.apps/web\n');
    });
  });

  describe('--watch', () => {
    it('shows the newest, the last one last, and goes on until it is interrupted', async () => {
      const stop = new AbortController();
      const watching = blame('deploy web -n shop -w -3', { interrupted: stop.signal });
      setTimeout(() => stop.abort(), 100);
      const { code, out, err } = await watching;
      assert.equal(code, 0);
      assert.equal(out, (await blame('deploy web -n shop --oneline --reverse -3')).out);
      assert.match(err, /following; ctrl-c ends it/);
      assert.equal((await blame('-w -o yaml')).code, 2);
    });
  });

  describe('completion', () => {
    const complete = (...words: string[]): Promise<Answer> => ask(['__complete', '--db', file('shop.db'), ...words]);
    it('proposes types, names, namespaces, users, ids, flags and their values', async () => {
      const lines = async (...words: string[]): Promise<string[]> =>
        (await complete(...words)).out.trimEnd().split('\n').map((line) => line.split('\t')[0] ?? ''); // prettier-ignore
      assert.deepEqual(await lines('depl'), ['deployment', ':4']);
      assert.deepEqual(await lines('und'), ['undo', ':4']);
      assert.deepEqual(await lines('deploy', '-n', 'shop', ''), ['api', 'web', ':4']);
      assert.deepEqual(await lines('-n', 'shop', 'deploy/w'), ['deploy/web', ':4']);
      assert.deepEqual(await lines('-n', 's'), ['sandbox', 'shop', ':4']);
      assert.deepEqual(await lines('who', '--user', 'b'), ['bob@example.com', ':4']);
      assert.deepEqual((await lines('undo', '')).slice(0, 2), ['1705', '1703']);
      assert.deepEqual(await lines('--onel'), ['--oneline', ':4']);
      assert.deepEqual(await lines('-o', 'js'), ['json', 'jsonl', ':4']);
      assert.deepEqual(await lines('completion', 'f'), ['fish', ':4']);
      assert.deepEqual(await lines('releases', 'sh'), ['shop', ':4']);
      assert.deepEqual(await lines('apps', '--rules', ''), [':0']);
      assert.deepEqual(await lines('--certificate-authority', ''), [':0']);
    });

    it('is silent where there is nothing to ask', async () => {
      assert.deepEqual(await ask(['__complete', '--db', '/nonexistent', 'd']), { code: 0, out: ':4\n', err: '' });
    });

    it('has a script for each shell', async () => {
      for (const shell of ['bash', 'zsh', 'fish', 'kubectl']) {
        const { code, out } = await ask(['completion', shell]);
        assert.equal(code, 0);
        assert.match(out, /kubectl-blame __complete/);
      }
      assert.equal(spawnSync('bash', ['-n'], { input: (await ask(['completion', 'bash'])).out }).status, 0);
    });
  });

  it('names its versions', async () => {
    assert.match(
      (await blame('version')).out,
      /^Client: {2}\S+ \(Node v\d+.*, reads ledger format 6\)\nLedger: {2}format 6, 1706 changes of cluster shop \(/,
    );
    assert.deepEqual((await ask(['version'])).out.split('\n').length, 2);
  });

  it('suggests a command or flag that was misspelt, and has help with examples for each', async () => {
    assert.match((await blame('sohw 12')).err, /hint: did you mean the command show\?\n$/);
    assert.equal((await blame('--fromat x')).err, "error: unknown option '--fromat'\nhint: did you mean --format?\n");
    for (const command of ['', 'show', 'undo', 'who', 'coverage', 'version', 'completion']) {
      const { code, out } = await ask(
        [command, '--help'].filter((word) => word !== ''),
        { columns: 80 },
      );
      assert.equal(code, 0, command);
      assert.match(out, /\n\nExamples:\n {2}# [^]*\n\nOptions:\n[^]*\n\nUsage:\n {2}kubectl blame/, command);
    }
  });
});
