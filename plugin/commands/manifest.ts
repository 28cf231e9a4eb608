import { parseAllDocuments } from 'yaml';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { findField, parseField } from '../../shared/field-path.ts';
import { isObject, parseJson } from '../../shared/json.ts';
import { apiVersionOf, metadataText, normalise } from '../../shared/normalise.ts';
import { displayName } from '../../shared/resource-types.ts';
import type { Json, JsonObject, LedgerReader, ObjectBlame, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { currentNamespace } from '../kubeconfig.ts';
import { manifestLines, type AnnotatedLine } from '../views/annotated-lines.ts';
import { printable } from '../views/text.ts';
import { momentText } from '../views/times.ts';
import { blameQuery, printDocuments } from './lines.ts';
import { note, tellGaps } from './notes.ts';
import type { Request } from './request.ts';
import { typeOf } from './types.ts';

/**
 * `kubectl blame -f FILE`: the objects of a manifest, or of what `kubectl get -o yaml` prints, each line with who set what
 * the cluster has there; what differs is marked. Rejects with usage-invalid, input-invalid, type-unknown.
 */
export async function showManifest(
  words: readonly string[],
  filename: string,
  at: number,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  if (words.length > 0) {
    throw new KubeblameError(
      'usage-invalid',
      '-f and TYPE do not go together',
      'the file says which objects are meant',
    );
  }
  const objects = readObjects(await io.read(filename), filename);
  const documents: AnnotatedLine[][] = [];
  const titles: string[] = [];
  let unknown = 0;
  for (const object of objects) {
    const { title, blame } = await find(object, at, request, reader, io);
    const { field } = request.lines;
    const limit = field === undefined ? [] : findField(object, parseField(field));
    if (limit === null) continue;
    if (blame === null) unknown++;
    titles.push(blame === null ? `${title} ${io.style.dot} the cluster has no such object` : title);
    documents.push(manifestLines(object, blame, limit));
  }
  const lines = documents.flat();
  const differing = lines.filter(({ sign }) => sign === '~' || sign === '+').length;
  const count = (many: number, one: string, more: string): string => `${many} ${many === 1 ? one : more}`;
  const summary = [
    printable(filename === '-' ? 'stdin' : filename),
    count(documents.length, 'object', 'objects'),
    differing === 0 ? 'no line differs from what the cluster has' : count(differing, 'line differs', 'lines differ'),
    ...(unknown === 0 ? [] : [`${unknown} not in the cluster`]),
    `as of ${momentText(at, io.style)}`,
  ];
  note(io, summary.join(` ${io.style.dot} `));
  printDocuments(titles, documents, io);
  await tellGaps(at, at, reader, io);
}

async function find(
  object: JsonObject,
  at: number,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<{ title: string; blame: ObjectBlame | null }> {
  const apiVersion = apiVersionOf(object);
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const kind = typeof object.kind === 'string' ? object.kind : '';
  const type = await typeOf(group === '' ? kind : `${kind}.${group}`, reader, io);
  const name = metadataText(object, 'name');
  const own = metadataText(object, 'namespace');
  const namespace =
    type.namespaced === false
      ? ''
      : own === ''
        ? (request.namespace ?? currentNamespace(io.env, request.cluster))
        : own;
  const scope: Scope = { type: { group: type.group, resource: type.resource }, namespace, names: [name] };
  const { field: _, ...query } = blameQuery(scope, at, request, 1);
  const page = await reader.blame({ ...query, removed: true });
  const place = namespace === '' ? name : `${namespace}/${name}`;
  return { title: printable(`${displayName(type)} ${place}`), blame: page.blames[0] ?? null };
}

/** The objects of YAML or JSON documents and of the lists in them. */
function readObjects(text: string, filename: string): JsonObject[] {
  const fail = (reason: string): never => {
    throw new KubeblameError('input-invalid', `${printable(filename)}: ${printable(reason)}`);
  };
  const documents = parseAllDocuments(text, { version: '1.1', intAsBigInt: true, merge: true });
  const values: Json[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error !== undefined) fail(error.message.split('\n')[0] ?? '');
    try {
      values.push(parseJson(jsonText(document.toJS())));
    } catch (error) {
      fail(messageOf(error));
    }
  }
  const objects = values.filter((value) => value !== null).flatMap((value) => objectsOf(value));
  if (objects.length === 0) fail('it holds no objects');
  return objects.map((object) => {
    if (typeof object.kind !== 'string' || apiVersionOf(object) === '' || metadataText(object, 'name') === '') {
      return fail('an object in it has no apiVersion, kind or name');
    }
    return normalise(object).body;
  });
}

function objectsOf(value: Json): JsonObject[] {
  if (!isObject(value)) return [];
  const { items, kind } = value;
  return Array.isArray(items) && typeof kind === 'string' && kind.endsWith('List') ? items.filter(isObject) : [value];
}

/** JSON text of what YAML gave: integers as they were written, moments as the text that JSON has for them. */
function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return JSON.stringify(value.toISOString().replace('.000Z', 'Z'));
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
