import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Application } from '../../../shared/landscape/applications.ts';
import { releasesOf } from '../../../shared/landscape/releases.ts';
import { isWorkload } from '../../../shared/landscape/units.ts';
import { has } from '../../../shared/landscape/version-tuple.ts';
import { StoreReader } from '../../ask/questions/reader.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { useSharedFolder } from '../../testing/folder.ts';
import { importLandscape, LANDSCAPE, landscapeMarks } from '../../testing/ledgers/landscape-ledger.ts';
import { importShop } from '../../testing/ledgers/shop-ledger.ts';

/** A line of applications.ndjson: what is known of an application at a mark. */
interface Wanted {
  mark: string;
  cluster: 'west' | 'east';
  application: string;
  manager?: string;
  team?: string;
  members?: string[];
  exposed?: string[];
  release?: string;
  revision?: string;
  chart?: string;
  conflict?: string;
  why?: string;
}

const WANTED = readFileSync(`${LANDSCAPE}applications.ndjson`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Wanted);

/** `deployment storefront/web` */
function title({ object: { kind, namespace, name } }: { object: { kind: string; namespace: string; name: string } }) {
  return `${kind.toLowerCase()} ${namespace}/${name}`;
}

/** What a line says, as the ledger has it: only those of its attributes that the line has. */
function found(wanted: Wanted, { members, managers, exposed, releases }: Application): Wanted {
  const { mark, cluster, application } = wanted;
  const titles = new Set(members.map(title));
  const workloads = members.filter(({ version }) => version !== undefined);
  const of = <T>(values: (T | undefined)[]): T | undefined => values.find((value) => value !== undefined);
  const [contradiction] = workloads.flatMap((each) => each.contradiction ?? []);
  const said: Required<Omit<Wanted, 'mark' | 'cluster' | 'application' | 'why'>> = {
    manager: managers.join(' '),
    // Of whom all are that have no label of their own.
    team: [...new Set(workloads.filter(({ team }) => !team?.by.startsWith('label') || application === 'checkout').map(({ team }) => team?.value))].join(' '), // prettier-ignore
    members: wanted.members?.filter((member) => titles.has(member)) ?? [],
    exposed: wanted.exposed?.filter((host) => exposed.includes(host)) ?? [],
    release: releases.join(' '),
    revision: of(workloads.map(({ version }) => version?.revision)) ?? '',
    chart: of(workloads.map(({ version }) => version?.chart)) ?? '',
    conflict: contradiction === undefined ? '' : `the image is ${contradiction.tag}, the label says ${contradiction.label}`, // prettier-ignore
  };
  const asked = Object.keys(said).filter((key) => key in wanted);
  const why = wanted.why === undefined ? {} : { why: wanted.why };
  return { mark, cluster, application, ...why, ...Object.fromEntries(asked.map((key) => [key, said[key as keyof typeof said]])) }; // prettier-ignore
}

describe('the applications of the landscape recording', function () {
  this.timeout(120_000);
  const file = useSharedFolder();
  const stores = new Map<string, LedgerStore>();
  before(async () => {
    for (const cluster of ['west', 'east'] as const)
      stores.set(cluster, await importLandscape(file(`${cluster}.db`), cluster, true));
  });
  after(async () => {
    for (const store of stores.values()) await store.close();
  });
  const marks = new Map(landscapeMarks().map(({ mark, at }) => [mark, at]));
  async function applicationAt(cluster: string, mark: string, name: string): Promise<Application> {
    const store = stores.get(cluster);
    assert.ok(store !== undefined);
    const at = marks.get(mark) ?? 0;
    const { applications } = await new StoreReader(store, () => at).applications({ at, name });
    assert.equal(applications.length, 1, `${name} at ${mark}`);
    const [application] = applications;
    assert.ok(application?.members !== undefined);
    return { ...application, members: application.members };
  }

  it('tells the version of each workload over the whole recording, and who brought it', async () => {
    const store = stores.get('west');
    assert.ok(store !== undefined);
    const to = marks.get('08-end') ?? 0;
    const reader = new StoreReader(store, () => to);
    const from = (await reader.info()).firstAt ?? 0;
    const { workloads } = await releasesOf(reader, { application: 'checkout', from, to, rules: {}, now: to });
    const told = workloads.flatMap(
      ({ intervals }) =>
      intervals.map(({ version, by }) => [version.version, version.images[0]?.tag, version.chart, version.helmRevision, by?.actor?.username]), // prettier-ignore
    );
    const deployer = 'system:serviceaccount:ci:deployer';
    assert.deepEqual(told, [
      ['24.3.0', '24.3.0', 'checkout-1.4.0', 1, deployer],
      ['24.4.0', '24.4.0', 'checkout-1.5.0', 2, deployer],
    ]);
  });

  it('has each of the 44 lines that were written down by hand', async () => {
    const told: Wanted[] = [];
    for (const wanted of WANTED) told.push(found(wanted, await applicationAt(wanted.cluster, wanted.mark, wanted.application))); // prettier-ignore
    assert.deepEqual(told, WANTED);
    const counts = Object.fromEntries(
      (['manager', 'team', 'members', 'exposed', 'release', 'revision', 'chart', 'conflict'] as const).map((key) => [
        key,
        WANTED.filter((line) => line[key] !== undefined).length,
      ]),
    );
    assert.deepEqual(counts, {
      manager: 23,
      team: 19,
      members: 13,
      exposed: 7,
      release: 29,
      revision: 6,
      chart: 10,
      conflict: 5,
    });
    assert.equal(WANTED.length, 44);
  });
});

describe('the applications of the shop recording', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  const at = Date.parse('2026-11-22T05:07:06Z');
  let store: LedgerStore;
  let reader: StoreReader;
  before(async () => {
    store = await importShop(file('shop.db'), true);
    reader = new StoreReader(store, () => at);
  });
  after(() => store.close());

  it('are shop and payments; three workloads belong to none', async () => {
    const { applications, none } = await reader.applications({ at });
    const nothing = { products: [], managers: [] };
    assert.deepEqual(applications, [
      { name: 'payments', ...nothing, teams: ['payments'], releases: ['1.0'], releasesFrom: 'tag', exposed: [] },
      { name: 'shop', ...nothing, teams: ['checkout', 'data', 'storefront'], releases: ['24.2', '24.3'], releasesFrom: 'label', exposed: ['shop.example.com'] }, // prettier-ignore
    ]);
    const workloads = none.filter((object) => isWorkload({ is: 'object', object, seen: true }));
    assert.deepEqual(
      workloads.map((object) => title({ object })),
      ['deployment default/legacy', 'deployment sandbox/over', 'cronjob shop/report'],
    );
  });

  it('have what is wired to them alone', async () => {
    const { applications } = await reader.applications({ at, name: 'shop' });
    const members = applications[0]?.members ?? [];
    const inferred = members.filter(({ application }) => application.tier === 9);
    assert.deepEqual(
      inferred.map((member) => `${title(member)}: ${member.application.by}`),
      [
        'horizontalpodautoscaler shop/api: acts on it alone',
        'poddisruptionbudget shop/web: acts on it alone',
        'service shop/db: acts on it alone',
        'serviceaccount shop/web: used by it alone',
      ],
    );
  });

  it('follow rules, those given and those of the ConfigMap', async () => {
    const rules = '- {where: {namespace: shop, kind: cronjob}, application: reports, team: data}';
    const { applications } = await reader.applications({ at, rules });
    assert.deepEqual(
      applications.map(({ name, teams }) => [name, teams]),
      [
        ['payments', ['payments']],
        ['reports', ['data']],
        ['shop', ['checkout', 'data', 'storefront']],
      ],
    );
  });

  it('had the version 24.3 twice, each time against the other of label and image', async () => {
    const first = (await reader.info()).firstAt ?? 0;
    const end = Date.parse('2026-11-22T05:08:32Z');
    const { workloads } = await releasesOf(reader, { application: 'shop', from: first, to: end, rules: {}, now: at });
    const told = workloads.flatMap(({ object, intervals }) =>
      intervals.flatMap(({ from, to, contradiction, version, by }) =>
        has(version, object.name, '24.3') > 0
          ? [[title({ object }), contradiction?.label, contradiction?.tag, time(from), time(to), by?.actor?.username]]
          : [],
      ),
    );
    assert.deepEqual(told, [
      ['deployment shop/api', '24.2', '24.3.0', '05:06:24.381', '05:07:00.453', 'bob@example.com'],
      ['deployment shop/api', '24.2', '24.3.1', '05:07:00.453', '05:07:49.334', 'system:serviceaccount:shop:ci-bot'],
      ['deployment shop/web', '24.3', '24.2.1', '05:06:24.574', '05:08:11.317', 'alice@example.com'],
    ]);
  });
});

/** Of the day of the recording. */
function time(at: number | null): string {
  return at === null ? '' : new Date(at).toISOString().slice(11, 23);
}
