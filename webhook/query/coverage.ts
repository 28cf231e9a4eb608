import type { CoverageInterval } from '../../shared/types.ts';
import type { NewCoverage } from '../store/port.ts';

/** A server that is alive says so at least this often, and a minute more is a slow disk or a pause. */
export const ALIVE_EVERY_MS = 60_000;
const SILENCE_MS = 2 * ALIVE_EVERY_MS;

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
    else if (event === 'lost') result.push({ from: at, to: at, covered: false, cause: detail });
    switchTo(at);
    lastAlive = at;
  }
  if (open === null) return [];
  lastAlive = Math.max(lastAlive, lastSign);
  if (!causes.has('server') && now - lastAlive > SILENCE_MS) down(lastAlive, 'the server is not running');
  result.push({ ...(open as { from: number; covered: boolean; cause: string }), to: null });
  return result.sort((a, b) => a.from - b.from);
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
