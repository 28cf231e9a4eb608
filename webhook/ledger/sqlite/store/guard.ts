import { KubeblameError } from '../../../../shared/errors.ts';
import type { BackgroundCheck } from '../check/background-check.ts';
import { translate } from '../database/open.ts';

/** Runs what uses the database: SQLite's errors become ours, and damage that anybody meets is remembered. */
export class Guard {
  constructor(
    private readonly path: string,
    private readonly check: BackgroundCheck,
  ) {}

  /** better-sqlite3 is synchronous: the promise is settled when it is returned. */
  run<T>(work: () => T): Promise<T> {
    try {
      return Promise.resolve(this.runNow(work));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  runNow<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.translated(error);
    }
  }

  /** As `translate`, and remembers damage. */
  translated(error: unknown): unknown {
    const translated = translate(error, this.path);
    if (translated instanceof KubeblameError && translated.code === 'ledger-damaged')
      this.check.meet(translated.message);
    return translated;
  }
}
