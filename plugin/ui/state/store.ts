import { computed, signal } from '@preact/signals';
import type { ObjectRef } from '../../../shared/types.ts';
import type { ActLine, Row, Snapshot } from '../../page/wire.ts';
import type { Layout, MapModel, ReleaseMark } from '../worker/protocol.ts';
import { START, type Shown } from './link.ts';

/** A change, with its object. */
export type ChangeRow = Omit<Row, 'object'> & { object: ObjectRef };

/** What of the record is loaded into the page. */
export interface Loaded {
  snapshot: Snapshot;
  /** Oldest first. */
  rows: ChangeRow[];
  /** Newest first. */
  acts: ActLine[];
  marks: ReleaseMark[];
  from: number;
  to: number;
  /** For what is older; null where all is loaded. */
  older: number | null;
}

export const shown = signal<Shown>(START);
export const loaded = signal<Loaded | null>(null);
/** What is being done; '' for nothing. */
export const progress = signal('');
export const failure = signal<{ message: string; hint: string } | null>(null);
export const model = signal<MapModel | null>(null);
export const layout = signal<Layout | null>(null);
/** Boxes that are lit: those that a change under the pointer touched. */
export const lit = signal<ReadonlySet<string>>(new Set());
export const playing = signal(false);
/** An overlay: the search, or the keys. */
export const overlay = signal<'' | 'search' | 'keys' | 'export'>('');
/** What screen readers are told. */
export const spoken = signal('');

/** The moment that is shown, in ms. */
export const moment = computed(() => shown.value.at ?? loaded.value?.to ?? 0);
/** The part of the time that the timeline shows. */
export const range = computed(() => {
  const { range } = shown.value;
  const all = loaded.value;
  if (all === null) return { from: 0, to: 1 };
  const pad = Math.max(1000, (all.to - all.from) * 0.01);
  return range ?? { from: all.from - pad, to: all.to + pad };
});
export const objectsBySeq = computed(() => new Map((loaded.value?.rows ?? []).map((row) => [row.seq, row])));

export function show(change: Partial<Shown>): void {
  shown.value = { ...shown.value, ...change };
}

/** Tells of something in the panel. */
export function select(selected: string, change: Partial<Shown> = {}): void {
  show({ selected, objectTab: selected.startsWith('object:') ? shown.value.objectTab : 'history', ...change });
}

/** Moves the moment; where it is dragged to the end, it stays there until "now" is pressed. */
export function goTo(at: number): void {
  const all = loaded.value;
  if (all === null) return;
  show({ at: Math.round(Math.min(Math.max(at, all.from), all.to)) });
}
