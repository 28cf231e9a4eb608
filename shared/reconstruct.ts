import { applyPatch } from './patch.ts';
import type { JsonObject, Patch } from './types.ts';

/** What a change adds to a state: enough to rebuild it from the state before. */
export interface Step {
  /** The change whose state the patch starts from; null where it starts from nothing. */
  parent: number | null;
  patch: Patch;
  /** The whole body after the change, where one is stored beside it. */
  bodySnapshot: JsonObject | null;
}

/**
 * The object's body after a change; null where the change ended it. Walks back to the nearest whole body or beginning,
 * then applies the patches forward. A state depends on its own line of parents only: what became of other attempts
 * never changes it. Rejects where the history is damaged.
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
    // In a ledger that somebody has changed, this walk must end too.
    if (step.parent !== null && step.parent >= at) {
      throw new Error(`change ${at} builds on change ${step.parent}, which is not before it`);
    }
    at = step.parent;
  }
  return patches.reduceRight<JsonObject | null>((state, patch) => applyPatch(state, patch), body);
}
