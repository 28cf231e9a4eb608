import assert from 'node:assert/strict';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask, type Answer, type AskOptions } from './testing/ask.ts';

const AT = '--at 2026-11-22T05:07:06Z';
const WEB = `deploy web -n shop ${AT}`;

describe('kubectl blame --format lines', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });

  const blame = (words: string, options: AskOptions = {}): Promise<Answer> =>
    ask(['--db', file('shop.db'), ...words.split(' ').filter((word) => word !== '')], options);

  /** Who set the lines that match, as a pipe tells it: without time and manager. */
  async function who(words: string, line: RegExp): Promise<string[]> {
    const { code, out, err } = await blame(words);
    assert.equal(code, 0, err);
    return out
      .split('\n')
      .filter((text) => line.test(text))
      .map((text) => text.replace(/^ *(\S+) +(.*?) +(?:\S+Z|-) +\S+ +│.(.*)$/, '$1 $2: $3').replace(/ +/g, ' '));
  }

  it('names the change, the user, the time and the manager of each line', async () => {
    const { code, out, err } = await blame(`${WEB} --format lines --field spec.template.spec.containers[nginx].image`);
    assert.equal(code, 0);
    assert.equal(
      out,
      '613  bob@example.com  2026-11-22T05:06:22.242Z  kubectl │         image: registry.example.com/shop/web:24.2.1\n',
    );
    assert.equal(err, '# deployment shop/web as of 2026-11-22 05:07:06 UTC\n');
  });

  it('is the blame of the moment that is asked for', async () => {
    const at = (time: string): Promise<string[]> =>
      who(`deploy web -n shop --format lines --at 2026-11-22T05:${time}Z`, /replicas: /i);
    const [before] = await at('05:55');
    assert.equal(before, '265 alice@example.com: replicas: 3');
    const [scaled] = await at('06:15');
    assert.equal(scaled, '379 alice@example.com: replicas: 5');
    const [restored] = await at('07:06');
    assert.equal(restored, '499 alice@example.com: replicas: 3');
  });

  it('says so where a line is older than the record', async () => {
    const lines = await who(`namespaces -A ${AT} --format lines`, /name: kube-system$/);
    assert.match(lines.join('\n'), /^\d+ \(before the record\): name: kube-system$/m);
  });

  it('looks through users, and marks what they set again', async () => {
    const field = '--field spec.template.spec.containers[nginx].image';
    assert.deepEqual(await who(`${WEB} ${field} --ignore-user bob@example.com`, /image/), [
      '499^ alice@example.com: image: registry.example.com/shop/web:24.2.1',
    ]);
    const { err } = await blame(`${WEB} ${field} --ignore-user bob@example.com`);
    assert.match(err, /# 123\^ set again since, by somebody who is looked through\n/);
    // What only they ever set stays theirs.
    const both = `${field} --ignore-user bob@example.com --ignore-user alice@example.com`;
    assert.deepEqual(await who(`${WEB} ${both}`, /image/), [
      '613 bob@example.com: image: registry.example.com/shop/web:24.2.1',
    ]);
  });

  it('names the person behind a controller with --humans', async () => {
    const lines = await who(`rs web-68fc8f8c8c -n shop ${AT} --humans --field spec.replicas`, /replicas/);
    assert.deepEqual(lines, ['844 ← alice@example.com: replicas: 3']);
  });

  it('shows what is not there any more, and who took it away', async () => {
    const lines = await who(`feature dark-mode -n shop --removed --at 2026-11-22T05:07:06Z`, /│-/);
    assert.deepEqual(lines, []);
    const removed = await who('deploy web -n shop --removed --field status --at 2026-11-22T05:08:15Z', /│-/);
    assert.match(
      removed.join('\n'),
      /^1543 system:serviceaccount:kube-system:deployment-controller: unavailableReplicas: 1$/,
    );
  });

  it('answers for many objects, each under its name', async () => {
    const { out, err } = await blame(`configmaps -n shop ${AT} --format lines`);
    const titles = out.split('\n').filter((line) => line.startsWith('# '));
    assert.ok(titles.includes('# configmap shop/web-config'));
    assert.match(err, new RegExp(`^# configmaps in namespace shop as of .* · ${titles.length} objects\\n`));
  });

  it('says why there is nothing to annotate', async () => {
    for (const [words, code, message] of [
      [
        'deploy web -n shop --format lines',
        3,
        /^error: deployment shop\/web did not exist at .*: bob@example.com deleted it at .*\nhint: --at 2026-11-22T05:08:26.629Z shows/,
      ],
      [
        `${WEB} --format lines --field spec.nothing`,
        1,
        /^(?:# .*\n)*error: spec.nothing: no such field in the record of deployment shop\/web\nhint: --at now -o yaml /,
      ],
      [
        'deploy web -n shop --at 2026-11-22T05:06:01Z --format lines --field metadata.annotations.reviewed-by',
        3,
        /^error: deployment shop\/web had no field metadata.annotations.reviewed-by at .*\nhint: .*shows its history\n/,
      ],
      [`${WEB} --format lines --field a[`, 2, /^error: the field "a\[" cannot be read from "\[" on\n/],
      [`${WEB} --humans -o yaml`, 2, /^error: --humans and --at do not go together\n/],
      [`${WEB} --field spec -o yaml`, 2, /^error: --field and --at do not go together\nhint: .* --format lines\n/],
      ['deploy web -n shop --format lines --since 2h', 2, /^error: --format lines and --since do not go together\n/],
      ['deploy web -n shop --format lines --from 2h', 2, /^error: --format lines and --from do not go together\n/],
      ['deploy web -n shop -f x.yaml', 2, /^error: -f and TYPE do not go together\n/],
    ] as const) {
      const answer = await blame(words);
      assert.match(answer.err, message, words);
      assert.equal(answer.code, code, words);
      assert.equal(answer.out, '', words);
    }
  });

  describe('-f', () => {
    it('takes what kubectl prints, and finds no difference', async () => {
      const input = (await blame(`deploy,cm,sts -n shop ${AT} -o yaml`)).out;
      const { code, out, err } = await blame(`-f - ${AT}`, { input });
      assert.equal(code, 0, err);
      assert.match(err, /^# stdin · \d+ objects · no line differs from what the cluster has · as of /);
      const titles = out.split('\n').filter((line) => line.startsWith('# '));
      assert.ok(titles.includes('# deployment shop/web') && titles.includes('# statefulset shop/db'));
      const whole = (await blame(`${WEB} --format lines --field spec.template.spec.volumes`)).out;
      for (const line of whole.trimEnd().split('\n')) {
        const [, text = ''] = line.split('│');
        assert.ok(out.includes(`│${text}\n`), text);
      }
    });

    it('tells what differs, what the cluster has instead, and who set it', async () => {
      const input = `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"tier": "back"}},
        "spec": {"replicas": 5, "template": {"spec": {"containers": [{"name": "other"}, {"name": "nginx", "image": "a:1"}]}}}}`;
      const { out, err } = await blame(`-f web.json -n shop ${AT}`, { input });
      const marked = out.split('\n').filter((line) => /│[~+]/.test(line));
      assert.deepEqual(
        marked.map((line) => line.replace(/^ *(\S*) *(\S*@\S*)?.*│/, '$1 $2|').replace(/ +/g, ' ')),
        [
          '413 bob@example.com|~ tier: back # cluster: frontend',
          '499 alice@example.com|~ replicas: 5 # cluster: 3',
          ' |+ - name: other # not in the cluster',
          '613 bob@example.com|~ image: a:1 # cluster: registry.example.com/shop/web:24.2.1',
        ],
      );
      assert.match(err, /^# web.json · 1 object · 4 lines differ · \d+ lines only in the cluster · /);
    });

    it('takes an amount for the same however it is written, as the API server does', async () => {
      const container = 'name: nginx, resources: {limits: {cpu: 0.2, memory: 262144Ki}, requests: {cpu: 51m}}';
      const input = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: [{${container}}]}}}}`;
      const { out } = await blame(`-f web.yaml -n shop ${AT}`, { input });
      const marked = out.split('\n').filter((line) => /│[~+]/.test(line));
      assert.deepEqual(
        marked.map((line) => line.replace(/^.*│/, '').replace(/ +/g, ' ')),
        ['~ cpu: 51m # cluster: 50m'],
      );
    });

    it('neither compares nor shows what is redacted', async () => {
      const input =
        'apiVersion: v1\nkind: Secret\nmetadata: {name: db-credentials, namespace: shop}\nstringData: {password: guess}\n';
      const { code, out, err } = await blame(`-f secret.yaml ${AT}`, { input });
      assert.match(out, /bob@example.com .*│\? {2}password: '\*{3}' {2}# not compared \(redacted\)$/m);
      assert.doesNotMatch(out + err, /guess|cluster: /);
      assert.match(err, /^# secret.yaml · 1 object · 1 value not compared \(redacted\) · /);
      assert.match(err, /^# secret shop\/db-credentials: stringData.password: not compared \(redacted\)$/m);
      assert.equal(code, 1, 'data.username is only in the cluster');
    });

    it('knows objects that the cluster does not have, and files that hold none', async () => {
      const input = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nowhere}\n---\n';
      const { code, out, err } = await blame(`-f new.yaml -n shop ${AT}`, { input });
      assert.equal(code, 1, err);
      assert.match(out, /^# configmap shop\/nowhere · the cluster has no such object\n +│\+apiVersion: v1\n/);
      assert.match(err, /1 object · 4 lines differ · 1 not in the cluster/);
      for (const [text, message] of [
        ['', /^error: x.yaml: it holds no objects\n/],
        ['a: [', /^error: x.yaml: /],
        ['kind: Pod\n', /^error: x.yaml: line 1: an object of kind Pod has no apiVersion\n/],
        [
          'apiVersion: a.b/v1\nkind: Nothing\nmetadata: {name: x}\n',
          /^error: no resource type is called "Nothing.a.b"\n/,
        ],
      ] as const) {
        const answer = await blame('-f x.yaml', { input: text });
        assert.match(answer.err, message);
        assert.equal(answer.code, 2);
      }
    });
  });
});

describe('kubectl blame --field', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });

  it('is the history of one field, its creation and end included', async () => {
    const { out } = await ask(['--db', file('shop.db'), 'deploy', 'web', '-n', 'shop', '--field', 'spec.replicas']);
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) =>
          line
            .split('\t')
            .filter((_, column) => column === 2 || column === 4)
            .join(' '),
        ),
      [
        'bob@example.com deleted; - spec.replicas: 3',
        'alice@example.com spec.replicas: 5 → 3',
        'alice@example.com spec.replicas: 3 → 5',
        'alice@example.com + spec.replicas: 3',
      ],
    );
  });

  it('finds list items by their key, and keys with dots with and without quotes', async () => {
    const lines = async (field: string): Promise<number> => {
      const { out } = await ask(['--db', file('shop.db'), 'deploy', 'web', '-n', 'shop', '--field', field]);
      return out === '' ? 0 : out.trimEnd().split('\n').length - 1;
    };
    assert.equal(await lines('spec.template.spec.containers[nginx].image'), 6);
    assert.equal(await lines('metadata.labels["app.kubernetes.io/version"]'), 4);
    assert.equal(await lines('.metadata.labels.app.kubernetes.io/version'), 4);
    assert.equal(await lines('metadata.labels.app\\.kubernetes\\.io/version'), 4);
    assert.equal(await lines('metadata.labels.nothing'), 0);
  });
});
