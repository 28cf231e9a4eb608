import type { Effect, Outcome } from './types.ts';

/** A state that an object had, or was asked to have: the parts of a change that decide which state is the real one. */
export interface Version {
  seq: number;
  outcome: Outcome;
  /** The change whose state this one is based on; null for the first one. */
  parent: number | null;
  effect: Effect;
  /** True if a newer version was already known when it arrived: it explains the past, and is never the present state. */
  late: boolean;
}

/**
 * The version that the object is believed to have now, from its newest changes (`newestFirst`, at least back to the last
 * committed one); null if it has none.
 *
 * Attempts made from the same version exclude each other, and none has been settled yet: otherwise a newer committed
 * one would stand before them. A removal is believed first: a DELETE that lost would have been reviewed again. Otherwise
 * the first to arrive: a PATCH that lost would have been reviewed again too.
 */
export function believed<V extends Version>(newestFirst: readonly V[]): V | null {
  const open: V[] = [];
  let tip: V | null = null;
  for (const version of newestFirst) {
    if (version.outcome === 'dropped' || version.late) continue;
    if (version.outcome === 'committed') {
      tip = version;
      break;
    }
    open.unshift(version);
  }
  for (;;) {
    const from: number | null = tip?.seq ?? null;
    // Without a committed version, the record begins with the oldest attempt.
    const candidates: V[] = open.filter((version) => version.seq !== from && version.parent === from);
    const next = candidates.find((version) => version.effect === 'deleted') ?? candidates[0];
    if (next === undefined) return tip;
    tip = next;
  }
}
