import { KubeblameError } from '../../shared/errors.ts';
import { findFields, parseField } from '../../shared/field-path.ts';
import type { BlameQuery, LedgerReader, ObjectBlame, Scope } from '../../shared/types.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Io } from '../io.ts';
import { annotatedLines, type AnnotatedLine } from '../views/annotated-lines.ts';
import { linesLegend, linesView } from '../views/lines.ts';
import { objectTitle } from '../views/object-name.ts';
import { momentText } from '../views/times.ts';
import { changeWho } from '../views/who.ts';
import { printable } from '../views/text.ts';
import { requireField } from './field-known.ts';
import { note, print, tellDenied, tellGaps } from './notes.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';
import { notThen } from './states.ts';

/** Objects fetched at once. */
const PAGE = 100;

/** `kubectl blame TYPE NAME --format lines`: the object's YAML, and who set each line. */
export async function showLines(
  selection: Selection,
  at: number,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const { blames, denied, more } = await fetchBlames(selection, at, request, reader);
  const { style } = io;
  const { field } = request.lines;
  tellDenied(denied, io);
  if (blames.length === 0) {
    if (field !== undefined) await requireField(selection, field, reader, io);
    if (selection.single) throw await nothingToAnnotate(selection, at, request, reader, io);
    const what = field === undefined ? 'nothing existed' : `nothing had ${printable(field)}`;
    note(io, `${selection.title}: ${what} at ${momentText(at, style)}`);
    await tellGaps(at, at, reader, io);
    return;
  }
  const many = selection.single ? '' : ` ${style.dot} ${blames.length} ${blames.length === 1 ? 'object' : 'objects'}`;
  note(io, `${selection.title} as of ${momentText(at, style)}${many}`);
  const documents = blames.map((blame) =>
    (field === undefined ? [[]] : findFields(blame.body, parseField(field))).flatMap((at) => annotatedLines(blame, at)),
  );
  printDocuments(
    blames.map((blame) => (selection.single ? null : objectTitle(blame.object, style))),
    documents,
    io,
  );
  if (more) note(io, 'more existed: --limit cut them off');
  await tellGaps(at, at, reader, io);
}

/** Annotated documents, each under its title, then what their marks mean. `compared`: of a manifest with the cluster. */
export function printDocuments(
  titles: readonly (string | null)[],
  documents: readonly (readonly AnnotatedLine[])[],
  io: Io,
  compared = false,
): void {
  const { chalk } = io.style;
  const output = linesView(documents, io.style).flatMap((lines, index) => {
    const title = titles[index] ?? null;
    const heading = title === null ? [] : [...(index === 0 ? [] : ['']), chalk.bold(`# ${title}`)];
    return [...heading, ...lines];
  });
  print(io, output);
  for (const line of linesLegend(documents, io.style, compared)) note(io, line);
}

/** The parts of the question that do not depend on where to look. */
export function blameQuery(scope: Scope, at: number, { lines }: Request, limit: number): BlameQuery {
  return {
    scope,
    at,
    limit,
    ...(lines.field === undefined ? {} : { field: lines.field }),
    ...(lines.removed ? { removed: true } : {}),
    ...(lines.ignore.length === 0 ? {} : { ignore: lines.ignore }),
    ...(lines.humans ? { humans: true } : {}),
  };
}

async function fetchBlames(
  { scopes }: Selection,
  at: number,
  request: Request,
  reader: LedgerReader,
): Promise<{ blames: ObjectBlame[]; denied: Set<string>; more: boolean }> {
  const blames: ObjectBlame[] = [];
  const denied = new Set<string>();
  const limit = request.limit ?? Number.POSITIVE_INFINITY;
  let more = false;
  for (const scope of scopes) {
    let next: string | undefined;
    do {
      const query = blameQuery(scope, at, request, PAGE);
      const page = await reader.blame({ ...query, ...(next === undefined ? {} : { continue: next }) });
      blames.push(...page.blames);
      for (const type of page.denied ?? []) denied.add(type);
      next = page.next ?? undefined;
    } while (next !== undefined && blames.length < limit);
    more ||= next !== undefined;
  }
  return { blames: blames.slice(0, limit), denied, more: more || blames.length > limit };
}

/** The one object that was named has no lines to show: it lacks the field, was deleted, or did not exist then. */
async function nothingToAnnotate(
  selection: Selection,
  at: number,
  { lines }: Request,
  reader: LedgerReader,
  io: Io,
): Promise<KubeblameError> {
  const [scope = {}] = selection.scopes;
  if (lines.field !== undefined && (await reader.states({ scope, at, limit: 1 })).states.length > 0) {
    const field = printable(lines.field);
    return new KubeblameError(
      'field-absent',
      `${selection.title} had no field ${field} at ${momentText(at, io.style)}`,
      `without --format lines, --field ${field} shows its history`,
    );
  }
  const { changes } = await reader.changes({ scope, until: at, status: true, limit: 1 });
  const [last] = changes;
  if (last?.effect !== 'deleted') return notThen(selection, at, reader, io);
  const who = last.actor === null ? 'it was deleted' : `${changeWho(last, io.style)} deleted it`;
  return new KubeblameError(
    'name-unknown',
    `${selection.title} did not exist at ${momentText(at, io.style)}: ${who} at ${momentText(last.at, io.style)}`,
    `--at ${formatUtc(last.at - 1)} shows it as it was before`,
  );
}
