import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { normalise } from '../shared/normalise.ts';
import { readReview } from '../shared/review.ts';
import { configMap, reviewDocument, SETTINGS } from '../shared/testing/reviews.ts';
import type { JsonObject } from '../shared/types.ts';
import { enforce } from '../webhook/ledger/retention/retention.ts';
import type { SqliteStore } from '../webhook/ledger/sqlite/store/store.ts';
import { useFolder } from '../webhook/testing/folder.ts';
import { TestRecorder } from '../webhook/testing/ledgers/recorder.ts';
import { ask } from './testing/ask.ts';

const DAY_MS = 24 * 3_600_000;

describe('what the command line says', () => {
  const file = useFolder();
  const answer = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await ask([...args, '--db', file('ledger.db')]);
    assert.equal(code, 0, err);
    return out;
  };

  describe('of a change that reviews of two users claim', () => {
    const body = (data: JsonObject, resourceVersion: string): JsonObject =>
      configMap(data, { resourceVersion, managedFields: [] });
    /** A secret that the map names, so that somebody made an edge: alice, as far as is believed. */
    beforeEach(async () => {
      const ledger = await TestRecorder.open(file('ledger.db'));
      const show = (data: JsonObject, version: string): Promise<void> =>
        ledger.recorder.observe(SETTINGS, normalise(body(data, version)), ledger.at, 1);
      const update = (username: string): Promise<unknown> => {
        const review = reviewDocument({
          ...{ username, operation: 'UPDATE', oldObject: body({ a: '1' }, '11') },
          object: body({ a: '2' }, '11'),
        });
        ledger.at += 1000;
        return ledger.recorder.record(readReview(review), ledger.at, 100);
      };
      await show({ a: '1' }, '11');
      ledger.at += 1000;
      await update('alice@example.com');
      await show({ a: '2' }, '12');
      await update('erin@example.com');
      await ledger.close();
    });

    const VIEWS: Record<string, string[]> = {
      story: ['-n', 'shop'],
      table: ['configmap', 'settings', '-n', 'shop'],
      wide: ['configmap', 'settings', '-n', 'shop', '-o', 'wide'],
      oneline: ['configmap', 'settings', '-n', 'shop', '--oneline'],
      diff: ['configmap', 'settings', '-n', 'shop', '--format', 'diff'],
      lines: ['configmap', 'settings', '-n', 'shop', '--format', 'lines'],
      field: ['configmap', 'settings', '-n', 'shop', '--field', 'data.a'],
      show: ['show', '2'],
      difference: ['configmap', 'settings', '-n', 'shop', '--from', '2026-11-22T05:00:00Z', '--to', '2026-11-22T05:01:00Z'], // prettier-ignore
    };
    for (const [view, args] of Object.entries(VIEWS)) {
      it(`is "(disputed)" behind the user, in view ${view}`, async () => {
        assert.match(await answer(...args), /alice(?:@example\.com)? \(disputed\)/);
      });
    }

    it('is counted as disputed in who', async () => {
      assert.match(await answer('who'), /^alice@example\.com +1 \(1 disputed\) /m);
    });

    it('is "disputed" of the actor in JSON and YAML', async () => {
      const { items } = JSON.parse(await answer('configmap', 'settings', '-n', 'shop', '-o', 'json')) as {
        items: { actor: { username: string; disputed?: boolean } | null }[];
      };
      assert.deepEqual(
        items.flatMap(({ actor }) => (actor === null ? [] : [[actor.username, actor.disputed]])).sort(),
        [
          ['alice@example.com', true],
          ['erin@example.com', true],
        ],
      );
      assert.match(await answer('configmap', 'settings', '-n', 'shop', '-o', 'yaml'), /^ +disputed: true$/m);
    });
  });

  it('of an attempt that was shortened: that its body was not kept, why, and how it begins', async () => {
    const ledger = await TestRecorder.open(file('ledger.db'));
    const object = configMap({ text: randomBytes(9_000).toString('base64') }, { name: 'refused', uid: 'r' });
    await ledger.review({ name: 'refused', object });
    await ledger.recorder.settleUnseen(() => true, ledger.at);
    const { shortened } = await enforce({
      store: ledger.store as SqliteStore,
      policy: { ageMs: null, bytes: null, securityMs: null },
      now: () => ledger.at + DAY_MS,
      between: (work) => work(),
    });
    assert.equal(shortened, 1);
    await ledger.close();
    const shown = await answer('show', '1');
    assert.match(shown, /create: its body of \d+ bytes was not kept: it was never persisted, and is older than a day/);
    assert.match(shown, /^Outcome: +dropped/m);
    assert.match(shown, /hash: [0-9a-f]{32}, start: "\{\\"kind\\":\\"ConfigMap\\"/);
  });
});
