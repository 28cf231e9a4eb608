import type { Effect, Outcome } from './types.ts';

/** One state that an object had, or was asked to have: what of a change matters for telling which state is real. */
export interface Version {
  seq: number;
  outcome: Outcome;
  /** The change whose state this one was made from; null for a beginning. */
  parent: number | null;
  effect: Effect;
  /** True where a newer version was already known when it arrived: it explains the past, and is nobody's present. */
  late: boolean;
}

/**
 * The version that an object is believed to be in, from the newest changes back (`newestFirst`, at least to the last
 * one that is committed); null where it has none.
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
    // Without a tip the oldest attempt is where the record begins.
    const candidates: V[] = open.filter((version) => version.seq !== from && version.parent === from);
    const next = candidates.find((version) => version.effect === 'deleted') ?? candidates[0];
    if (next === undefined) return tip;
    tip = next;
  }
}
