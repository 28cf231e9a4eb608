import assert from 'node:assert/strict';
import type { Graph } from '../../../shared/landscape/types.ts';
import { nodeText } from '../../../shared/testing/node-text.ts';
import { shopDocuments, shopMarks } from '../../../shared/testing/shop.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { StoreReader } from '../../ask/questions/reader.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { oracleEdges } from '../../testing/ledgers/edge-oracle/edge-oracle.ts';
import { useSharedFolder } from '../../testing/folder.ts';
import { importLandscape, landscapeMarks, landscapeTruth } from '../../testing/ledgers/landscape-ledger.ts';
import { importShop } from '../../testing/ledgers/shop-ledger.ts';

/** The edges as the oracle writes them. */
function linesOf({ nodes, edges }: Graph): string[] {
  const lines = edges.map(({ from, relation, to, certainty, key, optional, missing }) => {
    const more = `${key === undefined ? '' : ` #${key}`}${optional === true ? ' ?' : ''}${missing === undefined ? '' : ` !${missing}`}`;
    return `${nodeText(nodes[from])} ${relation} ${nodeText(nodes[to])} ${certainty}${more}`;
  });
  return lines.sort();
}

const RECORDINGS: Record<
  string,
  {
    open: (path: string) => Promise<LedgerStore>;
    marks: { mark: string; at: number }[];
    truth: (mark: string) => JsonObject[];
    edges: number[];
  }
> = {
  // prettier-ignore
  shop: {
    open: (path) => importShop(path, true),
    marks: shopMarks(),
    truth: (mark) => shopDocuments(`truth/${mark}.ndjson.gz`),
    edges: [149, 258, 292, 285, 313, 341, 350, 314, 210],
  },
  west: {
    open: (path) => importLandscape(path, 'west', true),
    marks: landscapeMarks(),
    truth: (mark) => landscapeTruth('west', mark),
    edges: [138, 370, 437, 458, 468, 491, 520, 512, 516],
  },
  east: {
    open: (path) => importLandscape(path, 'east', true),
    marks: landscapeMarks(),
    truth: (mark) => landscapeTruth('east', mark),
    edges: [138, 336, 340, 340, 373, 373, 373, 373, 350],
  },
};

/** Made by the autoscaler while mark 01 of west was being listed. */
const MADE_MEANWHILE = 'pod storefront/web-5955dc8c44-nwb2d';

for (const [name, { open, marks, truth, edges }] of Object.entries(RECORDINGS)) {
  describe(`the graph of ${name}, as another program derives it from the truth`, function () {
    this.timeout(60_000);
    const file = useSharedFolder();
    let store: LedgerStore;
    before(async () => {
      store = await open(file(`${name}.db`));
    });
    after(() => store.close());

    for (const [index, { mark, at }] of marks.entries()) {
      it(`${mark}: all ${edges[index]} edges`, async () => {
        const graph = await new StoreReader(store, () => at).graph({ at });
        const found = linesOf(graph).filter((line) => mark !== '01-release-24.3' || !line.includes(MADE_MEANWHILE));
        assert.deepEqual(found, oracleEdges(truth(mark)));
        assert.equal(found.length, edges[index]);
      });
    }
  });
}
