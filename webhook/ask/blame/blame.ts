import { setImmediate as breathe } from 'node:timers/promises';
import { Blame } from '../../../shared/blame.ts';
import { findFields, type FieldStep } from '../../../shared/field-path.ts';
import { isMachine } from '../../../shared/machines.ts';
import { apiVersionOf } from '../../../shared/normalise.ts';
import { applyPatch, diff } from '../../../shared/patch.ts';
import { touchedBy, type Touched } from '../../../shared/touched.ts';
import type { Actor, BlameQuery, JsonObject, ObjectBlame, OwnerTree, Setter, State } from '../../../shared/types.ts';
import type { LedgerView, StoredStep } from '../../ledger/port/port.ts';
import { requireChange } from '../../ledger/port/steps.ts';
import type { Origins } from '../origins/origins.ts';
import { Causes } from './causes.ts';
import { isTranslation, outcomeAt } from './views.ts';
import { States } from '../../ledger/port/states.ts';

export interface BlameOptions extends Pick<BlameQuery, 'removed' | 'ignore' | 'humans'> {
  /** The steps to the field; none for the whole object. */
  field: readonly FieldStep[];
  /** The present (ms). */
  now: number;
}

/**
 * Who set each part of a state, which is the body after the change `seq`; null where it has no such field. Reads no more of the
 * history than it needs.
 */
export async function blameOf(
  store: LedgerView,
  seq: number,
  state: State,
  { field, removed, ignore = [], humans, now }: BlameOptions,
): Promise<ObjectBlame | null> {
  const found = findFields(state.body, field);
  if (found.length === 0) return null;
  const at = commonStart(found);
  const causes = new Causes(store, new States(store));
  const { origins } = causes;
  const blame = new Blame(state.body, at, removed === true);
  let newer: Version | null = null;
  let crossing: Crossing | null = null;
  const mayPass = (touched: Touched): boolean => crossing === null && !blame.concerns(touched);
  for await (const version of versionsOf(store, seq, mayPass)) {
    if (crossing !== null) crossing = await goOn(crossing, version);
    else if (!version.skipped && newer !== null) crossing = await stepBack(newer, version);
    newer = version;
    if (blame.done) break;
  }
  if (!blame.done) {
    if (crossing !== null) await cross(crossing);
    await step(newer, null);
  }

  /** From a version back to the one before it. What follows where a request was made in another API version. */
  async function stepBack(from: Version, to: Version): Promise<Crossing | null> {
    const { seq, apiVersion } = from.change;
    const base = from.change.base();
    const [before, after] = [base === null ? null : applyPatch(to.body(), base), from.body() ?? {}];
    if (before === null || apiVersionOf(before) !== apiVersion) {
      await step(from, to);
      return null;
    }
    blame.back({ seq, before, after, patch: diff(before, after), ignored: await isIgnored(seq) });
    const crossing = { apiVersion, body: before, passed: [to] };
    if (to.change.apiVersion !== apiVersion) return crossing;
    await cross(crossing);
    return null;
  }

  /** Goes on behind versions that are known in another API version only, to the last one that is known in the same. */
  async function goOn({ apiVersion, body, passed }: Crossing, to: Version): Promise<Crossing | null> {
    if (to.change.apiVersion !== apiVersion) return { apiVersion, body, passed: [...passed, to] };
    const made =
      passed.find(({ change }) => change.patch().some(({ path }) => !path.startsWith('/status'))) ?? passed[0];
    const before = to.body();
    if (made !== undefined && before !== null) {
      const { seq } = made.change;
      blame.back({ seq, before, after: body, patch: diff(before, body), ignored: await isIgnored(seq) });
    }
    return null;
  }

  /** There is none: what the two API versions have in common is followed, and the rest came with the version it is first seen of. */
  async function cross({ body, passed }: Crossing): Promise<void> {
    const [newest] = passed;
    const before = newest?.body() ?? null;
    if (newest === undefined || before === null) return;
    blame.back({
      ...{ seq: newest.change.seq, before, after: body, patch: diff(before, body) },
      ...{ ignored: true, silent: true },
    });
    for (const [index, to] of passed.entries()) {
      const from = passed[index - 1];
      if (from !== undefined) await step(from, to);
    }
  }

  /** From a version back to the one before it; null where it is the first. */
  async function step(from: Version | null, to: Version | null): Promise<void> {
    if (from === null) return;
    const { seq } = from.change;
    const translated = isTranslation(from.change);
    const patch = from.change.patch();
    // Without `to` it is where the object began, whatever the patch says.
    if (to !== null && !blame.concerns(touchedBy(patch))) return;
    const ignored = translated || (await isIgnored(seq));
    const [before, after] = [to === null ? null : to.body(), from.body() ?? {}];
    blame.back({ seq, before, after, patch, ignored, silent: translated });
  }
  /** Who made a change is looked up only where it matters. */
  async function isIgnored(seq: number): Promise<boolean> {
    if (ignore.length === 0 && humans !== true) return false;
    const setter = await setterOf(store, seq, now);
    const { actor } = setter;
    if (actor === null) return false;
    if (ignore.includes(actor.username)) return true;
    return humans === true && isMachine(actor.username) && !(await isDelivered(seq, setter));
  }

  /** A commit of Git, or whoever pressed Sync, is as good as a person. */
  async function isDelivered(seq: number, setter: Setter): Promise<boolean> {
    if ((await origins.toolOf(setter)) === null) return false;
    const origin = await origins.of(await requireChange(store, seq));
    return origin !== null && (origin.startedBy !== '' || origin.sources.some(({ revision }) => revision !== ''));
  }

  const owners = blame.owners();
  const gone = removed === true ? blame.removed() : [];
  const named = new Set([...seqsOf(owners), ...gone.map(({ seq }) => seq)]);
  const setters: Setter[] = [];
  for (const seq of [...named].sort((a, b) => a - b)) if (seq > 0) setters.push(await setterOf(store, seq, now));
  await tellOrigins(store, origins, setters);
  if (humans === true) await tellCauses(store, causes, setters);
  return { ...state, owners, removed: gone, setters };
}

/** The way to what holds all of several parts. */
function commonStart([first = [], ...others]: readonly (readonly string[])[]): string[] {
  const length = first.findIndex((key, index) => others.some((other) => other[index] !== key));
  return first.slice(0, length < 0 ? first.length : length);
}

/** On the way behind versions that are known in another API version only. */
interface Crossing {
  apiVersion: string;
  /** The body that the request was made on. */
  body: JsonObject;
  /** The versions that were passed, newest first. */
  passed: readonly Version[];
}

/** What no person ever set may still be somebody's doing. */
async function tellCauses(store: LedgerView, causes: Causes, setters: readonly Setter[]): Promise<void> {
  for (const setter of setters) {
    if (setter.actor !== null && isMachine(setter.actor.username)) {
      setter.causes = await causes.of(await requireChange(store, setter.seq));
    }
  }
}

/** What a delivery tool set, came from somewhere. */
async function tellOrigins(store: LedgerView, origins: Origins, setters: readonly Setter[]): Promise<void> {
  for (const setter of setters) {
    if ((await origins.toolOf(setter)) === null) continue;
    const origin = await origins.of(await requireChange(store, setter.seq));
    if (origin !== null) setter.origin = origin;
  }
}

function seqsOf({ seq, through, members = {} }: OwnerTree): number[] {
  return [seq, ...(through === undefined ? [] : [through]), ...Object.values(members).flatMap(seqsOf)];
}

/** A change, and the body after it, rebuilt where it is asked for. */
interface Version {
  change: StoredStep;
  body: () => JsonObject | null;
  /** True where changes between it and the version that came before it were left out. */
  skipped: boolean;
}

/** Stretches that are gone through before others have their turn: some milliseconds. */
const AT_ONCE = 50;

/**
 * An object's versions from one back to its first. They are rebuilt from one checkpoint to the next, so that each costs one
 * patch; a stretch that nobody looks into costs none. Where `mayPass` says so of what stretches touched, all of them are left out.
 */
async function* versionsOf(
  store: LedgerView,
  seq: number,
  mayPass: (touched: Touched) => boolean,
): AsyncGenerator<Version> {
  let [stretches, passed] = [0, false];
  // In a damaged file it might go round.
  const explained = new Set<number>();
  for (let from: number | null = seq; from !== null;) {
    const stretch = await store.lineage(from);
    let bodies: (JsonObject | null)[] | undefined;
    let instead: number | undefined;
    for (const [index, change] of stretch.entries()) {
      // A review tells who did this: its own line goes on from here, from the same body.
      if (change.explained && !explained.has(change.seq)) instead = (await store.explanation(change.seq))?.seq;
      if (instead !== undefined) {
        explained.add(change.seq);
        passed &&= index === 0;
        break;
      }
      yield { change, body: () => (bodies ??= rebuild(stretch))[index] ?? null, skipped: passed && index === 0 };
    }
    if (instead !== undefined) {
      from = instead;
      continue;
    }
    const oldest = stretch.at(-1);
    // The longest first.
    const skip = oldest?.skips().findLast(({ touched }) => mayPass(touched));
    passed = skip !== undefined;
    from = skip?.to ?? oldest?.parent ?? null;
    // Reviews wait behind a long history otherwise.
    if (++stretches % AT_ONCE === 0) await breathe();
  }
}

/** The bodies after the changes of a stretch, newest first; the oldest has a whole body, or begins the object. */
function rebuild(stretch: readonly StoredStep[]): (JsonObject | null)[] {
  const bodies: (JsonObject | null)[] = [];
  let body: JsonObject | null = null;
  for (const change of [...stretch].reverse()) {
    const checkpoint = bodies.length === 0 ? change.bodySnapshot() : null;
    body = checkpoint ?? applyPatch(body, change.patch());
    bodies.unshift(body);
  }
  return bodies;
}

/** A request explains some of what only a watch showed: then it is known who sent it. */
async function setterOf(store: LedgerView, seq: number, now: number): Promise<Setter> {
  const change = await requireChange(store, seq);
  const { cause, notBefore, managersHint } = change.detail();
  // It may have been folded since.
  const request = change.actor === null && cause !== null ? await store.change(cause) : null;
  const { occurredAt: at, source, operation, subresource } = change;
  const actor: Actor | null = change.actor ?? request?.actor ?? null;
  return {
    ...{ seq, at, source, operation, subresource, actor, managersHint, cause },
    notBefore: notBefore ?? at,
    manager: change.manager !== '' ? change.manager : (request?.manager ?? ''),
    outcome: outcomeAt(change, now),
  };
}
