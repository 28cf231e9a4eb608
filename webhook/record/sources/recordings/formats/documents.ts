import { KubeblameError } from '../../../../../shared/errors.ts';
import { isObject, parseJson } from '../../../../../shared/json.ts';
import { metadataText, normalise, refOf } from '../../../../../shared/normalise.ts';
import type { JsonObject, ObjectRef } from '../../../../../shared/types.ts';
import type { Seen } from '../../../../../shared/interpret.ts';
import { parseLine, readLines, type Line } from '../../../../platform/files/lines.ts';
import { attempt, type BadLine } from './reviews.ts';

/** An object as a list or a watch shows it. */
export interface ObservedObject {
  object: ObjectRef;
  seen: Seen;
  gone: boolean;
}

/**
 * Reads objects: one a line, or a list a line, or one document over many lines, as `kubectl get -o json` prints it.
 * `typeOf` tells the resource of a kind; null where it is unknown.
 */
export async function* readObjects(
  file: string,
  bad: BadLine,
  typeOf: (group: string, kind: string) => string | null,
): AsyncGenerator<ObservedObject> {
  const definitions = new Map<string, string>();
  const resourceOf = (group: string, kind: string): string | null =>
    definitions.get(`${kind}.${group}`) ?? typeOf(group, kind);
  for (const { line, document } of await readDocuments(file, bad)) {
    for (const object of itemsOf(document)) {
      learnDefinition(object, definitions);
      const item = attempt(line, bad, () => observed(object, resourceOf, false));
      if (item !== null) yield item;
    }
  }
}

/** Reads `{"resource": "plural.group", "event": {"type", "object"}}` lines. Bookmarks and errors are passed over. */
export async function readWatch(file: string, bad: BadLine): Promise<ObservedObject[]> {
  const events: ObservedObject[] = [];
  for await (const line of readLines(file)) {
    const item = attempt(line, bad, () => {
      const document = parseLine(line);
      if (!isObject(document) || typeof document.resource !== 'string' || !isObject(document.event)) {
        throw new Error('not an object with resource and event');
      }
      const { type, object } = document.event;
      if (type === 'BOOKMARK' || type === 'ERROR') return null;
      if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED')
        throw new Error('event.type is not ADDED, MODIFIED or DELETED');
      if (!isObject(object)) throw new Error('event.object is missing');
      const [resource = ''] = document.resource.split('.');
      return observed(object, () => resource, type === 'DELETED');
    });
    if (item !== null) events.push(item);
  }
  return events;
}

/** The documents of a file: a line each, or the whole file where its first line is not one by itself. */
async function readDocuments(file: string, bad: BadLine): Promise<{ line: Line; document: JsonObject }[]> {
  const lines: Line[] = [];
  for await (const line of readLines(file)) lines.push(line);
  const [first] = lines;
  if (first === undefined) return [];
  const isDocument = (line: Line): JsonObject => {
    const document = parseLine(line);
    if (!isObject(document)) throw new Error('not an object');
    return document;
  };
  try {
    parseJson(first.text);
  } catch {
    const text = lines.map((line) => line.text).join('\n');
    const whole = { ...first, text, isUtf8: lines.every(({ isUtf8 }) => isUtf8) };
    const document = attempt(whole, bad, () => isDocument(whole));
    return document === null ? [] : [{ line: first, document }];
  }
  return lines.flatMap((line) => {
    const document = attempt(line, bad, () => isDocument(line));
    return document === null ? [] : [{ line, document }];
  });
}

function itemsOf(document: JsonObject): JsonObject[] {
  const { kind, items } = document;
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
    ? items.filter(isObject)
    : [document];
}

function observed(
  object: JsonObject,
  resourceOf: (group: string, kind: string) => string | null,
  gone: boolean,
): ObservedObject {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || metadataText(object, 'name') === '') {
    throw new KubeblameError('object-invalid', 'not a Kubernetes object with apiVersion, kind and metadata.name');
  }
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const resource = resourceOf(group, kind);
  if (resource === null) {
    throw new KubeblameError(
      'object-invalid',
      `the kind ${kind} of ${apiVersion} is unknown: its definition must come first`,
    );
  }
  return {
    object: refOf(object, { group, resource, kind }),
    seen: normalise(object),
    gone,
  };
}

/** A CustomResourceDefinition in the input tells the resource of its kind. */
function learnDefinition(object: JsonObject, definitions: Map<string, string>): void {
  if (object.kind !== 'CustomResourceDefinition' || !isObject(object.spec) || !isObject(object.spec.names)) return;
  const { group, names } = object.spec;
  if (typeof group !== 'string' || typeof names.kind !== 'string' || typeof names.plural !== 'string') return;
  definitions.set(`${names.kind}.${group}`, names.plural);
}
