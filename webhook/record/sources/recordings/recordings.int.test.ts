import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { stringifyJson } from '../../../../shared/json.ts';
import { configMap, reviewDocument } from '../../../../shared/testing/reviews.ts';
import { SHOP, shopLines } from '../../../../shared/testing/shop.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { contentsOf, importInto } from '../../../testing/ledgers/import.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import type { FactCount, ImportResult } from './import.ts';

const FIXTURES = fileURLToPath(new URL('../../../../shared/fixtures/', import.meta.url));
const NO_FACTS: FactCount = { all: 0, known: 0 };

/** A result in which all but the given is zero. */
function result(
  reviews: Partial<ImportResult['reviews']>,
  rest: Partial<Omit<ImportResult, 'reviews'>> = {},
): ImportResult {
  const none = { recorded: 0, unchanged: 0, excluded: 0, 'dry-run': 0, 'already there': 0, lost: 0 };
  return { reviews: { ...none, ...reviews }, baseline: NO_FACTS, watchEvents: NO_FACTS, badLines: 0, ...rest };
}

/** Who did what to which object when, oldest first. */
async function history(path: string): Promise<string[]> {
  const reader = openSqliteReader(path);
  const changes = (await reader.changes({}, 1000)).reverse();
  await reader.close();
  return changes.map(({ at, actor, operation, effect, outcome, object }) =>
    [new Date(at).toISOString().slice(11, 23), actor?.username, operation, effect, outcome, object.name].join(' '),
  );
}

describe('the case 19, import files', () => {
  const file = useFolder();
  const CASE = `${FIXTURES}cases/19-import-files/`;
  const N0 = '08:00:00.000 dana@example.com CREATE created committed a';
  const N1 = '08:01:00.000 erin@example.com UPDATE modified committed a';
  const N2 = '08:02:00.000 frank@example.com UPDATE modified pending a';

  const good: [name: string, what: string, expected: ImportResult, history: string[]][] = [
    ['crlf', 'with a byte order mark, CRLF and an empty line', result({ recorded: 3 }), [N0, N1, N2]],
    ['outoforder', 'whose lines are not in the order of time', result({ recorded: 3 }), [N0, N1, N2]],
    ['twice', 'with every line twice', result({ recorded: 3, 'already there': 3 }), [N0, N1, N2]],
    ['micro', 'with microseconds', result({ recorded: 1 }), ['08:00:00.123 dana@example.com CREATE created pending a']],
  ];
  for (const [name, what, expected, told] of good) {
    it(`${name}: a file ${what} is taken`, async () => {
      const taken = await importInto(file('ledger.db'), { reviews: `${CASE}${name}.ndjson` });
      assert.deepEqual(taken, { result: expected, bad: [], lost: [] });
      assert.deepEqual(await history(file('ledger.db')), told);
    });
  }

  const instead = 'expected an object with receivedAt and review';
  const time = 'expected an RFC 3339 time with a zone, as 2026-03-03T14:32:10Z';
  const mend = 'mend the line, or pass it over with --keep-going';
  const bad: [name: string, line: number, message: string, hint: string, otherLines: string[]][] = [
    [
      'v1beta1',
      1,
      'not a usable AdmissionReview: its apiVersion is admission.k8s.io/v1beta1, expected admission.k8s.io/v1',
      'register the webhook with admissionReviewVersions: ["v1"]',
      [],
    ],
    [
      'bare',
      1,
      `an AdmissionReview without the time at which it was received, ${instead}`,
      'say when each review was received: {"receivedAt": RFC 3339, "review": AdmissionReview}',
      [],
    ],
    [
      'kube-audit-rest',
      1,
      `a line of kube-audit-rest, ${instead}`,
      "convert the file: jq -c '{receivedAt: .requestReceivedTimestamp, review: del(.requestReceivedTimestamp)}'",
      [],
    ],
    [
      'truncated',
      2,
      'not valid JSON: Unterminated string in JSON at position 300 (the line ends within its document)',
      mend,
      [N0.replace('committed', 'pending')],
    ],
    ['epoch', 1, `receivedAt is the number 1789372800: ${time}`, mend, []],
    ['localtime', 1, `receivedAt is "2026-09-14 08:00:00", which has no time zone: ${time}`, mend, []],
    ['audit', 1, `an event of the API server's audit log, ${instead}`, 'only AdmissionReviews can be imported', []],
  ];
  for (const [name, number, message, hint, otherLines] of bad) {
    it(`${name}: an error with the line; nothing of the line is recorded`, async () => {
      const reviews = `${CASE}${name}.ndjson`;
      const text = `${reviews}, line ${number}: ${message}`;
      await assert.rejects(importInto(file('ledger.db'), { reviews }), { code: 'input-invalid', message: text, hint });
      assert.deepEqual(await contentsOf(file('ledger.db')), { changes: [], coverage: [] });
      const { bad: told, result: kept } = await importInto(file('ledger.db'), { reviews }, true);
      assert.deepEqual([told, kept.badLines, kept.reviews.recorded], [[text], 1, otherLines.length]);
      assert.deepEqual(await history(file('ledger.db')), otherLines);
    });
  }

  const foreign: [what: string, document: JsonObject, message: string, hint: string][] = [
    ['an object', configMap(), 'a ConfigMap of v1', 'objects are given with --baseline FILE'],
    [
      'a list',
      { apiVersion: 'v1', kind: 'List', items: [configMap()] },
      'a List of v1',
      'objects are given with --baseline FILE',
    ],
    [
      'a watch event',
      { resource: 'configmaps', event: { type: 'ADDED', object: configMap() } },
      'a watch event',
      'watch events are given with --watch FILE',
    ],
    ['something else', { level: 'info', msg: 'started' }, 'an unknown document', mend],
  ];
  for (const [what, document, message, hint] of foreign) {
    it(`${what} in the place of a review: an error that says what it is`, async () => {
      writeFileSync(file('reviews'), `${stringifyJson(document)}\n`);
      const text = `${file('reviews')}, line 1: ${message}, ${instead}`;
      await assert.rejects(importInto(file('ledger.db'), { reviews: file('reviews') }), { message: text, hint });
    });
  }

  it('two files, the later first: the earlier one is refused, and nothing of it is recorded', async () => {
    const [one, two] = [`${CASE}one.ndjson`, `${CASE}two.ndjson`];
    await importInto(file('ledger.db'), { reviews: two });
    const before = await contentsOf(file('ledger.db'));
    await assert.rejects(importInto(file('ledger.db'), { reviews: one }, true), {
      code: 'ledger-out-of-order',
      message: `${one}, line 1: received at 2026-09-14T08:00:00.000Z, the ledger already reaches 2026-09-14T08:02:00.000Z`,
    });
    assert.deepEqual(await contentsOf(file('ledger.db')), before);
    // As the hint says.
    await importInto(file('new.db'), { reviews: one });
    await importInto(file('new.db'), { reviews: two });
    assert.deepEqual(await history(file('new.db')), [N0, N1, N2]);
  });

  it('a line that comes too late is an error, unless it is there already', async () => {
    const at = (seconds: number): string => new Date(Date.parse('2026-09-14T08:00:00Z') + seconds * 1000).toISOString();
    const line = (seconds: number, name: string, uid: string): string =>
      stringifyJson({
        receivedAt: at(seconds),
        review: reviewDocument({ uid, name, object: configMap({}, { name, uid: `u-${name}` }) }),
      });
    const first = [line(0, 'a', '1'), line(1000, 'b', '2'), line(2000, 'c', '3')];
    writeFileSync(file('again'), [...first, first[0], ''].join('\n'));
    const again = await importInto(file('again.db'), { reviews: file('again') });
    assert.deepEqual(again.result, result({ recorded: 3, 'already there': 1 }));
    writeFileSync(file('late'), [...first, line(500, 'd', '4'), line(2001, 'e', '5'), ''].join('\n'));
    const late =
      `${file('late')}, line 4: received at ${at(500)}, after a review of ${at(1000)}: ` +
      'a line may come at most 1000 lines and 600 seconds after its turn';
    await assert.rejects(importInto(file('late.db'), { reviews: file('late') }), {
      message: late,
      hint: 'sort the file by receivedAt, or pass the line over with --keep-going',
    });
    const kept = await importInto(file('late.db'), { reviews: file('late') }, true);
    assert.deepEqual(kept.bad, [late]);
    assert.deepEqual(
      (await history(file('late.db'))).map((change) => change.slice(-1)),
      ['a', 'b', 'c', 'e'],
    );
  });

  it('a uid that comes twice with another request is an error: neither is passed over as known', async () => {
    const line = (seconds: number, name: string): string =>
      stringifyJson({
        receivedAt: `2026-09-14T08:00:0${seconds}Z`,
        review: reviewDocument({ uid: 'same', name, object: configMap({}, { name, uid: `u-${name}` }) }),
      });
    writeFileSync(file('reviews'), [line(0, 'a'), line(1, 'b'), ''].join('\n'));
    await assert.rejects(importInto(file('ledger.db'), { reviews: file('reviews') }), {
      code: 'input-invalid',
      message: `${file('reviews')}, line 2: the uid same of this CREATE of configmaps b is also that of a CREATE of configmaps a`,
      hint: 'each review must have a uid of its own',
    });
  });
});

describe('the case 06c, a DELETE that does not show its object', () => {
  const file = useFolder();
  const CASE = `${FIXTURES}cases/06c-delete-oldobject-null/`;
  const told = (outcomes: [string, string, string]): string[] => [
    `08:00:00.000 dana@example.com CREATE created ${outcomes[0]} w1`,
    `08:01:00.000 erin@example.com DELETE deleted ${outcomes[1]} w1`,
    `08:02:00.000 dana@example.com CREATE created ${outcomes[2]} after`,
  ];

  it('is a deletion of what it names, and is settled by the watch', async () => {
    const taken = await importInto(file('ledger.db'), {
      reviews: `${CASE}reviews.ndjson`,
      watch: `${CASE}watch.ndjson`,
    });
    assert.deepEqual(taken.result, result({ recorded: 3 }, { watchEvents: { all: 3, known: 0 } }));
    assert.deepEqual(await history(file('ledger.db')), told(['committed', 'committed', 'committed']));
  });

  it('is the same without a watch: the body before it is the one of the record', async () => {
    await importInto(file('ledger.db'), { reviews: `${CASE}reviews.ndjson` });
    assert.deepEqual(await history(file('ledger.db')), told(['pending', 'pending', 'pending']));
    const reader = openSqliteReader(file('ledger.db'));
    assert.deepEqual((await reader.body(1))?.spec, { a: 1 });
    assert.equal(await reader.body(2), null);
    assert.equal((await reader.change(2))?.parent, 1);
    await reader.close();
  });

  it('is an act with its user where the record does not have the object', async () => {
    const [, deletion = ''] = readFileSync(`${CASE}reviews.ndjson`, 'utf8').split('\n');
    writeFileSync(file('reviews'), `${deletion}\n`);
    await importInto(file('ledger.db'), { reviews: file('reviews') });
    const reader = openSqliteReader(file('ledger.db'));
    const change = await reader.change(1);
    await reader.close();
    assert.deepEqual(
      [change?.operation, change?.effect, change?.actor?.username, change?.object],
      [
        'DELETE',
        'none',
        'erin@example.com',
        { group: 'packages.example.com', resource: 'widgets', kind: 'Widget', namespace: 'ci', name: 'w1', uid: '' },
      ],
    );
  });

  it('is told as lost where it names nothing, and the import goes on; a second time tells nothing new', async () => {
    const nameless = { operation: 'DELETE', name: '', object: null, oldObject: null };
    const lines = [nameless, { uid: 'next' }].map((options, index) =>
      stringifyJson({ receivedAt: `2026-09-14T08:00:0${index}Z`, review: reviewDocument(options) }),
    );
    writeFileSync(file('reviews'), `${lines.join('\n')}\n`);
    const taken = await importInto(file('ledger.db'), { reviews: file('reviews') });
    const reason = 'it names no object, neither in request.name nor in an object';
    const lost = `${file('reviews')}, line 1: a DELETE of configmaps that cannot be recorded: ${reason}`;
    assert.deepEqual(taken, { result: result({ recorded: 1, lost: 1 }), bad: [], lost: [lost] });
    const before = await contentsOf(file('ledger.db'));
    assert.deepEqual(
      before.coverage.map(({ event, detail }) => [event, detail]),
      [
        ['started', 'imported recording'],
        ['lost', '1 review could not be recorded'],
        ['stopped', 'the imported recording ends here'],
      ],
    );
    const again = await importInto(file('ledger.db'), { reviews: file('reviews') });
    assert.deepEqual(again.result, result({ 'already there': 1, lost: 1 }));
    assert.deepEqual(await contentsOf(file('ledger.db')), before);
  });
});

describe('a recording of a real cluster', function () {
  this.timeout(120_000);
  this.slow(60_000);
  const file = useFolder();

  const CLUSTERS: [cluster: string, recorded: number, unchanged: number, excluded: number, events: number][] = [
    ['west', 1168, 29, 663, 1280],
    ['east', 503, 12, 489, 690],
  ];
  for (const [cluster, recorded, unchanged, excluded, events] of CLUSTERS) {
    it(`is taken whole, once: landscape ${cluster}`, async () => {
      const folder = `${FIXTURES}landscape/${cluster}/`;
      const input = {
        reviews: `${folder}reviews.ndjson.gz`,
        watch: `${folder}watch.ndjson.gz`,
        baseline: `${folder}truth/00-baseline.ndjson.gz`,
        baselineAt: Date.parse('2026-11-30T13:17:15.269Z'),
      };
      const db = file('ledger.db');
      const taken = await importInto(db, input);
      const facts = (known: boolean): Pick<ImportResult, 'baseline' | 'watchEvents'> => ({
        baseline: { all: 245, known: known ? 245 : 0 },
        watchEvents: { all: events, known: known ? events : 0 },
      });
      const first = result({ recorded, unchanged, excluded }, facts(false));
      assert.deepEqual(taken, { result: first, bad: [], lost: [] });
      const bytes = readFileSync(db);
      const again = await importInto(db, input);
      const second = result({ unchanged, excluded, 'already there': recorded }, facts(true));
      assert.deepEqual(again, { result: second, bad: [], lost: [] });
      assert.ok(readFileSync(db).equals(bytes), 'the ledger is the same');
    });
  }

  /** Some minutes of the shop, each review at a millisecond of its own. */
  const lines = (count: number): string[] => {
    let last = 0;
    return shopLines('reviews.ndjson.gz')
      .slice(0, count)
      .map((text) => {
        const { receivedAt, review } = JSON.parse(text) as { receivedAt: string; review: JsonObject };
        last = Math.max(last + 1, Date.parse(receivedAt));
        return JSON.stringify({ receivedAt: new Date(last).toISOString(), review });
      });
  };

  it('is the same in any order of its lines, and with lines twice', async () => {
    const sorted = lines(200);
    writeFileSync(file('sorted'), sorted.join('\n'));
    await importInto(file('sorted.db'), { reviews: file('sorted') });
    const wanted = await contentsOf(file('sorted.db'));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(sorted, { minLength: sorted.length }),
        fc.subarray(sorted, { maxLength: 30 }),
        async (shuffled, twice) => {
          const name = String(run++);
          writeFileSync(file(name), [...shuffled, ...twice].join('\n'));
          await importInto(file(`${name}.db`), { reviews: file(name) });
          assert.deepEqual(await contentsOf(file(`${name}.db`)), wanted);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('goes on behind what the ledger has of it', async () => {
    const all = lines(400);
    writeFileSync(file('all'), all.join('\n'));
    writeFileSync(file('half'), all.slice(0, 200).join('\n'));
    await importInto(file('all.db'), { reviews: file('all') });
    const { result: half } = await importInto(file('half.db'), { reviews: file('half') });
    const { result: rest } = await importInto(file('half.db'), { reviews: file('all') });
    assert.equal(rest.reviews['already there'], half.reviews.recorded);
    const [whole, parts] = [await contentsOf(file('all.db')), await contentsOf(file('half.db'))];
    assert.deepEqual(parts.changes, whole.changes);
    assert.deepEqual(
      parts.coverage.map(({ event }) => event),
      ['started', 'stopped', 'started', 'stopped'],
    );
  });

  describe('that comes through a pipe', () => {
    /** What the command prints, fed by a shell. */
    const run = (script: string, ...args: string[]): Promise<{ stdout: string; stderr: string; code: number | null }> =>
      new Promise((resolve) => {
        const env = { ...process.env, NODE: process.execPath, FILE: `${SHOP}reviews.ndjson.gz` };
        const child = spawn('bash', ['-c', script, 'bash', ...args], {
          cwd: fileURLToPath(new URL('../../../../', import.meta.url)),
          env,
        });
        const out = { stdout: '', stderr: '' };
        child.stdout.on('data', (part: Buffer) => void (out.stdout += part.toString()));
        child.stderr.on('data', (part: Buffer) => void (out.stderr += part.toString()));
        child.on('close', (code) => resolve({ ...out, code }));
      });
    const IMPORT = '"$NODE" scripts/run-bundled.mjs webhook/programs/main.ts import --db "$1"';
    const COUNTS = '1441 recorded, 6 without a change, 687 excluded by rules, 3 dry runs';

    it('is the same as the file: by -, by a named pipe, by <(…), and as gzip of several members', async () => {
      const fromFile = await run(`${IMPORT} "$FILE"`, file('file.db'));
      assert.deepEqual([fromFile.stderr, fromFile.code, fromFile.stdout.split('\n')[0]], ['', 0, COUNTS]);
      const wanted = await contentsOf(file('file.db'));
      execFileSync('mkfifo', [file('pipe')]);
      const text = gunzipSync(readFileSync(`${SHOP}reviews.ndjson.gz`));
      const middle = text.indexOf('\n', text.length / 2) + 1;
      writeFileSync(
        file('members.gz'),
        Buffer.concat([gzipSync(text.subarray(0, middle)), gzipSync(text.subarray(middle))]),
      );
      const ways: [name: string, script: string][] = [
        ['stdin', `zcat "$FILE" | ${IMPORT} -`],
        ['packed', `${IMPORT} - < "$FILE"`],
        ['substitution', `${IMPORT} <(zcat "$FILE")`],
        ['named', `cat "$FILE" > "$2" & ${IMPORT} "$2"`],
        ['members', `cat "$3" | ${IMPORT} -`],
      ];
      for (const [name, script] of ways) {
        // Values of Secrets are redacted with it.
        copyFileSync(file('file.db.key'), file(`${name}.db.key`));
        const { stdout, stderr, code } = await run(script, file(`${name}.db`), file('pipe'), file('members.gz'));
        assert.deepEqual([stderr, code, stdout.split('\n')[0]], ['', 0, COUNTS], name);
        const { changes, coverage } = await contentsOf(file(`${name}.db`));
        assert.deepEqual(changes, wanted.changes, name);
        assert.deepEqual(coverage, wanted.coverage, name);
      }
    });

    it('may be the watch or the baseline too, but only one input can be the standard input', async () => {
      const one = stringifyJson({ receivedAt: '2026-09-14T08:00:00Z', review: reviewDocument() });
      writeFileSync(file('reviews'), `${one}\n`);
      writeFileSync(file('objects'), stringifyJson(configMap({}, { name: 'b', uid: 'b', resourceVersion: '7' }), 2));
      const event = { type: 'ADDED', object: configMap({}, { uid: 'u-1', resourceVersion: '8' }) };
      writeFileSync(file('events'), `${stringifyJson({ resource: 'configmaps', event })}\n`);
      const inputs = `--watch <(gzip -c "$3") --baseline - "$2" < "$4"`;
      const piped = await run(`${IMPORT} ${inputs}`, file('a.db'), file('reviews'), file('events'), file('objects'));
      const counts = '1 recorded, 0 without a change, 0 excluded by rules, 0 dry runs';
      assert.deepEqual(
        [piped.stderr, piped.stdout.split('\n')[0]],
        ['', `${counts}, 1 objects of the baseline, 1 watch events`],
      );
      const both = await run(`${IMPORT} --watch - - < /dev/null`, file('b.db'));
      const said = 'error: only one input can be the standard input (-)\nhint: name a file for the other\n';
      assert.deepEqual([both.stderr, both.code], [said, 1]);
    });
  });
});
