import { escapeText, translate, unescapeText, type Db } from '../database/pool.ts';

/** SQL with `?` for each parameter and `:ledger` for the number of the ledger. */
export interface Condition {
  sql: string;
  values: unknown[];
}

/** Statements about one ledger. Rejects with database-unavailable. */
export class Statements {
  constructor(
    private readonly db: Db,
    readonly ledger: number,
  ) {}

  /** Texts are escaped on the way in, and are as they were on the way out. */
  async all<Row extends object>(sql: string, ...values: unknown[]): Promise<Row[]> {
    let place = 0;
    const text = sql.replaceAll(':ledger', String(this.ledger)).replaceAll('?', () => `$${++place}`);
    try {
      const { rows } = await this.db.query<Row>(text, values.map(escaped));
      for (const row of rows as Record<string, unknown>[])
        for (const [name, value] of Object.entries(row)) if (typeof value === 'string') row[name] = unescapeText(value);
      return rows;
    } catch (error) {
      throw translate(error);
    }
  }

  async get<Row extends object>(sql: string, ...values: unknown[]): Promise<Row | null> {
    return (await this.all<Row>(sql, ...values))[0] ?? null;
  }
}

function escaped(value: unknown): unknown {
  if (typeof value === 'string') return escapeText(value);
  return Array.isArray(value) ? value.map(escaped) : value;
}

export function where(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => ` AND ${sql}`).join(''),
    values: conditions.flatMap(({ values }) => values),
  };
}
