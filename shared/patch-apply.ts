import { isObject, sameJson } from './json.ts';
import type { Json, JsonObject, PatchOperation } from './types.ts';

/*
 * Applies RFC 6902 operations, either in place, or without changing the document: then values on the path are copied and
 * everything else is shared. A library that clones the whole document first takes ten times as long, and a state is
 * rebuilt from many patches.
 */

/** The document after an operation; with `inPlace` the same document, changed. Throws if the operation does not fit. */
export function applyOperation(document: Json, operation: PatchOperation, inPlace = false): Json {
  if (operation.op === 'move') {
    const { from, path } = operation;
    const value = valueAt(document, from);
    if (value === undefined) throw misfit(operation, `there is nothing at ${from}`);
    const without = applyOperation(document, { op: 'remove', path: from }, inPlace);
    return applyOperation(without, { op: 'add', path, value }, inPlace);
  }
  if (operation.path === '') {
    if (operation.op === 'test') requireSame(document, operation.value, operation);
    if (operation.op === 'test') return document;
    return operation.op === 'remove' ? null : operation.value;
  }
  if (!operation.path.startsWith('/')) throw misfit(operation, 'the path does not start with a slash');
  return changeBelow({ segments: operation.path.split('/'), operation, inPlace }, document, 1);
}

/** The value at a JSON Pointer (RFC 6901); undefined if there is none. */
export function valueAt(document: Json, path: string): Json | undefined {
  let value: Json | undefined = document;
  for (const segment of path.split('/').slice(1)) {
    const key = keyOf(segment);
    if (Array.isArray(value)) value = INDEX.test(key) ? value[Number(key)] : undefined;
    else value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

function keyOf(segment: string): string {
  return segment.includes('~') ? segment.replaceAll('~1', '/').replaceAll('~0', '~') : segment;
}

interface Task {
  segments: readonly string[];
  operation: Exclude<PatchOperation, { op: 'move' }>;
  inPlace: boolean;
}

/** The value with the operation applied at the segments from `depth` on. */
function changeBelow(task: Task, value: Json, depth: number): Json {
  const key = keyOf(task.segments[depth] ?? '');
  if (Array.isArray(value)) return changeList(task, value, depth, key);
  if (isObject(value)) return changeObject(task, value, depth, key);
  throw misfit(task.operation, `there is nothing below ${task.segments.slice(0, depth).join('/')}`);
}

function changeObject(task: Task, object: JsonObject, depth: number, key: string): JsonObject {
  const { operation, segments, inPlace } = task;
  const isLast = depth === segments.length - 1;
  const exists = Object.hasOwn(object, key);
  if (!exists && !(isLast && operation.op === 'add')) throw misfit(operation, 'it does not exist');
  const changed = inPlace ? object : { ...object };
  if (!isLast) changed[key] = changeBelow(task, object[key] ?? null, depth + 1);
  else if (operation.op === 'remove') delete changed[key];
  else if (operation.op === 'test') requireSame(object[key] ?? null, operation.value, operation);
  else changed[key] = operation.value;
  return changed;
}

const INDEX = /^(?:0|[1-9]\d*)$/;

function changeList(task: Task, list: Json[], depth: number, key: string): Json[] {
  const { operation, segments, inPlace } = task;
  const isLast = depth === segments.length - 1;
  const index = key === '-' ? list.length : Number(key);
  if (key !== '-' && !INDEX.test(key)) throw misfit(operation, `${key} is no place in a list`);
  const isAdded = isLast && operation.op === 'add';
  if (index > list.length || (index === list.length && !isAdded)) throw misfit(operation, 'it does not exist');
  const changed = inPlace ? list : list.slice();
  if (!isLast) changed[index] = changeBelow(task, list[index] ?? null, depth + 1);
  else if (operation.op === 'add') changed.splice(index, 0, operation.value);
  else if (operation.op === 'remove') changed.splice(index, 1);
  else if (operation.op === 'replace') changed[index] = operation.value;
  else requireSame(list[index] ?? null, operation.value, operation);
  return changed;
}

function requireSame(found: Json, expected: Json, operation: PatchOperation): void {
  if (!sameJson(found, expected)) throw misfit(operation, 'it has another value');
}

function misfit({ op, path }: PatchOperation, reason: string): Error {
  return new Error(`the patch does not fit: ${op} ${JSON.stringify(path)}: ${reason}`);
}
