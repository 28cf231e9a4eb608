import assert from 'node:assert/strict';
import { importCase } from '../webhook/testing/ledgers/case-ledger.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { ask, type Answer, type AskOptions } from './testing/ask.ts';

describe('kubectl blame where two types have one name (case 12)', () => {
  const file = useSharedFolder();
  before(() => importCase('12-same-kind-two-groups', file('case.db')));
  const blame = (words: string | string[], options: AskOptions = {}): Promise<Answer> =>
    ask([...(typeof words === 'string' ? words.split(' ') : words), '--db', file('case.db')], options);
  const objects = async (words: string): Promise<string[]> =>
    (await blame(`${words} --no-headers`)).out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[4] ?? '');

  it('takes the first as kubectl does, says so, and names the other', async () => {
    for (const words of ['cluster web -n web', 'cluster/web -n web', 'clusters web -n web']) {
      const { code, out, err } = await blame(words);
      assert.equal(code, 0);
      const [word = ''] = words.split(/[ /]/);
      assert.equal(
        err.split('\n')[0],
        `# ${word} was taken as clusters.cluster.x-k8s.io; there is also cluster.postgresql.cnpg.io`,
      );
      assert.match(out, /\n10\t.*spec\.paused: false → true\n5\t/);
      assert.doesNotMatch(out, /instances/);
    }
    const service = await blame('service web -n web');
    assert.match(
      service.err,
      /^# service was taken as services; there is also service\.serving\.knative\.dev\n# service web\/web · 1 change/,
    );
  });

  it('says nothing of others where the word means one type only', async () => {
    for (const words of ['svc web -n web', 'pgc web -n web', 'clusters.cluster.x-k8s.io/web -n web']) {
      assert.doesNotMatch((await blame(words)).err, /was taken as/, words);
    }
    assert.match((await blame('pgc web -n web')).err, /^# cluster\.postgresql\.cnpg\.io web\/web · 2 changes/);
  });

  it('writes names with the group, and the names of Kubernetes itself as they are', async () => {
    assert.deepEqual(await objects('ns web --format table'), [
      ...['configmap/app.v1.2-config', 'configmap/app.v1.2-config', 'cluster.cluster.x-k8s.io/web'],
      ...['cluster.postgresql.cnpg.io/web', 'role/admin', 'cluster.postgresql.cnpg.io/web'],
      ...['cluster.cluster.x-k8s.io/web', 'deployment/web', 'service.serving.knative.dev/web', 'service/web'],
      'namespace/web',
    ]);
    assert.match((await blame('show 9')).out, /^change 9 cluster\.postgresql\.cnpg\.io web\/web\n/);
    assert.match((await blame('ns web --at now')).out, / cluster\.postgresql\.cnpg\.io\/web /);
    assert.match((await blame('who --user hugo@example.com')).out, /cluster\.postgresql\.cnpg\.io web\/web: /);
    assert.match((await blame('undo 9')).err, /^# cluster\.postgresql\.cnpg\.io web\/web: patches it/);
    assert.match(
      (await blame('clusters.postgresql.cnpg.io -n web')).err,
      /^# clusters\.postgresql\.cnpg\.io in namespace web · 2 changes/,
    );
    const { out } = await ask(['__complete', '--db', file('case.db'), 'cluster.']);
    assert.equal(
      out,
      'cluster.cluster.x-k8s.io\tclusters.cluster.x-k8s.io\ncluster.postgresql.cnpg.io\tclusters.postgresql.cnpg.io\n:4\n',
    );
  });

  it('writes keys as they are, also those that JavaScript cannot hold', async () => {
    const { out } = await blame('cm app.v1.2-config -n web');
    assert.match(out, /created: 7 keys: 0, __proto__, constructor\n$/);
    for (const [field, before, after] of [
      ['data.__proto__', 'a', 'z'],
      ['data.app.properties', 'd', 'dd'],
      ['data["0"]', 'f', 'ff'],
      ['data.0', 'f', 'ff'],
      ['/data/-', 'g', 'gg'],
    ] as const) {
      const history = await blame(['cm/app.v1.2-config', '-n', 'web', '--field', field, '--oneline', '--reverse']);
      assert.match(history.out, new RegExp(`^16 .*: ${before}\n17 .*: ${before} → ${after}\n$`), field);
    }
  });

  it('takes the category all, and several namespaces', async () => {
    const all = await blame('all -n web --oneline');
    assert.deepEqual(all.out.match(/^ ?\d+/gm), ['4', '2']);
    assert.match(all.err, /^# all in namespace web · 2 changes/);
    assert.match((await blame('all web -n web')).err, /^# all web in namespace web · 2 changes/);
    assert.equal((await blame('all nosuch -n web')).code, 3);
    assert.match((await blame('ns web nosuch')).err, /^error: namespace "nosuch" is not in the ledger\n/);
    assert.match((await blame('ns web web')).err, /^# namespace web · \d+ acts/);
  });

  it('takes -n with the id of a change, and refuses another namespace', async () => {
    assert.equal((await blame('show 9 -n web')).code, 0);
    assert.equal((await blame('show 8 -n web')).code, 0, 'a clusterrole is in no namespace');
    const { code, err } = await blame('undo 9 -n shop');
    assert.deepEqual(
      [code, err],
      [3, 'error: change 9 is not in namespace shop; it is in web\nhint: leave -n out, or write -n web\n'],
    );
  });
});

describe('kubectl blame --field (case 21)', () => {
  const file = useSharedFolder();
  before(() => importCase('21-field-by-index', file('case.db')));
  const blame = (...words: string[]): Promise<Answer> =>
    ask(['deploy', 'web', '-n', 'shop', ...words, '--db', file('case.db')]);
  const IMAGE = 'spec.template.spec.containers[nginx].image';

  for (const field of [IMAGE, 'spec.template.spec.containers[0].image', '/spec/template/spec/containers/0/image']) {
    it(`tells the same three changes of ${field}`, async () => {
      const { code, out } = await blame('--field', field, '-o', 'jsonl');
      assert.equal(code, 0);
      const changes = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { user: { name: string }; deltas: { path: string }[] });
      assert.deepEqual(
        changes.map(({ deltas }) => deltas.map(({ path }) => path)),
        [[IMAGE], [IMAGE], [IMAGE]],
      );
      assert.deepEqual(
        out
          .match(/(dana|erin|frank)@example\.com(?=","uid"|")/g)
          ?.filter((name, index, all) => all.indexOf(name) === index),
        ['frank@example.com', 'erin@example.com', 'dana@example.com'],
      );
    });
  }

  it('tells of every item with [*]', async () => {
    const { out } = await blame('--field', 'spec.template.spec.containers[*].image', '--oneline', '--reverse');
    const [first = '', ...others] = out.trimEnd().split('\n');
    assert.match(first, /containers\[nginx\]\.image: .*web:1; .*containers\[log\]\.image: .*log:1$/);
    assert.deepEqual(
      others.map((line) => line.slice(0, 1)),
      ['2', '3'],
    );
    const lines = await blame('--field', 'spec.template.spec.containers[*].image', '--format', 'lines');
    assert.deepEqual(
      lines.out
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/^ *(\d+) .*│ */, '$1 ')),
      ['3 image: registry.example.com/web:3', '1 - image: registry.example.com/log:1'],
    );
  });

  it('refuses a field that never was, with the nearest names, and prints nothing', async () => {
    for (const [field, hint] of [
      ['spec.replica', 'did you mean spec.replicas?'],
      ['replicas', 'did you mean spec.replicas?'],
      ['spec.template.spec.container[nginx].image', `did you mean ${IMAGE}?`],
      ['spec.template.spec.containers[ngin].image', `did you mean ${IMAGE}?`],
      ['spec.containers[nginx].image', `did you mean ${IMAGE}?`],
      ['spec.template.spec.containers[7].image', 'did you mean '],
      ['/spec/replica', 'did you mean spec.replicas?'],
    ] as const) {
      for (const format of ['table', 'json', 'lines']) {
        const { code, out, err } = await blame('--field', field, '--format', format);
        assert.deepEqual([code, out], [1, ''], field);
        const [error = '', told = ''] = err.trimEnd().split('\n').slice(-2);
        assert.equal(error, `error: ${field}: no such field in the record of deployment shop/web`);
        assert.ok(told.startsWith(`hint: ${hint}`), told);
      }
    }
  });

  it('says that nothing changed where the field is there', async () => {
    const { code, out, err } = await blame('--field', 'spec.replicas', '--since', '2026-09-14T08:00:30Z');
    assert.deepEqual([code, out], [0, '']);
    assert.match(err, /^# deployment shop\/web: no such change/);
    assert.equal((await blame('--field', '/spec/replicas')).out.match(/dana@example\.com/g)?.length, 1);
  });

  it('picks changes by user, group, manager and operation, each with patterns', async () => {
    const ids = async (...words: string[]): Promise<string> => {
      const { code, out, err } = await blame(...words, '--oneline');
      assert.equal(code, 0, err);
      return (out.match(/^ *\d+/gm) ?? []).join(' ');
    };
    for (const [words, expected] of [
      [['--user', 'erin@example.com', '--user', 'frank@example.com'], '3 2'],
      [['--user', 'e*'], '2'],
      [['--user', '?????@example.com'], '3'],
      [['--exclude-user', '*r*n*'], '1'],
      [['--user', '*', '--exclude-user', 'dana*', '--exclude-user', 'frank*'], '2'],
      [['--operation', 'create'], '1'],
      [['--operation', 'Update', '--operation', 'delete'], '3 2'],
      [['--operation', 'update/scale'], ''],
      [['--manager', 'kubectl*'], '3 2 1'],
      [['--manager', 'helm'], ''],
      [['--group', 'nosuch'], ''],
      [['--group', 'system:auth*'], '3 2 1'],
    ] as const) {
      assert.equal(await ids(...words), expected, words.join(' '));
    }
    assert.match((await blame('--operation', 'patch')).err, /^error: --operation: "patch" is no operation\nhint: /);
  });

  it('counts users but for those that are left out', async () => {
    const { out } = await ask(['who', '--exclude-user', 'e*', '--no-headers', '--db', file('case.db')]);
    assert.deepEqual(out.match(/^\w+/gm), ['dana', 'frank']);
    const both = await ask(['who', '--user', 'e*', '--user', 'f*', '--db', file('case.db')]);
    assert.match(both.out, /^ID +TIME +USER +MANAGER/);
    assert.match(both.out, /\n3 .*frank@example\.com .*\n2 .*erin@example\.com /);
  });
});
