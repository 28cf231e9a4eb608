import { signal } from '@preact/signals';
import { worker } from '../state/load.ts';
import { moment } from '../state/store.ts';
import { Asked } from './asked.tsx';
import { Pick } from '../views/parts.tsx';

const gone = signal(false);

/** What a change, or the loss, of something reaches. */
export function ImpactView({ id }: { id: string }) {
  const [at, isGone] = [moment.value, gone.value];
  return (
    <>
      <p class="filter" role="group" aria-label="What happens to it">
        <button type="button" aria-pressed={!isGone} onClick={() => (gone.value = false)}>
          If it changed
        </button>
        <button type="button" aria-pressed={isGone} onClick={() => (gone.value = true)}>
          If it were gone
        </button>
      </p>
      <Asked
        key={`${id} ${at} ${isGone}`}
        of={`${id} ${at} ${isGone}`}
        question={() => worker().ask('impact', { at, id, gone: isGone })}
      >
        {(told) =>
          told === null || told.rows.length === 0 ? (
            <p class="note">It reaches nothing that is recorded.</p>
          ) : (
            <>
              <ul class="impact">
                {told.rows.map(({ title, id, effect, certainty, depth, why, application, exposed }, index) => (
                  <li key={index} style={{ paddingLeft: `${depth * 16}px` }}>
                    <b class={`effect ${effect.replace(' ', '-')}`}>
                      {effect}
                      {certainty === 'inferred' ? ' ?' : ''}
                    </b>{' '}
                    {id.startsWith('object:') ? <Pick id={id}>{title}</Pick> : title}
                    {exposed && <b class="exposed"> exposed</b>}
                    <span class="dim">
                      {' '}
                      {why}
                      {application === '' ? '' : ` · ${application}`}
                    </span>
                  </li>
                ))}
              </ul>
              {told.beyond > 0 && <p class="note">{told.beyond} more workloads lie behind these.</p>}
            </>
          )
        }
      </Asked>
    </>
  );
}
