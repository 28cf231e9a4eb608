import type { LedgerStore } from '../../ledger/port/port.ts';
import assert from 'node:assert/strict';
import { canonicalJson } from '../../../shared/json.ts';
import type { LedgerReader, ObjectRef } from '../../../shared/types.ts';

/** What an object is called, whichever incarnation it is. */
export function keyOf({ group, resource, namespace, name }: Omit<ObjectRef, 'uid' | 'kind'>): string {
  return `${resource}.${group}/${namespace}/${name}`;
}

/** Canonical JSON of every object at a moment (ms), as a ledger knows it. Rejects where two incarnations exist at once. */
export async function statesAt(reader: LedgerReader, at: number): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for (let next: string | null | undefined; next !== null;) {
    const page = await reader.states({ scope: {}, at, limit: 100, ...(next === undefined ? {} : { continue: next }) });
    for (const { object, body } of page.states) {
      assert.ok(!states.has(keyOf(object)), `two incarnations of ${keyOf(object)} at once`);
      states.set(keyOf(object), canonicalJson(body));
    }
    next = page.next;
  }
  return states;
}

/** The keys in which what was rebuilt departs from the truth. */
export function departures(
  truth: ReadonlyMap<string, string>,
  rebuilt: ReadonlyMap<string, string>,
): { missing: string[]; extra: string[]; different: string[] } {
  return {
    missing: [...truth.keys()].filter((key) => !rebuilt.has(key)),
    extra: [...rebuilt.keys()].filter((key) => !truth.has(key)),
    different: [...truth].filter(([key, body]) => (rebuilt.get(key) ?? body) !== body).map(([key]) => key),
  };
}

export const NO_DEPARTURES = { missing: [], extra: [], different: [] };

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
