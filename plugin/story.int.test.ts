import assert from 'node:assert/strict';
import fc from 'fast-check';
import { actsOf } from '../shared/acts/acts.ts';
import { countsOf } from '../shared/acts/consequences.ts';
import type { JsonObject, LedgerReader } from '../shared/types.ts';
import { StoreReader } from '../webhook/ask/questions/reader.ts';
import { openSqliteReader } from '../webhook/ledger/sqlite/store/store.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importLandscape } from '../webhook/testing/ledgers/landscape-ledger.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { StoryReader } from './commands/load-story.ts';
import { ask, NOW, type Answer, type AskOptions } from './testing/ask.ts';
import { assertGolden } from './testing/golden.ts';
import { widthOf } from './views/text.ts';

const QUESTIONS: Record<string, string[]> = {
  shop: [
    '--limit 100',
    'ns shop --limit 8 --expand --until 2026-11-22T05:06:30Z',
    '-n shop --humans --user bob@* --limit 6',
  ],
  west: ['--limit 100', 'ns payments --reverse'],
  east: ['--limit 100'],
};

/** What of a change in JSON says how it is asked for. */
interface ChangeItem {
  seq: number;
  object: { namespace: string; name: string };
}

describe('the story, as the golden files have it', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(120_000);
    await (await importShop(file('shop.db'), true)).close();
    await (await importLandscape(file('west.db'), 'west', true)).close();
    await (await importLandscape(file('east.db'), 'east', true)).close();
  });
  const blame = (words: string, options: AskOptions = {}, db = 'shop.db'): Promise<Answer> =>
    ask([...words.split(' ').filter((word) => word !== ''), '--db', file(db)], options);

  for (const [name, questions] of Object.entries(QUESTIONS)) {
    for (const columns of [80, 120, 160, null]) {
      for (const colour of columns === 120 ? [0 as const, 1 as const] : [0 as const]) {
        const golden = `story-${name}-${columns ?? 'pipe'}${colour === 1 ? '-colour' : ''}`;
        it(golden, async function () {
          this.timeout(30_000);
          const parts: string[] = [];
          for (const question of questions) {
            const now = Date.parse('2026-12-02T12:00:00Z');
            const { code, out, err } = await blame(question, { columns, colour, now }, `${name}.db`);
            assert.equal(code, 0, err);
            const wide = out.split('\n').filter((line) => columns !== null && widthOf(line) > columns);
            assert.deepEqual(wide, [], question);
            parts.push(`$ kubectl blame ${question}\n${err}${out}`);
          }
          assertGolden(golden, parts.join('\n'));
        });
      }
    }
  }

  it('tells each act once and whole, wherever a page ends', async function () {
    this.timeout(60_000);
    const store = new StoreReader(openSqliteReader(file('shop.db')), () => NOW);
    const { changes } = await store.changes({ scope: {}, limit: 1000, causes: true });
    const whole = actsOf(changes);
    for (const size of [37, 250]) {
      // The same reader, with smaller pages.
      const paged: LedgerReader = Object.assign(Object.create(store) as LedgerReader, {
        changes: (query: Parameters<LedgerReader['changes']>[0]) =>
          store.changes({ ...query, limit: Math.min(query.limit, size) }),
      });
      for (const limit of [1, 10, 40]) {
        const asked = { scopes: [{}], period: {}, query: { causes: true }, filtered: false, wanted: () => true };
        const { acts, more } = await new StoryReader(asked, paged, {}).load(limit);
        assert.equal(more, true);
        const seqs = (list: typeof acts): unknown =>
          list.map((act) => [act.verb, act.changes.map(({ seq }) => seq), act.consequences.map(({ seq }) => seq)]);
        assert.deepEqual(seqs(acts), seqs(whole.slice(0, limit)), `${limit} acts in pages of ${size}`);
      }
    }
    await store.close();
  });

  it('counts the same consequences where folded changes are not told in full', async () => {
    for (const name of ['shop', 'west', 'east']) {
      const reader = new StoreReader(openSqliteReader(file(`${name}.db`)), () => NOW);
      const told = async (folded: boolean): Promise<unknown> => {
        const { changes } = await reader.changes({ scope: {}, limit: 1000, causes: true, folded });
        return actsOf(changes).map((act) => [act.verb, act.changes, countsOf(act)]);
      };
      assert.deepEqual(await told(true), await told(false), name);
      await reader.close();
    }
  });

  it('finds what followed also where only one user is asked about', async () => {
    const { out } = await blame('-n shop --user bob@example.com --limit 1 --no-headers');
    assert.match(out, /^1662\t.*\tdeleted deployment\/web {2}→ 5 replicasets, 3 pods gone\n/m);
  });

  it('is JSON with the changes of each act, and counts of what followed', async () => {
    const list = JSON.parse((await blame('-n shop --limit 2 -o json')).out) as JsonObject;
    assert.equal(list.kind, 'ActList');
    const [, act] = list.items as JsonObject[];
    assert.ok(act !== undefined);
    assert.deepEqual(
      [act.verb, act.kind, (act.consequences as JsonObject).counts],
      ['deleted', 'person', [
        { fate: 'gone', group: 'apps', kind: 'ReplicaSet', objects: 5, resource: 'replicasets' },
        { fate: 'gone', group: '', kind: 'Pod', objects: 3, resource: 'pods' },
      ]],
    ); // prettier-ignore
    const flat = JSON.parse((await blame('-n shop --limit 2 --format table -o json')).out) as JsonObject;
    assert.equal(flat.kind, 'ChangeList');
    assert.equal(
      (
        await blame('deployment web -n shop --format story --limit 1 --no-headers --until 2026-11-22T05:08:30Z')
      ).out.split('\t')[3],
      'deleted deployment/web\n',
    );
  });

  it('takes back what is printed: times, TYPE NS/NAME, ids', async () => {
    const byName = await blame('deployment shop/web --limit 1');
    assert.match(byName.err, /^# deployment shop\/web · 1 newest change/);
    assert.equal((await blame('deployment shop/web -n payments')).code, 2);
    const at = await blame('deployment shop/web --at 1449 -o name');
    assert.equal(at.err, '# deployment shop/web as of 2026-11-22 05:08:11.332 UTC\n');
    const bare = await blame('-n shop --since 05:08:11 --limit 1');
    assert.match(bare.err, /^# 05:08:11 was taken as 2026-11-22 05:08:11 UTC\n/);
    assert.match((await blame('--at 99999')).err, /^error: --at: there is no change 99999\n/);
    const moment = await ask([
      '--db',
      file('shop.db'),
      'deploy',
      'shop/web',
      '--at',
      '2026-11-22 05:07:06 UTC',
      '-o',
      'name',
    ]);
    assert.equal(moment.out, 'deployment.apps/web\n');
  });

  it('takes the id, the time and the TYPE NS/NAME of any row that it prints, in a pipe and on a terminal', async () => {
    const all = '-A --status --attempts --limit 150';
    const list = JSON.parse((await blame(`${all} --format table -o json`)).out) as { items: ChangeItem[] };
    const printed = { pipe: (await blame(`${all} --oneline`)).out, terminal: (await blame(`${all} --oneline`, { columns: 200 })).out }; // prettier-ignore
    const places = [...list.items.keys()];
    const runs = fc.asyncProperty(
      fc.constantFrom(...places),
      fc.constantFrom('pipe', 'terminal'),
      async (place, where) => {
        const { seq, object } = list.items[place] ?? assert.fail();
        const row = new RegExp(`^ *${seq} .*$`, 'm');
        const line = row.exec(printed[where])?.[0] ?? assert.fail(`no row ${seq}`);
        const name = object.namespace === '' ? object.name : `${object.namespace}/${object.name}`;
        const [before = '', after] = line.split(` ${name}`);
        assert.notEqual(after, undefined, `${name} is not whole: ${line}`);
        const [type = '', time = ''] = [before.split(' ').at(-1), line.trim().split(' ')[1]];
        assert.match((await blame(`show ${seq}`)).out, new RegExp(`\\b${object.name}\\b`), line);
        // What a terminal prints is cut to the second: a question since then has the change too.
        const named = await blame(`${type} ${name} --since ${time} --oneline --status --attempts --limit 600`);
        assert.match(named.out, row, `${type} ${name} --since ${time}: ${named.err}`);
      },
    );
    await fc.assert(runs, { numRuns: 12 });
  });

  it('names a time for older changes that repeats none of those that were shown, and leaves none out', async () => {
    for (const question of ['-n shop --oneline', 'deployment shop/web --oneline']) {
      const first = await blame(`${question} --limit 5`);
      const time = /, or --until (\S+)\n/.exec(first.err)?.[1] ?? assert.fail(first.err);
      const second = await blame(`${question} --limit 5 --until ${time}`);
      const ids = (text: string): string[] => [...text.matchAll(/^ *(\d+) /gm)].map(([, id = '']) => id);
      const both = ids((await blame(`${question} --limit 10`)).out);
      assert.deepEqual([...ids(first.out), ...ids(second.out)], both, question);
    }
  });

  it('takes the id of a change and a bare time of day also in apps and releases', async () => {
    const byId = await blame('apps --at 1449');
    assert.match(byId.err, /^# \d+ applications? · 2026-11-22 05:08:11\.332 UTC\n/);
    const byTime = await blame('apps --at 05:08:11');
    assert.match(byTime.err, /^# 05:08:11 was taken as 2026-11-22 05:08:11 UTC\n/);
    assert.equal(byTime.out, (await blame('apps --at 2026-11-22T05:08:11Z')).out);
    const release = await blame('releases shop --at 1449');
    assert.equal(release.out, (await blame('releases shop --at 2026-11-22T05:08:11.332Z')).out);
    assert.equal(release.code, 0);
  });

  it('shows the act of a change, and what followed from it', async () => {
    assert.match((await blame('show 262')).out, /\nAct: +applied 13 objects: .* changes 262-265,267,278,/);
    const { out } = await blame('show 1662');
    assert.match(out, /\nWhat followed: 5 replicasets, 3 pods gone\n/);
    assert.equal(out.match(/deleted pod shop\/web-68ddd67b9d-pqs9t/g)?.length, 1, 'one row of each pod’s end');
  });

  it('says which gap lies between, in its place', async () => {
    const { out } = await blame('--since 2026-11-22T05:08:26Z --limit 3', { columns: 80 });
    assert.match(
      out,
      /^\(not recorded since 2026-11-22 05:09:57.270 UTC: the imported recording ends\nhere\)\nSun 22 Nov · the cluster\n/,
    );
  });
});
