import { deltas } from '../../shared/delta.ts';
import { applyPatch } from '../../shared/patch.ts';
import { reconstruct, type Step } from '../../shared/reconstruct.ts';
import type { Change, JsonObject, Outcome } from '../../shared/types.ts';
import { loadStep, stepOf } from '../store/steps.ts';
import type { LedgerStore, StoredChange } from '../store/port.ts';

/**
 * An attempt that nothing has settled for so long is `unverified`: no review of its object came after it, and no watch
 * showed it. The API server gives up a request after one minute (--request-timeout), a webhook call included.
 */
export const UNVERIFIED_AFTER_MS = 5 * 60 * 1000;

/** What a change's outcome is to be called at a moment (ms). */
export function outcomeAt(change: { outcome: Outcome; at: number }, now: number): Outcome {
  return change.outcome === 'pending' && now - change.at > UNVERIFIED_AFTER_MS ? 'unverified' : change.outcome;
}

/** How many rows are kept at hand: a few pages. */
const MAX_ROWS = 2000;

/** Rebuilds states for one answer. Remembers what it has rebuilt: the next change mostly starts from it. */
export class States {
  private readonly known = new Map<number, JsonObject | null>();
  private rows = new Map<number, StoredChange>();

  constructor(private readonly store: LedgerStore) {}

  /** Rows that were read already, and are probably steps on the way: they are not read again. */
  have(rows: readonly StoredChange[]): void {
    if (this.rows.size > MAX_ROWS) this.rows = new Map();
    for (const row of rows) this.rows.set(row.seq, row);
  }

  /** The body after a change; null where it ended the object. */
  async after(seq: number): Promise<JsonObject | null> {
    const body = await reconstruct(seq, (at) => this.step(at));
    this.known.set(seq, body);
    return body;
  }

  private async step(seq: number): Promise<Step> {
    const checkpoint = this.known.get(seq) ?? null;
    if (checkpoint !== null) return { parent: null, patch: [], checkpoint };
    const row = this.rows.get(seq);
    return row === undefined ? loadStep(this.store, seq) : stepOf(this.store, row);
  }
}

/** True for a state that is only the version before it in another API version: nobody changed anything. */
export function isTranslation({ source, effect }: StoredChange): boolean {
  return source === 'baseline' && effect === 'modified';
}

/** What a view depends on besides the change. */
export interface ViewContext {
  states: States;
  now: number;
  /** Whether the bodies before and after are wanted. */
  bodies: boolean;
  /** Asked only about changes that nobody made through us. */
  gaps: (from: number, to: number) => string;
}

/** A stored change as readers get it. Oldest first is fastest: each state is then one patch away from a known one. */
export async function viewOf(change: StoredChange, { states, now, bodies, gaps }: ViewContext): Promise<Change> {
  const { patch, options, cause, notBefore, managersHint } = change.detail();
  const before = change.parent === null ? null : await states.after(change.parent);
  const after = change.effect === 'none' ? null : await states.after(change.seq);
  // What a last update set is worth showing, though the object is gone after it.
  const ends = change.effect === 'deleted' && patch.length > 1;
  const last = ends ? applyPatch(before, patch.slice(0, -1)) : after;
  return {
    seq: change.seq,
    at: change.at,
    object: change.object,
    operation: change.operation,
    subresource: change.subresource,
    source: change.source,
    actor: change.actor,
    manager: change.manager,
    effect: change.effect,
    statusOnly: change.statusOnly,
    outcome: outcomeAt(change, now),
    outcomeReason: change.outcomeReason,
    resourceVersion: change.resourceVersion,
    baseResourceVersion: change.baseResourceVersion,
    reviewUid: change.reviewUid,
    options,
    cause,
    notBefore: notBefore ?? change.at,
    gap: change.source === 'watch' && cause === null ? gaps(notBefore ?? change.at, change.at) : '',
    managersHint,
    patch,
    deltas: change.effect === 'none' ? [] : deltas(before, last),
    ...(bodies ? { before, after } : {}),
  };
}
