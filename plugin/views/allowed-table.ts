import type { Verdict } from '../../shared/landscape/allows.ts';
import type { ObjectRef, Setter } from '../../shared/types.ts';
import { shrink, widest } from './fit.ts';
import { objectTitle } from './object-name.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { changeWho, paintWho } from './who.ts';

/** A NetworkPolicy that selects one end, what it says, and who set what it says last. */
export interface JudgedPolicy {
  direction: 'egress' | 'ingress';
  object: ObjectRef;
  verdict: Verdict;
  maker: Setter | null;
}

const HEADS = ['DIRECTION', 'POLICY', 'ALLOWS', 'CHANGE', 'BY', 'TIME'];
const MIN_CELL = 12;

/** One policy a line. */
export function allowedTable(policies: readonly JudgedPolicy[], style: Style): string[] {
  const { chalk, columns, ellipsis } = style;
  const time = timeFormat(policies.flatMap(({ maker }) => (maker === null ? [] : [maker.at])), style); // prettier-ignore
  const rows = policies.map(({ direction, object, verdict, maker }) => ({
    cells: [
      direction,
      objectTitle(object, style),
      verdict,
      maker === null ? '-' : String(maker.seq),
      maker === null ? '-' : changeWho(maker, style),
      maker === null ? '-' : time(maker.at),
    ],
    verdict,
    maker,
  }));
  const widths = HEADS.map((head, column) => widest([head, ...rows.map(({ cells }) => cells[column] ?? '')].map(widthOf))); // prettier-ignore
  const [, policy = 0, , , who = 0] = widths;
  const others = widths.reduce((sum, width) => sum + width + GAP, -GAP) - policy - who;
  const [first = policy, second = who] = columns === null ? [] : shrink([policy, who], columns - others, MIN_CELL);
  const paint = { yes: chalk.green, no: chalk.red, perhaps: chalk.yellow };
  const lines = rows.map(({ cells: [direction = '', name = '', says = '', seq = '', by = '', at = ''], verdict, maker }) => [
    direction,
    shortenMiddle(name, first, ellipsis),
    paint[verdict](says),
    chalk.yellow(seq),
    paintWho(shortenMiddle(by, second, ellipsis), maker?.actor ?? null, style),
    chalk.dim(at),
  ]); // prettier-ignore
  return tableLines(HEADS, lines, style);
}
