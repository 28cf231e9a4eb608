import { effect } from '@preact/signals';
import { worker } from '../state/load.ts';
import { loaded, moment, show, shown } from '../state/store.ts';
import { boxTitle, clock, dayAndClock, plural } from '../words.ts';
import type { EdgeRow } from '../worker/protocol.ts';
import { comparison } from './compare-state.ts';
import { Pick } from './parts.tsx';

/** Compares the moment that is shown with the other one, as long as there is one. */
export function followComparison(): void {
  effect(() => {
    const { other, level, focus } = shown.value;
    const at = moment.value;
    if (other === null || loaded.value === null) {
      comparison.value = null;
      return;
    }
    const [a, b] = [Math.min(at, other), Math.max(at, other)];
    void worker()
      .ask('compare', { a, b, view: { level, focus } })
      .then((told) => void (shown.peek().other === other && (comparison.value = told)));
  });
}

/** What two moments differ in. */
export function CompareView() {
  const { other } = shown.value;
  const at = moment.value;
  const told = comparison.value;
  if (other === null) {
    return (
      <div class="page-view">
        <h2>Compare two moments</h2>
        <p class="note">
          Go to the first moment and press <kbd>]</kbd> or the button below; then drag to the second one.
        </p>
        <p>
          <button type="button" class="main" onClick={() => show({ other: at })}>
            Compare with {clock(at)}
          </button>
        </p>
        {(loaded.value?.marks.length ?? 0) > 0 && <Releases />}
      </div>
    );
  }
  const [a, b] = [Math.min(at, other), Math.max(at, other)];
  const rows = (loaded.value?.rows ?? []).filter((row) => row.at > a && row.at <= b);
  const people = [...new Set(rows.filter(({ kind }) => kind === 'person').map(({ who }) => who))];
  return (
    <div class="page-view">
      <h2>
        {dayAndClock(a)} → {dayAndClock(b)}{' '}
        <button type="button" onClick={() => show({ other: null })}>
          End the comparison
        </button>
      </h2>
      <p>
        {plural(rows.length, 'change')} in between, by{' '}
        {people.length === 0
          ? 'robots alone'
          : people.map((who) => (
              <Pick key={who} id={`user:${who}`}>
                {who}
              </Pick>
            ))}
      </p>
      {told !== null && (
        <>
          <h3>Applications</h3>
          {told.applications.length === 0 ? (
            <p class="note">the same</p>
          ) : (
            <ul class="words">
              {told.applications.map(({ name, what }) => (
                <li key={name}>
                  <Pick id={`app:${name}`}>{name}</Pick> {what.join(' · ')}
                </li>
              ))}
            </ul>
          )}
          <h3>On the map</h3>
          <ul class="words">
            {told.boxes.added.map((id) => (
              <li key={id} class="added">
                + {boxTitle(id)}
              </li>
            ))}
            {told.boxes.removed.map((id) => (
              <li key={id} class="removed">
                − {boxTitle(id)}
              </li>
            ))}
            {told.boxes.changed.map(({ id, what }) => (
              <li key={id}>
                ~ <Pick id={id}>{boxTitle(id)}</Pick> {what.join(' · ')}
              </li>
            ))}
            {told.boxes.added.length + told.boxes.removed.length + told.boxes.changed.length === 0 && <li>the same</li>}
          </ul>
          <h3>Edges</h3>
          <ul class="words">
            {told.edges.added.map((row, index) => (
              <EdgeLine key={`+${index}`} row={row} sign="+" />
            ))}
            {told.edges.removed.map((row, index) => (
              <EdgeLine key={`-${index}`} row={row} sign="−" />
            ))}
            {told.edges.added.length + told.edges.removed.length === 0 && <li>the same</li>}
          </ul>
        </>
      )}
    </div>
  );
}

function EdgeLine({ row, sign }: { row: EdgeRow; sign: '+' | '−' }) {
  return (
    <li class={sign === '+' ? 'added' : 'removed'}>
      {sign} {row.from} {row.relation} {row.to}
      {row.key === '' ? '' : ` · ${row.key}`}
      {row.missing === '' ? '' : ` (missing ${row.missing})`}
    </li>
  );
}

function Releases() {
  return (
    <>
      <h3>Releases</h3>
      <ul class="words">
        {(loaded.value?.marks ?? []).map(({ seq, at, text }) => (
          <li key={seq}>
            <button type="button" class="link" onClick={() => show({ other: at - 1, at })}>
              {clock(at)} {text}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
