import assert from 'node:assert/strict';
import { BUILT_IN_TYPES } from '../../../../shared/built-in-types.ts';
import { canonicalJson, isObject } from '../../../../shared/json.ts';
import { metadataText, normalise } from '../../../../shared/normalise.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { shopDocuments, shopLines, shopMarks } from '../../../../shared/testing/shop.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { useSharedFolder } from '../../folder.ts';
import { importLandscape, landscapeMarks, landscapeTruth } from '../../ledgers/landscape-ledger.ts';
import { TEST_KEY } from '../../ledgers/recorder.ts';
import { importShop } from '../../ledgers/shop-ledger.ts';
import { departures, keyOf, NO_DEPARTURES, statesAt } from '../../ledgers/states.ts';

/*
 * The recording of a real cluster against the truth that its API server told at nine moments.
 */
const redactor = new Redactor(TEST_KEY);

/** The truth at a mark, redacted with the test's key, by object. */
function truthOf(objects: readonly JsonObject[]): Map<string, string> {
  const truth = new Map<string, string>();
  for (const object of objects) {
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
        const truth = truthOf(shopDocuments(`truth/${mark}.ndjson.gz`));
        assert.equal(truth.size, objects);
        const rebuilt = await statesAt(new StoreReader(store, () => at), at);
        assert.deepEqual(departures(truth, rebuilt), NO_DEPARTURES);
      });
    }
  });
}

/** Objects at each mark. */
const LANDSCAPE_OBJECTS = {
  west: [245, 367, 374, 379, 381, 385, 393, 389, 389],
  east: [245, 352, 353, 353, 358, 358, 358, 358, 351],
};

/** Made by the autoscaler while mark 01 was being listed: the README beside the recording says so. */
const MADE_MEANWHILE = { west: { '01-release-24.3': ['pods./storefront/web-5955dc8c44-nwb2d'] }, east: {} };

for (const cluster of ['west', 'east'] as const) {
  describe(`the truth of the cluster ${cluster} at each mark, from reviews with watch events`, () => {
    const file = useSharedFolder();
    let store: LedgerStore;
    before(async function () {
      this.timeout(60_000);
      store = await importLandscape(file(`${cluster}.db`), cluster, true);
    });
    after(() => store.close());

    for (const [index, { mark, at }] of landscapeMarks().entries()) {
      const objects = LANDSCAPE_OBJECTS[cluster][index];
      const extra = (MADE_MEANWHILE[cluster] as Record<string, string[]>)[mark] ?? [];
      it(`${mark}: ${objects} objects equal, none missing, ${extra.length || 'none'} extra`, async () => {
        const truth = truthOf(landscapeTruth(cluster, mark));
        assert.equal(truth.size, objects);
        const rebuilt = await statesAt(new StoreReader(store, () => at), at);
        assert.deepEqual(departures(truth, rebuilt), { ...NO_DEPARTURES, extra });
      });
    }
  });
}

const UNKNOWN = {
  shop: {
    open: (path: string) => importShop(path, true),
    baseline: 247,
    by: 'bob@example.com',
    evicted: [
      'default/legacy-58c5f8974c-4j8dh',
      'payments/payments-7f4d5f5b68-2pzv7',
      'payments/payments-7f4d5f5b68-fm9kr',
      'sandbox/over-77f5586ddc-rc9kb',
      'shop/api-7d6bdc5c47-pnc8s',
      'shop/db-0',
      'shop/manual-report-dpht4',
      'shop/web-68fc8f8c8c-8q7rr',
      'shop/web-68fc8f8c8c-csq6x',
    ],
  },
  west: {
    open: (path: string) => importLandscape(path, 'west', true),
    baseline: 245,
    by: 'erin@example.com',
    evicted: [
      'checkout/checkout-7684c7d98-qh4j5',
      'checkout/checkout-7684c7d98-zgszh',
      'payments/payments-api-7479b5858f-cmt87',
      'payments/reconcile-29934078-krgrt',
      'payments/reconcile-29934079-rkdzr',
      'storefront/batch-6fd5dd5f47-865cp',
      'storefront/cart-76c86b7d69-g4l5c',
      'storefront/cart-green-645c697d74-wsxql',
      'storefront/web-6dc5869bbb-bs5d9',
    ],
  },
  east: { open: (path: string) => importLandscape(path, 'east', true), baseline: 245, by: '', evicted: [] },
};

/** What an eviction does to its pod, in two versions. The request has a review, and what it brings about has none. */
const EFFECTS = [['/status/conditions/5'], ['/metadata/generation', '/metadata/deletionGracePeriodSeconds', '/metadata/deletionTimestamp']]; // prettier-ignore

describe('changes without a user', () => {
  const file = useSharedFolder();
  for (const [name, { open, baseline, by, evicted }] of Object.entries(UNKNOWN)) {
    it(`in ${name} are the baseline, and what evictions brought about, each with its request`, async function () {
      this.timeout(60_000);
      const store = await open(file(`${name}.db`));
      const changes = (await store.changes({}, 100_000)).reverse();
      const nobodys = changes.filter(({ actor }) => actor === null);
      const told: string[] = [];
      for (const change of nobodys.filter(({ source }) => source !== 'baseline')) {
        const { cause, patch } = change.detail();
        const request = changes.find(({ seq }) => seq === cause);
        const paths = patch.map(({ path }) => path).join();
        const what = `${request?.subresource} by ${request?.actor?.username}`;
        told.push(`${change.object.namespace}/${change.object.name} ${paths} ${what}`);
      }
      await store.close();
      const expected = evicted.flatMap((pod) => EFFECTS.map((paths) => `${pod} ${paths.join()} eviction by ${by}`));
      assert.deepEqual(told.sort(), expected.sort());
      assert.equal(
        nobodys.filter(({ effect, source }) => source === 'baseline' && effect === 'created').length,
        baseline,
      );
      assert.equal(nobodys.length, baseline + expected.length);
    });
  }
});

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
