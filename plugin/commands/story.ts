import { startOf } from '../../shared/acts/acts.ts';
import { formatUtc } from '../../shared/time.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { actList } from '../views/act-json.ts';
import { document } from '../views/json.ts';
import { marksLegend } from '../views/operation.ts';
import { gapsIn, storyLines, type StoryOptions } from '../views/story.ts';
import { printable } from '../views/text.ts';
import { explainEmpty } from './empty.ts';
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
  if (newest === undefined || oldest === undefined) {
    if (encoded !== null) io.out(document(actList([], []), encoded));
    await explainEmpty(selection, period, request.matches, reader, io);
  } else {
    const [from, to] = [period.since ?? startOf(oldest), period.until ?? io.now];
    const gaps = gapsIn(await reader.coverage(), from, to, acts);
    const count = `${acts.length}${more ? ' newest' : ''} ${acts.length === 1 ? 'act' : 'acts'}`;
    const when = periodText(period, startOf(oldest), startOf(newest), io.style);
    note(io, [selection.title, count, when].join(` ${io.style.dot} `));
    if (encoded !== null) io.out(document(actList(reverse ? [...acts].reverse() : acts, gaps), encoded));
    else {
      const options = { ...storyOptions(selection, request), expand: () => expand };
      print(io, storyLines(acts, gaps, options, io.style));
      for (const line of marksLegend(acts.flatMap(({ changes }) => changes).filter(({ effect }) => effect !== 'none'))) note(io, line); // prettier-ignore
    }
    if (more)
      note(io, `there are older ones: --limit ${limit * 2}, or --until ${formatUtc(olderAt ?? startOf(oldest))}`);
  }
  if (story.withoutConsequences) note(io, WITHOUT_CONSEQUENCES);
  tellDenied(denied, io);
  tellHidden(hidden, more, io);
}

/** Where consequences were not looked for. */
export const WITHOUT_CONSEQUENCES = 'too much happened meanwhile to look for what followed: narrow it with --since and --until'; // prettier-ignore

/** What is to be read for the story. `folded`: what followed from an act is only counted. */
export function storyQuery(
  { scopes }: Selection,
  period: { since?: number; until?: number },
  request: Request,
  folded: boolean,
): StoryQuery {
  const { grep } = request.history;
  return {
    ...{ scopes, period, filtered: Object.keys(request.matches).length > 0 },
    query: { ...changeQuery(request), bodies: false, causes: true, folded },
    wanted: (act) => grep === null || act.changes.some(grep),
  };
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
