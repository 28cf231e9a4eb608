import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask, type AskOptions } from './testing/ask.ts';
import { assertGolden } from './testing/golden.ts';
import { widthOf } from './views/text.ts';

const AT = '--at 2026-11-22T05:07:06Z';

/** As a person keeps it: older than what bob did, and with something that never was there. */
const MANIFEST = readFileSync(new URL('testing/web.yaml', import.meta.url), 'utf8');

const VIEWS: Record<string, string[]> = {
  lines: [
    `configmap web-config -n shop --format lines ${AT}`,
    `deployment web -n shop --format lines --field spec.template.spec.containers[nginx] ${AT}`,
    `rs web-68fc8f8c8c -n shop --format lines --field metadata --humans ${AT}`,
    `deployment web -n shop --field status --removed --at 2026-11-22T05:08:15Z`,
    `-f web.yaml ${AT}`,
  ],
  causes: [
    'rs -n shop --until 2026-11-22T05:06:21Z --limit 12',
    'pods -n shop --until 2026-11-22T05:07:30Z --limit 12',
    'deployment web -n shop --field spec.replicas',
  ],
};

describe('what is printed, as the golden files have it', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });

  for (const [name, questions] of Object.entries(VIEWS)) {
    for (const columns of [80, 120, 160, null]) {
      for (const colour of columns === null ? [0 as const] : [0 as const, 1 as const]) {
        const golden = `${name}-${columns ?? 'pipe'}${colour === 1 ? '-colour' : ''}`;
        it(golden, async () => {
          const parts: string[] = [];
          for (const question of questions) {
            const options: AskOptions = { columns, colour, input: MANIFEST };
            const { code, out, err } = await ask(['--db', file('shop.db'), ...question.split(' ')], options);
            // A manifest that differs ends with 1.
            assert.equal(code, question.startsWith('-f ') ? 1 : 0, err);
            const wide = out.split('\n').filter((line) => columns !== null && widthOf(line) > columns);
            assert.deepEqual(wide, [], question);
            parts.push(`$ kubectl blame ${question}\n${err}${out}`);
          }
          assertGolden(golden, parts.join('\n'));
        });
      }
    }
  }
});
