import { sameJson } from './json.ts';
import { matchByKey, matchItems } from './pairing.ts';
import { listOperations } from './patch-list.ts';
import type { Json, JsonObject, Patch } from './types.ts';

/*
 * Compares objects like fast-json-patch's `compare`, in a third of its time: every review is diffed twice. Paths are built
 * only for differences, and nothing is cloned: documents are never changed, so a patch may share their parts.
 *
 * A list is compared index by index. If that takes several operations, its items are also matched, so that one item added at
 * the front does not rewrite all others. The smaller patch is taken.
 */

/** The operations from `before` to `after`, both objects or both lists. Removals come first, the last member first. */
export function differences(before: JsonObject | Json[], after: JsonObject | Json[]): Patch {
  const patch: Patch = [];
  const task = { patch, budget: { cells: MAX_CELLS }, level: 0 };
  const root = { above: null, key: '' };
  if (Array.isArray(before) && Array.isArray(after)) compareLists(before, after, root, task);
  else compareObjects(before as JsonObject, after as JsonObject, root, task);
  return patch;
}

/**
 * The budget for matching list items, in pairs of items a patch. Beyond it, lists are compared index by index, so that a
 * patch takes a few milliseconds longer at most.
 */
const MAX_CELLS = 30_000;
/** The cost of each list that is matched, however short. */
const COST_OF_ONE = 300;

interface Task {
  /** The operations found so far. */
  patch: Patch;
  /** The rest of MAX_CELLS. */
  budget: { cells: number };
  /** How many enclosing lists are compared by their items: each of them doubles the work. */
  level: number;
}

const MAX_LEVELS = 4;

/** A position in the document. The root has no parent. */
interface Place {
  above: Place | null;
  key: string | number;
}

function compareObjects(before: JsonObject, after: JsonObject, at: Place, task: Task): void {
  const keys = Object.keys(before);
  let removed = 0;
  for (let index = keys.length - 1; index >= 0; index--) {
    const key = keys[index] ?? '';
    if (Object.hasOwn(after, key)) compareMembers(before[key] ?? null, after[key] ?? null, at, key, task);
    else {
      removed++;
      task.patch.push({ op: 'remove', path: pathOf({ above: at, key }) });
    }
  }
  const added = Object.keys(after);
  if (removed === 0 && added.length === keys.length) return;
  for (const key of added) {
    if (!Object.hasOwn(before, key)) {
      task.patch.push({ op: 'add', path: pathOf({ above: at, key }), value: after[key] ?? null });
    }
  }
}

/** Items that two lists have in common at the beginning and at the end are kept, and not looked at again. */
function compareLists(before: readonly Json[], after: readonly Json[], at: Place, task: Task): void {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && sameJson(before[head] ?? null, after[head] ?? null)) head++;
  let tail = 0;
  while (tail < shorter - head && sameJson(before.at(-1 - tail) ?? null, after.at(-1 - tail) ?? null)) tail++;
  const part = {
    before: before.slice(head, before.length - tail),
    after: after.slice(head, after.length - tail),
    head,
  };
  const byPlace = { ...task, patch: [] };
  compareByPlace(part, at, byPlace);
  const isShort = byPlace.patch.length < 2 || part.before.length === 0 || part.after.length === 0;
  const byItem = isShort ? null : compareByItem(part, at, task);
  const best = byItem === null || sizeOf(byPlace.patch) <= sizeOf(byItem) ? byPlace.patch : byItem;
  for (const operation of best) task.patch.push(operation);
}

/** The part of a list that differs, from index `head` on. */
interface Part {
  before: readonly Json[];
  after: readonly Json[];
  head: number;
}

function compareByPlace({ before, after, head }: Part, at: Place, task: Task): void {
  for (let index = before.length - 1; index >= 0; index--) {
    if (index < after.length) compareMembers(before[index] ?? null, after[index] ?? null, at, head + index, task);
    else task.patch.push({ op: 'remove', path: pathOf({ above: at, key: head + index }) });
  }
  for (let index = before.length; index < after.length; index++) {
    task.patch.push({ op: 'add', path: pathOf({ above: at, key: head + index }), value: after[index] ?? null });
  }
}

/** null if that is the same as index by index, or would take too long. */
function compareByItem({ before, after, head }: Part, at: Place, task: Task): Patch | null {
  const { budget, level } = task;
  if (level === MAX_LEVELS || budget.cells < 0) return null;
  const field = typeof at.key === 'string' ? at.key : '';
  budget.cells -= COST_OF_ONE + (before.length + after.length) * 5;
  const byKey = budget.cells < 0 ? null : matchByKey(field, before, after);
  if (byKey === null) budget.cells -= before.length * after.length;
  if (budget.cells < 0) return null;
  const { pairs } = byKey ?? matchItems(field, before, after);
  if (before.length === after.length && pairs.every((place, to) => place === to)) return null;
  const listPath = pathOf(at);
  const patch = listOperations({ pathOf: (place) => `${listPath}/${head + place}`, before, after, pairs });
  if (patch === null) return null;
  for (const [to, place] of pairs.entries()) {
    if (place === null) continue;
    const inner = { patch, budget, level: level + 1 };
    compareMembers(before[place] ?? null, after[to] ?? null, at, head + to, inner);
  }
  return patch;
}

/** The approximate size of what is stored, in bytes. */
function sizeOf(patch: Patch): number {
  return JSON.stringify(patch).length;
}

function compareMembers(before: Json, after: Json, above: Place, key: string | number, task: Task): void {
  if (before === after) return;
  if (typeof before === 'object' && typeof after === 'object' && before !== null && after !== null) {
    const at = { above, key };
    if (Array.isArray(before)) {
      if (Array.isArray(after)) {
        compareLists(before, after, at, task);
        return;
      }
    } else if (!Array.isArray(after)) {
      compareObjects(before, after, at, task);
      return;
    }
  }
  task.patch.push({ op: 'replace', path: pathOf({ above, key }), value: after });
}

/** The JSON Pointer (RFC 6901) of a position. */
function pathOf({ above, key }: Place): string {
  if (above === null) return '';
  const segment = typeof key === 'string' ? key.replaceAll('~', '~0').replaceAll('/', '~1') : String(key);
  return `${pathOf(above)}/${segment}`;
}
