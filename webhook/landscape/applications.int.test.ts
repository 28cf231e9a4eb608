import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Application } from '../../shared/landscape/applications.ts';
import { mainImage } from '../../shared/landscape/version-tuple.ts';
import { StoreReader } from '../query/reader.ts';
import type { LedgerStore } from '../store/port.ts';
import { useSharedFolder } from '../testing/folder.ts';
import { importLandscape, LANDSCAPE, landscapeMarks } from '../testing/landscape-ledger.ts';
import { importShop } from '../testing/shop-ledger.ts';

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
  const has: Required<Omit<Wanted, 'mark' | 'cluster' | 'application' | 'why'>> = {
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
  const asked = Object.keys(has).filter((key) => key in wanted);
  const why = wanted.why === undefined ? {} : { why: wanted.why };
  return { mark, cluster, application, ...why, ...Object.fromEntries(asked.map((key) => [key, has[key as keyof typeof has]])) }; // prettier-ignore
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

  it('has each line that was written down by hand', async () => {
    const has: Wanted[] = [];
    for (const wanted of WANTED) has.push(found(wanted, await applicationAt(wanted.cluster, wanted.mark, wanted.application))); // prettier-ignore
    assert.deepEqual(has, WANTED);
    const counts = Object.fromEntries(
      (['manager', 'team', 'members', 'exposed', 'release', 'revision', 'chart', 'conflict'] as const).map((key) => [
        key,
        WANTED.filter((line) => line[key] !== undefined).length,
      ]),
    );
    console.log(`      ${WANTED.length} lines: ${JSON.stringify(counts)}`);
    assert.equal(WANTED.length, 44);
  });
});

describe('the applications of the shop recording', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  const at = Date.parse('2026-11-22T05:07:06Z');
  let store: LedgerStore;
  before(async () => (store = await importShop(file('shop.db'), true)));
  after(() => store.close());

  it('are shop and payments; three workloads belong to none', async () => {
    const page = await new StoreReader(store, () => at).applications({ at });
    console.log(JSON.stringify(page.applications, null, 1));
    console.log(page.none.map((o) => `${o.kind} ${o.namespace}/${o.name}`).join(', '));
    console.log(
      page.shared.map((o) => `${o.object.kind} ${o.object.namespace}/${o.object.name} ${o.applications}`).join(', '),
    );
    const p2 = await new StoreReader(store, () => at).applications({ at, name: 'shop' });
    for (const m of p2.applications[0]?.members ?? [])
      console.log(
        title(m),
        JSON.stringify(m.application),
        m.team?.value,
        JSON.stringify(m.contradiction ?? ''),
        mainImage(m.version ?? { images: [] }, '')?.tag,
      );
  });
});
