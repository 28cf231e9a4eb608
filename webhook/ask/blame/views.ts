import { deltas } from '../../../shared/delta.ts';
import { deltasOfField, type FieldStep } from '../../../shared/field-path.ts';
import { apiVersionOf } from '../../../shared/normalise.ts';
import { applyPatch, diff } from '../../../shared/patch.ts';
import type { Change, JsonObject, Outcome, Patch } from '../../../shared/types.ts';
import { isExplained, type LedgerView, type StoredChange } from '../../ledger/port/port.ts';

/**
 * An attempt that nothing has settled for so long is `unverified`: no review of its object came after it, and no watch
 * showed it. The API server gives up a request after one minute (--request-timeout), a webhook call included.
 */
export const UNVERIFIED_AFTER_MS = 5 * 60 * 1000;

/** What a change's outcome is to be called at a moment (ms). */
export function outcomeAt(change: { outcome: Outcome; at: number }, now: number): Outcome {
  return change.outcome === 'pending' && now - change.at > UNVERIFIED_AFTER_MS ? 'unverified' : change.outcome;
}

/** States that one answer remembers: more than a page of them. */
const REMEMBERED = 2_000;

/** A change's bodies, and what leads from the one to the other. */
interface Around {
  before: JsonObject | null;
  after: JsonObject | null;
  patch: Patch;
}

/** Rebuilds states for one answer. Remembers what it has rebuilt: the next change mostly starts from it. */
export class States {
  private readonly known = new Map<number, JsonObject | null>();

  constructor(private readonly store: LedgerView) {}

  /** The body after a change; null where it ended the object. */
  async after(seq: number): Promise<JsonObject | null> {
    const known = this.known.get(seq);
    if (known !== undefined) return known;
    return this.keep(seq, await this.store.body(seq));
  }

  /**
   * The bodies before and after a change; null where it did not exist. A request is told by what it was made on, where that was
   * shown otherwise than it is stored; but not where it is stored in the API version of the body before it after all.
   */
  async around(change: StoredChange): Promise<Around> {
    const parent = change.parent === null ? null : await this.after(change.parent);
    const { patch, base } = change.detail();
    if (change.effect === 'none') return { before: parent, after: null, patch };
    const after = this.keep(change.seq, this.known.get(change.seq) ?? applyPatch(parent, patch));
    const given = base === undefined ? parent : applyPatch(parent, base);
    const before = change.effect === 'deleted' || apiVersionOf(given) === change.apiVersion ? given : parent;
    if (change.amended || before !== given) return { before, after, patch: diff(before, after) };
    return { before, after, patch: base === undefined ? patch : patch.slice(base.length) };
  }

  /** A search by field can go through many more states than it finds. */
  private keep(seq: number, body: JsonObject | null): JsonObject | null {
    const [oldest] = this.known.keys();
    if (this.known.size >= REMEMBERED && oldest !== undefined) this.known.delete(oldest);
    this.known.set(seq, body);
    return body;
  }
}

/** True for a state that is only the version before it in another API version: nobody changed anything. */
export function isTranslation({ source, effect }: Pick<StoredChange, 'source' | 'effect'>): boolean {
  return source === 'baseline' && effect === 'modified';
}

/** True for what no list shows: a translation, and what is told by the review that explains it. */
export function isTold(change: StoredChange): boolean {
  return isTranslation(change) || isExplained(change);
}

/** A change of nothing but status is a controller's, unless it was made with kubectl: then somebody meant it. */
export function isControllersStatus(change: Pick<StoredChange, 'statusOnly' | 'manager'>): boolean {
  return change.statusOnly && !change.manager.startsWith('kubectl');
}

/** What a view depends on besides the change. */
export interface ViewContext {
  states: States;
  now: number;
  /** Whether the bodies before and after are wanted. */
  bodies: boolean;
  /** The steps to the field that alone is of interest: the deltas are those of the field. */
  field?: readonly FieldStep[] | null;
  /** Asked only about changes that nobody made through us. */
  gaps: (from: number, to: number) => string;
}

/** A stored change as readers get it. Oldest first is fastest: each state is then one patch away from a known one. */
export async function viewOf(change: StoredChange, { states, now, bodies, field, gaps }: ViewContext): Promise<Change> {
  const { options, cause, notBefore, managersHint, scale } = change.detail();
  const { before, after, patch } = await states.around(change);
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
    ...(scale === undefined || change.amended ? {} : { scale }),
    deltas: change.effect === 'none' ? [] : field == null ? deltas(before, last) : deltasOfField(before, last, field),
    ...(bodies ? { before, after } : {}),
  };
}
