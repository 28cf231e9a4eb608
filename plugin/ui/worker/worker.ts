import { mapOf } from './boxes.ts';
import { layoutOf } from './layout.ts';
import type { AskName, Asks, Box, Layout, Line, View } from './protocol.ts';
import { compareMoments, impactRows, objectOf, releaseMarks, searchIn, tableOf } from './tells.ts';
import { World } from './world.ts';

const world = new World();

/** For a union of what a window shows: as many moments are looked at as there is time for, in ms. */
const UNION_MS = 350;

const ANSWERS: { [Name in AskName]: (asked: Asks[Name][0]) => Asks[Name][1] } = {
  start: (snapshot) => world.start(snapshot),
  turns: (turns) => {
    world.add(turns);
    return { marks: releaseMarks(turns, world.at(world.count)) };
  },
  map: ({ at, view }) => mapOf(world.at(world.index(at)), view),
  layout: ({ from, to, at, view }) => unionLayout(world.index(from), world.index(to), world.index(at), view),
  table: ({ at }) => tableOf(world.at(world.index(at))),
  object: ({ at, id }) => objectOf(world.at(world.index(at)), id),
  impact: ({ at, id, gone }) => impactRows(world.at(world.index(at)), id, gone),
  compare: ({ a, b, view }) => compareMoments(world.at(world.index(a)), world.at(world.index(b)), view),
  search: ({ at, text }) => searchIn(world.at(world.index(at)), text),
};

/** The places of all that exists at some moment of a window: so nothing moves while the window is dragged through. */
function unionLayout(from: number, to: number, at: number, view: View): Layout {
  const boxes = new Map<string, Box>();
  const lines = new Map<string, Line>();
  const look = (index: number): void => {
    const model = mapOf(world.at(index), view);
    for (const box of model.boxes) if (!boxes.has(box.id)) boxes.set(box.id, box);
    for (const line of model.lines) if (!lines.has(line.id)) lines.set(line.id, line);
  };
  // What is looked at first decides where things stand: the moment that is shown.
  look(at);
  const until = performance.now() + UNION_MS;
  for (const index of spread(from, to)) {
    if (performance.now() > until) break;
    look(index);
  }
  return layoutOf([...boxes.values()], [...lines.values()]);
}

/** The numbers of an interval, coarse steps first. */
function* spread(from: number, to: number): Generator<number> {
  const seen = new Set<number>();
  yield to;
  yield from;
  for (let step = Math.max(1, (to - from) / 2); ; step /= 2) {
    for (let index = from; index <= to; index += step) {
      const whole = Math.round(index);
      if (!seen.has(whole)) yield whole;
      seen.add(whole);
    }
    if (step <= 1) return;
  }
}

self.onmessage = ({ data }: MessageEvent<{ id: number; name: AskName; asked: never }>) => {
  const { id, name, asked } = data;
  try {
    self.postMessage({ id, answer: (ANSWERS[name] as (asked: never) => unknown)(asked) });
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
