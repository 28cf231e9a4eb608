import type { Change } from '../../shared/types.ts';
import { widest } from './fit.ts';
import { objectTitle } from './object-name.ts';
import { operationText } from './operation.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { changeWho, paintWho } from './who.ts';

const MAX_WHO = 30;
const MAX_OBJECT = 44;
const MIN_MESSAGE = 12;

/** Who tried what, and why the API server refused it. */
export function deniedTable(changes: readonly Change[], style: Style): string[] {
  const { columns, ellipsis } = style;
  const time = timeFormat(
    changes.map(({ at }) => at),
    style,
  );
  const heads = ['TIME', 'USER', 'REQUEST', 'OBJECT', 'CODE', 'REASON'];
  const fit = (text: string, width: number): string => (columns === null ? text : shortenMiddle(text, width, ellipsis));
  const rows = changes.map((change) => [
    time(change.at),
    fit(whoTried(change, style), MAX_WHO),
    operationText({ ...change, outcome: 'committed' }),
    fit(objectTitle(change.object, style), MAX_OBJECT),
    String(change.audit?.code ?? ''),
    printable(change.audit?.message ?? ''),
  ]);
  const used = [0, 1, 2, 3, 4].reduce(
    (sum, column) => sum + GAP + widest([heads, ...rows].map((row) => widthOf(row[column] ?? ''))),
    0,
  );
  const painted = rows.map(([at = '', who = '', request = '', object = '', code = '', message = ''], index) => [
    at,
    paintWho(who, changes[index]?.actor ?? null, style),
    request,
    object,
    code,
    columns === null ? message : shortenEnd(message, Math.max(MIN_MESSAGE, columns - used), ellipsis),
  ]);
  return tableLines(heads, painted, style);
}

/** `bob@example.com as carol@example.com` where one acted in the name of the other. */
function whoTried(change: Change, style: Style): string {
  const { audit } = change;
  const who = changeWho(change, style);
  return audit?.impersonator === undefined ? who : `${printable(audit.impersonator.username)} as ${who}`;
}
