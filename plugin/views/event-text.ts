import { delayAfter, type EventGroup } from '../../shared/events/after.ts';
import { firstSeq } from '../../shared/acts/acts.ts';
import { formatAge } from '../../shared/time.ts';
import type { ObjectRef, RecordedEvent } from '../../shared/types.ts';
import { objectName } from './object-name.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';

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

/** What the component says, on one line, with the attempt that it leads to. */
export function messageText({ message, attempt }: Pick<RecordedEvent, 'message' | 'attempt'>, style: Style): string {
  const text = printable(message.replaceAll(/\s+/g, ' ').trim());
  return attempt === undefined ? text : `${text}  ${style.arrow} attempt ${attempt}`;
}

/** `FailedScheduling ×8 of 4 pods: 0/2 nodes are available: …`, and of one object its name. */
export function groupText(group: EventGroup, namespaced: boolean, style: Style): string {
  const [last] = group.events;
  if (last === undefined) return '';
  const object = eventObject(last);
  const uids = new Set(group.events.map((event) => `${event.object.uid}/${event.object.name}`));
  const place = namespaced || object.namespace === '' ? '' : `${printable(object.namespace)}/`;
  const name = objectName(object, style);
  const what = uids.size === 1 ? (place === '' ? name : name.replace('/', `/${place}`)) : `${uids.size} ${plural(object, style)}${place === '' ? '' : ` in ${place.slice(0, -1)}`}`; // prettier-ignore
  const times = timesText(group.count, style);
  return [printable(last.reason), ...(times === '' ? [] : [times]), `${what}: ${messageText(last, style)}`].join(' ');
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
