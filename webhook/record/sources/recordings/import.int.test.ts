import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { stringifyJson } from '../../../../shared/json.ts';
import { configMap, reviewDocument, type ReviewOptions } from '../../../../shared/testing/reviews.ts';
import { SHOP, shopLines } from '../../../../shared/testing/shop.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { ledgerNumber } from '../../spool/records.ts';
import { spoolFolder } from '../../spool/segments.ts';
import { Spool } from '../../spool/spool.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import type { NewCoverage } from '../../../ledger/port/port.ts';
import { useFolder } from '../../../testing/folder.ts';
import { importInto as importFiles } from '../../../testing/ledgers/import.ts';
import { runCommand, type Ended } from '../../../testing/server/process.ts';
import type { ImportInput, ImportResult } from './import.ts';

const AT = '2026-11-22T05:00:00.000Z';
const EXPECTED_TIME = 'expected an RFC 3339 time with a zone, as 2026-03-03T14:32:10Z';

/** A line of a recording: the creation of a ConfigMap, `seconds` after AT. */
function line(seconds: number, name: string, options: ReviewOptions = {}): string {
  const review = reviewDocument({ name, object: configMap({}, { name, uid: `u-${name}` }), ...options });
  return stringifyJson({ receivedAt: new Date(Date.parse(AT) + seconds * 1000).toISOString(), review });
}

const versioned = (name: string, data: JsonObject = {}): JsonObject =>
  configMap(data, { name, uid: `u-${name}`, resourceVersion: '7' });

describe('importing a recording', () => {
  const file = useFolder();
  const write = (name: string, ...lines: string[]): string => {
    writeFileSync(file(name), `${lines.join('\n')}\n`);
    return file(name);
  };

  /** Imports into the test's ledger as the command does, in this process. `bad` collects; null stops at the first. */
  async function run(input: ImportInput, bad: string[] | null = null, db = file('ledger.db')): Promise<ImportResult> {
    const taken = await importFiles(db, input, bad !== null);
    bad?.push(...taken.bad);
    return taken.result;
  }

  /** Time (in seconds after AT), source and name of every change, oldest first. */
  async function recorded(db = file('ledger.db')): Promise<string[]> {
    const reader = openSqliteReader(db);
    const changes = (await reader.changes({}, 10_000)).reverse();
    await reader.close();
    return changes.map(({ at, source, object }) => `${(at - Date.parse(AT)) / 1000} ${source} ${object.name}`);
  }

  async function coverage(db = file('ledger.db')): Promise<NewCoverage[]> {
    const reader = openSqliteReader(db);
    const events = await reader.coverage();
    await reader.close();
    return events;
  }

  it('keeps the recorded times and order, and counts what became of each review', async () => {
    const lease = { group: 'coordination.k8s.io', resource: 'leases', kind: 'Lease' };
    const same = { operation: 'UPDATE', object: versioned('a'), oldObject: versioned('a') };
    const reviews = write(
      'reviews.ndjson',
      line(0, 'a'),
      line(1.5, 'b'),
      '',
      line(2, 'c', { dryRun: true }),
      line(3, 'd', lease),
      line(4, 'a', same),
      line(5, 'e'),
    );
    assert.deepEqual(await run({ reviews }), {
      reviews: { recorded: 3, unchanged: 1, excluded: 1, 'dry-run': 1, 'already there': 0, lost: 0 },
      baseline: { all: 0, known: 0 },
      watchEvents: { all: 0, known: 0 },
      badLines: 0,
    });
    assert.deepEqual(await recorded(), ['0 admission a', '1.5 admission b', '5 admission e']);
  });

  it('says when it began and ended, as coverage', async () => {
    await run({ reviews: write('reviews.ndjson', line(0, 'a'), line(60, 'b')) });
    const reader = openSqliteReader(file('ledger.db'));
    assert.deepEqual(await reader.coverage(), [
      { at: Date.parse(AT), event: 'started', detail: 'imported recording' },
      { at: Date.parse(AT) + 60_000, event: 'stopped', detail: 'the imported recording ends here' },
    ]);
    await reader.close();
  });

  it('tells gzip by the content, not by the name', async () => {
    writeFileSync(file('reviews.ndjson'), gzipSync(`${line(0, 'a')}\n`));
    await run({ reviews: file('reviews.ndjson') });
    await run({ reviews: write('plain.gz', line(1, 'b')) });
    assert.deepEqual(await recorded(), ['0 admission a', '1 admission b']);
  });

  it('reads lines that end in CRLF, and a last one without an end', async () => {
    writeFileSync(file('reviews.ndjson'), `${line(0, 'a')}\r\n${line(1, 'b')}`);
    await run({ reviews: file('reviews.ndjson') });
    assert.deepEqual(await recorded(), ['0 admission a', '1 admission b']);
  });

  describe('a line that cannot be used', () => {
    const lines: [what: string, text: string, message: string | RegExp][] = [
      ['that is not JSON', '{"receivedAt":', /^not valid JSON: /],
      ['that is no object', '7', 'not an object with receivedAt and review'],
      ['without a time', '{"review":{}}', `receivedAt is missing: ${EXPECTED_TIME}`],
      [
        'with a time that is none',
        '{"receivedAt":"yesterday","review":{}}',
        `receivedAt is "yesterday": ${EXPECTED_TIME}`,
      ],
      ['without a review', `{"receivedAt":"${AT}"}`, 'review is missing'],
      [
        'with no AdmissionReview',
        `{"receivedAt":"${AT}","review":{"kind":"Pod"}}`,
        'not a usable AdmissionReview: kind must be AdmissionReview',
      ],
      [
        'with a key twice',
        `{"receivedAt":"${AT}","receivedAt":"${AT}"}`,
        'the key "receivedAt" occurs twice in the document',
      ],
    ];
    for (const [what, text, message] of lines) {
      it(`${what} stops it, and is named`, async () => {
        const reviews = write('reviews.ndjson', line(0, 'a'), '', text, line(2, 'c'));
        await assert.rejects(run({ reviews }), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'input-invalid');
          const place = `${reviews}, line 3: `;
          assert.equal(error.message.slice(0, place.length), place);
          const rest = error.message.slice(place.length);
          if (typeof message === 'string') assert.equal(rest, message);
          else assert.match(rest, message);
          return true;
        });
        // What waited for its turn is not recorded either: behind the line there may be what comes before it.
        assert.deepEqual(await recorded(), []);
      });
    }

    it('is passed over and counted where that is wanted', async () => {
      const passed: string[] = [];
      const reviews = write('reviews.ndjson', line(0, 'a'), '[]', line(2, 'c'), 'x', line(4, 'e'));
      const result = await run({ reviews }, passed);
      assert.deepEqual([result.reviews.recorded, result.badLines], [3, 2]);
      assert.equal(passed[0], `${reviews}, line 2: not an object with receivedAt and review`);
      assert.match(passed[1] ?? '', /, line 4: not valid JSON: /);
      assert.deepEqual(await recorded(), ['0 admission a', '2 admission c', '4 admission e']);
    });
  });

  describe('a baseline', () => {
    const reviews = (): string => write('reviews.ndjson', line(10, 'new'), line(20, 'newer'));
    const list = (...items: JsonObject[]): JsonObject => ({ apiVersion: 'v1', kind: 'List', items });
    const a = versioned('a', { big: 'x' });
    const b = versioned('b');

    const forms: [what: string, text: () => string | Buffer][] = [
      ['one object a line', () => `${stringifyJson(a)}\n${stringifyJson(b)}\n`],
      ['a v1.List on one line', () => stringifyJson(list(a, b))],
      ['two lists on two lines', () => `${stringifyJson(list(a))}\n${stringifyJson(list(b))}\n`],
      ['a v1.List over many lines, as kubectl prints it', () => `${stringifyJson(list(a, b), 4)}\n`],
      ['the same, compressed', () => gzipSync(stringifyJson(list(a, b), 4))],
      ["a type's own list", () => stringifyJson({ apiVersion: 'v1', kind: 'ConfigMapList', items: [a, b] })],
    ];
    for (const [what, text] of forms) {
      it(`is taken as ${what}`, async () => {
        writeFileSync(file('baseline'), text());
        const result = await run({ reviews: reviews(), baseline: file('baseline') });
        assert.deepEqual([result.baseline.all, result.badLines, result.reviews.recorded], [2, 0, 2]);
        // By default the first review's time.
        assert.deepEqual(await recorded(), [
          '10 baseline a',
          '10 baseline b',
          '10 admission new',
          '20 admission newer',
        ]);
      });
    }

    it('is taken as one object over many lines', async () => {
      writeFileSync(file('baseline'), stringifyJson(a, 2));
      assert.equal((await run({ reviews: reviews(), baseline: file('baseline') })).baseline.all, 1);
    });

    it('comes at the time that is given: before, between and after the reviews', async () => {
      const baseline = write('baseline', stringifyJson(a));
      for (const [seconds, expected] of [
        [5, ['5 baseline a', '10 admission new', '20 admission newer']],
        [15, ['10 admission new', '15 baseline a', '20 admission newer']],
        [30, ['10 admission new', '20 admission newer', '30 baseline a']],
      ] as const) {
        const db = file(`at-${seconds}.db`);
        const result = await run({ reviews: reviews(), baseline, baselineAt: Date.parse(after(seconds)) }, null, db);
        assert.deepEqual([result.reviews.recorded, result.baseline], [2, { all: 1, known: 0 }]);
        assert.deepEqual(await recorded(db), expected);
      }
    });

    it('needs a time of its own where there is no review', async () => {
      const baseline = write('baseline', stringifyJson(a));
      const none = write('reviews.ndjson');
      await assert.rejects(run({ reviews: none, baseline }), { code: 'input-invalid' });
      assert.deepEqual(await recorded(), []);
      await run({ reviews: none, baseline, baselineAt: Date.parse(AT) });
      assert.deepEqual(await recorded(), ['0 baseline a']);
    });

    it('names the line of an object that cannot be used, and passes over it where that is wanted', async () => {
      const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', uid: 'u-w' } };
      const baseline = write(
        'baseline',
        stringifyJson(a),
        stringifyJson(widget),
        '{"kind":"ConfigMap"}',
        stringifyJson(b),
      );
      const problems = [
        `${baseline}, line 2: the kind Widget of example.com/v1 is unknown: its definition must come first`,
        `${baseline}, line 3: not a Kubernetes object with apiVersion, kind and metadata.name`,
      ];
      await assert.rejects(run({ reviews: reviews(), baseline }), { code: 'input-invalid', message: problems[0] });
      assert.deepEqual(await recorded(), []);
      const passed: string[] = [];
      const result = await run({ reviews: reviews(), baseline }, passed);
      assert.deepEqual([result.baseline.all, result.badLines], [2, 2]);
      assert.deepEqual(passed, problems);
    });

    it('knows a custom kind by a definition that stands before it', async () => {
      const definition = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'geese.example.com', uid: 'u-crd', resourceVersion: '3' },
        spec: { group: 'example.com', names: { kind: 'Goose', plural: 'geese' } },
      };
      const goose = {
        apiVersion: 'example.com/v1',
        kind: 'Goose',
        metadata: { name: 'g', namespace: 'shop', uid: 'u-g', resourceVersion: '4' },
      };
      const baseline = write('baseline', stringifyJson(list(definition, goose)));
      assert.equal((await run({ reviews: reviews(), baseline })).baseline.all, 2);
      const reader = openSqliteReader(file('ledger.db'));
      const [object] = await reader.objects({ names: ['g'] }, 10);
      await reader.close();
      assert.deepEqual([object?.group, object?.resource, object?.kind], ['example.com', 'geese', 'Goose']);
    });
  });

  it('is refused where the ledger already reaches further, and nothing is put in the wrong place', async () => {
    await run({ reviews: write('reviews.ndjson', line(0, 'a'), line(10, 'b')) });
    const before = await recorded();
    const coverageBefore = await coverage();
    const refused = (what: string): { code: string; message: string; hint: string } => ({
      code: 'ledger-out-of-order',
      message: `${what} the ledger already reaches 2026-11-22T05:00:10.000Z`,
      hint: 'a ledger only grows at its end: import the recordings into a new one (--db FILE), in the order of their times',
    });
    const older = write('older.ndjson', line(5, 'older'), line(20, 'c'));
    await assert.rejects(
      run({ reviews: older }, []),
      refused(`${older}, line 1: received at 2026-11-22T05:00:05.000Z,`),
    );
    const late = write('late.ndjson', line(20, 'c'));
    const baseline = write('baseline', stringifyJson(versioned('z')));
    const baselineAt = Date.parse(AT) + 5_000;
    const fact = `${baseline}: configmaps z at version 7, of 2026-11-22T05:00:05.000Z, is not in the ledger, which already reaches`;
    await assert.rejects(run({ reviews: late, baseline, baselineAt }), {
      ...refused(''),
      message: `${fact} 2026-11-22T05:00:10.000Z`,
    });
    assert.deepEqual(await recorded(), before);
    assert.deepEqual(await coverage(), coverageBefore);
    // What comes after it is welcome.
    await run({ reviews: late, baseline });
    assert.deepEqual(await recorded(), [...before, '20 baseline z', '20 admission c']);
  });

  it('says where a file is cut off or damaged, and keeps what came before', async () => {
    const text = Array.from({ length: 2_000 }, (_, index) => `${line(index, `map-${index}`)}\n`).join('');
    const whole = gzipSync(text);
    writeFileSync(file('cut.gz'), whole.subarray(0, whole.length - 100));
    const place = new RegExp(`^${file('cut.gz')}, after line (\\d+): unexpected end of file$`);
    let after = 0;
    await assert.rejects(run({ reviews: file('cut.gz') }), (error: Error & { code?: string; hint?: string }) => {
      assert.deepEqual([error.code, error.hint], ['input-invalid', 'the file is damaged or cut off: get it again']);
      assert.match(error.message, place);
      after = Number(place.exec(error.message)?.[1]);
      return true;
    });
    const names = (await recorded()).map((change) => change.split(' ')[2]);
    assert.deepEqual(
      names,
      names.map((_, index) => `map-${index}`),
    );
    assert.ok(names.length >= after - 1 && names.length <= after, `${names.length} changes of ${after} lines`);
  });

  it('says that there is no such file', async () => {
    const reviews = file('none.ndjson');
    await assert.rejects(run({ reviews }), { code: 'input-invalid', message: `there is no file ${reviews}` });
  });
});

const after = (seconds: number): string => new Date(Date.parse(AT) + seconds * 1000).toISOString();

function importInto(db: string, args: readonly string[]): Promise<Ended> {
  return runCommand(['import', '--db', db, ...args]);
}

/** The first line that the command prints. */
function counts(of: { recorded: number; baseline?: number; badLines?: number }): string {
  const { recorded, baseline = 0, badLines = 0 } = of;
  return [
    `${recorded} recorded, 0 without a change, 0 excluded by rules, 0 dry runs`,
    ...(baseline === 0 ? [] : [`${baseline} objects of the baseline`]),
    ...(badLines === 0 ? [] : [`${badLines} lines passed over`]),
  ].join(', ');
}

describe('kubeblame-webhook import', () => {
  const file = useFolder();

  it('takes the shop recording once: exact counts, and no second time', async function () {
    this.timeout(60_000);
    this.slow(30_000);
    const db = file('ledger.db');
    const baseline = ['--baseline', `${SHOP}truth/00-baseline.ndjson.gz`, '--baseline-at', '2026-11-22T05:05:40.677Z'];
    const args = [`${SHOP}reviews.ndjson.gz`, ...baseline, '--watch', `${SHOP}watch.ndjson.gz`];
    const first = await importInto(db, args);
    assert.equal(first.stderr, '');
    assert.equal(first.code, 0);
    const [line1, line2 = '', ...rest] = first.stdout.split('\n');
    assert.equal(
      line1,
      '1441 recorded, 6 without a change, 687 excluded by rules, 3 dry runs, 247 objects of the baseline, 1567 watch events',
    );
    assert.equal(line2, `${db}: ${statSync(db).size} bytes`);
    assert.deepEqual(rest, ['']);
    assert.equal(existsSync(`${db}.key`), true);

    const bytes = readFileSync(db);
    const again = await importInto(db, args);
    assert.deepEqual(again, {
      code: 0,
      signal: null,
      stdout:
        '0 recorded, 6 without a change, 687 excluded by rules, 3 dry runs, 1441 already there, ' +
        '247 objects of the baseline (247 already there), 1567 watch events (1567 already there)\n' +
        `${db}: ${bytes.length} bytes\n`,
      stderr: '',
    });
    assert.ok(readFileSync(db).equals(bytes), 'the ledger is the same');
    const reader = openSqliteReader(db);
    assert.deepEqual(await reader.last(), { seq: 1706, at: Date.parse('2026-11-22T05:08:27.415Z') });
    const uids = (await reader.changes({}, 10_000)).flatMap(({ reviewUid }) => (reviewUid === '' ? [] : [reviewUid]));
    await reader.close();
    assert.equal(new Set(uids).size, uids.length);
    const known = new Set(
      shopLines('reviews.ndjson.gz').map(
        (text) => (JSON.parse(text) as { review: { request: { uid: string } } }).review.request.uid,
      ),
    );
    assert.deepEqual(
      uids.filter((uid) => !known.has(uid)),
      [],
    );
  });

  it('takes before it what a server had answered that was killed', async () => {
    const db = file('ledger.db');
    const store = openSqliteStore(db, 'test', Date.parse(AT));
    const ledger = ledgerNumber(store.id);
    await store.close();
    const spool = new Spool({
      folder: spoolFolder(db),
      ledger,
      next: 1,
      left: [],
      durable: () => undefined,
      maxBytes: 2 ** 20,
    });
    const object = configMap({}, { name: 'left', uid: 'left' });
    const body = Buffer.from(stringifyJson(reviewDocument({ name: 'left', object })));
    await spool.add({ at: Date.parse(AT), redacted: false, body });
    await spool.close();
    writeFileSync(file('reviews.ndjson'), `${line(1, 'a')}\n`);
    assert.equal((await importInto(db, [file('reviews.ndjson')])).stdout.split('\n')[0], counts({ recorded: 1 }));
    const reader = openSqliteReader(db);
    const changes = await reader.changes({}, 10);
    await reader.close();
    assert.deepEqual(
      changes.map(({ object: { name } }) => name),
      ['a', 'left'],
    );
  });

  it('imports nothing where it cannot read what a server had answered', async () => {
    const db = file('ledger.db');
    await openSqliteStore(db, 'test', Date.parse(AT)).close();
    // No file system gives the content of a folder.
    mkdirSync(join(spoolFolder(db), '0001.spool'), { recursive: true });
    writeFileSync(file('reviews.ndjson'), `${line(1, 'a')}\n`);
    const { code, stderr } = await importInto(db, [file('reviews.ndjson')]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: the spool cannot be read: EISDIR.*\n.*check the disk/s);
    const reader = openSqliteReader(db);
    assert.equal(await reader.last(), null);
    await reader.close();
  });

  it('stops at a bad line with its number, and goes on with --keep-going', async function () {
    this.timeout(60_000);
    const text = `${line(0, 'a')}\n{"receivedAt":7}\n${line(2, 'c')}\n`;
    writeFileSync(file('reviews.ndjson'), text);
    writeFileSync(file('b'), stringifyJson(versioned('b')));
    const problem = `${file('reviews.ndjson')}, line 2: receivedAt is the number 7: ${EXPECTED_TIME}`;
    const [stopped, kept] = await Promise.all([
      importInto(file('stopped.db'), [file('reviews.ndjson')]),
      importInto(file('kept.db'), [
        '--keep-going',
        '--baseline-at',
        after(1),
        '--baseline',
        file('b'),
        file('reviews.ndjson'),
      ]),
    ]);
    assert.deepEqual(stopped, {
      code: 1,
      signal: null,
      stdout: '',
      stderr: `error: ${problem}\nhint: mend the line, or pass it over with --keep-going\n`,
    });
    assert.deepEqual([kept.code, kept.stderr], [0, `passed over: ${problem}\n`]);
    assert.equal(kept.stdout.split('\n')[0], counts({ recorded: 2, baseline: 1, badLines: 1 }));
  });

  it('says in one line that a file is cut off, and that a time cannot be read', async function () {
    this.timeout(60_000);
    const whole = readFileSync(`${SHOP}reviews.ndjson.gz`);
    assert.ok(gunzipSync(whole).length > 0);
    writeFileSync(file('cut.gz'), whole.subarray(0, 50_000));
    const [cut, time] = await Promise.all([
      importInto(file('ledger.db'), ['--keep-going', file('cut.gz')]),
      importInto(file('other.db'), ['--baseline-at', 'someday', file('cut.gz')]),
    ]);
    assert.deepEqual([cut.code, cut.stdout], [1, '']);
    assert.match(
      cut.stderr,
      /^error: \S+cut\.gz, after line \d+: unexpected end of file\nhint: the file is damaged or cut off: get it again\n$/,
    );
    assert.equal(time.code, 1);
    assert.match(time.stderr, /^error: option '--baseline-at <time>' argument 'someday' is invalid\. /);
  });
});
