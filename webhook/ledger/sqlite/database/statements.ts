import type { Statement } from 'better-sqlite3';
import type { Sqlite } from './open.ts';

/**
 * A limit that is bound. Of a plain `LIMIT ?` SQLite's planner looks at the value, so that each execution prepares the
 * statement anew: three quarters of a short one's time.
 */
export const LIMIT = 'LIMIT +?';

/** Statements of one connection, each prepared once. */
export class Statements {
  private readonly prepared = new Map<string, Statement<unknown[]>>();

  constructor(private readonly db: Sqlite) {}

  get<T>(sql: string, ...values: unknown[]): T | null {
    return (this.prepare(sql).get(...values) as T | undefined) ?? null;
  }

  all<T>(sql: string, ...values: unknown[]): T[] {
    return this.prepare(sql).all(...values) as T[];
  }

  /** Returns the number of rows that were changed. */
  run(sql: string, ...values: unknown[]): number {
    return this.prepare(sql).run(...values).changes;
  }

  private prepare(sql: string): Statement<unknown[]> {
    let statement = this.prepared.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare<unknown[]>(sql);
      this.prepared.set(sql, statement);
    }
    return statement;
  }
}
