import { momentOf, wallTimeAt, type WallTime } from './time-zone.ts';

/** A stretch of time, in ms since the epoch. */
export interface Period {
  from: number;
  to: number;
}

/** The hours at which the parts of a day begin and end. A night ends on the next day. */
const PARTS: Record<string, readonly [from: number, to: number]> = {
  morning: [6, 12],
  afternoon: [12, 18],
  evening: [18, 24],
  night: [18, 30],
};
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const NAMED =
  /^(?:(?<day>today|yesterday|(?:last +)?(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?: +(?<part>morning|afternoon|evening|night))?|(?<this>this) +(?<part2>morning|afternoon|evening|week|month)|(?<tonight>tonight)|last +(?<night>night))$/;

/**
 * Reads a stretch of time as people name it: `last night`, `this morning`, `yesterday evening`, `monday afternoon`, `today`, `this
 * week`. null for any other text. A night goes from 18:00 to 06:00. Nothing ends after `now` (ms). `timeZone` is an IANA name.
 */
export function parsePeriod(text: string, now: number, timeZone: string): Period | null {
  const match = NAMED.exec(
    text
      .trim()
      .toLowerCase()
      .replace(/^the +/, ''),
  );
  if (match?.groups === undefined) return null;
  const { day, part, this: current, part2, night } = match.groups;
  const today = wallTimeAt(now, timeZone);
  const at = (days: number, hour: number): number => {
    const date = new Date(Date.UTC(today.year, today.month - 1, today.day + days, hour));
    const wall: WallTime = {
      ...{ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() },
      ...{ hour: date.getUTCHours(), minute: 0, second: 0, millisecond: 0 },
    };
    return momentOf(wall, timeZone);
  };
  const span = (days: number, [from, to]: readonly [number, number] = [0, 24]): Period => ({
    from: at(days, from),
    to: Math.min(at(days, to), now),
  });
  if (part2 === 'week') return { from: at(-((weekdayOf(today) + 6) % 7), 0), to: now };
  if (part2 === 'month') return { from: at(1 - today.day, 0), to: now };
  if (current !== undefined) return span(0, PARTS[part2 ?? '']);
  if (night !== undefined) return span(-1, PARTS.night);
  if (day === undefined) return span(0, PARTS.night);
  return span(daysBack(day, today), PARTS[part ?? '']);
}

function weekdayOf({ year, month, day }: WallTime): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

/** A weekday is the last one before today, as parseTime() has it. */
function daysBack(day: string, today: WallTime): number {
  if (day === 'today') return 0;
  const weekday = WEEKDAYS.indexOf(day.replace(/^last +/, ''));
  return weekday < 0 ? -1 : -(((weekdayOf(today) - weekday + 6) % 7) + 1);
}
