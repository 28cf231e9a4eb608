import { formatUtc } from '../../shared/time.ts';
import type { Change } from '../../shared/types.ts';
import { operationText } from './operation.ts';
import { objectName } from './object-name.ts';
import type { Style } from './style.ts';
import { tableLines } from './table.ts';
import { printable } from './text.ts';
import { behind, disputedMark } from './who.ts';
import { changeWords } from './words.ts';

/** Everything about each change on one line, as kubectl's wide output: nothing is shortened. */
export function wideTable(changes: readonly Change[], style: Style): string[] {
  const heads = 'ID TIME USER CAUSE GROUPS MANAGER SOURCE OUTCOME VERSION OPERATION NAMESPACE OBJECT UID CHANGE'.split(
    ' ',
  );
  const or = (text: string): string => (text === '' ? '-' : printable(text));
  const rows = changes.map((change) => [
    String(change.seq),
    formatUtc(change.at),
    change.actor === null ? '-' : printable(change.actor.username) + disputedMark(change.actor),
    or(causeText(change)),
    or(change.actor?.groups.join(',') ?? ''),
    or(change.manager === '' && change.managersHint.length > 0 ? `${change.managersHint.join(',')}?` : change.manager),
    change.source,
    change.outcome,
    or(change.resourceVersion),
    operationText({ ...change, outcome: 'committed' }),
    or(change.object.namespace),
    objectName(change.object, style),
    or(change.object.uid),
    changeWords(change, { width: null, lines: Number.POSITIVE_INFINITY }, style).join('; '),
  ]);
  return tableLines(heads, rows, style);
}

/** `499 alice@example.com`: the change that the chain of causes leads to. */
function causeText(change: Change): string {
  const link = behind(change);
  return link === null
    ? ''
    : `${link.seq} ${link.certain ? '' : 'likely '}${link.actor?.username ?? ''}${link.actor === null ? '' : disputedMark(link.actor)}`;
}
