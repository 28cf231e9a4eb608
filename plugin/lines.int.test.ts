import assert from 'node:assert/strict';
import { parseDocument } from 'yaml';
import { canonicalJson, parseJson } from '../shared/json.ts';
import { shopMarks } from '../shared/testing/shop.ts';
import type { Change, LedgerReader, ObjectBlame } from '../shared/types.ts';
import { openLedger } from '../webhook/ask/questions/open.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { NOW } from './testing/ask.ts';
import { oracle, pathAt } from './testing/blame-oracle.ts';
import { PIPE } from './testing/style.ts';
import { annotatedLines } from './views/annotated-lines.ts';
import { linesView } from './views/lines.ts';

/** Lines of all objects at each mark, so that none is left out. */
const LINES: Record<string, number> = {
  '00-baseline': 7803,
  '01-installed': 10074,
  '02-edited': 10652,
  '03-release-24.3': 10479,
  '04-secrets-ssa-crd': 11235,
  '05-quota-ci': 11917,
  '06-drain-finalizer-pending': 12122,
  '07-deleted': 11311,
  '08-teardown': 9438,
};

describe('the lines of every object at every mark of the recording', () => {
  const file = useSharedFolder();
  let reader: LedgerReader;
  /** The changes that were persisted, by incarnation, oldest first. */
  const histories = new Map<string, Change[]>();

  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
    reader = await openLedger(file('shop.db'), () => NOW);
    for (let before: number | null | undefined; before !== null;) {
      const page = await reader.changes({
        ...{ scope: {}, limit: 1000, bodies: true, status: true },
        ...(before === undefined ? {} : { before }),
      });
      for (const change of page.changes) {
        if (change.effect === 'none') continue;
        const { group, resource, uid, namespace, name } = change.object;
        const key = JSON.stringify([group, resource, uid, namespace, name]);
        histories.set(key, [change, ...(histories.get(key) ?? [])]);
      }
      before = page.next;
    }
  });
  after(() => reader.close());

  async function blamesAt(at: number): Promise<ObjectBlame[]> {
    const blames: ObjectBlame[] = [];
    for (let next: string | null | undefined; next !== null;) {
      const page = await reader.blame({ scope: {}, at, limit: 50, ...(next === undefined ? {} : { continue: next }) });
      blames.push(...page.blames);
      next = page.next;
    }
    return blames;
  }

  for (const { mark, at, objects } of shopMarks()) {
    it(`${mark}: each annotation is the oracle's, and each document reads back`, async function () {
      this.timeout(60_000);
      const blames = await blamesAt(at);
      assert.equal(blames.length, objects);
      let count = 0;
      for (const blame of blames) {
        const { group, resource, uid, namespace, name } = blame.object;
        const title = `${resource} ${namespace}/${name}`;
        const history = histories.get(JSON.stringify([group, resource, uid, namespace, name])) ?? [];
        const expected = oracle(history.filter((change) => change.at <= at));
        const lines = annotatedLines(blame);
        for (const line of lines) {
          assert.equal(line.owner.seq, expected.get(pathAt(blame.body, line.at)), `${title}: ${line.text}`);
          assert.equal(line.setter?.seq, line.owner.seq, `${title}: ${line.text}`);
          count++;
        }
        const [printed = []] = linesView([lines], PIPE);
        const text = printed.map((line) => line.slice(line.indexOf('│') + 2)).join('\n');
        assert.equal(readBack(text), canonicalJson(blame.body), title);
      }
      assert.equal(count, LINES[mark]);
    });
  }
});

/** What a document says, with its integers exact. */
function readBack(text: string): string {
  const document = parseDocument(`${text}\n`, { version: '1.1', intAsBigInt: true });
  assert.deepEqual(document.errors, []);
  const exact = JSON.stringify(document.toJS(), (_key, value: unknown) =>
    typeof value === 'bigint' ? `\u0000#${value.toString()}` : value,
  );
  return canonicalJson(parseJson(exact.replace(/"\\u0000#(-?\d+)"/g, '$1')));
}
