import { KubeblameError } from '../../shared/errors.ts';
import { formatUtc, isTimeOfDay, parseTime } from '../../shared/time.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { momentText } from '../views/times.ts';
import { note } from './notes.ts';

const TIMES = ['at', 'from', 'to', 'since', 'until'] as const;
type Times = Partial<Record<(typeof TIMES)[number], string>>;
const DAY_MS = 24 * 3600 * 1000;
/** A change, by its number as tables show it. */
const CHANGE_ID = /^[1-9]\d{0,14}$/;

/**
 * Flags with the times that only the ledger can tell: that of a change (`--at 1451`), that of a release (`last release`,
 * `before 24.4`), and the day of a bare time of day. That is today, or if today is not recorded, or the time is still to
 * come, the last day before that has it: stderr says which. `words` may name the applications whose releases are meant.
 * Rejects with name-unknown or time-invalid.
 */
export async function withMoments<T extends Times>(
  flags: T,
  reader: LedgerReader,
  io: Io,
  words: readonly string[] = [],
): Promise<T> {
  const read: T & Times = { ...flags };
  for (const name of TIMES) {
    const text = flags[name]?.trim();
    if (text === undefined) continue;
    if (CHANGE_ID.test(text)) read[name] = formatUtc(await timeOfChange(Number(text), name, reader));
    else if (isTimeOfDay(text)) read[name] = formatUtc(await timeOfDay(text, reader, io));
    else if (looksLikeRelease(text)) read[name] = formatUtc(await timeOfRelease(text, words, reader, io));
  }
  return read;
}

/** A first look, so that the code for releases is loaded only when it is needed. */
function looksLikeRelease(text: string): boolean {
  return /release|^(?:before +)?v?\d+\.\d/i.test(text);
}

async function timeOfRelease(text: string, words: readonly string[], reader: LedgerReader, io: Io): Promise<number> {
  const { momentOfRelease, readReleaseTime } = await import('./release-times.ts');
  const release = readReleaseTime(text);
  if (release === null) return parseTime(text, io.now, io.style.timeZone);
  const at = await momentOfRelease(release, words, reader, io);
  note(io, `${text} was taken as ${momentText(at, io.style)}`);
  return at;
}

async function timeOfChange(seq: number, flag: string, reader: LedgerReader): Promise<number> {
  const { changes } = await reader.changes({ scope: {}, seqs: [seq], limit: 1 });
  const [change] = changes;
  if (change !== undefined) return change.at;
  const message = `--${flag}: there is no change ${seq}`;
  throw new KubeblameError('name-unknown', message, 'a number is the ID of a change; write a time as 14:32 or 2h');
}

async function timeOfDay(text: string, reader: LedgerReader, io: Io): Promise<number> {
  const { timeZone } = io.style;
  const today = parseTime(text, io.now, timeZone);
  const last = (await reader.coverage()).at(-1);
  const end = last === undefined || last.covered ? io.now : Math.min(last.from, io.now);
  let at = today;
  // The day before is not always 24 hours earlier.
  if (at > end) at = parseTime(text, end, timeZone);
  if (at > end) at = parseTime(text, end - DAY_MS, timeZone);
  if (at !== today) note(io, `${text} was taken as ${momentText(at, io.style)}`);
  return at;
}
