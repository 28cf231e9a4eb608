import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { firstOf } from '../../ask/access/identity/caller.ts';
import { staticToken } from '../../ask/access/identity/static-token.ts';
import { checkSchema } from '../../ledger/postgres/database/migrations.ts';
import { openPool, translate, type Pool } from '../../ledger/postgres/database/pool.ts';
import { drain, listen, listener, type Address } from '../../platform/http/listener.ts';
import { readCertificate, watchCertificate } from '../../platform/http/tls.ts';
import type { HubConfig } from './config.ts';
import { hub } from './hub.ts';

/** How often a start tries to reach the database. */
const AGAIN_MS = 2_000;

export interface RunningHub {
  address: Address;
  /** Takes nothing more; what is under way ends, or is left to another replica. */
  stop(): Promise<void>;
}

/** Waits for the database, and starts to serve. Rejects with config-invalid, and with database-unavailable where it takes too long. */
export async function startHub(config: HubConfig, log: Logger, now: () => number = Date.now): Promise<RunningHub> {
  let serving = readCertificate(config.tls);
  const pool = openPool(config.database);
  try {
    await waitForDatabase(pool, config.databaseMs, log);
    const closing = new AbortController();
    const authenticate = config.readToken === null ? null : firstOf([staticToken(config.readToken)]);
    const server = listener(serving, hub({ pool, log, now, authenticate, closing: closing.signal }));
    const unwatch = watchCertificate(
      config.tls,
      serving,
      (renewed) => {
        serving = renewed;
        server.setSecureContext(serving);
        log.info({ cert: config.tls.cert }, 'certificate reloaded');
      },
      (error) => log.error({ cert: config.tls.cert, reason: messageOf(error) }, 'certificate not reloaded'),
    );
    const address = await listen(server, config.listen, '--listen');
    return {
      address,
      stop: async () => {
        closing.abort();
        unwatch();
        await drain(server);
        await pool.end();
      },
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

async function waitForDatabase(pool: Pool, ms: number, log: Logger): Promise<void> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      await checkSchema(pool);
      return;
    } catch (given) {
      const error = translate(given);
      const passes = error instanceof KubeblameError && error.code === 'database-unavailable';
      if (!passes || performance.now() >= until) throw error;
      log.warn({ reason: messageOf(error) }, 'waiting for the database');
      await sleep(AGAIN_MS);
    }
  }
}
