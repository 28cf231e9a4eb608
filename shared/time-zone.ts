/** A wall clock's reading. `month` is 1 to 12. */
export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
}

/**
 * The zone of this machine's clocks, beside IANA names. Date knows it without Intl, whose first use takes 10 ms: a
 * fifth of the start of a program.
 */
export const LOCAL = 'local';

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

/** The wall time in a time zone (an IANA name) at a moment (ms since the epoch). */
export function wallTimeAt(at: number, timeZone: string): WallTime {
  if (timeZone === LOCAL) return localTimeAt(at);
  const parts = Object.fromEntries(
    formatterOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const year = Number(parts['year']);
  return {
    year: parts['era'] === 'BC' ? 1 - year : year,
    month: Number(parts['month']),
    day: Number(parts['day']),
    hour: Number(parts['hour']),
    minute: Number(parts['minute']),
    second: Number(parts['second']),
    millisecond: ((at % 1000) + 1000) % 1000,
  };
}

function localTimeAt(at: number): WallTime {
  const date = new Date(at);
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    millisecond: date.getMilliseconds(),
  };
}

/** The wall time read as UTC, in ms. */
export function asUtc({ year, month, day, hour, minute, second, millisecond }: WallTime): number {
  const date = new Date(0);
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  return date.setUTCHours(hour, minute, second, millisecond);
}

/** The offset of a time zone from UTC at a moment, in ms. */
export function offsetAt(at: number, timeZone: string): number {
  return asUtc(wallTimeAt(at, timeZone)) - at;
}

/**
 * The moment of a wall time in a time zone. If the clocks were set back and show it twice, the first one; if they were set
 * forward and never show it, the moment by the offset before the change (RFC 5545, and Temporal's `compatible`).
 */
export function momentOf(wall: WallTime, timeZone: string): number {
  const utc = asUtc(wall);
  const DAY_MS = 86_400_000;
  const [before, after] = [offsetAt(utc - DAY_MS, timeZone), offsetAt(utc + DAY_MS, timeZone)];
  for (const offset of [before, after]) {
    if (offsetAt(utc - offset, timeZone) === offset) return utc - offset;
  }
  return utc - before;
}
