import type { Verdict } from '../../shared/landscape/allows.ts';
import type { ObjectRef, Setter } from '../../shared/types.ts';
import { objectTitle } from './object-name.ts';
import type { Style } from './style.ts';
import { tableLines } from './table.ts';
import { shortenMiddle } from './text.ts';
import { timeFormat } from './times.ts';
import { changeWho, paintWho } from './who.ts';

/** A NetworkPolicy that selects one end, what it says, and who set what it says last. */
export interface JudgedPolicy {
  direction: 'egress' | 'ingress';
  object: ObjectRef;
  verdict: Verdict;
  maker: Setter | null;
}

const [MAX_NAME, MAX_WHO] = [36, 20];

/** One policy a line. */
export function allowedTable(policies: readonly JudgedPolicy[], style: Style): string[] {
  const { chalk, columns, ellipsis } = style;
  const time = timeFormat(policies.flatMap(({ maker }) => (maker === null ? [] : [maker.at])), style); // prettier-ignore
  const cut = (text: string, width: number): string => (columns === null || columns > 120 ? text : shortenMiddle(text, width, ellipsis)); // prettier-ignore
  const paint = { yes: chalk.green, no: chalk.red, perhaps: chalk.yellow };
  const rows = policies.map(({ direction, object, verdict, maker }) => [
    direction,
    cut(objectTitle(object, style), MAX_NAME),
    paint[verdict](verdict),
    maker === null ? '-' : chalk.yellow(String(maker.seq)),
    maker === null ? '-' : paintWho(cut(changeWho(maker, style), MAX_WHO), maker.actor, style),
    maker === null ? '-' : chalk.dim(time(maker.at)),
  ]);
  return tableLines(['DIRECTION', 'POLICY', 'ALLOWS', 'CHANGE', 'BY', 'TIME'], rows, style);
}
