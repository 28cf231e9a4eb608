import { canonicalJson, isObject } from '../json.ts';
import { metadataText } from '../normalise.ts';
import { applyPatch, diff } from '../patch.ts';
import type { JsonObject, Patch } from '../types.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/*
 * The states of an Event after its first one, in few bytes: a step is mostly a count, a time and a resourceVersion, each as its
 * difference from the one before. A message that changes is kept as what is new between what stays at its beginning and its end: the
 * summary of similar Events names another pod each time. Whatever else changes is kept as a patch, so that nothing is lost.
 */

/** In the first byte of a step. */
const SERIES = 1;
const MESSAGE = 2;
const PATCH = 4;

/** The bytes of a step from one state of an Event to the next. */
export function encodeStep(before: JsonObject, after: JsonObject): Buffer {
  const compact = encodeCompact(before, after);
  // What does not come out as it was is kept as a patch.
  if (compact !== null && canonicalJson(decodeStep(before, new ByteReader(compact))) === canonicalJson(after))
    return compact;
  const writer = new ByteWriter();
  writer.byte(PATCH);
  writer.text(JSON.stringify(diff(before, after)));
  return writer.bytes();
}

/** The states after a first one, oldest first. Throws where the bytes are none of ours. */
export function decodeSteps(first: JsonObject, steps: Uint8Array): JsonObject[] {
  const reader = new ByteReader(steps);
  const states: JsonObject[] = [];
  for (let state = first; !reader.ended;) {
    state = decodeStep(state, reader);
    states.push(state);
  }
  return states;
}

function encodeCompact(before: JsonObject, after: JsonObject): Buffer | null {
  const series = isObject(after.series);
  const [from, to] = [countedOf(before, series), countedOf(after, series)];
  const [version, nextVersion] = [versionOf(before), versionOf(after)];
  if (from === null || to === null || version === null || nextVersion === null) return null;
  const [message, nextMessage] = [textOf(before.message), textOf(after.message)];
  const writer = new ByteWriter();
  writer.byte((series ? SERIES : 0) | (message === nextMessage ? 0 : MESSAGE));
  writer.signed(to.count - from.count);
  writer.signed(to.at - from.at);
  writer.signed(nextVersion - version);
  if (message !== nextMessage) {
    const { prefix, suffix, middle } = spliceOf(message, nextMessage);
    writer.unsigned(prefix);
    writer.unsigned(suffix);
    writer.text(middle);
  }
  return writer.bytes();
}

function decodeStep(before: JsonObject, reader: ByteReader): JsonObject {
  const flags = reader.byte();
  if ((flags & PATCH) !== 0) {
    const after = applyPatch(before, JSON.parse(reader.text()) as Patch);
    if (after === null) throw new RangeError('a step that ends its Event');
    return after;
  }
  const series = (flags & SERIES) !== 0;
  const from = countedOf(before, series);
  const version = versionOf(before);
  if (from === null || version === null) throw new RangeError('a step that does not fit what is before it');
  const [count, at] = [from.count + reader.signed(), from.at + reader.signed()];
  const metadata = isObject(before.metadata) ? before.metadata : {};
  const after: JsonObject = {
    ...before,
    ...(series
      ? { series: { count, lastObservedTime: microTime(at) } }
      : { count, lastTimestamp: `${new Date(at * 1000).toISOString().slice(0, 19)}Z` }),
    metadata: { ...metadata, resourceVersion: String(version + reader.signed()) },
  };
  if ((flags & MESSAGE) === 0) return after;
  const message = textOf(before.message);
  const [prefix, suffix] = [reader.unsigned(), reader.unsigned()];
  return { ...after, message: message.slice(0, prefix) + reader.text() + message.slice(message.length - suffix) };
}

/** What counts: in seconds in the form of core/v1, in microseconds in a series. null where it is not there. */
function countedOf(event: JsonObject, series: boolean): { count: number; at: number } | null {
  if (!series) return counted(event.count, seconds(event.lastTimestamp));
  // The first state of a series has none.
  if (!isObject(event.series)) return counted(1, micros(event.eventTime));
  return counted(event.series.count, micros(event.series.lastObservedTime));
}

function counted(count: unknown, at: number): { count: number; at: number } | null {
  return typeof count === 'number' && Number.isSafeInteger(count) && Number.isSafeInteger(at) ? { count, at } : null;
}

function seconds(time: unknown): number {
  return typeof time === 'string' && time.length === 20 ? Date.parse(time) / 1000 : Number.NaN;
}

const MICROS = 1_000_000;

function micros(time: unknown): number {
  const [, whole = '', fraction = ''] = /^(.{19})\.(\d{6})Z$/.exec(typeof time === 'string' ? time : '') ?? [];
  return whole === '' ? Number.NaN : (Date.parse(`${whole}Z`) / 1000) * MICROS + Number(fraction);
}

function microTime(micros: number): string {
  const whole = Math.floor(micros / MICROS);
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${String(micros - whole * MICROS).padStart(6, '0')}Z`;
}

function versionOf(event: JsonObject): number | null {
  const version = metadataText(event, 'resourceVersion');
  return /^\d{1,15}$/.test(version) ? Number(version) : null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What is new in a text: between so many characters at its beginning and at its end that stay. */
function spliceOf(before: string, after: string): { prefix: number; suffix: number; middle: string } {
  const most = Math.min(before.length, after.length);
  let prefix = 0;
  while (prefix < most && before[prefix] === after[prefix]) prefix++;
  let suffix = 0;
  while (suffix < most - prefix && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) suffix++;
  // Half a character is none in UTF-8.
  if (isHalf(after, prefix)) prefix--;
  if (isHalf(after, after.length - suffix)) suffix--;
  return { prefix, suffix, middle: after.slice(prefix, after.length - suffix) };
}

/** True where a cut at this place would go through a pair of surrogates. */
function isHalf(text: string, place: number): boolean {
  const code = text.charCodeAt(place);
  return place > 0 && code >= 0xdc00 && code <= 0xdfff;
}
