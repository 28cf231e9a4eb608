import assert from 'node:assert/strict';
import { BUILT_IN_TYPES } from '../shared/built-in-types.ts';
import { canonicalJson, isObject } from '../shared/json.ts';
import { metadataText, normalise } from '../shared/normalise.ts';
import { Redactor } from '../shared/redact.ts';
import { shopDocuments, shopLines, shopMarks } from '../shared/testing/shop.ts';
import type { JsonObject } from '../shared/types.ts';
import { StoreReader } from './query/reader.ts';
import type { LedgerStore } from './store/port.ts';
import { useSharedFolder } from './testing/folder.ts';
import { TEST_KEY } from './testing/recorder.ts';
import { importShop } from './testing/shop-ledger.ts';
import { departures, keyOf, NO_DEPARTURES, statesAt } from './testing/states.ts';

/*
 * The recording of a real cluster against the truth that its API server told at nine moments.
 */
const redactor = new Redactor(TEST_KEY);

/** The truth at a mark, redacted with the test's key, by object. */
function truthAt(mark: string): Map<string, string> {
  const truth = new Map<string, string>();
  for (const object of shopDocuments(`truth/${mark}.ndjson.gz`)) {
    const apiVersion = object.apiVersion as string;
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    const kind = object.kind as string;
    const type = BUILT_IN_TYPES.find((known) => known.group === group && known.kind === kind);
    const resource = type?.resource ?? `${kind.toLowerCase()}s`;
    const ref = {
      group,
      resource,
      kind,
      namespace: metadataText(object, 'namespace'),
      name: metadataText(object, 'name'),
      uid: '',
    };
    truth.set(keyOf(ref), canonicalJson(redactor.redact(normalise(object).body, ref)));
  }
  return truth;
}

for (const [input, watch] of [
  ['reviews alone', false],
  ['reviews with watch events', true],
] as const) {
  describe(`the truth at each mark, from ${input}`, () => {
    const file = useSharedFolder();
    let store: LedgerStore;
    before(async function () {
      this.timeout(60_000);
      store = await importShop(file('shop.db'), watch);
    });
    after(() => store.close());

    for (const { mark, at, objects } of shopMarks()) {
      it(`${mark}: ${objects} objects equal, none missing, none extra`, async () => {
        const truth = truthAt(mark);
        assert.equal(truth.size, objects);
        const rebuilt = await statesAt(new StoreReader(store, () => at), at);
        assert.deepEqual(departures(truth, rebuilt), NO_DEPARTURES);
      });
    }
  });
}

describe('the secrets of the recording', () => {
  const file = useSharedFolder();

  it('are in no file of the ledger', async function () {
    this.timeout(60_000);
    const { readFileSync } = await import('node:fs');
    const store = await importShop(file('shop.db'), true);
    const lines = shopLines('reviews.ndjson.gz');
    const elsewhere = lines.filter((line) => !line.includes('"kind":"Secret"')).join();
    // A value such as the user name "shop" is no secret: it stands in every other object.
    const values = [...new Set(lines.flatMap((line) => secretValues(JSON.parse(line) as JsonObject)))].filter(
      (value) => !elsewhere.includes(value),
    );
    for (const known of ['super-private-key-material', 'rotated-Passw0rd-2']) assert.ok(values.includes(known), known);
    // While it is open, so that the WAL is there too; and decompressed, which the files are not.
    const texts = [readFileSync(file('shop.db'), 'latin1'), readFileSync(file('shop.db-wal'), 'latin1')];
    for (const change of await store.changes({}, 100_000))
      texts.push(JSON.stringify(change), JSON.stringify(change.detail()));
    for (const object of await store.objects({}, 100_000)) texts.push(JSON.stringify(object));
    await store.close();
    const found = values.filter((value) => texts.some((text) => text.includes(value)));
    assert.deepEqual(found, []);
  });
});

/** Every value of every Secret in a review, as it is there and decoded. */
function secretValues(document: JsonObject): string[] {
  const review = document.review as JsonObject;
  const request = review.request as JsonObject;
  return [request.object, request.oldObject].flatMap((body) => {
    if (!isObject(body) || body.kind !== 'Secret' || !isObject(body.data)) return [];
    return Object.values(body.data).flatMap((value) => {
      const text = value as string;
      return [text, Buffer.from(text, 'base64').toString()];
    });
  });
}
