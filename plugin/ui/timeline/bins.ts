import type { ChangeRow } from '../state/store.ts';

/** How many changes people, and robots, made in each part of a stretch of time. */
export interface Bins {
  people: number[];
  robots: number[];
  most: number;
}

/** `rows` by time. */
export function binsOf(rows: readonly ChangeRow[], from: number, to: number, count: number): Bins {
  const people = Array.from({ length: count }, () => 0);
  const robots = Array.from({ length: count }, () => 0);
  const width = Math.max(1, to - from);
  for (const { at, kind } of rows) {
    // What was there when recording began, nobody did.
    if (at < from || at > to || kind === 'nobody') continue;
    const bin = Math.min(count - 1, Math.floor(((at - from) / width) * count));
    const of = kind === 'person' ? people : robots;
    of[bin] = (of[bin] ?? 0) + 1;
  }
  return { people, robots, most: Math.max(1, ...people, ...robots) };
}

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
].map((s) => s * 1000);

/** Round moments for an axis, about so many. */
export function ticksOf(from: number, to: number, about: number): number[] {
  const step = STEPS.find((each) => (to - from) / each <= about) ?? 2_592_000_000;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - offset) / step) * step + offset;
  const ticks: number[] = [];
  for (let at = first; at <= to; at += step) ticks.push(at);
  return ticks;
}
