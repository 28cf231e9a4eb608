import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { verifyFile } from '../../../ledger/files/verify-file.ts';
import type { LedgerStore, StoredChange } from '../../../ledger/port/port.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { SHOP, shopMarks } from '../../../../shared/testing/shop.ts';
import { useFolder } from '../../../testing/folder.ts';
import { departuresAtMarks, importAuditInto } from '../../../testing/audit-ledger.ts';
import { importLandscape, LANDSCAPE, landscapeMarks } from '../../../testing/ledgers/landscape-ledger.ts';
import { importShop } from '../../../testing/ledgers/shop-ledger.ts';
import { contentsOf } from '../../../testing/ledgers/import.ts';

const NOW = Date.parse('2026-12-31T00:00:00Z');

interface Recording {
  name: string;
  folder: string;
  marks: { mark: string; at: number }[];
  reviews: (path: string, watch: boolean) => Promise<LedgerStore>;
  /** What departs from the truth, all marks together. */
  departs: string[];
  /** Of the audit log alone, and behind reviews: of these the ones that are ambiguous are concurrent requests for the same token. */
  alone: { recorded: number; refused: number; unchanged: number };
  together: { enriched: number; ambiguous: number; openBefore: number };
}

const RECORDINGS: Recording[] = [
  {
    name: 'shop',
    folder: SHOP,
    marks: shopMarks(),
    reviews: (path, watch) => importShop(path, watch, false),
    departs: [],
    alone: { recorded: 1631, refused: 113, unchanged: 35 },
    together: { enriched: 1363, ambiguous: 0, openBefore: 100 },
  },
  {
    name: 'landscape west',
    folder: `${LANDSCAPE}west/`,
    marks: landscapeMarks(),
    reviews: (path, watch) => importLandscape(path, 'west', watch),
    // The autoscaler made it while the mark was being listed: known of the recording.
    departs: ['01-release-24.3 extra: pods./storefront/web-5955dc8c44-nwb2d'],
    alone: { recorded: 1375, refused: 71, unchanged: 36 },
    together: { enriched: 1368, ambiguous: 0, openBefore: 6 },
  },
  {
    name: 'landscape east',
    folder: `${LANDSCAPE}east/`,
    marks: landscapeMarks(),
    reviews: (path, watch) => importLandscape(path, 'east', watch),
    departs: [],
    alone: { recorded: 763, refused: 37, unchanged: 45 },
    together: { enriched: 731, ambiguous: 0, openBefore: 6 },
  },
];

async function departed(path: string, { folder, marks }: Recording): Promise<string[]> {
  const store = openSqliteReader(path);
  const found = await departuresAtMarks(new StoreReader(store, () => NOW), folder, marks);
  await store.close();
  return Object.entries(found).flatMap(([mark, keys]) => keys.map((key) => `${mark} ${key}`));
}

async function findingsOf(path: string): Promise<unknown[]> {
  return (await verifyFile(path, { checkpoints: [], keys: [], samples: 0, random: Math.random })).findings;
}

/** What a reader is told of changes, whatever the order in which they came. */
function toldOf(changes: readonly StoredChange[]): string[] {
  return changes
    .filter(({ outcomeReason }) => outcomeReason !== 'a review that arrived late explains it')
    .map(
      ({ object, operation, effect, outcome, actor, resourceVersion, audit }) =>
      [object.resource, object.namespace, object.name, operation, effect, outcome, actor?.username, resourceVersion, audit()?.id].join(' '), // prettier-ignore
    )
    .sort();
}

/** In whose name each request was made, by its auditID. */
function usersOf(changes: readonly StoredChange[]): Map<string, string> {
  return new Map(
    changes.flatMap(({ actor, audit }) => {
      const record = audit();
      return record === null ? [] : [[record.id, actor?.username ?? ''] as const];
    }),
  );
}

async function changesOf(path: string): Promise<StoredChange[]> {
  const store = openSqliteReader(path);
  const changes = await store.changes({}, 100_000);
  await store.close();
  return changes;
}

describe('the audit logs of the recordings', function () {
  this.timeout(300_000);
  const file = useFolder();

  for (const recording of RECORDINGS) {
    const { name, folder, departs, alone, together } = recording;
    const log = `${folder}audit.ndjson.gz`;

    it(`${name}: alone it gives the states that the API server showed, and taken in twice nothing more`, async () => {
      const first = await importAuditInto(file('a.db'), [log]);
      const { recorded, refused, unchanged, enriched, ambiguous } = first.requests;
      assert.deepEqual({ recorded, refused, unchanged }, alone);
      assert.deepEqual([enriched, ambiguous, first.bad], [0, 0, 0]);
      const before = await contentsOf(file('a.db'));
      const again = await importAuditInto(file('a.db'), [log]);
      assert.deepEqual([again.requests.recorded, again.requests.enriched, again.requests.refused], [0, 0, 0]);
      assert.deepEqual(await contentsOf(file('a.db')), before);
      assert.deepEqual(await departed(file('a.db'), recording), departs);
      assert.deepEqual(await findingsOf(file('a.db')), []);
    });

    it(`${name}: together with reviews it adds no change of their time, and settles all outcomes`, async () => {
      const isShop = name === 'shop';
      const reviews = await recording.reviews(file('r.db'), !isShop);
      const { seq: last } = (await reviews.last()) ?? { seq: 0 };
      const begun = (await reviews.changes({}, 100_000)).findLast(({ source }) => source === 'admission')?.at;
      assert.equal((await reviews.openAttempts(0, 1000)).length, together.openBefore);
      await reviews.close();
      const { requests } = await importAuditInto(file('r.db'), [log]);
      assert.deepEqual([requests.enriched, requests.ambiguous], [together.enriched, together.ambiguous]);
      const changes = await changesOf(file('r.db'));
      const added = changes.filter(
        ({ seq, source, outcome, outcomeReason, occurredAt, object, resourceVersion, audit }) =>
          seq > last && source === 'audit' && outcome === 'committed' && occurredAt > (begun ?? 0) &&
          outcomeReason === 'the audit log shows it' && object.group !== 'admissionregistration.k8s.io' &&
          // What a watch showed: it is shown in its place.
          !changes.some((other) => other.outcomeReason === 'a review that arrived late explains it' && other.object.uid === object.uid && other.resourceVersion === resourceVersion && audit() !== null), // prettier-ignore
      );
      assert.deepEqual(
        added.map(({ object, operation }) => `${operation} ${object.resource} ${object.name}`),
        [],
      );
      assert.deepEqual(changes.filter(({ outcome }) => outcome === 'pending').length, 0);
      assert.deepEqual(await departed(file('r.db'), recording), departs);
      assert.deepEqual(await findingsOf(file('r.db')), []);
    });
  }

  it('shuffled, and from three API servers, it gives the same; one after another no wrong user, and no end too many', async () => {
    const lines = gunzipSync(readFileSync(`${LANDSCAPE}east/audit.ndjson.gz`))
      .toString()
      .trimEnd()
      .split('\n');
    const files = [0, 1, 2].map((server) => file(`audit-${server}.ndjson`));
    for (const [server, path] of files.entries()) {
      const own = lines.filter((_, index) => index % 3 === server);
      // In another order: by the end of the auditID.
      const shuffled = own.sort((a, b) => (a.slice(120, 150) < b.slice(120, 150) ? -1 : 1));
      writeFileSync(path, `${shuffled.join('\n')}\n`);
    }
    await importAuditInto(file('a.db'), [`${LANDSCAPE}east/audit.ndjson.gz`]);
    await importAuditInto(file('b.db'), [...files, ...files]);
    assert.deepEqual(toldOf(await changesOf(file('b.db'))), toldOf(await changesOf(file('a.db'))));

    // One after another: a deletion that came before the creation was known is the only thing that is told less exactly.
    for (const path of files) await importAuditInto(file('c.db'), [path]);
    const east = RECORDINGS.find(({ name }) => name === 'landscape east') ?? assert.fail();
    assert.deepEqual(await departed(file('c.db'), east), [
      '08-end extra: secrets./checkout/sh.helm.release.v1.checkout.v2',
      '08-end extra: ipaddresses.networking.k8s.io//10.0.0.226',
    ]);
    assert.deepEqual(await findingsOf(file('c.db')), []);
    const [apart, atOnce] = [usersOf(await changesOf(file('c.db'))), usersOf(await changesOf(file('a.db')))];
    assert.deepEqual([...apart].filter(([id, user]) => (atOnce.get(id) ?? user) !== user), []); // prettier-ignore
    const count = (await changesOf(file('c.db'))).length;
    for (const path of files) await importAuditInto(file('c.db'), [path]);
    assert.equal((await changesOf(file('c.db'))).length, count);
  });

  it('tells who was behind whom', async () => {
    await importAuditInto(file('a.db'), [`${SHOP}audit.ndjson.gz`]);
    const impersonated = (await changesOf(file('a.db'))).flatMap(({ actor, audit }) => {
      const record = audit();
      return record?.impersonator === undefined ? [] : [`${record.impersonator.username} as ${actor?.username ?? ''}`];
    });
    assert.deepEqual([...new Set(impersonated)], ['bob@example.com as carol@example.com']);
  });
});
