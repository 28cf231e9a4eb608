import { deltas } from '../../../shared/delta.ts';
import { deltasOfField, type FieldStep } from '../../../shared/field-path.ts';
import { applyPatch } from '../../../shared/patch.ts';
import type { Change, Delta, Outcome } from '../../../shared/types.ts';
import { isExplained, type StoredChange } from '../../ledger/port/port.ts';
import type { States } from '../../ledger/port/states.ts';

/**
 * An attempt that nothing has settled for so long is `unverified`: no review of its object came after it, and no watch
 * showed it. The API server gives up a request after one minute (--request-timeout), a webhook call included.
 */
export const UNVERIFIED_AFTER_MS = 5 * 60 * 1000;

/** What a change's outcome is to be called at a moment (ms). */
export function outcomeAt(change: { outcome: Outcome; at: number }, now: number): Outcome {
  return change.outcome === 'pending' && now - change.at > UNVERIFIED_AFTER_MS ? 'unverified' : change.outcome;
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
export async function viewOf(change: StoredChange, context: ViewContext): Promise<Change> {
  const { states, bodies, field } = context;
  const { before, after, patch } = await states.around(change);
  // What a last update set is worth showing, though the object is gone after it.
  const ends = change.effect === 'deleted' && patch.length > 1;
  const last = ends ? applyPatch(before, patch.slice(0, -1)) : after;
  const { scale } = change.detail();
  return {
    ...factsOf(change, context),
    patch,
    ...(scale === undefined || change.amended ? {} : { scale }),
    deltas: change.effect === 'none' ? [] : field == null ? deltas(before, last) : deltasOfField(before, last, field),
    ...(bodies ? { before, after } : {}),
  };
}

/** The same with no more than what folds it beneath what it follows from: nothing has to be rebuilt for it. */
export function foldedViewOf(change: StoredChange, context: Pick<ViewContext, 'now' | 'gaps'>): Change {
  const { patch } = change.detail();
  const mark = patch.find(({ op, path }) => op === 'add' && path === '/metadata/deletionTimestamp');
  const after = mark !== undefined && 'value' in mark ? mark.value : null;
  const marks: Delta[] = mark === undefined ? [] : [{ path: 'metadata.deletionTimestamp', kind: 'added', after }];
  return { ...factsOf(change, context), patch, deltas: marks };
}

/** What is known of a change without its bodies. */
function factsOf(
  change: StoredChange,
  { now, gaps }: Pick<ViewContext, 'now' | 'gaps'>,
): Omit<Change, 'patch' | 'deltas'> {
  const { options, cause, notBefore, managersHint } = change.detail();
  const at = change.occurredAt;
  const audit = change.audit();
  return {
    seq: change.seq,
    at,
    ...(at === change.at ? {} : { recordedAt: change.at }),
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
    notBefore: notBefore ?? at,
    gap: change.source === 'watch' && cause === null ? gaps(notBefore ?? at, at) : '',
    managersHint,
    ...(audit === null ? {} : { audit }),
  };
}
