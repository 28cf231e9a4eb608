import { applyPatch } from './patch.ts';
import type { JsonObject, Patch } from './types.ts';

/** What is stored of a change: enough to rebuild the state after it from the state before it. */
export interface Step {
  /** The change whose state the patch applies to; null if it applies to nothing. */
  parent: number | null;
  patch: Patch;
  /** The whole body after the change, if one is stored. */
  bodySnapshot: JsonObject | null;
}

/**
 * The object's body after a change; null if the change ended it. Walks back to the nearest whole body, or to the beginning,
 * then applies the patches forward. A state depends only on its own line of parents: the outcome of other attempts never
 * changes it. Rejects if the history is damaged.
 */
export async function reconstruct(seq: number, load: (seq: number) => Promise<Step>): Promise<JsonObject | null> {
  const patches: Patch[] = [];
  let body: JsonObject | null = null;
  for (let at: number | null = seq; at !== null;) {
    const step: Step = await load(at);
    if (step.bodySnapshot !== null) {
      body = step.bodySnapshot;
      break;
    }
    patches.push(step.patch);
    // The walk must also end in a ledger that was tampered with.
    if (step.parent !== null && step.parent >= at) {
      throw new Error(`change ${at} builds on change ${step.parent}, which is not before it`);
    }
    at = step.parent;
  }
  return patches.reduceRight<JsonObject | null>((state, patch) => applyPatch(state, patch), body);
}
