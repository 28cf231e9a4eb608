import { render } from 'preact';
import { MapView } from './map/map-view.tsx';
import { Panel } from './panel/panel.tsx';
import { start, tell } from './state/load.ts';
import type { Tab } from './state/link.ts';
import { takeToken } from './state/server.ts';
import { failure, loaded, moment, overlay, select, show, shown, spoken } from './state/store.ts';
import { nextChange, nextRelease, togglePlay } from './timeline/moves.ts';
import { Timeline } from './timeline/timeline.tsx';
import { CompareView, followComparison } from './views/compare.tsx';
import { followKeys, Overlays, unfocus } from './views/overlays.tsx';
import { DeniedView, ManualView } from './views/reports.tsx';
import { TableView } from './views/table.tsx';
import { open } from './map/map-view.tsx';

const TITLES: [tab: Tab, title: string][] = [
  ['map', 'Map'],
  ['table', 'Table'],
  ['manual', 'By hand'],
  ['denied', 'Denied'],
  ['compare', 'Compare'],
];

function Page() {
  const { tab, selected, objectTab } = shown.value;
  const isWide = /^(?:object|change):/.test(selected) && (objectTab !== 'history' || selected.startsWith('change:'));
  const all = loaded.value;
  const problem = failure.value;
  return (
    <div class={`page${isWide ? ' wide' : ''}`}>
      <header class="top">
        <h1>
          <span class="logo" aria-hidden="true">
            ◷
          </span>{' '}
          Kubeblame <span class="cluster">{all?.snapshot.info.cluster ?? ''}</span>
        </h1>
        <nav aria-label="Views">
          {TITLES.map(([name, title]) => (
            <button
              key={name}
              type="button"
              aria-current={name === tab ? 'page' : undefined}
              onClick={() => show({ tab: name })}
            >
              {title}
            </button>
          ))}
        </nav>
        <span class="spring" />
        <button type="button" class="search" onClick={() => (overlay.value = 'search')}>
          Search <kbd>/</kbd>
        </button>
        <button type="button" onClick={() => (overlay.value = 'export')}>
          Share
        </button>
        <button type="button" class="keys" onClick={() => (overlay.value = 'keys')} aria-label="Keys">
          ?
        </button>
      </header>
      {problem !== null && (
        <p class="problem" role="alert">
          <b>{problem.message}</b>
          {problem.hint === '' ? '' : `: ${problem.hint}`}
        </p>
      )}
      {all !== null && all.snapshot.rulesProblem !== '' && (
        <p class="problem" role="status">
          No rules apply: {all.snapshot.rulesProblem}
        </p>
      )}
      {all !== null && all.snapshot.denied.length > 0 && (
        <p class="problem quiet" role="status">
          You may not read {all.snapshot.denied.join(', ')}: it is not shown.
        </p>
      )}
      <main>
        {tab === 'map' && <MapView />}
        {tab === 'table' && <TableView />}
        {tab === 'manual' && <ManualView />}
        {tab === 'denied' && <DeniedView />}
        {tab === 'compare' && <CompareView />}
      </main>
      <Panel />
      <Timeline />
      <Overlays />
      <p class="hidden" role="status">
        {spoken.value}
      </p>
    </div>
  );
}

function escape(): void {
  if (shown.value.selected !== '') select('');
  else unfocus();
}

function follow(): void {
  followKeys({
    ArrowLeft: (event) => (event.shiftKey ? nextRelease(-1) : nextChange(-1)),
    ArrowRight: (event) => (event.shiftKey ? nextRelease(1) : nextChange(1)),
    ' ': togglePlay,
    '/': () => (overlay.value = 'search'),
    '?': () => (overlay.value = 'keys'),
    Escape: escape,
    n: () => show({ at: null }),
    '[': () => show({ other: null }),
    ']': () => show({ other: moment.value, tab: 'compare' }),
    f: () => shown.value.selected !== '' && open(shown.value.selected),
    m: () => show({ tab: 'map' }),
    t: () => show({ tab: 'table' }),
    b: () => show({ tab: 'manual' }),
    d: () => show({ tab: 'denied' }),
    c: () => show({ tab: 'compare' }),
  });
  followComparison();
}

takeToken();
const root = document.getElementById('page');
if (root !== null) {
  root.replaceChildren();
  render(<Page />, root);
  follow();
  start().catch(tell);
}
