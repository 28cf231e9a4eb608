import { KubeblameError } from './errors.ts';
import { asUtc, momentOf, offsetAt, wallTimeAt, type WallTime } from './time-zone.ts';

const HINT =
  'a time is like 2026-03-03T14:32:10Z, 2026-03-03T14:32 (local), 2026-03-03, 14:32, 2h, 1h30m, 3d, 2w, ' +
  '"10 minutes ago", "yesterday 14:00", "last monday", "today 09:00" or now';

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const UNKNOWN_FORM = 'it has no form that is known';
const RELATIVE = /^(?:\d+[smhdw])+$/;
const MOMENT =
  /^(?:(\d{4})-(\d{2})-(\d{2})(?:[T ]+(?=\d)|$)|(today|yesterday|(?:last +)?(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?:[T ]+(?=\d)|$))?(?:(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?)?(Z| ?[+-]\d{2}:?\d{2})?$/i;

/**
 * Reads a time as people write it: RFC 3339, local without a zone (minutes, seconds or a fraction; `T` or a space), a
 * date (its first moment), a time of today, `now`, an age (`2h`, `1h30m`, `3d`, `2w`, `10 minutes ago`, `last week`), or a day
 * (`yesterday 14:00`, `last monday`: the last one before today). What is not given is zero: 14:32 is 14:32:00.000.
 *
 * `now` is ms, `timeZone` an IANA name. Returns ms. Throws KubeblameError time-invalid.
 */
export function parseTime(text: string, now: number, timeZone: string): number {
  const input = text.trim();
  const lower = input.toLowerCase();
  if (lower === 'now') return now;
  const age = compact(lower);
  if (RELATIVE.test(age)) return now - ageMs(age, text);
  const match = MOMENT.exec(input);
  if (match === null || input === '') return fail(text, UNKNOWN_FORM);
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

/** `1 day 2 hours ago` as `1d2h`; other texts as they are. */
function compact(text: string): string {
  const age = text.replace(/\s*ago$/, '').replace(/^last (?=week$)/, '1 ');
  const spelt = age.replace(
    /(\d+|\ban?\b)\s*(sec|min|hour|hr|day|week|[smhdw])(?:ond|ute)?s?\b\s*(?:and\b|,)?\s*/g,
    (_, count, unit) => {
      const number = /^\d/.test(String(count)) ? String(count) : '1';
      return `${number}${String(unit).charAt(0)}`;
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
