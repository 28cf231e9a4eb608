import type { Focus, Level } from '../worker/protocol.ts';

/*
 * All that the page shows is in the part of its address behind `#`: a link to it shows the same.
 */

export const TOKEN_PARAMETER = 'token';

export const TABS = ['map', 'table', 'manual', 'denied', 'compare'] as const;
export type Tab = (typeof TABS)[number];

export const OBJECT_TABS = ['history', 'lines', 'diff', 'yaml', 'uses', 'impact'] as const;
export type ObjectTab = (typeof OBJECT_TABS)[number];

export interface Shown {
  tab: Tab;
  /** ms; null: now. */
  at: number | null;
  /** The other moment of a comparison. */
  other: number | null;
  level: Level;
  focus: Focus;
  /** What the panel tells of: `app:NAME`, `team:NAME`, `user:NAME`, `change:SEQ`, or a node of the map; '': what happened. */
  selected: string;
  objectTab: ObjectTab;
  /** The part of the time that the timeline shows; null: all that is loaded. */
  range: { from: number; to: number } | null;
}

export const START: Shown = { tab: 'map', at: null, other: null, level: 'apps', focus: { kind: 'all' }, selected: '', objectTab: 'history', range: null }; // prettier-ignore

/** Reads what stands behind the `#`. What cannot be read is as it is without it. */
export function readLink(fragment: string): Shown {
  const search = new URLSearchParams(fragment.replace(/^#/, ''));
  const time = (name: string): number | null => {
    const ms = Date.parse(search.get(name) ?? '');
    return Number.isNaN(ms) ? null : ms;
  };
  const one = <T extends string>(name: string, known: readonly T[], fallback: T): T => known.find((each) => each === search.get(name)) ?? fallback; // prettier-ignore
  const focus = search.get('focus') ?? '';
  const [from, to] = [time('from'), time('to')];
  return {
    tab: one('view', TABS, 'map'),
    at: time('at'),
    other: time('b'),
    level: one('level', ['apps', 'objects'], 'apps'),
    focus: focus === '' ? { kind: 'all' } : focus.startsWith('app:') ? { kind: 'app', name: focus.slice('app:'.length) } : { kind: 'object', id: focus }, // prettier-ignore
    selected: search.get('sel') ?? '',
    objectTab: one('tab', OBJECT_TABS, 'history'),
    range: from !== null && to !== null && from < to ? { from, to } : null,
  };
}

/** What readLink() reads; only what is not as at the start. */
export function writeLink({ tab, at, other, level, focus, selected, objectTab, range }: Shown): string {
  const search = new URLSearchParams();
  const time = (name: string, ms: number | null): void =>
    void (ms !== null && search.set(name, new Date(ms).toISOString()));
  time('at', at);
  if (tab !== START.tab) search.set('view', tab);
  if (focus.kind !== 'all') search.set('focus', focus.kind === 'app' ? `app:${focus.name}` : focus.id);
  if (level !== START.level) search.set('level', level);
  if (selected !== '') search.set('sel', selected);
  if (objectTab !== START.objectTab && selected !== '') search.set('tab', objectTab);
  time('b', other);
  time('from', range?.from ?? null);
  time('to', range?.to ?? null);
  return search.toString();
}
