import { firstSeq, startOf, type Act } from '../acts/acts.ts';
import type { RecordedEvent } from '../questions/events.ts';

/*
 * What happened before an Event. That something was changed before does not say that the Event came of it: it is told as "after", and
 * never as "because".
 */

/** Most Events tell seconds alone: what happened within that second may have been before. */
const SECOND_MS = 1_000;
/** What components report so long after an act is not told as after it. */
const AFTER_MS = 30 * 60_000;

/** Several Events that say the same, of objects of one kind, after the same act. */
export interface EventGroup {
  /** The first of them (ms), within the time that is asked for. */
  at: number;
  lastAt: number;
  /** How often it happened within that time, all together. */
  count: number;
  /** The one that happened last first, at least one. */
  events: RecordedEvent[];
  /** The act that it came after; null where none is known. */
  act: Act | null;
}

/** When an Event happened first, within a time (ms). */
export function startOfEvent({ firstAt, lastAt, steps = [] }: RecordedEvent, since: number): number {
  return firstAt >= since ? firstAt : (steps[0]?.at ?? lastAt);
}

/** How long after an act, in ms. */
export function delayAfter(act: Act, at: number): number {
  return Math.max(0, at - startOf(act));
}

/** The last act before an Event that changed its object, itself or by what followed from it; null where none did. */
export class ActsBefore {
  private readonly byUid = new Map<string, { act: Act; at: number }[]>();

  constructor(acts: readonly Act[]) {
    for (const act of acts) {
      for (const { object, at } of [...act.changes, ...act.consequences]) {
        const known = this.byUid.get(object.uid) ?? [];
        known.push({ act, at });
        this.byUid.set(object.uid, known);
      }
    }
  }

  of({ object }: RecordedEvent, at: number): Act | null {
    let best: { act: Act; at: number } | null = null;
    // Only whole seconds may stand for a later moment.
    const until = at % SECOND_MS === 0 ? at + SECOND_MS - 1 : at;
    for (const one of object.uid === '' ? [] : (this.byUid.get(object.uid) ?? [])) {
      if (one.at <= until && at - one.at < AFTER_MS && one.at > (best?.at ?? 0)) best = one;
    }
    return best?.act ?? null;
  }
}

/**
 * Events in groups: those with the same type, reason and reporter, of one kind and namespace, after the same act. An Event whose count went
 * on after another act is in both groups, with the counts of each.
 */
export function groupEvents(events: readonly RecordedEvent[], acts: readonly Act[], since: number): EventGroup[] {
  const before = new ActsBefore(acts);
  const groups = new Map<string, EventGroup>();
  for (const event of events) {
    const { type, reason, reporter, namespace, object } = event;
    let last: Act | null = null;
    for (const { at, count } of timesOf(event, since)) {
      // What goes on for long still is after the act that it began after.
      const act: Act | null = before.of(event, at) ?? last;
      last = act;
      const what = [type, reason, reporter, namespace, object.group, object.kind];
      const key = JSON.stringify([act === null ? null : firstSeq(act), ...what]);
      const group = groups.get(key) ?? { at, lastAt: at, count: 0, events: [], act };
      groups.set(key, group);
      group.at = Math.min(group.at, at);
      group.lastAt = Math.max(group.lastAt, at);
      group.count += count;
      if (group.events.at(-1) !== event) group.events.push(event);
    }
  }
  return [...groups.values()].sort((a, b) => b.at - a.at);
}

/** When an Event happened within a time, and how often each time: as far as its steps tell. */
function timesOf(event: RecordedEvent, since: number): { at: number; count: number }[] {
  const { steps = [], countIn, count } = event;
  const later = steps.slice(1).map((step, index) => ({ at: step.at, count: step.count - (steps[index]?.count ?? 0) }));
  const known = later.reduce((sum, step) => sum + step.count, 0);
  const first = { at: startOfEvent(event, since), count: Math.max(1, Math.min(countIn, count) - known) };
  return [first, ...later.filter((step) => step.count > 0)];
}
