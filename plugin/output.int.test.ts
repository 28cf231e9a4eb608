import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { isObject } from '../shared/json.ts';
import type { Json, JsonObject } from '../shared/types.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask } from './testing/ask.ts';
import { widthOf } from './views/text.ts';

const GOLDEN = fileURLToPath(new URL('testing/golden/', import.meta.url));
const SCHEMA = new URL('../docs/json-schema/v1alpha1.json', import.meta.url);

/** A file name, and the words. Each is asked at 80, 120 and 160 columns, plain and in colour, and in a pipe. */
const VIEWS: Record<string, string> = {
  history: 'deployment web -n shop --limit 12',
  'history-of-all': '--limit 30 --attempts --format table',
  'history-of-namespaces': 'configmap -A --attempts --status --limit 12',
  wide: 'deployment web -n shop -o wide --limit 3',
  oneline: 'ns shop --oneline --limit 12',
  stat: 'deployment web -n shop --stat --limit 4',
  diff: 'deployment web -n shop --user alice@example.com --format diff --limit 3',
  patch: 'configmap web-config -n shop --format patch --limit 2',
  states: '-n shop --at 2026-11-22T05:07:06Z',
  differences: 'deployments -n shop --from 2026-11-22T05:06:30Z --to 2026-11-22T05:07:41Z',
  coverage: 'coverage',
  show: 'show 770,1',
  who: 'who',
  bursts: 'who --user alice@example.com',
  apps: 'apps --at 2026-11-22T05:07:06Z',
  members: 'apps shop --at 2026-11-22T05:07:06Z',
  releases: 'releases shop --at 2026-11-22T05:08:20Z',
  'release-difference': 'releases shop 24.2..24.3 --at 2026-11-22T05:08:20Z',
};

/** What must fit the terminal. */
const TABLES = new Set([
  'history',
  'history-of-all',
  'history-of-namespaces',
  'oneline',
  'states',
  'who',
  'bursts',
  'apps',
  'members',
  'releases',
]);

describe('what is printed, on the recording', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });
  const words = (text: string): string[] => [...text.split(' '), '--db', file('shop.db')];

  for (const [name, text] of Object.entries(VIEWS)) {
    it(`is ${name} as it was looked at, at every width`, async () => {
      const parts: string[] = [];
      for (const columns of [80, 120, 160, null]) {
        const plain = await ask(words(text), { columns });
        assert.equal(plain.code, 0, plain.err);
        parts.push(`==> ${columns === null ? 'a pipe' : `${columns} columns`}\n${plain.err}${plain.out}`);
        if (columns === null) continue;
        const coloured = await ask(words(text), { columns, colour: 1 });
        assert.equal(stripVTControlCharacters(coloured.out), plain.out, 'colours change no character');
        // The colours once are enough to look at.
        if (columns === 120)
          parts.push(`==> ${columns} columns, in colour\n${coloured.out.replaceAll('\u001b', '\\e')}`);
        // Others are documents, which a terminal wraps.
        if (!TABLES.has(name)) continue;
        assert.deepEqual(plain.out.split('\n').filter((line) => widthOf(line) > columns), [], `${columns}`); // prettier-ignore
      }
      const golden = `${GOLDEN}${name}.txt`;
      const now = parts.join('\n');
      // UPDATE_GOLDEN=1 writes it anew: look at what changed before you commit it.
      if (process.env.UPDATE_GOLDEN === '1') {
        mkdirSync(GOLDEN, { recursive: true });
        writeFileSync(golden, now);
      }
      assert.equal(now, readFileSync(golden, 'utf8'));
    });
  }

  it('is JSON that the documented schema describes, and nothing that it does not', async () => {
    const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as JsonObject;
    const validator = z.fromJSONSchema(schema);
    const documents = ['--limit 400 --status --attempts', '--limit 40', 'deployment web -n shop', 'show 770', 'who', 'who --user bob@example.com',
      '--from 2026-11-22T05:06:30Z --to 2026-11-22T05:07:41Z', 'coverage', 'tree deployment/web -n shop --at 2026-11-22T05:07:06Z', 'impact 1450', 'version', 'apps --at 2026-11-22T05:07:06Z', 'apps shop --at 2026-11-22T05:07:06Z', 'releases shop', 'releases shop 24.2..24.3', 'allows deployment/web deployment/api -n shop --at 2026-11-22T05:07:06Z', 'manual', 'events']; // prettier-ignore
    const kinds = new Set<string>();
    for (const text of documents) {
      const { out } = await ask(words(`${text} -o json`));
      const document = JSON.parse(out) as JsonObject;
      const result = validator.safeParse(document);
      assert.ok(result.success, `${text}: ${JSON.stringify(result.error?.issues ?? []).slice(0, 600)}`);
      kinds.add(JSON.stringify(document.kind).slice(1, -1));
    }
    const definitions = schema.$defs as Record<string, JsonObject>;
    assert.deepEqual([...kinds].sort(), (schema.oneOf as { $ref: string }[]).map(({ $ref }) => $ref.replace('#/$defs/', '')).sort()); // prettier-ignore
    const { out } = await ask(words('deployment web -n shop -o jsonl'));
    const known = Object.keys((definitions.Change?.properties ?? {}) as JsonObject);
    for (const line of out.trim().split('\n')) {
      const change = JSON.parse(line) as Json;
      assert.ok(isObject(change));
      assert.deepEqual(Object.keys(change).filter((key) => !known.includes(key)), []); // prettier-ignore
    }
  });

  it('holds no character that a terminal obeys, whatever the cluster holds', async () => {
    for (const format of ['table', 'oneline', 'diff', 'csv', 'name', 'stat', 'patch', 'yaml']) {
      const { out } = await ask(words(`--limit 300 --status --attempts --format ${format}`), { columns: 120 });
      assert.equal(/(?![\n\r\t])\p{Cc}/u.test(out), false, format);
    }
  });
});
