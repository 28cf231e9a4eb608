import type { EventSum, RecordedEvent } from '../../shared/types.ts';
import { qualifiedName } from '../../shared/resource-types.ts';
import { formatUtc } from '../../shared/time.ts';
import { csvRows } from './csv.ts';
import { eventObject, messageText, paintEvent, timesText } from './event-text.ts';
import { widest } from './fit.ts';
import { list } from './json.ts';
import { objectName } from './object-name.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenEnd, shortenMiddle, widthOf, wrapWords } from './text.ts';
import { timeFormat } from './times.ts';
import type { Json, JsonObject } from '../../shared/types.ts';

export interface EventTableOptions {
  /** True where all are in one namespace, which the head names. */
  namespaced: boolean;
  /** Also what the object belongs to, and whole messages. */
  wide: boolean;
}

const MAX_OBJECT = 44;
/** Beside the names, messages need so much room; otherwise they go below. */
const MIN_MESSAGE = 50;
const INDENT = 4;
const MAX_LINES = 2;

/** Events as a table, the one that happened last first. In a pipe one line each, its columns separated by tabs. */
export function eventsTable(events: readonly RecordedEvent[], options: EventTableOptions, style: Style): string[] {
  return style.columns === null ? piped(events, options, style) : onTerminal(events, options, style, style.columns);
}

function piped(events: readonly RecordedEvent[], { wide }: EventTableOptions, style: Style): string[] {
  const heads = ['FIRST', 'LAST', 'COUNT', 'TYPE', 'REASON', 'NAMESPACE', 'OBJECT', 'REPORTER', ...(wide ? MORE : []), 'MESSAGE']; // prettier-ignore
  const rows = events.map((event) => [
    formatUtc(event.firstAt),
    formatUtc(event.lastAt),
    String(event.countIn),
    printable(event.type),
    printable(event.reason),
    printable(event.namespace) || '-',
    objectName(eventObject(event), style),
    printable(event.reporter) || '-',
    ...(wide ? moreOf(event, style).map((text) => text || '-') : []),
    messageText(event, null, style),
  ]);
  return [...(style.headers ? [heads] : []), ...rows].map((row) => row.join('\t'));
}

const MORE = ['OWNER', 'APPLICATION', 'COMPOSITION'];

function moreOf({ owner, application = '', composition = '' }: RecordedEvent, style: Style): string[] {
  return [owner === undefined ? '' : objectName(owner, style), printable(application), printable(composition)];
}

function onTerminal(
  events: readonly RecordedEvent[],
  { namespaced, wide }: EventTableOptions,
  style: Style,
  columns: number,
): string[] {
  const { ellipsis } = style;
  const time = timeFormat(events.map(({ lastAt }) => lastAt), style); // prettier-ignore
  const several = !namespaced && new Set(events.map(({ namespace }) => namespace)).size > 1;
  const heads = ['TIME', 'TYPE', 'REASON', 'COUNT', ...(several ? ['NAMESPACE'] : []), 'OBJECT', ...(wide ? ['FIRST', 'REPORTER', ...MORE] : [])]; // prettier-ignore
  const rows = events.map((event) => [
    time(event.lastAt),
    printable(event.type),
    printable(event.reason),
    timesText(event.countIn, style),
    ...(several ? [printable(event.namespace)] : []),
    wide ? objectName(eventObject(event), style) : shortenMiddle(objectName(eventObject(event), style), MAX_OBJECT, ellipsis), // prettier-ignore
    ...(wide ? [time(event.firstAt), printable(event.reporter), ...moreOf(event, style)] : []),
  ]);
  const widths = heads.map((_, column) => widest([heads, ...rows].map((row) => widthOf(row[column] ?? ''))));
  const used = widths.reduce((sum, width) => sum + width + GAP, 0);
  const beside = wide || columns - used >= MIN_MESSAGE;
  const painted = rows.map((row, index) => {
    const event = events[index];
    const room = wide ? null : columns - used;
    const message = event === undefined || !beside ? '' : messageText(event, room, style);
    const cells = row.map((cell, column) =>
      column === 1 && event !== undefined ? paintEvent(cell, event, style) : cell,
    );
    return [...cells, message];
  });
  const lines = tableLines([...heads, beside ? 'MESSAGE' : ''], painted, style);
  if (beside) return lines;
  const [head, ...others] = style.headers ? lines : ['', ...lines];
  const below = others.flatMap((line, index) => [line, ...messageLines(events[index], columns - INDENT, style)]);
  return style.headers ? [head ?? '', ...below] : below;
}

function messageLines(event: RecordedEvent | undefined, width: number, style: Style): string[] {
  if (event === undefined) return [];
  const { attempt, ...without } = event;
  const lines = wrapWords(messageText(without, null, style), width);
  const [last = '', ...more] = lines.slice(MAX_LINES - 1);
  const shown = [...lines.slice(0, MAX_LINES - 1), more.length === 0 ? last : `${last} ${more.join(' ')}`];
  const lead = attempt === undefined ? '' : `${style.arrow} attempt ${attempt}`;
  return [...shown, lead]
    .filter((line) => line !== '')
    .map((line) => `${' '.repeat(INDENT)}${style.chalk.dim(shortenEnd(line, width, style.ellipsis))}`);
}

/** What was only counted, a line each: `9,500 more BackOff of pod/web between 13:00:00 and 13:15:49`. */
export function sumLines(sums: readonly EventSum[], style: Style): string[] {
  const time = timeFormat(sums.flatMap(({ firstAt, lastAt }) => [firstAt, lastAt]), style); // prettier-ignore
  return sums.map(({ namespace, group, kind, name, type, reason, events, firstAt, lastAt }) => {
    const what = kind === '' ? 'of several objects' : `of ${style.typeName({ group, resource: kind.toLowerCase(), kind })}/${printable(name)}`; // prettier-ignore
    const which = reason === '' ? `${printable(type)} Events` : printable(reason);
    const where = namespace === '' ? '' : ` in ${printable(namespace)}`;
    return `a storm: ${events.toLocaleString('en-US')} more ${which} ${what}${where} were only counted, ${time(firstAt)} to ${time(lastAt)}`;
  });
}

/** Events as a document; times are RFC 3339. */
export function eventList(events: readonly RecordedEvent[], sums: readonly EventSum[], keptFrom: number): JsonObject {
  return {
    ...list('EventList', events.map(eventItem)),
    sums: sums.map(({ firstAt, lastAt, ...rest }) => ({
      ...rest,
      firstAt: formatUtc(firstAt),
      lastAt: formatUtc(lastAt),
    })),
    keptFrom: keptFrom === 0 ? null : formatUtc(keptFrom),
  };
}

export function eventItem({ firstAt, lastAt, goneAt, steps, ...rest }: RecordedEvent): JsonObject {
  return {
    ...(rest as unknown as JsonObject),
    firstAt: formatUtc(firstAt),
    lastAt: formatUtc(lastAt),
    goneAt: goneAt === null ? null : formatUtc(goneAt),
    ...(steps === undefined ? {} : { steps: steps.map(({ at, ...step }): Json => ({ ...step, at: formatUtc(at) })) }),
  };
}

const CSV_HEADS =
  'id,first,last,count,type,reason,namespace,object,object uid,reporter,owner,application,composition,attempt,message';

/** Events as comma-separated values: nothing is shortened. */
export function eventsCsv(events: readonly RecordedEvent[]): string {
  const rows = events.map((event) => [
    event.id,
    formatUtc(event.firstAt),
    formatUtc(event.lastAt),
    String(event.countIn),
    event.type,
    event.reason,
    event.namespace,
    `${qualifiedName(eventObject(event))}/${event.object.name}`,
    event.object.uid,
    event.reporter,
    event.owner === undefined ? '' : `${qualifiedName(event.owner)}/${event.owner.name}`,
    event.application ?? '',
    event.composition ?? '',
    String(event.attempt ?? ''),
    event.message,
  ]);
  return csvRows([CSV_HEADS.split(','), ...rows]);
}
