import type { CoverageInterval, ObjectRef } from '../../../shared/types.ts';
import type { NewCoverage } from './port.ts';

/** A server that is alive says so at least this often, and a minute more is a slow disk or a pause. */
export const ALIVE_EVERY_MS = 60_000;
const SILENCE_MS = 2 * ALIVE_EVERY_MS;

/** What coverage tells of reviews that are missing in the ledger. */
export function lossText(count: number): string {
  return `${count} ${count === 1 ? 'review' : 'reviews'} could not be recorded`;
}

/** What coverage tells of an object whose state could not be recorded. */
export function lostFactText(object: ObjectRef): string {
  return `the state of 1 object could not be recorded: ${objectText(object)}`;
}

function objectText({ resource, group, namespace, name }: ObjectRef): string {
  return `${resource}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** What coverage tells of a change whose review never arrived: it happened between two moments (ms). Read by readUnreviewed(). */
export function unreviewedText(seq: number, object: ObjectRef, from: number, to: number): string {
  return `change ${seq}, ${new Date(from).toISOString()} to ${new Date(to).toISOString()}: ${objectText(object)}`;
}

/** What coverage tells of reviews that were not answered, or not sent, between two moments (ms). Read by unansweredInterval(). */
export function unansweredText(what: string, from: number, to: number): string {
  return `${what}: ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
}

const UNANSWERED = /^(.*): (\S+) to (\S+)$/s;

function unansweredInterval({ at, detail }: NewCoverage): CoverageInterval {
  const [, cause = detail, from, to] = UNANSWERED.exec(detail) ?? [];
  const moment = (text: string | undefined): number => (text === undefined ? at : Date.parse(text));
  return { from: moment(from), to: moment(to), covered: false, cause };
}

/** Without the object, for who may not read of all. */
export function withoutObject(detail: string): string {
  return detail.replace(/: .*$/s, '');
}

const UNREVIEWED = /^change (\d+), (\S+) to ([^\s:]+:[^\s:]+:[^\s:]+)(?:: (.*))?$/s;

interface UnreviewedChange {
  seq: number;
  from: number;
  to: number;
  object: string;
}

function readUnreviewed(detail: string): UnreviewedChange | null {
  const [, seq = '', from = '', to = '', object = ''] = UNREVIEWED.exec(detail) ?? [];
  return seq === '' ? null : { seq: Number(seq), from: Date.parse(from), to: Date.parse(to), object };
}

/** The change that an event `unreviewed` tells of; null where it tells of none. */
export function unreviewedSeq(detail: string): number | null {
  return readUnreviewed(detail)?.seq ?? null;
}

/** Gaps of so long a time belong together: a balancer that drops every other review makes one gap, not a thousand. */
const TOGETHER_MS = 60_000;

/** The times in which changes went by without a review, but for those whose review came after all. */
function unreviewedIntervals(events: readonly NewCoverage[]): CoverageInterval[] {
  const reviewed = new Set(events.filter(({ event }) => event === 'reviewed').map(({ detail }) => detail));
  const found: (UnreviewedChange & { count: number })[] = [];
  const all = events.flatMap(({ event, detail }) => (event === 'unreviewed' ? (readUnreviewed(detail) ?? []) : []));
  for (const change of all.sort((a, b) => a.from - b.from)) {
    if (reviewed.has(`change ${change.seq}`)) continue;
    const last = found.at(-1);
    if (last === undefined || change.from > last.to + TOGETHER_MS) found.push({ ...change, count: 1 });
    else {
      last.to = Math.max(last.to, change.to);
      last.count++;
    }
  }
  return found.map(({ from, to, seq, object, count }) => {
    const first = `change ${seq}${object === '' ? '' : `, ${object}`}`;
    const cause =
      count === 1
        ? `no review arrived of a change that the watch showed: ${first}`
        : `no review arrived of ${count} changes that the watch showed: the first is ${first}`;
    return { from, to, covered: false, cause };
  });
}

/** What coverage tells of a disk that is full since a moment (ms). It may be told long after. */
export function fullText(since: number): string {
  return `the disk was full, so that only who asked for what was recorded, since ${new Date(since).toISOString()}`;
}

/** What it tells of a disk that has room again since a moment (ms). */
export function roomText(since: number): string {
  return `the disk has room since ${new Date(since).toISOString()}`;
}

/** The words, and the moment (ms), of an event that says since when. */
function sinceOf({ at, detail }: NewCoverage): { words: string; since: number } {
  const [, words = detail, moment] = /^(.*?),? since (\S+)$/s.exec(detail) ?? [];
  return { words, since: moment === undefined ? at : Math.min(Date.parse(moment), at) };
}

/**
 * The intervals in which recording worked, from the events that decide it. `lastSign` is the last moment (ms) at which
 * anything was written, `now` the present.
 */
export function intervals(events: readonly NewCoverage[], lastSign: number, now: number): CoverageInterval[] {
  const result: CoverageInterval[] = [];
  const causes = new Map<string, string>();
  let open: { from: number; covered: boolean; cause: string } | null = null;
  let lastAlive = 0;
  const switchTo = (at: number): void => {
    const cause = [...causes.values()].join('; ');
    const covered = causes.size === 0;
    if (open?.covered === covered && open.cause === cause) return;
    if (open !== null && at > open.from) result.push({ ...open, to: at });
    open = { from: open === null || at > open.from ? at : open.from, covered, cause };
  };
  const down = (from: number, cause: string): void => {
    causes.set('server', cause);
    switchTo(from);
  };
  for (const { at, event, detail } of events) {
    if (event === 'started') {
      // A process that was killed could not say so: the gap begins with the last thing that it wrote.
      if (open !== null && !causes.has('server')) down(lastAlive, 'the server ended without a stop');
      causes.delete('server');
      // What was known of the API server is learned again.
      causes.delete('registration');
      causes.delete('api');
      causes.delete('disk');
    } else if (event === 'stopped') causes.set('server', detail === '' ? 'the server was stopped' : detail);
    else if (event === 'unregistered') causes.set('registration', detail);
    else if (event === 'registered') causes.delete('registration');
    else if (event === 'unreachable') causes.set('api', `the API server was unreachable: ${detail}`);
    else if (event === 'reached') causes.delete('api');
    else if (event === 'full' || event === 'room') {
      const { words, since } = sinceOf({ at, event, detail });
      if (event === 'full') causes.set('disk', words);
      else causes.delete('disk');
      switchTo(since);
    }
    // All is recorded, but at which time is in doubt.
    else if (event === 'clock') result.push({ from: at, to: at, covered: true, cause: detail });
    else if (event === 'lost' || event === 'replaced') result.push({ from: at, to: at, covered: false, cause: detail });
    if (event === 'unanswered') result.push(unansweredInterval({ at, event, detail }));
    // These tell of a time before they were written.
    if (event === 'unanswered' || event === 'unreviewed' || event === 'reviewed') continue;
    switchTo(at);
    lastAlive = at;
  }
  if (open === null) return [];
  lastAlive = Math.max(lastAlive, lastSign);
  if (!causes.has('server') && now - lastAlive > SILENCE_MS) down(lastAlive, 'the server is not running');
  result.push({ ...(open as { from: number; covered: boolean; cause: string }), to: null });
  return [...result, ...unreviewedIntervals(events)].sort((a, b) => a.from - b.from);
}

/** The last gap between two moments (ms), in words, and how many there were before it; '' where there was none. */
export function gapsBetween(coverage: readonly CoverageInterval[], from: number, to: number): string {
  const gaps = coverage.filter((interval) => !interval.covered && interval.from <= to && (interval.to ?? to) >= from);
  const last = gaps.at(-1);
  if (last === undefined) return '';
  const others = gaps.length - 1;
  const more = `${others} more ${others === 1 ? 'gap' : 'gaps'}: kubectl blame coverage`;
  return others === 0 ? last.cause : `${last.cause} (and ${more})`;
}
