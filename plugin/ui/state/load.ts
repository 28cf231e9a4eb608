import { effect } from '@preact/signals';
import type { ChangesOfWindow, Snapshot } from '../../page/wire.ts';
import type { CoverageInterval } from '../../../shared/types.ts';
import { readLink, writeLink } from './link.ts';
import { AnswerError, ask } from './server.ts';
import {
  failure,
  layout,
  loaded,
  model,
  moment,
  progress,
  shown,
  spoken,
  type ChangeRow,
  type Loaded,
} from './store.ts';
import { startWorker, type WorkerClient } from './worker-client.ts';

/** Changes that are loaded at first: what is older comes when it is asked for. */
const FIRST = 4000;
/** How long the server waits for a change before it says that there was none, in ms. */
const WAIT_MS = 25_000;
/** Changes that come one after the other are taken in together, in ms. */
const GATHER_MS = 1500;

let client: WorkerClient | null = null;

export function worker(): WorkerClient {
  return (client ??= startWorker());
}

/** Loads what exists, draws it, and then loads what happened. */
export async function start(): Promise<void> {
  shown.value = readLink(location.hash);
  try {
    await load();
  } catch (error) {
    tell(error);
    return;
  }
  followAddress();
  followMoment();
  void followLedger();
}

export function tell(error: unknown): void {
  if (error instanceof AnswerError) failure.value = { message: error.message, hint: error.hint };
  else failure.value = { message: error instanceof Error ? error.message : String(error), hint: 'reload the page' };
  progress.value = '';
}

async function load(): Promise<void> {
  const isFirst = loaded.value === null;
  if (isFirst) progress.value = 'Loading what exists…';
  const snapshot = await ask<Snapshot>('/page/snapshot');
  const to = endOf(snapshot);
  const empty: Loaded = { snapshot, rows: [], acts: [], marks: [], from: snapshot.info.firstAt ?? to, to, older: null };
  if (isFirst) {
    // Facts of the moment that a link asks for, until all of the window is there.
    const { at } = shown.value;
    await worker().ask('start', at === null ? snapshot : await ask<Snapshot>('/page/snapshot', { at }));
    loaded.value = empty;
    await draw();
  }
  const pages = await fetchPages(empty, FIRST, isFirst);
  // Nothing is drawn while the worker has a part only.
  await drawing;
  reloading = true;
  try {
    await worker().ask('start', snapshot);
    const next = { ...empty };
    for (const page of pages) await take(page, next);
    loaded.value = bounded(next);
  } finally {
    reloading = false;
  }
  progress.value = '';
}

let reloading = false;

/** Where recording has stopped, the record ends there, and not in the present. */
function endOf({ coverage, at }: { coverage: readonly CoverageInterval[]; at: number }): number {
  const last = coverage.at(-1);
  return last?.covered === false && last.to === null && coverage.length > 1 ? last.from : at;
}

/** Changes, newest first, until there are so many. */
async function fetchPages(
  { snapshot, older }: Loaded,
  wanted: number,
  tellProgress: boolean,
): Promise<ChangesOfWindow[]> {
  const pages: ChangesOfWindow[] = [];
  let [before, found] = [older, 0];
  do {
    if (tellProgress) progress.value = `Loading what happened… ${found} changes`;
    const page: ChangesOfWindow = await ask('/page/changes', {
      until: snapshot.at,
      ...(before === null ? {} : { before }),
    });
    pages.push(page);
    found += Math.max(1, page.rows.length);
    before = page.next;
  } while (before !== null && found < wanted);
  return pages;
}

/** The window reaches back to the first change that is known; where all are, to the beginning of the record. */
function bounded(all: Loaded): Loaded {
  const oldest = all.rows[0]?.at ?? all.to;
  return { ...all, from: all.older === null ? Math.min(all.snapshot.info.firstAt ?? oldest, oldest) : oldest };
}

async function take({ objects, rows, turns, acts, next }: ChangesOfWindow, into: Loaded): Promise<void> {
  const withObject = <T extends { object: number }>(each: T) => {
    const object = objects[each.object];
    return object === undefined ? [] : [{ ...each, object }];
  };
  const changes: ChangeRow[] = rows.flatMap(withObject);
  const { marks } = await worker().ask('turns', turns.flatMap(withObject));
  into.rows = [...changes, ...into.rows].sort((a, b) => a.at - b.at || a.seq - b.seq);
  into.acts = [...into.acts, ...acts];
  into.marks = [...into.marks, ...marks].sort((a, b) => a.at - b.at);
  into.older = next;
}

/** Loads what is older than all that is loaded. */
export async function loadOlder(): Promise<void> {
  const all = loaded.value;
  if (all === null || all.older === null || progress.value !== '') return;
  try {
    const pages = await fetchPages(all, FIRST, true);
    const more = { ...all };
    for (const page of pages) await take(page, more);
    loaded.value = bounded(more);
    await draw();
  } catch (error) {
    tell(error);
  }
  progress.value = '';
}

/** Browsers take only so many addresses in a time: while something is dragged, none is written. */
const WRITE_MS = 200;

/** The address has all that is shown, and what somebody pastes into it is shown. */
function followAddress(): void {
  let written = writeLink(shown.value);
  let timer = 0;
  effect(() => {
    const link = writeLink(shown.value);
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      written = link;
      history.replaceState(null, '', link === '' ? location.pathname : `#${link}`);
    }, WRITE_MS);
  });
  addEventListener('hashchange', () => {
    if (location.hash.slice(1) !== written) shown.value = readLink(location.hash);
  });
}

let laidOut = '';
let drawing: Promise<void> | null = null;
let again = false;

/** Draws the moment that is shown. One at a time: while one is on its way, only the newest waits. */
export function draw(): Promise<void> {
  if (drawing !== null) {
    again = true;
    return drawing;
  }
  drawing = drawOnce()
    .catch(tell)
    .finally(() => {
      drawing = null;
      if (!again) return;
      again = false;
      void draw();
    });
  return drawing;
}

async function drawOnce(): Promise<void> {
  const all = loaded.value;
  if (all === null || reloading) return;
  const { level, focus } = shown.value;
  const view = { level, focus };
  const at = moment.value;
  const key = JSON.stringify([view, all.rows.length, all.snapshot.at]);
  if (key !== laidOut) {
    laidOut = key;
    layout.value = await worker().ask('layout', { from: all.from, to: all.to, at, view });
  }
  model.value = await worker().ask('map', { at, view });
}

function followMoment(): void {
  let told = '';
  effect(() => {
    const { level, focus } = shown.value;
    const key = JSON.stringify([moment.value, level, focus, loaded.value?.rows.length, loaded.value?.snapshot.at]);
    if (key === told) return;
    told = key;
    void draw();
  });
}

/** Takes in what is recorded from now on. The moment stays where it is, unless it is now. */
async function followLedger(): Promise<void> {
  for (;;) {
    const last = loaded.value?.rows.reduce((newest, { seq }) => Math.max(newest, seq), 0) ?? 0;
    try {
      const page = await ask<{ changes: { seq: number }[]; next: number }>('/api/v1/changes', {
        after: Math.max(last, follow),
        waitMs: WAIT_MS,
        limit: 1000,
      });
      if (page.changes.length === 0) continue;
      follow = Math.max(follow, page.next);
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      await load();
      spoken.value = `${page.changes.length} new changes`;
      failure.value = null;
    } catch (error) {
      tell(error);
      await new Promise((resolve) => setTimeout(resolve, 10 * GATHER_MS));
    }
  }
}

let follow = 0;
