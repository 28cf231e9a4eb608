import { startOf } from '../../shared/acts/acts.ts';
import { groupEvents } from '../../shared/events/after.ts';
import { formatUtc } from '../../shared/time.ts';
import type { JsonObject, LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { actList } from '../views/act-json.ts';
import { eventItem } from '../views/events-table.ts';
import { document } from '../views/json.ts';
import { marksLegend } from '../views/operation.ts';
import { gapsIn, storyLines, type StoryOptions } from '../views/story.ts';
import { printable } from '../views/text.ts';
import { explainEmpty } from './empty.ts';
import { readTimeLine, tellTimeLine, type FoundEvents } from './read-events.ts';
import { changeQuery, periodText } from './history.ts';
import { StoryReader, type StoryQuery } from './load-story.ts';
import { note, print, tellDenied, tellHidden } from './notes.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';

/** Acts that are shown where --limit does not say: a screen or two. */
const DEFAULT_LIMIT = 30;

/** True where a question is answered with the story: what happened, without a type, a field or another view. */
export function asksForStory({ story }: Selection, { format, view, lines, history, attempts }: Request): boolean {
  if (view !== null) return view === 'story';
  const fits = format === null || format === 'json' || format === 'yaml';
  return story && fits && lines.field === undefined && !history.watch && !attempts;
}

/** `kubectl blame`, `kubectl blame ns NAME`: what happened, an act a line, the newest first. */
export async function showStory(
  selection: Selection,
  period: { since?: number; until?: number },
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const limit = request.limit ?? DEFAULT_LIMIT;
  const { reverse, expand } = request.history;
  const story = await new StoryReader(storyQuery(selection, period, request, !expand), reader, io).load(limit);
  const { acts, hidden, denied, more, olderAt } = story;
  const [newest, oldest] = [acts[0], acts.at(-1)];
  const encoded = request.format === 'json' || request.format === 'yaml' ? request.format : null;
  // No further back than the acts.
  const since = period.since ?? (more && oldest !== undefined ? startOf(oldest) : undefined);
  const span = { ...period, ...(since === undefined ? {} : { since }) };
  const found = request.history.events ? await readTimeLine(selection.scopes, span, reader) : null;
  const events = found === null ? [] : groupEvents(found.events, acts, since ?? 0);
  if ((newest === undefined || oldest === undefined) && events.length === 0) {
    if (encoded !== null) io.out(document(withEvents(actList([], []), found), encoded));
    await explainEmpty(selection, period, request.matches, reader, io);
  } else {
    const [first, last] = [oldest === undefined ? (events.at(-1)?.at ?? 0) : startOf(oldest), newest === undefined ? (events[0]?.at ?? 0) : startOf(newest)]; // prettier-ignore
    const gaps = gapsIn(await reader.coverage(), period.since ?? first, period.until ?? io.now, acts);
    const count = `${acts.length}${more ? ' newest' : ''} ${acts.length === 1 ? 'act' : 'acts'}`;
    note(io, [selection.title, count, periodText(period, first, last, io.style)].join(` ${io.style.dot} `));
    if (encoded !== null)
      io.out(document(withEvents(actList(reverse ? [...acts].reverse() : acts, gaps), found), encoded)); // prettier-ignore
    else {
      const options = { ...storyOptions(selection, request), events, expand: () => expand };
      print(io, storyLines(acts, gaps, options, io.style));
      for (const line of marksLegend(acts.flatMap(({ changes }) => changes).filter(({ effect }) => effect !== 'none'))) note(io, line); // prettier-ignore
    }
    if (more) note(io, `there are older ones: --limit ${limit * 2}, or --until ${formatUtc(olderAt ?? first)}`);
  }
  if (found !== null) tellTimeLine(found, since, io);
  if (story.withoutConsequences) note(io, WITHOUT_CONSEQUENCES);
  tellDenied(denied, io);
  tellHidden(hidden, more, io);
}

function withEvents(list: JsonObject, found: FoundEvents | null): JsonObject {
  return found === null ? list : { ...list, events: found.events.map(eventItem) };
}

/** Where consequences were not looked for. */
export const WITHOUT_CONSEQUENCES = 'too much happened meanwhile to look for what followed: narrow it with --since and --until'; // prettier-ignore

/** What is to be read for the story. `folded`: what followed from an act is only counted. */
export function storyQuery(
  { scopes, story }: Selection,
  period: { since?: number; until?: number },
  request: Request,
  folded: boolean,
): StoryQuery {
  const { grep, events } = request.history;
  // Of some objects: Events are mostly about what followed, which is of other types.
  const isTimeLine = events && !story;
  return {
    ...{ scopes, period, filtered: Object.keys(request.matches).length > 0 || isTimeLine },
    ...(isTimeLine ? { around: placesOf(scopes) } : {}),
    query: { ...changeQuery(request), bodies: false, causes: true, folded },
    wanted: (act) => grep === null || act.changes.some(grep),
  };
}

/** The namespaces of some scopes. */
function placesOf(scopes: readonly Scope[]): Scope[] {
  const namespaces = new Set(scopes.map(({ namespace }) => namespace));
  return namespaces.has(undefined)
    ? [{}]
    : [...namespaces].map((namespace) => (namespace === undefined ? {} : { namespace }));
}

/** How the story is told. */
export function storyOptions(selection: Selection, request: Request): Omit<StoryOptions, 'expand'> {
  const namespace = namespaceOf(selection);
  const title = namespace === null ? selection.title : printable(namespace);
  const { reverse } = request.history;
  return { title, namespaced: namespace !== null, whole: request.format === 'wide', reverse };
}

/** The one namespace that a question is about; null where there are several. */
function namespaceOf({ scopes }: Selection): string | null {
  const [scope, ...others] = scopes;
  return others.length > 0 ? null : (scope?.namespace ?? null);
}
