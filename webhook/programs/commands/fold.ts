import { existsSync } from 'node:fs';
import { KubeblameError } from '../../../shared/errors.ts';
import { enforce, readPolicy } from '../../ledger/retention/retention.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import type { RawServerOptions } from '../config/options.ts';
import { print } from './print.ts';

export type RawFold = { db: string } & Pick<RawServerOptions, 'retainAge' | 'retainSize' | 'retainSecurity'>;

/** Gives up old history of a ledger that no server has open. */
export async function foldLedger(raw: RawFold): Promise<void> {
  const policy = readPolicy(raw.retainAge, raw.retainSize, raw.retainSecurity);
  if (policy.ageMs === null && policy.bytes === null) {
    throw new KubeblameError('config-invalid', 'nothing says what to keep', 'give --retain-age or --retain-size');
  }
  if (!existsSync(raw.db)) throw new KubeblameError('ledger-missing', `there is no ledger file at ${raw.db}`);
  const store = openSqliteStore(raw.db, '', Date.now());
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals): void => stopping.abort(signal);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    // Ages count from the newest record: a clock that is wrong must not fold away what is new.
    const newestAt = (await store.last())?.at ?? Date.now();
    const now = (): number => Math.min(Date.now(), newestAt);
    const { removed, floods } = await enforce({ store, policy, now, between: (work) => work(), stop: stopping.signal });
    if (floods.length > 0)
      process.stderr.write(`flooded the ledger, so their changes went first: ${floods.join(', ')}\n`);
    const ended = stopping.signal.aborted ? '; stopped before the end: run it again to go on' : '';
    print(`${removed} changes removed, ${await store.usedBytes()} bytes in use${ended}\n`);
    if (stopping.signal.aborted) process.exitCode = stopping.signal.reason === 'SIGTERM' ? 143 : 130;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await store.close();
  }
}
