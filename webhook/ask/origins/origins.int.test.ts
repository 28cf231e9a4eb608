import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Change, Json } from '../../../shared/types.ts';
import type { ManualField, ManualPage } from '../../../shared/origins/manual.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { useSharedFolder } from '../../testing/folder.ts';
import { LANDSCAPE, importLandscape, type LandscapeCluster } from '../../testing/ledgers/landscape-ledger.ts';
import { importShop } from '../../testing/ledgers/shop-ledger.ts';
import { StoreReader } from '../questions/reader.ts';
import { manualReport } from './by-hand/manual.ts';

interface OriginLine {
  kind: 'origin';
  cluster: LandscapeCluster;
  object: string;
  change: string;
  manager: string;
  application: string;
  revision?: string;
  initiatedBy?: string | null;
  takesBack?: string;
  helmRevision?: number;
  chart?: string;
  by?: string;
  why?: string;
}

interface ManualLine {
  kind: 'manual';
  cluster: LandscapeCluster;
  by: string;
  object: string;
  what: string;
  managedBy: string;
  came: string;
}

const NOW = Date.parse('2026-11-30T14:00:00Z');

const LINES = readFileSync(`${LANDSCAPE}origins.ndjson`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as OriginLine | ManualLine);

/** `24.4.0` of an image. */
function imageTag(image: Json | undefined): string {
  return typeof image === 'string' ? (image.split(':').at(-1) ?? '') : '';
}

describe('origins on the recordings', () => {
  const file = useSharedFolder();
  const stores = new Map<string, LedgerStore>();
  const changes = new Map<string, Change[]>();
  const reports = new Map<string, ManualPage>();
  before(async function () {
    this.timeout(120_000);
    for (const cluster of ['west', 'east', 'shop'] as const) {
      const path = file(`${cluster}.db`);
      const store = cluster === 'shop' ? await importShop(path, true) : await importLandscape(path, cluster, true);
      stores.set(cluster, store);
      changes.set(cluster, await all(store));
      reports.set(cluster, await manualReport(store, {}, NOW));
    }
  });
  after(async () => {
    for (const store of stores.values()) await store.close();
  });

  async function all(store: LedgerStore): Promise<Change[]> {
    const reader = new StoreReader(store, () => NOW);
    const found: Change[] = [];
    for (let before: number | null | undefined; before !== null;) {
      const page = await reader.changes({ scope: {}, limit: 500, causes: true, ...(before === undefined ? {} : { before }) }); // prettier-ignore
      found.push(...page.changes);
      before = page.next;
    }
    return found.reverse();
  }

  const named = ({ object }: Change): string => `${object.kind.toLowerCase()} ${object.namespace}/${object.name}`;
  const delivered = (cluster: string): Change[] => (changes.get(cluster) ?? []).filter(({ origin }) => origin !== undefined); // prettier-ignore

  /** The change that a line of origins.ndjson is about: `image to 24.4.0`, `image 24.3.1-hotfix to 24.3.0`. */
  function changeOf({ cluster, object, change }: OriginLine): Change {
    const tag = / to (\S+)$/.exec(change)?.[1] ?? '';
    const [from] = /(?<=image )\S+(?= to)/.exec(change) ?? [];
    const found = delivered(cluster).filter(
      (each) =>
        named(each) === object &&
        each.deltas.some(
          ({ path, before, after }) =>
            path.endsWith('.image') && imageTag(after) === tag && (from === undefined || imageTag(before) === from),
        ),
    );
    const [only] = found;
    assert.ok(only !== undefined && found.length === 1, `${object}, ${change}: ${found.length} changes`);
    return only;
  }

  const origins = LINES.filter((line) => line.kind === 'origin');
  for (const line of origins) {
    it(`finds where "${line.change}" of ${line.object} comes from`, () => {
      const { origin, actor } = changeOf(line);
      assert.ok(origin !== undefined);
      const [source] = origin.sources;
      assert.deepEqual(
        {
          tool: origin.tool,
          application: origin.application,
          revision: source?.revision,
          chart: source?.chart,
          helmRevision: origin.helmRevision,
          startedBy: origin.startedBy,
          takesBack: origin.takesBack.map((back) => back.actor.username),
          certain: origin.certain,
        },
        {
          tool: line.manager,
          application: line.application,
          revision: line.revision ?? '',
          chart: line.chart ?? '',
          helmRevision: line.helmRevision ?? null,
          startedBy: line.initiatedBy ?? '',
          // Flux takes back what carol had scaled, with the next revision: origins.ndjson says so in its line of that change.
          takesBack: line.manager === 'Flux' ? ['carol@example.com'] : line.takesBack === undefined ? [] : [line.takesBack], // prettier-ignore
          certain: true,
        },
      );
      if (line.by !== undefined) assert.equal(actor?.username, line.by);
      if (line.takesBack !== undefined) assert.equal(origin.mode, 'self-heal');
      if (line.why === 'automated') assert.equal(origin.mode, 'automated');
    });
  }

  it('names a person behind no change of a robot but those that somebody started', () => {
    const people = ['west', 'east', 'shop'].flatMap((cluster) =>
      delivered(cluster)
        .filter(({ origin }) => origin?.startedBy !== '')
        .map((change) => `${cluster} ${named(change)} ← ${change.origin?.startedBy} ${change.origin?.startedByOf}`),
    );
    assert.deepEqual(people, [
      'west application argocd/shop-web ← alice tool',
      'west deployment storefront/web ← alice tool',
      'west application argocd/shop-catalog ← erin tool',
      'west configmap storefront/catalog-config ← erin tool',
      'west deployment storefront/catalog ← erin tool',
      'east application argocd/shop-web ← alice tool',
      'east deployment storefront/web ← alice tool',
    ]);
  });

  it('gives an origin to changes of delivery tools only, and to all of them that change more than a tool says of itself', () => {
    const users = new Set(['west', 'east', 'shop'].flatMap((cluster) => delivered(cluster).map(({ actor }) => actor?.username))); // prettier-ignore
    assert.deepEqual([...users].sort(), [
      'system:serviceaccount:argocd:argocd-application-controller',
      'system:serviceaccount:argocd:argocd-server',
      'system:serviceaccount:ci:deployer',
      'system:serviceaccount:flux-system:kustomize-controller',
    ]);
    for (const cluster of ['west', 'east']) {
      const without = (changes.get(cluster) ?? []).filter(
        ({ origin, manager, effect, statusOnly, outcome }) =>
          origin === undefined &&
          effect !== 'none' &&
          !statusOnly &&
          outcome === 'committed' &&
          ['argocd-controller', 'kustomize-controller', 'helm'].includes(manager),
      );
      assert.deepEqual([...new Set(without.map(({ object }) => object.kind))], ['Application']);
    }
  });

  it('marks as done by hand exactly what the report tells of what tools manage', () => {
    for (const cluster of ['west', 'east', 'shop']) {
      const marked = (changes.get(cluster) ?? []).filter(({ byHand, outcome }) => byHand !== undefined && outcome !== 'dropped'); // prettier-ignore
      const reported = (reports.get(cluster)?.changes ?? []).filter(({ managedBy }) => managedBy !== null);
      assert.deepEqual(
        marked.map(({ seq, byHand }) => [seq, byHand]),
        reported.map(({ seq, managedBy }) => [seq, managedBy]).sort(([a], [b]) => Number(a) - Number(b)),
      );
    }
  });

  it('leads from what controllers did to the revision behind it', () => {
    const pod = changes
      .get('west')
      ?.find(
        ({ object, operation, causes }) =>
          object.kind === 'Pod' &&
          operation === 'CREATE' &&
          object.name.startsWith('web-') &&
          causes?.at(-1)?.origin?.startedBy === 'alice',
      );
    assert.equal(pod?.causes?.at(-1)?.origin?.sources[0]?.revision, '9be27d10c4a84ff1b6e3aa01d92c7f5e55667788');
  });

  /** What a line of origins.ndjson says that became of something, in the words of the report. */
  function fateOf(came: string): string {
    const fates: [RegExp, string][] = [
      [/^taken back|^recreated/, 'taken back'],
      [/does not own the field/, 'not set by the tool'],
      [/HorizontalPodAutoscaler owns it/, 'autoscaled'],
      // alice deleted the Application a minute later.
      [/switched off/, 'gone'],
      [/^stays/, 'open'],
    ];
    return fates.find(([pattern]) => pattern.test(came))?.[1] ?? came;
  }

  for (const line of LINES.filter((each) => each.kind === 'manual')) {
    it(`reports what ${line.by} did by hand to ${line.object} in ${line.cluster}: ${line.what}`, () => {
      const [path = ''] = /^(?:spec|metadata)\S+/.exec(line.what) ?? [];
      const found = (reports.get(line.cluster)?.changes ?? []).filter(
        ({ actor, object, fields, switched }) =>
          actor.username === line.by &&
          `${object.kind.toLowerCase()} ${object.namespace}/${object.name}` === line.object &&
          fields.some((field) => field.path === path) &&
          (switched !== 'deleted' || line.what === 'deleted'),
      );
      const [only] = found;
      assert.ok(only !== undefined && found.length === 1, `${found.length} changes`);
      const managed = only.managedBy === null ? '-' : `${only.managedBy.tool} ${only.managedBy.application}`;
      assert.equal(managed, line.managedBy);
      assert.equal(only.fields.find((field) => field.path === path)?.fate, fateOf(line.came));
    });
  }

  const text = ({ path, fate, by }: ManualField): string => `${path} ${fate}${by === null ? '' : ` ${by.seq}`}`;
  const rows = (cluster: string): string[] =>
    (reports.get(cluster)?.changes ?? []).map(
      ({ seq, actor, object, switched, fields }) =>
        `${seq} ${actor.username.split('@')[0]} ${object.name} ${switched ?? ''}: ${fields.map(text).join(', ')}`,
    );

  it('calls nothing else manual', () => {
    assert.deepEqual(rows('west'), [
      '1421 alice shop-cart deleted:  open',
      '1411 erin shop-cart automatic sync switched off: spec.syncPolicy.automated gone 1421',
      '1420 alice shop-api :  open',
      '1147 alice checkout : spec.replicas open',
      '1094 erin catalog : spec.template.metadata.annotations not set by the tool',
      '1093 erin catalog-config :  taken back 1378',
      '1088 carol payments-api : spec.ingress[0].from[0].namespaceSelector.matchLabels["kubernetes.io/metadata.name"] open',
      '1087 alice shop-api : spec.rules[0].backendRefs[cart].weight gone 1420, spec.rules[0].backendRefs[catalog].weight gone 1420',
      '1085 alice cart : spec.selector.track open',
      '625 alice web : spec.replicas autoscaled',
      '608 carol payments-api : metadata.annotations.on-call not set by the tool',
      '576 carol payments-api : spec.replicas taken back 948',
      '548 bob web : spec.template.spec.containers[nginx].image taken back 657',
    ]);
    assert.deepEqual(rows('east'), ['489 bob cart : spec.template.spec.containers[cart].image open']);
    assert.deepEqual(rows('shop'), []);
  });

  it('counts each change of the time once', () => {
    for (const cluster of ['west', 'east', 'shop']) {
      const { changes: sum, ...parts } = reports.get(cluster)?.totals ?? { changes: -1 };
      assert.equal(
        Object.values(parts).reduce((a, b) => a + b, 0),
        sum,
        cluster,
      );
      const counted = (changes.get(cluster) ?? []).filter(({ effect, statusOnly, outcome }) => effect !== 'none' && !statusOnly && outcome !== 'dropped'); // prettier-ignore
      assert.equal(sum, counted.length, cluster);
    }
  });
});
