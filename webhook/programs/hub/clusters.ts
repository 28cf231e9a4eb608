import { KubeblameError } from '../../../shared/errors.ts';
import { unescapeText, type Pool } from '../../ledger/postgres/database/pool.ts';
import { PostgresStore } from '../../ledger/postgres/read/store.ts';

/** The stores of clusters: what a store remembers never changes, so that questions share it. */
export class Clusters {
  private readonly stores = new Map<number, PostgresStore>();

  constructor(private readonly pool: Pool) {}

  /** The newest ledger of a cluster that has pushed something. Rejects with not-found. */
  async open(cluster: string): Promise<PostgresStore> {
    const { rows } = await this.pool.query<{ ledger: number; id: Buffer | null }>(
      'SELECT ledger, id FROM ledgers WHERE cluster = $1 ORDER BY (id IS NULL), ledger DESC LIMIT 1',
      [cluster],
    );
    const [row] = rows;
    if (row === undefined)
      throw new KubeblameError('not-found', `the hub has no cluster ${JSON.stringify(unescapeText(cluster))}`);
    const known =
      this.stores.get(row.ledger) ?? new PostgresStore(this.pool, row.ledger, cluster, row.id ?? Buffer.alloc(0));
    if (row.id !== null) this.stores.set(row.ledger, known);
    return known;
  }
}
