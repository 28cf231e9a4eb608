import type { LedgerStore } from '../../port/port.ts';
import type { Pool } from '../database/pool.ts';
import { PostgresStore } from '../read/store.ts';
import type { Mirrored } from './mirror.ts';

/**
 * A ledger of which the file is written and the hub is read: what is appended is pushed at once, and all else is asked of
 * PostgreSQL. So the contract of the port tests both ways.
 */
export function mirroredStore(pool: Pool, mirrored: Mirrored): LedgerStore {
  const { store, ledger } = mirrored;
  const hub = new PostgresStore(pool, ledger, store.cluster, store.id);
  const source: Pick<LedgerStore, 'append' | 'taken' | 'bytes' | 'checkWritable' | 'close'> = {
    append: async (entries) => {
      await store.append(entries);
      await mirrored.push();
    },
    taken: () => store.taken(),
    bytes: () => store.bytes(),
    checkWritable: () => store.checkWritable(),
    close: () => store.close(),
  };
  return new Proxy(hub as unknown as LedgerStore, {
    get: (target, name) => {
      const owner = (name in source ? source : target) as unknown as Record<string | symbol, unknown>;
      const value = owner[name];
      return typeof value === 'function' ? (value.bind(owner) as unknown) : value;
    },
  });
}
