import type { Actor, CauseLink, Change, Origin } from '../../shared/types.ts';
import { originText } from './origin.ts';
import type { Style } from './style.ts';
import { printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';
import { isMachine, shortUser } from './user.ts';

/** Who did it: on a terminal shortened and dimmed where it was Kubernetes itself, in a pipe the whole name. */
export function whoText(actor: Actor | null, style: Style): string {
  return actor === null ? '-' : userText(actor.username, style) + disputedMark(actor);
}

/** What stands behind the name of a user, of whom it is not certain that they made the change. */
export function disputedMark({ disputed }: Pick<Actor, 'disputed'>): string {
  return disputed === true ? ' (disputed)' : '';
}

/** Names of users; with the mark those whose changes are disputed. */
export function userTexts(users: readonly string[], disputed: readonly string[], style: Style): string {
  const mark = (user: string): string => (disputed.includes(user) ? disputedMark({ disputed: true }) : '');
  return users.map((user) => userText(user, style) + mark(user)).join(', ');
}

/** A user's name: on a terminal its short form. */
export function userText(username: string, style: Style): string {
  return style.columns === null ? printable(username) : shortUser(username);
}

/** What of a change tells who made it. */
type Doer = Pick<Change, 'actor' | 'source' | 'cause' | 'managersHint'>;

/** Who made a change. Nobody is named where nobody was seen; managers and causes are told as what they are. */
export function changeWho({ actor, source, cause, managersHint }: Doer, style: Style): string {
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

/** The one for whom a controller acted, where the record tells; null where nobody stands behind a change. */
export function behind({ actor, causes = [] }: Doer & { causes?: CauseLink[] }): CauseLink | null {
  const last = causes.findLast((link) => link.actor !== null);
  return last === undefined || last.actor?.username === actor?.username ? null : last;
}

/** What tells who stands behind a change. */
type Done = Doer & { causes?: CauseLink[]; origin?: Origin };

/** What a delivery tool made a change from: the change itself, or the last one behind it. */
export function originOf({ causes = [], origin }: Pick<Done, 'causes' | 'origin'>): Origin | null {
  return origin ?? causes.at(-1)?.origin ?? null;
}

/** `deployment-controller ← alice@example.com`; `← likely alice@example.com` where other explanations remain; `argocd ← alice @ 9be27d1`. */
export function wholeWho(change: Done, style: Style): string {
  return changeWho(change, style) + behindText(change, style);
}

function behindText(change: Done, style: Style): string {
  const link = behind(change);
  const person = link === null ? '' : ` ${style.from} ${link.certain ? '' : 'likely '}${whoText(link.actor, style)}`;
  const origin = originOf(change);
  return person + (origin === null ? '' : fromOrigin(origin, style));
}

/** ` ← alice @ 9be27d1`, or ` @ 9be27d1` where nobody is known to have started it. */
export function fromOrigin(origin: Origin, style: Style): string {
  const text = originText(origin, style);
  return text === '' ? '' : origin.startedBy === '' ? ` ${text}` : ` ${style.from} ${text}`;
}

const MIN_CONTROLLER = 4;

/** The same in at most some columns, coloured: the controller gives way first. */
export function fitWho(change: Done, width: number, style: Style): string {
  const person = behindText(change, style);
  const who = changeWho(change, style);
  const room = Math.max(width - widthOf(person), MIN_CONTROLLER);
  if (person === '') return paintWho(shortenMiddle(who, width, style.ellipsis), change.actor, style);
  const behindWidth = width - Math.min(room, widthOf(who));
  const shown = shortenMiddle(person, behindWidth, style.ellipsis);
  const link = behind(change)?.actor ?? null;
  const isPersonal = (link !== null && !isMachine(link.username)) || (originOf(change)?.startedBy ?? '') !== '';
  return (
    paintWho(shortenEnd(who, room, style.ellipsis), change.actor, style) +
    (isPersonal ? style.chalk.cyan(shown) : style.chalk.dim(shown))
  );
}
