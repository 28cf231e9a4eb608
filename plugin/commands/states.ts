import { KubeblameError } from '../../shared/errors.ts';
import type { LedgerReader, State } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { document, jsonLines, objectList } from '../views/json.ts';
import { qualifiedObjectName } from '../views/object-name.ts';
import { statesTable } from '../views/states-table.ts';
import { momentText, spanText } from '../views/times.ts';
import { note, print, tellCoverage, tellDenied, tellGaps, tellRedacted } from './notes.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';

/** Objects fetched at once. */
const PAGE = 500;

/** `kubectl blame --at TIME`: what existed then. */
export async function showStates(
  selection: Selection,
  at: number,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const { shown, denied, more } = await fetchStates(selection, at, request, reader, io);
  const [only] = shown;
  if (only === undefined) {
    tellDenied(denied, io);
    if (!selection.single) note(io, `${selection.title}: nothing existed at ${momentText(at, io.style)}`);
    await tellCoverage(at, at, reader, io);
    if (selection.single) throw await notThen(selection, at, reader, io);
    return;
  }
  const many = selection.single ? '' : ` ${io.style.dot} ${shown.length} ${shown.length === 1 ? 'object' : 'objects'}`;
  note(io, `${selection.title} as of ${momentText(at, io.style)}${many}`);
  const { format } = request;
  if (selection.single && (format === null || format === 'yaml' || format === 'json')) {
    io.out(document(only.body, format ?? 'yaml'));
  } else if (format === 'jsonl') {
    io.out(jsonLines(shown.map(({ body }) => body)));
  } else if (format === 'name') {
    print(
      io,
      shown.map(({ object }) => qualifiedObjectName(object)),
    );
  } else if (format === 'json' || format === 'yaml') {
    io.out(document(objectList(shown.map(({ body }) => body)), format));
  } else {
    print(
      io,
      statesTable(
        shown,
        at,
        io.style,
        selection.scopes.every(({ namespace }) => namespace !== undefined),
      ),
    );
  }
  if (format !== 'name' && (format !== null || selection.single)) tellRedacted(shown, io);
  tellDenied(denied, io);
  if (more) note(io, 'more existed: --limit cut them off');
  const unsettled = shown.filter(({ outcome }) => outcome !== 'committed').length;
  if (unsettled > 0) {
    note(
      io,
      `${unsettled === 1 && shown.length === 1 ? 'this relies' : `${unsettled} of these rely`} on an attempt that nothing has confirmed yet`,
    );
  }
  await tellGaps(at, at, reader, io);
}

async function fetchStates(
  { scopes }: Selection,
  at: number,
  { limit }: Request,
  reader: LedgerReader,
  io: Io,
): Promise<{ shown: State[]; denied: Set<string>; more: boolean }> {
  const states: State[] = [];
  const denied = new Set<string>();
  let more = false;
  for (const scope of scopes) {
    let next: string | undefined;
    do {
      const page = await reader.states({ scope, at, limit: PAGE, ...(next === undefined ? {} : { continue: next }) });
      states.push(...page.states);
      for (const type of page.denied ?? []) denied.add(type);
      io.progress?.(`${states.length} objects`);
      next = page.next ?? undefined;
    } while (next !== undefined && (limit === null || states.length < limit));
    more ||= next !== undefined;
  }
  if (limit === null) return { shown: states, denied, more };
  return { shown: states.slice(0, limit), denied, more: more || states.length > limit };
}

/** The object is known, but not of that moment. */
export async function notThen(
  { scopes, title }: Selection,
  at: number,
  reader: LedgerReader,
  io: Io,
): Promise<KubeblameError> {
  const [scope] = scopes;
  const known = scope === undefined ? [] : await reader.objects({ scope, limit: PAGE });
  const spans = known.map(({ firstAt, lastAt }) => spanText(firstAt, lastAt, io.style));
  return new KubeblameError(
    'name-unknown',
    `${title} did not exist at ${momentText(at, io.style)}`,
    spans.length === 0 ? undefined : `its record: ${spans.join('; ')}`,
  );
}
