import { KubeblameError } from '../../shared/errors.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { HistorySource } from './browse-history.ts';
import { StorySource } from './browse-story.ts';
import { documentsOf, withoutProgress } from './browse-texts.ts';
import { showHistory } from './history.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';
import { asksForStory, showStory } from './story.ts';

/** `kubectl blame -i`: the story or a history, to be browsed on a terminal. An empty one is explained as without -i. */
export async function browseChanges(
  selection: Selection,
  period: { since?: number; until?: number },
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  if (io.openScreen === undefined) {
    throw new KubeblameError('usage-invalid', '-i needs a terminal: it reads keys and fills the screen', 'leave -i out in a pipe or a script'); // prettier-ignore
  }
  const story = asksForStory(selection, request);
  const asked = { selection, period, request, reader, io: withoutProgress(io), documents: documentsOf(request, reader, io) }; // prettier-ignore
  const source = story ? new StorySource(asked) : new HistorySource(asked);
  if (!(await source.start())) {
    if (story) await showStory(selection, period, request, reader, io);
    else await showHistory(selection, period, request, reader, io);
    return;
  }
  // What tells of progress, and a pager, would write over the screen.
  io.live?.();
  const { browse } = await import('../browser/browser.ts');
  await browse(source, await io.openScreen());
}
