import type { LedgerStore } from '../../ledger/port/port.ts';

/** The same ledger, whose `line` is another one. */
export function withLine(store: LedgerStore, line: LedgerStore['lineage']): LedgerStore {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'lineage') return line;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
