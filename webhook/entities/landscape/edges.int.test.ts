import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { joinClusters } from '../../../shared/landscape/join.ts';
import { madeBy } from '../../../shared/landscape/made-by.ts';
import type { Edge, Graph } from '../../../shared/landscape/types.ts';
import { nodeText } from '../../../shared/testing/node-text.ts';
import { shopMarks } from '../../../shared/testing/shop.ts';
import { StoreReader } from '../../ask/questions/reader.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { useSharedFolder } from '../../testing/folder.ts';
import { importLandscape, LANDSCAPE, landscapeMarks } from '../../testing/ledgers/landscape-ledger.ts';
import { importShop } from '../../testing/ledgers/shop-ledger.ts';

/** A line of edges.ndjson: an edge that must, or must not, be there at a mark. */
interface Wanted {
  mark: string;
  cluster: 'west' | 'east';
  from: string;
  relation: string;
  to: string;
  certainty: string;
  exists: boolean;
}

const WANTED = readFileSync(`${LANDSCAPE}edges.ndjson`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Wanted);

/** `ingress shop/shop routes service shop/web`, without how it is known. */
function link({ nodes }: Graph, { from, relation, to }: Edge): string {
  return `${nodeText(nodes[from])} ${relation} ${nodeText(nodes[to])}`;
}

describe('the graph of the landscape recording', function () {
  this.timeout(120_000);
  const file = useSharedFolder();
  const stores = new Map<string, LedgerStore>();
  const readers = new Map<string, StoreReader>();
  const present = landscapeMarks().at(-1)?.at ?? 0;
  before(async () => {
    for (const cluster of ['west', 'east'] as const) {
      const store = await importLandscape(file(`${cluster}.db`), cluster, true);
      stores.set(cluster, store);
      readers.set(cluster, new StoreReader(store, () => present));
    }
  });
  after(async () => {
    for (const store of stores.values()) await store.close();
  });

  const graphs = new Map<string, Graph>();
  async function graphOf(cluster: string, at: number): Promise<Graph> {
    const graph = graphs.get(`${cluster} ${at}`) ?? (await readers.get(cluster)?.graph({ at }));
    assert.ok(graph !== undefined);
    graphs.set(`${cluster} ${at}`, graph);
    return graph;
  }

  it('has each of the 441 edges that was written down by hand, or not, as it says there', async () => {
    const wrong: Wanted[] = [];
    const counts = { there: 0, not: 0 };
    for (const { mark, at } of landscapeMarks()) {
      const both = [];
      for (const cluster of ['west', 'east']) both.push({ cluster, graph: await graphOf(cluster, at) });
      const joined = joinClusters(both);
      const clusterOf = (place: number): string => {
        const node = joined.nodes[place];
        return node?.is === 'object' ? (node.cluster ?? '') : '';
      };
      const found = new Set<string>();
      for (const edge of joined.edges) {
        const { relation, certainty, from, to } = edge;
        const [own, other] = [clusterOf(from), clusterOf(to)];
        const target = `${other === own || other === '' ? '' : `${other} `}${nodeText(joined.nodes[to])}`;
        found.add([own, nodeText(joined.nodes[from]), relation, target, certainty].join(' '));
      }
      for (const wanted of WANTED.filter((line) => line.mark === mark)) {
        const { cluster, from, relation, to, certainty, exists } = wanted;
        if (found.has([cluster, from, relation, to, certainty].join(' ')) !== exists) wrong.push(wanted);
        counts[exists ? 'there' : 'not']++;
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(counts, { there: 419, not: 22 });
  });

  it('tells of each of these edges which change made it, and who', async () => {
    const makers: Record<string, number> = {};
    for (const { mark, at } of landscapeMarks()) {
      for (const cluster of ['west', 'east'] as const) {
        const lines = WANTED.filter((line) => line.mark === mark && line.cluster === cluster && line.exists);
        const graph = await graphOf(cluster, at);
        const reader = readers.get(cluster);
        assert.ok(reader !== undefined);
        const made = new Map<string, string>();
        for (const edge of graph.edges) {
          const name = link(graph, edge);
          if (!lines.some(({ from, relation, to }) => name === `${from} ${relation} ${to}`)) continue;
          const by = graph.nodes[edge.by];
          assert.ok(by?.is === 'object');
          const key = `${by.object.uid} ${edge.field}`;
          if (made.has(key)) continue;
          const setter = await madeBy(reader, by.object, edge.field, at);
          assert.ok(setter !== null && setter.seq > 0 && setter.at <= at, `${name} at ${edge.field}`);
          made.set(key, setter.actor?.username ?? 'nobody');
        }
        for (const who of made.values()) makers[who] = (makers[who] ?? 0) + 1;
      }
    }
    assert.deepEqual(makers, {
      'system:serviceaccount:argocd:argocd-application-controller': 313,
      'system:serviceaccount:ci:deployer': 30,
      'system:serviceaccount:flux-system:kustomize-controller': 16,
      'kubernetes-admin': 64,
      'alice@example.com': 4,
    });
  });

  it('says what an edge lacks: the object, in west while a ConfigMap was gone', async () => {
    const told: Record<string, (string | undefined)[]> = {};
    for (const { mark, at } of landscapeMarks()) {
      const graph = await graphOf('west', at);
      const edges = graph.edges.filter((edge) => link(graph, edge) === 'deployment storefront/catalog uses configmap storefront/catalog-config'); // prettier-ignore
      told[mark] = edges.map(({ missing }) => missing);
    }
    assert.deepEqual(told, {
      '00-baseline': [],
      '01-release-24.3': [undefined],
      '02-hotfix-healed': [undefined],
      '03-west-24.4': [undefined],
      '04-east-behind': [undefined],
      '05-switched': [undefined],
      '06-incident': ['object'],
      '07-recovered': [undefined],
      '08-end': [undefined],
    });
  });

  it('follows an incarnation: a Secret that was deleted and made again is another node', async () => {
    const uids = new Set<string>();
    for (const { at } of landscapeMarks()) {
      const graph = await graphOf('west', at);
      for (const edge of graph.edges) {
        const to = graph.nodes[edge.to];
        if (link(graph, edge) === 'deployment payments/payments-api uses secret payments/psp-credentials' && to?.is === 'object') uids.add(to.object.uid); // prettier-ignore
      }
    }
    assert.equal(uids.size, 2);
    assert.ok(!uids.has(''));
  });
});

describe('the graph of the shop recording', function () {
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

  it('has web name api twice, inferred: in its API_URL, and in its mounted configuration', async () => {
    const graph = await reader.graph({ at });
    const names = graph.edges.filter(({ relation, from }) => relation === 'names' && nodeText(graph.nodes[from]) === 'deployment shop/web'); // prettier-ignore
    assert.deepEqual(
      names.map((edge) => [nodeText(graph.nodes[edge.to]), edge.certainty, nodeText(graph.nodes[edge.by]), edge.field]),
      [
        ['service shop/api', 'inferred', 'deployment shop/web', 'spec.template.spec.containers[nginx].env[API_URL].value'], // prettier-ignore
        ['service shop/api', 'inferred', 'configmap shop/web-config', 'data["nginx.conf"]'],
      ],
    );
  });

  it('never has an edge from the words on, http and logs.infra', async () => {
    for (const mark of shopMarks()) {
      const graph = await reader.graph({ at: mark.at });
      const targets = graph.edges.filter(({ relation }) => relation === 'names').map(({ to }) => nodeText(graph.nodes[to])); // prettier-ignore
      assert.deepEqual(
        [...new Set(targets)].filter((target) => target !== 'service shop/api'),
        [],
      );
    }
  });

  it('says who made what web names: alice, with the change that set API_URL', async () => {
    const graph = await reader.graph({ at });
    const web = graph.nodes.find((node) => nodeText(node) === 'deployment shop/web');
    assert.ok(web?.is === 'object');
    const field = 'spec.template.spec.containers[nginx].env[API_URL].value';
    const setter = await madeBy(reader, web.object, field, at);
    assert.deepEqual([setter?.seq, setter?.actor?.username], [265, 'alice@example.com']);
  });
});
