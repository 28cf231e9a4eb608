import jsonPatch, { type Operation } from 'fast-json-patch';
import { isVital } from './dependents.ts';
import { sameJson } from './json.ts';
import { memberPath } from './delta.ts';
import { overlap } from './keepers.ts';
import { apiVersionOf, metadataOf, metadataText } from './normalise.ts';
import { diff } from './patch.ts';
import { applyOperation, valueAt } from './patch-apply.ts';
import { isServerSet, recreate } from './recreate.ts';
import { holdsRedacted } from './redacted.ts';
import { revert, type Obstacle } from './revert.ts';
import type { Change, Json, JsonObject, ObjectRef, Patch } from './types.ts';

/** What undoes changes of an object. */
export type UndoStep =
  /** A JSON Patch (RFC 6902) for the object as it is now, guarded by `test` operations. */
  | { kind: 'patch'; patch: Patch; subresource: string; apiVersion: string }
  | { kind: 'create'; manifest: JsonObject }
  | { kind: 'delete'; manifest: JsonObject }
  | { kind: 'none' };

/** Why a change, or a part of it, cannot be undone. */
export type UndoProblem =
  | (Obstacle & { seq: number; /** Who set it since, where the record has it. */ by: Change | null })
  | { kind: 'unrecorded-parts'; seq: number; paths: string[] }
  /** `baseline` (first sight of an object) and `translation` (another API version of it): nobody did these. */
  | { kind: 'baseline' | 'translation' | 'act' | 'never-persisted' | 'subresource'; seq: number }
  /** `vital`: the cluster does not work without the object that would be deleted. */
  | { kind: 'deleting' | 'exists' | 'gone' | 'other-object' | 'vital'; seq: number }
  | { kind: 'unknown-field'; seq: number };

export interface Undo {
  object: ObjectRef;
  step: UndoStep;
  /** The resourceVersion that it was made against; '' if that is not known, or the object does not exist. */
  resourceVersion: string;
  problems: UndoProblem[];
  /** Paths that it sets, as in deltas. */
  paths: string[];
  /** Changes that are lost if the object is deleted. */
  lost: Change[];
}

export interface UndoInput {
  /** The changes to undo: of one object, with bodies, in any order; at least one. */
  changes: readonly Change[];
  /** The object as it is now. */
  present: { body: JsonObject; resourceVersion: string } | null;
  /** The object's changes since the oldest of `changes`, in any order: they tell who set what since. */
  later: readonly Change[];
  /** Also undo what others have changed since, and delete objects that the cluster does not work without. */
  force: boolean;
  /** Leave out the test of the resourceVersion; the tests of each field stay. */
  anyVersion?: boolean;
}

/** Subresources whose changes are part of the object itself, and those that kubectl patches with --subresource. */
const OF_OBJECT = new Set(['', 'scale']);
const PATCHABLE = new Set(['status', 'resize']);

/** The `--subresource` through which a change is undone; null if it cannot be undone. */
export function subresourceOf({ subresource, operation }: Change): string | null {
  if (OF_OBJECT.has(subresource) || operation === 'DELETE') return '';
  return PATCHABLE.has(subresource) ? subresource : null;
}

/**
 * How to undo changes of one object, on the object as it is now: newest first, each as a three-way merge, so that what others
 * changed stays. All changes must be of one subresource (see `subresourceOf`).
 */
export function undo({ changes, present, later, force, anyVersion = false }: UndoInput): Undo {
  const newestFirst = [...changes].sort((a, b) => b.seq - a.seq);
  const [newest] = newestFirst;
  if (newest === undefined) throw new RangeError('no change to undo');
  const { object } = newest;
  const run = new Run(present?.body ?? null, later, force);
  for (const change of newestFirst) run.takeBack(change);
  const resourceVersion = present?.resourceVersion ?? '';
  const guard = anyVersion ? '' : resourceVersion;
  let step = stepOf(present?.body ?? null, run.body, guard, subresourceOf(newest) ?? '');
  // A value that was not recorded must never overwrite the present one, wherever the patch would move it.
  for (const path of redactedWrites(step)) {
    run.problems.push({ kind: 'unrecorded', path, seq: newest.seq, by: null, wanted: undefined, present: undefined });
    step = { kind: 'none' };
  }
  return { object, step, resourceVersion, problems: run.problems, paths: run.paths, lost: run.lost };
}

class Run {
  readonly problems: UndoProblem[] = [];
  readonly paths: string[] = [];
  lost: Change[] = [];

  constructor(
    public body: JsonObject | null,
    private readonly later: readonly Change[],
    private readonly force: boolean,
  ) {}

  takeBack(change: Change): void {
    const { seq, effect, outcome, source, operation, before, after, object } = change;
    if (source === 'baseline') {
      this.problems.push({ kind: operation === 'CREATE' ? 'baseline' : 'translation', seq });
    } else if (outcome === 'dropped') this.problems.push({ kind: 'never-persisted', seq });
    else if (effect === 'none') this.problems.push({ kind: 'act', seq });
    else if (change.scale !== undefined) this.problems.push({ kind: 'unknown-field', seq });
    else if (subresourceOf(change) === null) this.problems.push({ kind: 'subresource', seq });
    else if (isDeletion(change)) this.takeBackDeletion(change);
    else if (this.body === null) this.problems.push({ kind: 'gone', seq });
    // An object that this run creates again has no uid yet.
    else if (!['', object.uid].includes(metadataText(this.body, 'uid')))
      this.problems.push({ kind: 'other-object', seq });
    else if (before == null) this.takeBackCreation(change);
    else if (after != null) this.takeBackUpdate(change, before, after, this.body);
  }

  private takeBackDeletion({ seq, before, object }: Change): void {
    if (this.body !== null) {
      const same = metadataText(this.body, 'uid') === object.uid;
      this.problems.push({ kind: same ? 'deleting' : 'exists', seq });
      return;
    }
    if (before == null) return;
    const { manifest, lost } = recreate(before, object);
    if (lost.length > 0) this.problems.push({ kind: 'unrecorded-parts', seq, paths: lost });
    this.body = manifest;
    this.paths.push('');
  }

  private takeBackCreation({ seq, object }: Change): void {
    if (isVital(object) && !this.force) {
      this.problems.push({ kind: 'vital', seq });
      return;
    }
    this.lost = this.later.filter((change) => change.seq > seq && !change.statusOnly && change.effect === 'modified');
    this.body = null;
    this.paths.push('');
  }

  private takeBackUpdate(change: Change, before: JsonObject, after: JsonObject, present: JsonObject): void {
    const { seq, subresource } = change;
    // The API server ignores status in a change of the object, and everything else in a change of its status.
    const isStatus = (path: string): boolean => path === 'status' || path.startsWith('status.');
    const keeps = (path: string): boolean => isServerSet(path) || (subresource === 'status' && !isStatus(path));
    const { body, obstacles } = revert(before, after, present, { keeps, force: this.force });
    for (const obstacle of obstacles) {
      this.problems.push({ ...obstacle, seq, by: this.whoSet(obstacle.path, seq) });
    }
    this.body = body;
    this.paths.push(...change.deltas.map(({ path }) => path).filter((path) => !isServerSet(path)));
  }

  private whoSet(path: string, since: number): Change | null {
    const touching = this.later.filter(
      ({ seq, deltas, outcome }) =>
        seq > since && outcome !== 'dropped' && deltas.some((delta) => overlap(delta.path, path)),
    );
    return touching.sort((a, b) => b.seq - a.seq)[0] ?? null;
  }
}

/** A delete (also one that only marked the object), and the update that ended it. */
function isDeletion({ operation, effect, before, after }: Change): boolean {
  if (operation === 'DELETE' || effect === 'deleted') return true;
  return (
    metadataText(before ?? null, 'deletionTimestamp') === '' && metadataText(after ?? null, 'deletionTimestamp') !== ''
  );
}

function stepOf(present: JsonObject | null, wanted: JsonObject | null, guard: string, subresource: string): UndoStep {
  if (present === null) return wanted === null ? { kind: 'none' } : { kind: 'create', manifest: wanted };
  if (wanted === null) return { kind: 'delete', manifest: nameOnly(present) };
  const patch = guardedPatch(present, wanted);
  if (patch.length === 0) return { kind: 'none' };
  requireResult(present, patch, wanted);
  const version: Patch = guard === '' ? [] : [{ op: 'test', path: '/metadata/resourceVersion', value: guard }];
  return { kind: 'patch', patch: [...version, ...patch], subresource, apiVersion: apiVersionOf(present) };
}

/** The paths at which a patch would write redacted values. */
function redactedWrites(step: UndoStep): string[] {
  if (step.kind !== 'patch') return [];
  return step.patch.flatMap((operation) => {
    const writes = operation.op === 'add' || operation.op === 'replace';
    if (!writes || !holdsRedacted(operation.value)) return [];
    const names = operation.path.split('/').slice(1);
    return names.reduce((path, name) => (/^\d+$/.test(name) ? `${path}[${name}]` : memberPath(path, name)), '');
  });
}

/** Each value that is replaced, removed or moved is tested first, unless it is not known. */
function guardedPatch(present: JsonObject, wanted: JsonObject): Patch {
  let state: Json = present;
  return diff(present, wanted).flatMap((operation): Patch => {
    const path = operation.op === 'move' ? operation.from : operation.path;
    const value = operation.op === 'add' ? undefined : valueAt(state, path);
    state = applyOperation(state, operation);
    return value === undefined || holdsRedacted(value) ? [operation] : [{ op: 'test', path, value }, operation];
  });
}

/**
 * Applies the patch with another implementation of RFC 6902 than the one that made it, because a patch that somebody pipes into
 * kubectl must do what we say it does. Throws if it does not.
 */
function requireResult(present: JsonObject, patch: Patch, wanted: JsonObject): void {
  const { newDocument } = jsonPatch.applyPatch<Json>(present, patch as Operation[], true, false);
  if (!sameJson(newDocument, wanted)) throw new Error('the patch does not make what it is for: this is a bug');
}

/** What `kubectl delete -f` needs. */
function nameOnly(body: JsonObject): JsonObject {
  const { apiVersion = '', kind = '' } = body;
  const { name = '', namespace } = metadataOf(body);
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}
