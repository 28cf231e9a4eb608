import { KubeblameError } from '../../shared/errors.ts';
import { findField, parseField } from '../../shared/field-path.ts';
import { labelsOf } from '../../shared/labels.ts';
import { isMachine } from '../../shared/machines.ts';
import { compareManifest } from '../../shared/manifest.ts';
import { apiVersionOf, metadataText } from '../../shared/normalise.ts';
import { displayName, type NamedType } from '../../shared/resource-types.ts';
import { matchesSelector, parseSelector } from '../../shared/selector.ts';
import type { JsonObject, LedgerReader, ObjectBlame, Scope, Setter } from '../../shared/types.ts';
import { Exit, EXIT } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { currentNamespace } from '../kubeconfig.ts';
import { readManifest } from '../manifest/documents.ts';
import { masked } from '../manifest/mask.ts';
import { manifestLines, plainLines, type AnnotatedLine } from '../views/annotated-lines.ts';
import { printable } from '../views/text.ts';
import { momentText } from '../views/times.ts';
import { blameQuery, printDocuments } from './lines.ts';
import { note, tellGaps } from './notes.ts';
import type { Request } from './request.ts';
import { typeOf } from './types.ts';

/**
 * `kubectl blame -f FILE`: the objects of manifests, or of what `kubectl get -o yaml` prints, each line with who set what
 * the cluster has there; what differs is marked. Rejects with an Exit of 1 where something differs, as kubectl diff does;
 * with usage-invalid, input-invalid or type-unknown after all that could be shown.
 */
export async function showManifests(
  words: readonly string[],
  at: number,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  requireAlone(words, request);
  const problems: KubeblameError[] = [];
  const answers: Answer[] = [];
  const { objects, names } = await readAll(request, problems, io);
  for (const object of objects) {
    try {
      answers.push(...(await compared(object, at, request, reader, io)));
    } catch (error) {
      // What nobody knows does not hide the rest.
      if (!(error instanceof KubeblameError) || error.code !== 'type-unknown') throw error;
      problems.push(error);
    }
  }
  if (answers.length > 0) {
    note(io, [names, ...summaryOf(answers), `as of ${momentText(at, io.style)}`].join(` ${io.style.dot} `));
    printDocuments(
      answers.map(({ title, remark }) => (remark === '' ? title : `${title} ${io.style.dot} ${remark}`)),
      answers.map(({ lines }) => lines),
      io,
      true,
    );
    for (const { title, lines } of answers) {
      const paths = lines.flatMap(({ path }) => (path === undefined ? [] : [printable(path)]));
      if (paths.length > 0) note(io, `${title}: ${paths.join(', ')}: not compared (redacted)`);
    }
    await tellGaps(at, at, reader, io);
  }
  const last = problems.pop();
  for (const { message } of problems) io.err(`${io.style.chalk.red('error:')} ${printable(message)}\n`);
  if (last !== undefined) throw last;
  if (answers.some(({ differs }) => differs)) throw new Exit(EXIT.differs);
}

/** What is said of one object. */
interface Answer {
  title: string;
  lines: AnnotatedLine[];
  differs: boolean;
  /** Why it was not compared, or has no counterpart; '' where it was. */
  remark: string;
  kind: 'compared' | 'missing' | 'not compared';
}

function requireAlone(words: readonly string[], { allNamespaces, limit }: Request): void {
  const hint = 'the file says which objects are meant';
  const other = words.length > 0 ? 'TYPE' : allNamespaces ? '-A' : limit !== null ? '--limit' : null;
  if (other !== null) throw new KubeblameError('usage-invalid', `-f and ${other} do not go together`, hint);
}

/** The objects of all files that -f names, and the names of the files. What cannot be read is added to the problems. */
export async function readAll(
  { lines, labels }: { lines: Pick<Request['lines'], 'filenames' | 'recursive'>; labels?: string },
  problems: KubeblameError[],
  io: Io,
): Promise<{ objects: JsonObject[]; names: string }> {
  const objects: JsonObject[] = [];
  const paths: string[] = [];
  for (const path of lines.filenames) paths.push(...((await io.manifests?.(path, lines.recursive)) ?? [path]));
  const names = paths.map((path) => (path === '-' ? 'stdin' : printable(path)));
  for (const [index, path] of paths.entries()) {
    const manifest = readManifest(await io.read(path), names[index] ?? '');
    objects.push(...manifest.objects);
    for (const text of manifest.warnings) io.err(`${io.style.chalk.yellow('warning:')} ${printable(text)}\n`);
    problems.push(...manifest.problems.map((text) => new KubeblameError('input-invalid', text)));
  }
  const shown = names.length > MAX_NAMES ? `${names.length} files` : names.join(', ');
  if (objects.length === 0 && problems.length === 0) {
    throw new KubeblameError('input-invalid', `${shown}: ${names.length === 1 ? 'it holds' : 'they hold'} no objects`);
  }
  const selector = labels === undefined ? null : parseSelector(labels);
  return {
    objects: selector === null ? objects : objects.filter((object) => matchesSelector(selector, labelsOf(object))),
    names: shown,
  };
}

const MAX_NAMES = 3;

async function compared(
  object: JsonObject,
  at: number,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<Answer[]> {
  const type = await typeOfObject(object, reader, io);
  const namespace = namespaceOf(object, type, request, io);
  const name = metadataText(object, 'name') || `${metadataText(object, 'generateName')}…`;
  const title = printable(`${displayName(type)} ${namespace === '' ? name : `${namespace}/${name}`}`);
  const manifest = masked(object, type);
  const plain = (kind: 'missing' | 'not compared', remark: string): Answer[] => {
    const limit = fieldOf(manifest, request);
    const lines = limit === null ? [] : plainLines(manifest, kind === 'missing' ? '+' : ' ', limit);
    return [{ title, lines, differs: kind === 'missing', remark, kind }];
  };
  if (metadataText(object, 'name') === '') return plain('not compared', 'not comparable: its name is generated, so that each is a new one'); // prettier-ignore
  const scope: Scope = { type: { group: type.group, resource: type.resource }, namespace, names: [name] };
  const { field: _, ...query } = blameQuery(scope, at, request, 1);
  const page = await reader.blame({ ...query, removed: true });
  const [blame] = page.blames;
  if (blame === undefined) {
    return (page.denied ?? []).length > 0
      ? plain('not compared', 'not compared: you may not read it')
      : plain('missing', 'the cluster has no such object');
  }
  const version = apiVersionOf(blame.body);
  if (version !== apiVersionOf(object)) {
    return plain('not compared', `not compared: the record has it as ${version}, the file as ${apiVersionOf(object)}`);
  }
  return [answerOf(title, manifest, blame, request)].flatMap((answer) => answer ?? []);
}

function answerOf(title: string, manifest: JsonObject, blame: ObjectBlame, request: Request): Answer | null {
  const { ignore, humans } = request.lines;
  const hides = ({ actor }: Setter): boolean =>
    actor !== null && (ignore.includes(actor.username) || (humans && isMachine(actor.username)));
  const comparison = compareManifest(manifest, blame, { hides });
  const limit = fieldOf(comparison.body, request);
  if (limit === null) return null;
  const lines = manifestLines(comparison, blame, limit);
  const marked = lines.some(({ sign }) => DIFFERENT.has(sign));
  return { title, lines, differs: limit.length === 0 ? comparison.differs : marked, remark: '', kind: 'compared' };
}

const DIFFERENT = new Set<AnnotatedLine['sign']>(['~', '+', '-']);

/** Keys and places of the field that is asked for; null where an object does not have it. */
function fieldOf(body: JsonObject, { lines: { field } }: Request): string[] | null {
  return field === undefined ? [] : findField(body, parseField(field));
}

/** The type of a manifest's object. Rejects with type-unknown. */
export async function typeOfObject(object: JsonObject, reader: LedgerReader, io: Io): Promise<NamedType> {
  const [group = '', version] = apiVersionOf(object).split('/');
  const kind = typeof object.kind === 'string' ? object.kind : '';
  return typeOf(version === undefined ? kind : `${kind}.${group}`, reader, io);
}

/** As kubectl does: the file's own, or else -n or the current one; two that differ are a mistake. */
export function namespaceOf(
  object: JsonObject,
  type: NamedType,
  request: Pick<Request, 'namespace' | 'cluster'>,
  io: Io,
): string {
  if (type.namespaced === false) return '';
  const own = metadataText(object, 'namespace');
  if (own !== '' && request.namespace !== undefined && own !== request.namespace) {
    const name = `${displayName(type)} ${metadataText(object, 'name')}`;
    throw new KubeblameError(
      'usage-invalid',
      printable(`the file has ${name} in namespace ${own}, and -n says ${request.namespace}`),
      'leave -n out',
    );
  }
  return own === '' ? (request.namespace ?? currentNamespace(io.env, request.cluster)) : own;
}

/** `2 objects`, then what differs, and what was not compared. */
function summaryOf(answers: readonly Answer[]): string[] {
  const signs = answers.flatMap(({ lines }) => lines.map(({ sign }) => sign));
  const ofSign = (...wanted: AnnotatedLine['sign'][]): number => signs.filter((sign) => wanted.includes(sign)).length;
  const ofKind = (wanted: Answer['kind']): number => answers.filter(({ kind }) => kind === wanted).length;
  const [missing, skipped] = [ofKind('missing'), ofKind('not compared')];
  const [differing, values, extra] = [ofSign('~', '+'), ofSign('?'), ofSign('-')];
  const rest = values + skipped > 0 ? 'nothing else' : extra > 0 ? 'no line of it' : 'no line';
  return [
    count(answers.length, 'object'),
    ...(skipped === 0 ? [] : [`${skipped} not compared`]),
    ...(values === 0 ? [] : [`${count(values, 'value')} not compared (redacted)`]),
    differing === 0 ? `${rest} differs from what the cluster has` : differing === 1 ? '1 line differs' : `${differing} lines differ`, // prettier-ignore
    ...(extra === 0 ? [] : [`${count(extra, 'line')} only in the cluster`]),
    ...(missing === 0 ? [] : [`${missing} not in the cluster`]),
  ];
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`;
}
