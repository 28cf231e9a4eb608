import { isObject, parseJson, sameJson } from '../../../../shared/json.ts';
import { apiVersionOf, type ManagedField } from '../../../../shared/normalise.ts';
import { applyPatch, diff, hashBody } from '../../../../shared/patch.ts';
import type { Json, JsonObject, Patch } from '../../../../shared/types.ts';
import { labelSteps } from '../../../ledger/content/labels.ts';
import type { Amendment } from '../../../ledger/content/payload.ts';
import type { Draft } from '../objects/draft.ts';
import { isUnknown, type ObjectHead, type HeadVersion } from '../objects/object-head.ts';
import type { ObservedFact } from './reconcile-fact.ts';
import type { Amendments } from './settle.ts';

/*
 * A version that a request made may be shown with more than was asked for: the API server fills in values when it reads what it
 * has stored, and it shows every object in every API version of its type. That is the change as it was persisted, and nobody
 * else's doing (docs/decisions/0030).
 */

/** An attempt that a fact holds, with what is known of it and of those it was made from. */
export interface Held {
  version: HeadVersion;
  amendments: Amendments;
}

/**
 * What the API server made of an attempt, and of those it was made from, where the fact shows the very version that the attempt
 * made. `own`: it does, but what was made of it cannot be kept with it. null where it shows, or may show, what somebody did later.
 */
export async function asShown(
  draft: Draft,
  { seen, reason }: ObservedFact,
  head: ObjectHead,
  { version, amendments }: Held,
): Promise<Amendments | 'own' | null> {
  const isScale = amendments.has(version.seq);
  const body = isScale ? await scaledBody(draft, version, amendments) : await draft.body(version.seq);
  if (body === null) return null;
  const rest = diff(body, seen.body);
  if (rest.length === 0) return amendments;
  const isTranslated = apiVersionOf(body) !== apiVersionOf(seen.body);
  if (!correctsOwn(rest, version, (await draft.change(version.seq)).detail.patch)) {
    // Without managedFields there is nothing to tell by; of another API version it is not known how it differs.
    if (!isTranslated && (seen.managedFields.length === 0 || !fillsIn(rest))) return null;
    if (!(await wroteLast(draft, version, seen.managedFields, isScale))) return null;
  }
  // What is watched is always of one API version; a review has what its client asked for.
  if (isTranslated && reason !== 'the watch shows it') return amendments;
  const amendment = amendmentOf([...(amendments.get(version.seq)?.patch ?? []), ...rest], seen.body);
  if (amendment === null || !mayAmend(head, version, rest)) return 'own';
  return new Map([...amendments, [version.seq, amendment]]);
}

/**
 * A version that is known, and is shown in another API version: nothing has happened. Where it was known as a review's client
 * asked for it, it is kept as it is watched.
 */
export async function alsoShownAs(
  draft: Draft,
  { object, seen, reason }: ObservedFact,
  head: ObjectHead,
  tip: HeadVersion,
): Promise<HeadVersion> {
  if (reason !== 'the watch shows it' || tip.amended) return tip;
  const patch = diff(await draft.body(tip.seq), seen.body);
  const amendment = amendmentOf(patch, seen.body);
  if (amendment === null || !mayAmend(head, tip, patch)) return tip;
  return draft.settle(object, tip, 'committed', reason, seen.resourceVersion, amendment);
}

/** The managers whose entry is not older than a moment; managedFields has times in whole seconds. */
export function managersSince(managedFields: readonly ManagedField[], since: number): string[] {
  const from = Math.floor(since / 1000) * 1000;
  const names = managedFields.filter((entry) => Date.parse(entry.time) >= from).map((entry) => entry.manager);
  return [...new Set(names)].filter((name) => name !== '');
}

/** The body after a scale, with what was found of it and of those it was made from. */
async function scaledBody(draft: Draft, version: HeadVersion, amendments: Amendments): Promise<JsonObject | null> {
  const patches: Patch[] = [];
  for (let seq: number | null = version.seq; seq !== null;) {
    const amendment = amendments.get(seq);
    if (amendment === undefined) {
      return patches.reduceRight<JsonObject | null>((body, patch) => applyPatch(body, patch), await draft.body(seq));
    }
    patches.push(amendment.patch);
    ({ parent: seq } = await draft.change(seq));
  }
  return null;
}

/** What the API server made of a body; null where a body has no hash. */
export function amendmentOf(patch: Patch, shown: JsonObject): Amendment | null {
  const hash = hashBody(shown);
  return hash === null ? null : { patch, apiVersion: apiVersionOf(shown), hash };
}

/**
 * Bodies that were built on a version would change with it, and by its labels it is found as it was asked for: then what is
 * shown is a change of its own, which names this one as its cause.
 */
function mayAmend(head: ObjectHead, { seq }: HeadVersion, rest: Patch): boolean {
  const builtOn = head.versions.some((version) => version.parent === seq && !isUnknown(version));
  return !builtOn && labelSteps(rest).length === 0;
}

/** What the API server sets without a trace in managedFields: who asked for it is told by other means, or is not known. */
const WITHOUT_TRACE = /^\/metadata\/deletion|^\/spec\/nodeName$|^\/status\/conditions/;

/** True where values only come to an object or two that had none there: what is filled in when an object is read. */
export function fillsIn(patch: Patch): boolean {
  return patch.every(({ op, path }) => op === 'add' && !WITHOUT_TRACE.test(path) && !/\/(?:\d+|-)$/.test(path));
}

/** Values of a request's own that are set by the API server's clock, or behind it: they are predicted, and may be a second off. */
const BY_CLOCK = /^\/metadata\/(?:deletionTimestamp|generation)$|^\/status\/conditions\/\d+\/lastTransitionTime$/;

/** True where nothing but such values are others than a request's own patch predicted them. */
export function correctsOwn(rest: Patch, { projected }: HeadVersion, own: Patch): boolean {
  if (!projected) return false;
  const isOwn = (path: string): boolean => own.some((step) => path === step.path || path.startsWith(`${step.path}/`));
  return rest.every(({ op, path }) => op === 'replace' && BY_CLOCK.test(path) && isOwn(path));
}

/** The clock of the API server may be so far from ours. */
const SKEW_MS = 1_000;

/**
 * True where managedFields tell that nobody has written since a request: each entry was there in its review. Where that is not
 * remembered, or a part of an object does not show them: its own entry alone is as young as its review, and none is younger.
 */
export async function wroteLast(
  draft: Draft,
  version: HeadVersion,
  managedFields: readonly ManagedField[],
  isScale: boolean,
): Promise<boolean> {
  const given = isScale ? undefined : draft.managedFields(version.seq);
  if (given !== undefined && given.length > 0) {
    const known = given.map(({ entry }) => contentOf(entry));
    return managedFields.every(({ entry }) => known.some((one) => sameJson(one, contentOf(entry))));
  }
  if (managedFields.length === 0) return true;
  const { manager, at } = await draft.change(version.seq);
  if (managedFields.some(({ time }) => Date.parse(time) > at + SKEW_MS)) return false;
  // A review that was read long after it was sent tells nothing: what came behind it may be older than that.
  const since = managersSince(managedFields, at - SKEW_MS);
  // The manager of a scale stands only in the object.
  return since.length === 1 && (isScale || since[0] === manager);
}

/** A review that was read by its parts has an entry as its text. */
function contentOf(entry: Json): Json {
  const content = typeof entry === 'string' ? parseJson(entry) : entry;
  return isObject(content) ? content : {};
}
