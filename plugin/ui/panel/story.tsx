import { signal } from '@preact/signals';
import type { StoryPage } from '../../page/wire.ts';
import { ask } from '../state/server.ts';
import { loaded, moment } from '../state/store.ts';
import { Acts } from './acts.tsx';
import { Asked } from './asked.tsx';

/** Acts that are drawn at once. */
const SHOWN = 150;
const people = signal(true);

/** Which acts: null: all that are loaded, up to the moment that is shown. */
export function StoryPanel({ query }: { query: Record<string, string> | null }) {
  const filter = (
    <p class="filter" role="group" aria-label="Whose changes">
      <button type="button" aria-pressed={people.value} onClick={() => (people.value = true)}>
        People
      </button>
      <button type="button" aria-pressed={!people.value} onClick={() => (people.value = false)}>
        People and robots
      </button>
    </p>
  );
  if (query !== null) return <Story query={query} />;
  const at = moment.value;
  const acts = (loaded.value?.acts ?? []).filter((act) => act.at <= at && (!people.value || act.kind === 'person'));
  return (
    <div class="body">
      {filter}
      {acts.length === 0 ? (
        <p class="note">
          {people.value
            ? 'No person has changed anything up to this moment.'
            : 'Nothing has happened up to this moment.'}
        </p>
      ) : (
        <Acts acts={acts.slice(0, SHOWN)} />
      )}
      {acts.length > SHOWN && <p class="note">{acts.length - SHOWN} older acts: drag the moment back</p>}
    </div>
  );
}

/** All that happened to something, or that somebody did, whether it is loaded or not. */
export function Story({ query }: { query: Record<string, string> }) {
  const key = JSON.stringify(query) + (loaded.value?.snapshot.at ?? 0);
  return (
    <div class="body">
      <Asked key={key} of={key} question={() => ask<StoryPage>('/page/story', query)}>
        {({ acts, more, denied }) => (
          <>
            {acts.length === 0 ? <p class="note">Nothing is recorded.</p> : <Acts acts={acts} days />}
            {more && <p class="note">There are older ones.</p>}
            {denied.length > 0 && <p class="note">You may not read {denied.join(', ')}.</p>}
          </>
        )}
      </Asked>
    </div>
  );
}
