import type { Actor, Change } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';
import { isMachine, shortUser } from './user.ts';

/** Who did it: on a terminal shortened and dimmed where it was Kubernetes itself, in a pipe the whole name. */
export function whoText(actor: Actor | null, style: Style): string {
  return actor === null ? '-' : userText(actor.username, style);
}

/** A user's name: on a terminal its short form. */
export function userText(username: string, style: Style): string {
  return style.columns === null ? printable(username) : shortUser(username);
}

/** Who made a change. Nobody is named where nobody was seen; managers and causes are told as what they are. */
export function changeWho({ actor, source, cause, managersHint }: Change, style: Style): string {
  if (actor !== null) return whoText(actor, style);
  if (source === 'baseline') return '-';
  if (cause !== null) return `by change ${cause}`;
  return managersHint.length === 0 ? 'unknown' : `unknown (${printable(managersHint.join(', '))}?)`;
}

/** Colours a name that is shortened already: people stand out. */
export function paintWho(text: string, actor: Actor | null, style: Style): string {
  if (actor === null || isMachine(actor.username)) return style.chalk.dim(text);
  return style.chalk.cyan(text);
}
