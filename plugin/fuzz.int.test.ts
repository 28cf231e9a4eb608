import assert from 'node:assert/strict';
import fc from 'fast-check';
import { KubeblameError } from '../shared/errors.ts';
import { parseTime } from '../shared/time.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { scaled, SEED } from '../webhook/testing/torture/size.ts';
import { ask, NOW } from './testing/ask.ts';

const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia'];

/** What people type for a time, well or badly. */
const time = fc.oneof(
  fc.constantFrom(
    'now',
    '2h',
    '3d',
    'yesterday 14:00',
    'today',
    '2026-11-22T05:06:30Z',
    '2026-11-22 05:06',
    '25:00',
    '',
  ),
  fc.stringMatching(/^\d{1,5}-\d{1,2}-\d{1,3}[T ]?\d{0,2}:?\d{0,2}(:\d{1,3})?([.,]\d{1,12})?(Z|[+-]\d{2}:?\d{2})?$/),
  fc.stringMatching(/^(\d{1,18}[smhdwy]){1,4}( ago)?$/),
  fc.string({ unit: 'binary', maxLength: 30 }),
);

const word = fc.oneof(
  fc.constantFrom(
    'deploy',
    'deployments.apps',
    'pods',
    'ns',
    'shop',
    'web',
    'deploy/web',
    'secret',
    'coverage',
    'verify',
    'features',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);

const flag = fc.oneof(
  fc.tuple(fc.constantFrom('--at', '--from', '--to', '--since', '--until'), time),
  fc.tuple(fc.constantFrom('-n', '--namespace', '--user', '-l', '--selector'), word),
  fc.tuple(fc.constantFrom('--format', '-o'), fc.constantFrom('table', 'wide', 'diff', 'patch', 'json', 'yaml', 'xml')),
  fc.tuple(fc.constant('--limit'), fc.oneof(fc.integer({ min: -1, max: 30 }).map(String), fc.string({ maxLength: 4 }))),
  fc.constantFrom('-A', '--status', '--attempts', '--no-color', '--', '--help', '-x').map((name) => [name]),
);

describe(`fuzzing the command line (KUBEBLAME_TEST_SEED=${SEED})`, function () {
  this.timeout(scaled(120_000, 3_600_000));
  this.slow(60_000);
  const file = useSharedFolder();

  it('reads every time, or says that it cannot', () => {
    const numRuns = scaled(20_000, 1_000_000);
    let read = 0;
    fc.assert(
      fc.property(time, fc.constantFrom(...ZONES), (text, zone) => {
        try {
          const at = parseTime(text, NOW, zone);
          assert.ok(Number.isSafeInteger(at), `${text} is ${at}`);
          read++;
        } catch (error) {
          assert.ok(error instanceof KubeblameError && error.code === 'time-invalid', String(error));
        }
      }),
      { seed: SEED, numRuns },
    );
    console.log(`      ${numRuns} times: ${read} read, ${numRuns - read} refused`);
  });

  it('answers every command line with a documented exit code, and never with a stack', async () => {
    const db = file('shop.db');
    await (await importShop(db, false)).close();
    const numRuns = scaled(300, 20_000);
    const codes = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), fc.array(flag, { maxLength: 5 }), async (words, flags) => {
        // A limit keeps the answers short; one that was drawn comes later, and counts.
        const args = ['--db', db, '--limit', '5', ...words, ...flags.flat()];
        const { code, out, err } = await ask(args, { timeZone: 'Europe/Berlin' });
        codes.set(code, (codes.get(code) ?? 0) + 1);
        assert.ok([0, 1, 2, 3].includes(code), String(code));
        assert.doesNotMatch(err, /^ {4}at /m, 'an error that we did not mean');
        if (code !== 0) assert.match(err, /error:/);
        if (code !== 0 && !args.includes('verify')) assert.equal(out, '');
      }),
      { seed: SEED, numRuns },
    );
    console.log(
      `      ${numRuns} command lines, by exit code: ${[...codes].map((pair) => pair.join(': ')).join(', ')}`,
    );
  });
});
