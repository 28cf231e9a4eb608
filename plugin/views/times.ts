import { formatAge, formatLocal, formatUtc, zoneName } from '../../shared/time.ts';
import type { Style } from './style.ts';

/** What is older is told by its time: its age would be a day and some hours for everything. */
const AGES_BELOW_MS = 24 * 3600 * 1000;

/**
 * How the times of one answer are written: `3m ago` for those of the last 24 hours and as short as is clear among them
 * for others (as git's --date=human), and in full in a pipe.
 */
export function timeFormat(times: readonly number[], style: Style): (at: number) => string {
  const { columns, timeZone, now } = style;
  if (columns === null) return formatUtc;
  const isRecent = (at: number): boolean => now !== null && at <= now && now - at < AGES_BELOW_MS;
  const days = new Set(times.filter((at) => !isRecent(at)).map((at) => formatLocal(at, timeZone).slice(0, 10)));
  const years = new Set([...days].map((day) => day.slice(0, 4)));
  const from = days.size <= 1 ? 11 : years.size <= 1 ? 5 : 0;
  return (at) => (isRecent(at) ? `${formatAge((now ?? at) - at)} ago` : formatLocal(at, timeZone).slice(from));
}

/** A moment for a sentence: `2026-11-22 05:06:30 UTC`, `2026-11-22 06:06:30 +01:00`. */
export function momentText(at: number, style: Style): string {
  return `${formatLocal(at, style.timeZone)}${fraction(at, style)} ${zoneName(at, style.timeZone)}`;
}

/** Two moments; what they share is said once: `2026-11-22 05:05:48 → 05:08:26 UTC`. */
export function spanText(from: number, to: number, style: Style): string {
  const { timeZone, arrow } = style;
  if (from === to) return momentText(from, style);
  const zones = [zoneName(from, timeZone), zoneName(to, timeZone)];
  const start = formatLocal(from, timeZone) + fraction(from, style);
  const end = formatLocal(to, timeZone) + fraction(to, style);
  const sameDay = start.slice(0, 10) === end.slice(0, 10);
  const zone = zones[0] === zones[1] ? '' : ` ${zones[0]}`;
  return `${start}${zone} ${arrow} ${sameDay ? end.slice(11) : end} ${zones[1]}`;
}

/** Milliseconds matter where they were given: of the present nobody gave them. */
function fraction(at: number, { columns, now }: Style): string {
  if (columns !== null && at === now) return '';
  const ms = ((at % 1000) + 1000) % 1000;
  return ms === 0 ? '' : `.${String(ms).padStart(3, '0')}`;
}
