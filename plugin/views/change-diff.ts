import type { Change, Difference } from '../../shared/types.ts';
import { diffLines } from './diff.ts';
import { operationText } from './operation.ts';
import { objectTitle } from './object-name.ts';
import type { Style } from './style.ts';
import { formatLocal, formatUtc } from '../../shared/time.ts';
import { wrapWords } from './text.ts';
import { changeWho, paintWho, userTexts } from './who.ts';
import { changeWords } from './words.ts';

/** One line that says which change follows: who, when, what was done to which object, unless that is `known`. */
export function changeTitle(change: Change, style: Style, known = false): string {
  const { chalk, dot } = style;
  const when = style.columns === null ? formatUtc(change.at) : formatLocal(change.at, style.timeZone);
  const parts = [
    chalk.yellow(`change ${change.seq}`),
    ...(known ? [] : [chalk.bold(objectTitle(change.object, style))]),
    operationText(change),
    paintWho(changeWho(change, style), change.actor, style),
    chalk.dim(when),
  ];
  return parts.join(` ${dot} `);
}

/** The same as lines for a terminal. */
export function changeTitleLines(change: Change, style: Style, known = false): string[] {
  const title = changeTitle(change, style, known);
  return style.columns === null ? [title] : wrapWords(title, style.columns);
}

/** A change as a diff, headed by its title. Whole objects are shown when they come and go. */
export function changeDiff(change: Change, style: Style, known = false): string[] {
  const body =
    change.effect === 'none'
      ? changeWords(change, { width: null, lines: null }, style).map((line) => `  ${line}`)
      : diffLines(change.before ?? null, change.after ?? null, style);
  return [...changeTitleLines(change, style, known), ...body];
}

/** The net difference of one object between two moments. */
export function netDiff({ object, before, after, users, disputed = [] }: Difference, style: Style): string[] {
  const { chalk, dot } = style;
  const what = before === null ? chalk.green('created') : after === null ? chalk.red('deleted') : 'changed';
  const who = users.length === 0 ? [] : [chalk.cyan(userTexts(users, disputed, style))];
  return [[chalk.bold(objectTitle(object, style)), what, ...who].join(` ${dot} `), ...diffLines(before, after, style)];
}
