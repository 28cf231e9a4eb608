import type { ObjectRef } from '../../../shared/types.ts';
import type { ActLine } from '../../page/wire.ts';
import { lit, model, moment, objectsBySeq, select, show, shown } from '../state/store.ts';
import { clock, dayAndClock, idOf, shortWho } from '../words.ts';

export type ActWithObjects = ActLine & { objects?: ObjectRef[] };

/** Acts, newest first, in the story's words. The first that has happened at the moment that is shown is marked. */
export function Acts({ acts, days = false }: { acts: readonly ActWithObjects[]; days?: boolean }) {
  const at = moment.value;
  const current = acts.find((act) => act.at <= at)?.id;
  return (
    <ol class="acts">
      {acts.map((act) => (
        <li key={act.id} class={`act ${act.kind}${act.id === current ? ' current' : ''}${act.at > at ? ' later' : ''}`}>
          <button
            type="button"
            onClick={() => {
              show({ at: act.at });
              select(`change:${act.id}`);
            }}
            onMouseEnter={() => light(act)}
            onMouseLeave={() => (lit.value = new Set())}
            onFocus={() => light(act)}
            onBlur={() => (lit.value = new Set())}
          >
            <span class="when">{days ? dayAndClock(act.at) : clock(act.at)}</span>
            <span class="who">
              <i aria-hidden="true">{act.kind === 'person' ? '●' : act.kind === 'robot' ? '◇' : '○'}</i>{' '}
              {shortWho(act.who)}
            </span>
            <span class="deed">{act.text}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** Lights the boxes that an act touched, with what followed from it. */
function light(act: ActWithObjects): void {
  const boxOf = model.value?.boxOf ?? {};
  const rows = objectsBySeq.value;
  const objects = act.objects ?? [...act.changes, ...act.followed].flatMap((seq) => rows.get(seq)?.object ?? []);
  lit.value = new Set(objects.map((object) => boxOf[object.uid] ?? idOf(object)));
}

/** Selects the person behind a name that is shown. */
export function Who({ who }: { who: string }) {
  const name = who.split(' ')[0] ?? who;
  if (name === '' || name === '-' || name === 'unknown' || name === 'before') return <>{who}</>;
  return (
    <button type="button" class="link" onClick={() => select(`user:${name}`, { tab: shown.value.tab })}>
      {shortWho(who)}
    </button>
  );
}
