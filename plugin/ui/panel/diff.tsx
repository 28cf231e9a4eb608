import { signal } from '@preact/signals';
import type { DiffPage, DiffRow } from '../../page/wire.ts';

const sideBySide = signal(false);

/** What differs between two versions: one below the other, or side by side. */
export function DiffView({ page }: { page: DiffPage }) {
  const { hunks, existed, users } = page;
  if (hunks.length === 0)
    return (
      <p class="note">
        {existed.includes(true) ? 'Nothing differs.' : 'It existed at neither of these moments, or nothing differs.'}
      </p>
    );
  return (
    <>
      <p class="filter" role="group" aria-label="How the diff is shown">
        <button type="button" aria-pressed={!sideBySide.value} onClick={() => (sideBySide.value = false)}>
          Unified
        </button>
        <button type="button" aria-pressed={sideBySide.value} onClick={() => (sideBySide.value = true)}>
          Side by side
        </button>
        {users.length > 0 && <span class="dim"> changed by {users.join(', ')}</span>}
      </p>
      <div class={`code diff${sideBySide.value ? ' beside' : ''}`} tabIndex={0} role="region" aria-label="Diff">
        {hunks.map(({ path, rows }, index) => (
          <table key={index}>
            {path !== '' && <caption>{path}</caption>}
            <tbody>
              {rows.map((row, place) =>
                sideBySide.value ? <Beside key={place} row={row} /> : <Unified key={place} row={row} />,
              )}
            </tbody>
          </table>
        ))}
      </div>
    </>
  );
}

function isSame({ before, after }: DiffRow): boolean {
  return before !== null && after !== null && before.text === after.text;
}

function Unified({ row }: { row: DiffRow }) {
  const { before, after } = row;
  if (isSame(row))
    return (
      <tr>
        <td class="sign"> </td>
        <td class="text">{after?.text}</td>
      </tr>
    );
  return (
    <>
      {before !== null && (
        <tr class="removed">
          <td class="sign">−</td>
          <td class="text">{before.text}</td>
        </tr>
      )}
      {after !== null && (
        <tr class="added">
          <td class="sign">+</td>
          <td class="text">{after.text}</td>
        </tr>
      )}
    </>
  );
}

function Beside({ row }: { row: DiffRow }) {
  const same = isSame(row);
  return (
    <tr>
      <td class={`text${same || row.before === null ? '' : ' removed'}`}>{row.before?.text ?? ''}</td>
      <td class={`text${same || row.after === null ? '' : ' added'}`}>{row.after?.text ?? ''}</td>
    </tr>
  );
}
