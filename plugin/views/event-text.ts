import { delayAfter, groupEvents, type EventGroup } from '../../shared/events/after.ts';
import { firstSeq } from '../../shared/acts/acts.ts';
import { formatAge } from '../../shared/time.ts';
import type { Change, ObjectRef, RecordedEvent } from '../../shared/types.ts';
import { objectName } from './object-name.ts';
import type { Style } from './style.ts';
import { printable, shortenEnd, widthOf, wrapWords } from './text.ts';

/** A message in fewer columns says nothing. */
const MIN_MESSAGE = 12;

/** The object that an Event is about, as other objects are named. */
export function eventObject({ object }: Pick<RecordedEvent, 'object'>): ObjectRef {
  const { group, kind, namespace, name, uid, resource } = object;
  return { group, kind, resource: resource === '' ? kind.toLowerCase() : resource, namespace, name, uid };
}

/** `×14`; '' for what happened once. */
export function timesText(count: number, style: Style): string {
  if (count === 1) return '';
  return `${style.columns === null || style.dot === '-' ? 'x' : '×'}${count}`;
}

/** What the component says, on one line, with the attempt that it leads to; `width`: in so many columns, null for all that it takes. */
export function messageText(
  { message, attempt }: Pick<RecordedEvent, 'message' | 'attempt'>,
  width: number | null,
  style: Style,
): string {
  const text = printable(message.replaceAll(/\s+/g, ' ').trim());
  const lead = attempt === undefined ? '' : ` ${style.arrow} attempt ${attempt}`;
  if (width === null) return text + lead;
  const room = width - widthOf(lead);
  // The attempt tells more than the beginning of a message.
  if (lead !== '' && room < MIN_MESSAGE) return widthOf(lead) <= width ? lead.trimStart() : '';
  return shortenEnd(text, Math.max(0, room), style.ellipsis) + lead;
}

/** `FailedScheduling ×8 of 4 pods: 0/2 nodes are available: …`, and of one object its name; in so many columns, null for all that it takes. */
export function groupText(group: EventGroup, namespaced: boolean, width: number | null, style: Style): string {
  const [last] = group.events;
  if (last === undefined) return '';
  const object = eventObject(last);
  const uids = new Set(group.events.map((event) => `${event.object.uid}/${event.object.name}`));
  const place = namespaced || object.namespace === '' ? '' : `${printable(object.namespace)}/`;
  const name = objectName(object, style);
  const what = uids.size === 1 ? (place === '' ? name : name.replace('/', `/${place}`)) : `${uids.size} ${plural(object, style)}${place === '' ? '' : ` in ${place.slice(0, -1)}`}`; // prettier-ignore
  // `×8 of 4 pods`, but `4 pods` where each says it once.
  const times = group.count === uids.size ? '' : timesText(group.count, style) + (uids.size === 1 ? '' : ' of');
  const start = [printable(last.reason), ...(times === '' ? [] : [times]), `${what}: `].join(' ');
  const room = width === null ? null : width - widthOf(start);
  // Where there is no room for what is said, what it is about must do.
  if (room !== null && room < MIN_MESSAGE) return shortenEnd(start.slice(0, -2), width ?? 0, style.ellipsis);
  return start + messageText(last, room, style);
}

function plural({ kind, resource }: ObjectRef, style: Style): string {
  return printable(resource === kind.toLowerCase() ? `${style.typeName({ group: '', resource, kind })}s` : resource);
}

/** `12s after 774`: when, not why. '' where no act before it is known. */
export function afterText({ act, at }: Pick<EventGroup, 'act' | 'at'>): string {
  return act === null ? '' : `${formatAge(delayAfter(act, at))} after ${firstSeq(act)}`;
}

/** Coloured by what it is: a warning stands out. */
export function paintEvent(text: string, { type }: Pick<RecordedEvent, 'type'>, { chalk }: Style): string {
  return type === 'Warning' ? chalk.yellow(text) : text;
}

/**
 * A group of Events as a row of a time line. On a terminal the text begins with how long it came after which act; in a pipe that stands
 * apart.
 */
export function eventRow(
  group: EventGroup,
  namespaced: boolean,
  width: number | null,
  style: Style,
): { reporter: string; text: string; after: string } {
  const [last] = group.events;
  const reporter = printable(last?.reporter ?? '') || '-';
  const after = afterText(group);
  if (style.columns === null || last === undefined)
    return { reporter, text: groupText(group, namespaced, width, style), after };
  const lead = after === '' ? '' : `${after}: `;
  const room = width === null ? null : width - widthOf(lead);
  return {
    reporter,
    text: style.chalk.dim(lead) + paintEvent(groupText(group, namespaced, room, style), last, style),
    after,
  };
}

const MAX_SHOWN = 20;

/**
 * What was reported after a change, the first of it first: `12s later  BackOff ×14 pod/web-x2: Back-off restarting failed container`. What
 * does not fit on a line goes on below.
 */
export function eventLines({ at, object }: Change, events: readonly RecordedEvent[], style: Style): string[] {
  if (events.length === 0) return [];
  const groups = groupEvents(events, [], 0).reverse();
  const shown = groups.slice(0, MAX_SHOWN).flatMap((group) => {
    const [last] = group.events;
    const lead = `  ${formatAge(Math.max(0, group.at - at))} later  `;
    const text = groupText(group, object.namespace === last?.namespace, null, style);
    const width = style.columns === null ? null : style.columns - widthOf(lead);
    const [first = '', ...more] = width === null ? [text] : wrapWords(text, width);
    const indent = ' '.repeat(widthOf(lead));
    return last === undefined ? [] : [style.chalk.dim(lead) + paintEvent(first, last, style), ...more.map((line) => style.chalk.dim(indent + line))]; // prettier-ignore
  });
  const warnings = events.filter(({ type }) => type === 'Warning').length;
  const count = `${events.length} ${events.length === 1 ? 'Event' : 'Events'}${warnings === 0 ? '' : `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`}`; // prettier-ignore
  return [
    '',
    style.chalk.bold(`Reported after it (when, not why): ${count}`),
    ...shown,
    ...(groups.length > MAX_SHOWN ? [style.chalk.dim(`  ... and more: kubectl blame events`)] : []),
  ];
}
