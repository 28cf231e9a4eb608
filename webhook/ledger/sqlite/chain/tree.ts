import { originOf, type TreeHead } from '../../proof/checkpoint.ts';
import { MerkleTree } from '../../proof/merkle.ts';
import { LEDGER, newestFold } from './chained-rows.ts';
import type { Sqlite } from '../database/open.ts';
import { LIMIT } from '../database/statements.ts';

/** Commits that are read before others have their turn: some milliseconds. */
const AT_ONCE = 5_000;

/** The Merkle tree over a ledger's commits. Goes on from what it has read; reads them all the first time. */
export class CommitTree {
  private tree = MerkleTree.empty();

  constructor(private readonly db: Sqlite) {}

  /** What can be signed of the ledger now. */
  async head(): Promise<TreeHead> {
    for (;;) {
      const fold = newestFold(this.db);
      // What it would read next may have been folded.
      if (fold !== null && this.tree.size < fold.throughCommit)
        this.tree = MerkleTree.from(fold.throughCommit, fold.tree);
      const select = this.db.prepare(`SELECT hash FROM commits WHERE id > ? ORDER BY id ${LIMIT}`).pluck();
      const hashes = select.all(this.tree.size, AT_ONCE) as Buffer[];
      for (const hash of hashes) this.tree.add(hash);
      if (hashes.length < AT_ONCE) break;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const { id, cluster } = this.db.prepare(LEDGER).get() as { id: Buffer; cluster: string };
    return { origin: originOf(cluster, id), size: this.tree.size, root: this.tree.root() };
  }
}
