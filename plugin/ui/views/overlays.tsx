import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { worker } from '../state/load.ts';
import { moment, overlay, select, show } from '../state/store.ts';
import type { Found } from '../worker/protocol.ts';
import { exportAs, EXPORTS } from './exports.ts';

export function Overlays() {
  switch (overlay.value) {
    case 'search':
      return <Search />;
    case 'keys':
      return <Keys />;
    case 'export':
      return <Export />;
    case '':
      return null;
  }
}

function close(): void {
  overlay.value = '';
}

function Dialog({ title, children }: { title: string; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="inner">{children}</div>
    </dialog>
  );
}

const found = signal<Found[]>([]);
const chosen = signal(0);

function Search() {
  const pick = (each: Found | undefined): void => {
    if (each === undefined) return;
    close();
    select(each.id, { tab: 'map' });
  };
  const look = async (text: string): Promise<void> => {
    found.value = await worker().ask('search', { at: moment.value, text });
    chosen.value = 0;
  };
  return (
    <Dialog title="Search">
      <input
        type="search"
        placeholder="Application, team, object, host…"
        aria-label="Search"
        aria-controls="found"
        aria-activedescendant={found.value.length > 0 ? `found-${chosen.value}` : undefined}
        onInput={(event) => void look(event.currentTarget.value)}
        onKeyDown={(event) => {
          const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
          if (step !== 0) {
            event.preventDefault();
            chosen.value = Math.max(0, Math.min(found.value.length - 1, chosen.value + step));
          }
          if (event.key === 'Enter') pick(found.value[chosen.value]);
        }}
      />
      <ul class="found" id="found" role="listbox" aria-label="Found">
        {found.value.map((each, index) => (
          <li
            key={each.id}
            id={`found-${index}`}
            role="option"
            aria-selected={index === chosen.value}
            onClick={() => pick(each)}
          >
            <b>{each.title}</b>{' '}
            <span class="dim">
              {each.what}
              {each.application === '' ? '' : ` · ${each.application}`}
            </span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

const KEYS: [keys: string, what: string][] = [
  ['← →', 'earlier and next change'],
  ['shift ← →', 'earlier and next release'],
  ['space', 'play'],
  ['n', 'to now, or the end of the record'],
  ['/', 'search'],
  ['Tab, Enter', 'through the boxes of the map; tell of one'],
  ['f', 'focus the box: what is in it, or around it'],
  ['[ ]', 'end a comparison; compare from here'],
  ['m t b d c', 'map, table, by hand, denied, compare'],
  ['Esc', 'close, then unfocus'],
];

function Keys() {
  return (
    <Dialog title="Keys">
      <h2>Keys</h2>
      <table class="list">
        <tbody>
          {KEYS.map(([keys, what]) => (
            <tr key={keys}>
              <th scope="row">
                <kbd>{keys}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p>
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    </Dialog>
  );
}

const told = signal('');

function Export() {
  return (
    <Dialog title="Share">
      <h2>Share what is shown</h2>
      <ul class="exports">
        {EXPORTS.map(({ name, about, what }) => (
          <li key={name}>
            <button type="button" onClick={() => void exportAs(what).then((text) => (told.value = text))}>
              {name}
            </button>{' '}
            <span class="dim">{about}</span>
          </li>
        ))}
      </ul>
      <p role="status">{told.value}</p>
      <p>
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    </Dialog>
  );
}

/** The keys of the page. Those of a field for text are left to it. */
export function followKeys(actions: Record<string, (event: KeyboardEvent) => void>): void {
  document.addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement;
    if (
      /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      overlay.value !== ''
    )
      return;
    const isButton = target.tagName === 'BUTTON' || target.getAttribute('role') === 'button';
    if (event.key === ' ' && isButton) return;
    // In a list of tabs, and in what scrolls, arrows are theirs.
    if (event.key.startsWith('Arrow') && target.closest('.code') !== null) return;
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (action === undefined) return;
    event.preventDefault();
    action(event);
  });
}

export function unfocus(): void {
  show({ focus: { kind: 'all' } });
}
