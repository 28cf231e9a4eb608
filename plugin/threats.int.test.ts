import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { ROUTES } from '../shared/api.ts';
import { configMap, type ReviewOptions } from '../shared/testing/reviews.ts';
import type { JsonObject } from '../shared/types.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { TestRecorder } from '../webhook/testing/ledgers/recorder.ts';
import { TestServer } from '../webhook/testing/server/server.ts';
import { ask } from './testing/ask.ts';

/** Moves the cursor, hides, reorders: by C0, C1, and by what no terminal shows. */
const ESCAPES = 'a\u001b[2J\u001b]0;x\u0007\u009b31m\u202e\u200bz\r\n\t';
const OBEYED = /(?!\n)[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/** The tabs between columns: as many in each line as in the first, and no more out of values. */
function withoutColumnTabs(out: string): string {
  const lines = out.split('\n').filter((line) => line !== '');
  const counts = new Set(lines.map((line) => line.split('\t').length));
  return counts.size === 1 ? out.replaceAll('\t', '') : out;
}

const VALUE = 'hunter2-hunter2';
const ENCODED = Buffer.from(VALUE).toString('base64');

const FORMATS = ['table', 'wide', 'diff', 'patch', 'json', 'yaml'];

describe('what the command line prints', () => {
  const file = useSharedFolder();
  let test: TestRecorder;
  before(async () => {
    test = await TestRecorder.open(file('ledger.db'));
    const name = ESCAPES;
    const odd = (data: JsonObject): JsonObject =>
      configMap(data, { name, labels: { [ESCAPES]: ESCAPES }, namespace: 'shop', uid: 'u-odd' });
    const before = odd({ [ESCAPES]: ESCAPES });
    const options = { name, username: ESCAPES, options: { fieldManager: ESCAPES } };
    await test.review({ ...options, object: before });
    await test.review({ ...options, operation: 'UPDATE', oldObject: before, object: odd({ other: `${ESCAPES}2` }) });
  });
  after(() => test.close());

  it('holds no escape sequence out of names and values, in any format', async () => {
    const times = ['--at 1s', '--from 6s --to 1s'];
    const questions = [
      ...FORMATS.map((format) => `--format ${format}`),
      ...['table', 'wide', 'json', 'yaml'].map((format) => `${times[0] ?? ''} --format ${format}`),
      ...['diff', 'json', 'yaml'].map((format) => `${times[1] ?? ''} --format ${format}`),
      'configmap',
    ];
    for (const question of questions) {
      for (const columns of [null, 80]) {
        const words = ['--db', file('ledger.db'), ...question.split(' ')];
        const { code, out, err } = await ask(words, { now: test.at + 5_000, columns });
        assert.equal(code, 0, `${question}: ${err}`);
        // YAML is as kubectl prints it, which leaves a space without width as it is: it moves nothing.
        const moved = question.endsWith('yaml') ? out.replaceAll('\u200b', '') : out;
        const obeyed = columns === null ? withoutColumnTabs(moved) : moved;
        assert.doesNotMatch(obeyed, OBEYED, `${question}: ${JSON.stringify(out)}`);
        assert.doesNotMatch(err, OBEYED, `${question}: ${JSON.stringify(err)}`);
      }
    }
    const named = await ask(['--db', file('ledger.db'), 'configmap', `${ESCAPES}x`], { now: test.at });
    assert.equal(named.code, 3);
    assert.doesNotMatch(named.err, OBEYED, JSON.stringify(named.err));
  });
});

describe('the value of a Secret', () => {
  const file = useSharedFolder();
  let server: TestServer;
  before(async () => {
    const test = await TestRecorder.open(file('ledger.db'));
    const secret = (value: string, more: JsonObject = {}): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'pass',
        namespace: 'shop',
        uid: 'u-secret',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ stringData: { p: value } }),
        },
      },
      data: { p: Buffer.from(value).toString('base64') },
      ...more,
    });
    const of: ReviewOptions = { resource: 'secrets', kind: 'Secret', name: 'pass' };
    const [first, second] = [secret('old'), secret(VALUE, { stringData: { q: VALUE } })];
    await test.review({ ...of, object: first });
    await test.review({ ...of, operation: 'UPDATE', oldObject: first, object: second });
    await test.review({ ...of, operation: 'DELETE', oldObject: second, object: null });
    await test.close();
    // Nothing is recorded any more, so any key will do.
    writeFileSync(file('ledger.db.key'), `${'0'.repeat(64)}\n`);
    server = await TestServer.start(file);
  });
  after(() => server.stop());

  it('does not come out by any route, nor by an error', async () => {
    const now = Date.now();
    const questions = [
      `${ROUTES.changes}?bodies=true`,
      `${ROUTES.states}?at=${now}`,
      `${ROUTES.states}?at=${Date.parse('2026-11-22T05:00:02Z')}`,
      `${ROUTES.differences}?from=0&to=${Date.parse('2026-11-22T05:00:02Z')}`,
      `${ROUTES.objects}?name=${ENCODED}`,
      `${ROUTES.changes}?labels=${ENCODED}==`,
      '/apis/kubeblame.io/v1alpha1/changes',
      '/apis/kubeblame.io/v1alpha1/namespaces/shop/changes/2',
    ];
    for (const path of questions) {
      const { text } = await server.read.get(path);
      const told = path.includes(ENCODED) ? text.replaceAll(ENCODED, '') : text;
      for (const value of [VALUE, ENCODED]) assert.ok(!told.includes(value), `${path}: ${text}`);
    }
    assert.match((await server.read.get(`${ROUTES.changes}?bodies=true`)).text, /"redacted:[0-9a-f]{12}"/);
  });

  it('does not come out by any format of the command line', async () => {
    for (const words of [...FORMATS.map((format) => `--format ${format}`), '--at 2026-11-22T05:00:02Z -o yaml']) {
      const { code, out, err } = await ask(['--db', file('ledger.db'), 'secrets', '-n', 'shop', ...words.split(' ')]);
      assert.equal(code, 0, err);
      assert.notEqual(out, '', words);
      for (const value of [VALUE, ENCODED]) assert.ok(!out.includes(value), `${words}: ${out}`);
    }
  });
});
