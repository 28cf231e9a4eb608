import { KubeblameError } from './errors.ts';
import { parsePeriod } from './period.ts';
import { asUtc, momentOf, offsetAt, wallTimeAt, type WallTime } from './time-zone.ts';

const HINT =
  'a time is like 2026-03-03T14:32:10Z, 2026-03-03T14:32 (local), 2026-03-03, "Mar 3", 14:32, 2pm, noon, 2h, 1h30m, 3d, 2w, 1mo, ' +
  '"10 minutes ago", "yesterday 14:00", "last monday", "last night", @1772548330 or now';

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const UNKNOWN_FORM = 'unrecognized time format';
/** `mo` is a month of the calendar: the same day of an earlier one. */
const RELATIVE = /^(?:\d+(?:mo|[smhdwy]))+$/;
/** Seconds since the epoch, as `date +%s` prints them; also with a fraction. */
const EPOCH = /^@(\d{1,12})(?:\.(\d+))?$/;
const MOMENT =
  /^(?:(\d{4})-(\d{2})-(\d{2})(?:[T ]+(?=\d)|$)|(today|yesterday|(?:last +)?(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?:[T ]+(?=\d)|$))?(?:(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?)?(Z| ?[+-]\d{2}:?\d{2})?$/i;

/**
 * Reads a time as people write it: RFC 3339, local without a zone (minutes, seconds or a fraction; `T` or a space), a
 * date (its first moment), a time of today, `now`, an age (`2h`, `1h30m`, `3d`, `2w`, `10 minutes ago`, `last week`), or a day
 * (`yesterday 14:00`, `last monday`: the last one before today). What is not given is zero: 14:32 is 14:32:00.000. A part of
 * a day (`last night`, `yesterday evening`, see period.ts) is its beginning, or with `edge` its end.
 *
 * `now` is ms, `timeZone` an IANA name. Returns ms. Throws KubeblameError time-invalid.
 */
export function parseTime(text: string, now: number, timeZone: string, edge: 'start' | 'end' = 'start'): number {
  const input = text.trim();
  const lower = input.toLowerCase();
  if (lower === 'now') return now;
  const age = compact(lower);
  if (RELATIVE.test(age)) return before(age, now, timeZone, text);
  const epoch = EPOCH.exec(input);
  if (epoch !== null) return Number(epoch[1]) * 1000 + Number((epoch[2] ?? '').slice(0, 3).padEnd(3, '0'));
  const match = MOMENT.exec(plain(input, now, timeZone));
  if (match === null || input === '') {
    const period = parsePeriod(input, now, timeZone);
    return period === null ? fail(text, UNKNOWN_FORM) : edge === 'start' ? period.from : period.to;
  }
  const [, year, month, day, word, hour, minute, second, fraction, zone] = match;
  if (hour === undefined && zone !== undefined) return fail(text, UNKNOWN_FORM);
  if (hour?.length === 1 && year !== undefined) return fail(text, 'the hour needs two digits');
  const wall: WallTime = {
    ...(year === undefined
      ? dayOf(word?.toLowerCase(), now, timeZone)
      : { year: Number(year), month: Number(month), day: Number(day) }),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
    millisecond: Number((fraction ?? '').slice(0, 3).padEnd(3, '0')),
  };
  check(wall, text);
  return zone === undefined ? momentOf(wall, timeZone) : asUtc(wall) - zoneOffsetMs(zone.trim(), text);
}

/**
 * Other ways to write a moment, in the one that MOMENT reads: `Sun 22 Nov 14:00`, `Nov 22 2026`, `2pm`, `2:30 pm`, `noon`,
 * `midnight`, and a zone that is called UTC. A day without a year is the last one of that name: not after today.
 */
function plain(input: string, now: number, timeZone: string): string {
  const clock = input
    .replace(/\s*\b(?:UTC|GMT)$/i, 'Z')
    .replace(/\bnoon\b/i, '12:00')
    .replace(/\bmidnight\b/i, '00:00')
    .replace(/\b(1[0-2]|0?[1-9])(?::(\d{2}))?(?::(\d{2}))?\s*([ap])\.?m\b\.?/i, (_, hour, minute, second, half) => {
      const hours = (Number(hour) % 12) + (String(half).toLowerCase() === 'p' ? 12 : 0);
      return `${String(hours).padStart(2, '0')}:${String(minute ?? '00')}:${String(second ?? '00')}`;
    });
  const day =
    /^(?:(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*,?\s+)?(?:(\d{1,2})\s+([a-z]{3,9})|([a-z]{3,9})\s+(\d{1,2}))(?:,?\s+(\d{4}))?(?=$|[\sT]+\d)/i.exec(
      clock,
    );
  if (day === null) return clock;
  const [whole, first, monthAfter, monthBefore, last, year] = day;
  const name = (monthAfter ?? monthBefore ?? '').toLowerCase();
  const month = MONTH_NAMES.findIndex((full) => full === name || full.slice(0, 3) === name || (name === 'sept' && full === 'september')) + 1; // prettier-ignore
  if (month === 0) return clock;
  const date = Number(first ?? last);
  const today = wallTimeAt(now, timeZone);
  const later = month > today.month || (month === today.month && date > today.day);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${year ?? String(today.year - (later ? 1 : 0))}-${pad(month)}-${pad(date)}${clock.slice(whole.length)}`;
}

const MONTH_NAMES = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december']; // prettier-ignore

/** The moment a while before: months and years by the calendar, and no later than the last day of a shorter month. */
function before(age: string, now: number, timeZone: string, text: string): number {
  let months = 0;
  const rest = age.replace(/(\d+)(mo|y)/g, (_, count, unit) => {
    months += Number(count) * (unit === 'y' ? 12 : 1);
    return '';
  });
  if (months > MAX_MONTHS) return fail(text, 'it is too long ago');
  const wall = wallTimeAt(now, timeZone);
  const index = wall.year * 12 + wall.month - 1 - months;
  const [year, month] = [Math.floor(index / 12), (index % 12) + 1];
  const day = Math.min(wall.day, new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate());
  const from = months === 0 ? now : momentOf({ ...wall, year, month, day }, timeZone);
  return from - ageMs(rest, text);
}

const MAX_MONTHS = 12 * 1000;

/** True for a time of day without a day: which one is meant depends on what is asked. */
export function isTimeOfDay(text: string): boolean {
  return /^(?:\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?|\d{1,2}(?::\d{2})?\s*[ap]m|noon|midnight)$/i.test(text.trim());
}

/** `1 day 2 hours ago` as `1d2h`; other texts as they are. */
function compact(text: string): string {
  const age = text.replace(/\s*ago$/, '').replace(/^last (?=(?:week|month|year)$)/, '1 ');
  const spelt = age.replace(
    /(\d+|\ban?\b)\s*(month|mo|year|sec|min|hour|hr|day|week|[smhdwy])(?:ond|ute)?s?\b\s*(?:and\b|,)?\s*/g,
    (_, count, unit) => {
      const number = /^\d/.test(String(count)) ? String(count) : '1';
      return `${number}${String(unit).startsWith('mo') ? 'mo' : String(unit).charAt(0)}`;
    },
  );
  return RELATIVE.test(spelt) ? spelt : age;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

function ageMs(age: string, text: string): number {
  let total = 0;
  for (const [, count, unit] of age.matchAll(/(\d+)([smhdw])/g)) total += Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  // The range of Date: 100 million days.
  return total <= 8.64e15 / 2 ? total : fail(text, 'it is too long ago');
}

function dayOf(word: string | undefined, now: number, timeZone: string): Pick<WallTime, 'year' | 'month' | 'day'> {
  const { year, month, day } = wallTimeAt(now, timeZone);
  if (word === undefined || word === 'today') return { year, month, day };
  const weekday = WEEKDAYS.indexOf(word.replace(/^last +/, ''));
  const today = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
  // A weekday is the last one before today, so that on a Monday `monday` is a week ago, as git has it.
  const days = weekday < 0 ? 1 : ((today - weekday + 6) % 7) + 1;
  const before = new Date(Date.UTC(year, month - 1, day - days));
  return { year: before.getUTCFullYear(), month: before.getUTCMonth() + 1, day: before.getUTCDate() };
}

function check(wall: WallTime, text: string): void {
  const { year, month, day, hour, minute, second } = wall;
  if (month < 1 || month > 12) fail(text, `there is no month ${month}`);
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (day < 1 || day > days) fail(text, `that month has ${days} days`);
  if (hour > 23) fail(text, `there is no hour ${hour}`);
  if (minute > 59) fail(text, `there is no minute ${minute}`);
  if (second > 59) fail(text, `there is no second ${second}`);
}

function zoneOffsetMs(zone: string, text: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (hours > 23 || minutes > 59) fail(text, `there is no zone ${zone}`);
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function fail(text: string, reason: string): never {
  throw new KubeblameError('time-invalid', `the time ${JSON.stringify(text)} cannot be read: ${reason}`, HINT);
}

/** RFC 3339 in UTC with milliseconds: `2026-11-22T05:05:48.042Z`. */
export function formatUtc(at: number): string {
  return new Date(at).toISOString();
}

/** For people: `2026-11-22 06:05:48`, in the time zone, without saying which; see zoneName. */
export function formatLocal(at: number, timeZone: string): string {
  return new Date(at + offsetAt(at, timeZone)).toISOString().slice(0, 19).replace('T', ' ');
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A day for people: `Sun 22 Nov`, with the year where it is not that of `now` (ms). parseTime reads it back. */
export function dayName(at: number, timeZone: string, now: number): string {
  const { year, month, day } = wallTimeAt(at, timeZone);
  const weekday = DAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()] ?? '';
  const short = `${weekday} ${day} ${MONTHS[month - 1] ?? ''}`;
  return year === wallTimeAt(now, timeZone).year ? short : `${short} ${year}`;
}

/** `UTC`, or the offset at that moment: `+01:00`. */
export function zoneName(at: number, timeZone: string): string {
  const minutes = Math.round(offsetAt(at, timeZone) / 60_000);
  if (minutes === 0) return 'UTC';
  const pad = (value: number): string => String(value).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/** An age as kubectl prints it (apimachinery's HumanDuration): `48s`, `5m30s`, `12m`, `3d2h`, `2y30d`. */
export function formatAge(ageInMs: number): string {
  const seconds = Math.trunc(ageInMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const [minutes, hours] = [Math.trunc(seconds / 60), Math.trunc(seconds / 3600)];
  const days = Math.trunc(hours / 24);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return two(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  if (days < 2920) return two(Math.trunc(days / 365), 'y', days % 365, 'd');
  return `${Math.trunc(days / 365)}y`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
