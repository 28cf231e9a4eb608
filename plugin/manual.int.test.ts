import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import type { JsonObject, ManualChange, ManualTotals } from '../shared/types.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importLandscape } from '../webhook/testing/ledgers/landscape-ledger.ts';
import { ask, type AskOptions } from './testing/ask.ts';
import { assertGolden } from './testing/golden.ts';
import { widthOf } from './views/text.ts';

const QUESTIONS = ['manual', 'manual -n storefront --since 2026-11-30T13:19:00Z', 'show 753', 'show 657', 'show 921'];

describe('what stands behind robots, and what was done by hand', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  before(async () => {
    await (await importLandscape(file('west.db'), 'west', true)).close();
  });
  // A day after the recording.
  const now = Date.parse('2026-12-01T12:00:00Z');
  const answer = (question: string, options: AskOptions = {}) =>
    ask([...question.split(' '), '--db', file('west.db')], { now, ...options });

  for (const columns of [80, 160, null]) {
    it(`is printed as was looked at, in ${columns === null ? 'a pipe' : `${columns} columns`}`, async () => {
      const parts: string[] = [];
      for (const question of QUESTIONS) {
        const { code, out, err } = await answer(question, { columns });
        assert.equal(code, 0, err);
        const text = `${err}${out}`;
        if (question.startsWith('manual')) assert.deepEqual(text.split('\n').filter((line) => columns !== null && widthOf(line) > columns), []); // prettier-ignore
        parts.push(`$ kubectl blame ${question}\n${text}`);
        const coloured = await answer(question, { columns, colour: 1 });
        assert.equal(stripVTControlCharacters(coloured.out), out, 'colours change no character');
      }
      assertGolden(`manual-${columns ?? 'pipe'}`, parts.join('\n'));
    });
  }

  it('is a document, with what all changes add up to', async () => {
    const { out } = await answer('manual -o json');
    const { kind, items, totals } = JSON.parse(out) as {
      kind: string;
      items: (ManualChange & { open: boolean })[];
      totals: ManualTotals;
    };
    assert.equal(kind, 'ManualChangeList');
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(new URL('../docs/json-schema/v1alpha1.json', import.meta.url), 'utf8')) as JsonObject); // prettier-ignore
    for (const text of [out, (await answer('show 753 -o json')).out, (await answer('show 657 -o json')).out]) assert.deepEqual(schema.safeParse(JSON.parse(text)).error?.issues ?? [], []); // prettier-ignore
    assert.deepEqual(
      items.filter(({ open }) => open).map(({ seq }) => seq),
      [1421, 1420, 1147, 1088, 1085],
    );
    const { changes, ...parts } = totals;
    assert.equal(
      Object.values(parts).reduce((a, b) => a + b, 0),
      changes,
    );
    assert.match((await answer('manual -o yaml')).out, /^apiVersion: kubeblame.io\/v1alpha1\nitems:\n/);
  });

  it('is a table for spreadsheets, a line for each thing that was set', async () => {
    const [head, ...rows] = (await answer('manual -o csv')).out.trimEnd().split('\r\n');
    assert.equal(
      head,
      'id,time,user,resource,namespace,name,managed_by,application,field,before,after,became,by_id,by_time,by_user',
    );
    assert.equal(rows.length, 14);
    assert.equal(
      rows.find((row) => row.startsWith('576,')),
      '576,2026-11-30T13:18:10.961Z,carol@example.com,deployments.apps,payments,payments-api,Flux,payments,spec.replicas,2,4,taken back,948,2026-11-30T13:18:44.409Z,system:serviceaccount:flux-system:kustomize-controller', // prettier-ignore
    );
  });

  it('fails a pipeline only where it is asked to, and something is still different', async () => {
    assert.equal((await answer('manual')).code, 0);
    assert.equal((await answer('manual --fail-on-open')).code, 1);
    assert.equal((await answer('manual -n payments --until 2026-11-30T13:19:00Z --fail-on-open')).code, 0);
  });

  it('says what it cannot be asked', async () => {
    const { code, err } = await answer('manual -l app=web');
    assert.equal(code, 2);
    assert.match(err, /unknown option '-l'/);
  });

  it('names the revision in lines, and leads --humans to it', async () => {
    const image = async (flags: string): Promise<string> => {
      const { out } = await answer(`deployment storefront/web --format lines ${flags}`.trim(), { columns: 160 });
      return out.split('\n').find((line) => line.includes('shop/web:'))?.replace(/\s+/g, ' ') ?? ''; // prettier-ignore
    };
    assert.match(await image(''), /^ ?753 argocd ← alice @ 9be27d1 /);
    assert.match(await image('--humans'), /^ ?753 argocd ← alice @ 9be27d1 /);
  });

  it('can be asked for by the names that it prints', async () => {
    const { out } = await answer('--user argocd --limit 3 --format table', { columns: 160 });
    assert.match(out, /argocd ← erin @ c0ffee5/);
  });
});
