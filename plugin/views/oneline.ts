import { formatUtc } from '../../shared/time.ts';
import type { Change } from '../../shared/types.ts';
import { widest } from './fit.ts';
import { objectTitle } from './object-name.ts';
import { operationText, paintOperation } from './operation.ts';
import type { Style } from './style.ts';
import { padEnd, printable, shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { fitWho, wholeWho } from './who.ts';
import { changeWords } from './words.ts';

const MAX_WHO = 30;
const MIN_WHO = 13;
const MAX_OBJECT = 44;
/** On a narrow terminal the object's name may take this share of what is left, and the rest is for the words. */
const OBJECT_SHARE = 0.5;

/** Words in less room than this say nothing. */
const MIN_WORDS = 7;

/** One line for each change, as `git log --oneline`: its id first. Columns are as wide as these changes need. */
export function onelines(changes: readonly Change[], style: Style): string[] {
  const { columns, chalk } = style;
  const time = columns === null ? formatUtc : timeFormat(changes.map(({ at }) => at), style); // prettier-ignore
  const rows = changes.map((change) => ({
    change,
    id: String(change.seq),
    at: time(change.at),
    who: wholeWho(change, style),
    operation: operationText(change),
    object: objectTitle(change.object, style),
  }));
  const fixed = (name: 'id' | 'at' | 'operation'): number => widest(rows.map((row) => row[name].length));
  const [id, at, operation] = [fixed('id'), fixed('at'), fixed('operation')];
  const natural = (name: 'who' | 'object'): number => widest(rows.map((row) => widthOf(row[name])));
  const left = (columns ?? Number.POSITIVE_INFINITY) - id - at - operation - 4;
  const whoWidth =
    columns === null
      ? natural('who')
      : Math.min(natural('who'), MAX_WHO, Math.max(MIN_WHO, Math.min(Math.floor(left / 3), left - natural('object'))));
  const room = left - whoWidth;
  const objectWidth =
    columns === null ? natural('object') : Math.min(natural('object'), MAX_OBJECT, Math.floor(room * OBJECT_SHARE));
  // A name is cut only where the line has no room for it even without words.
  return rows.map((row) => {
    const who = padEnd(columns === null ? row.who : fitWho(row.change, whoWidth, style), whoWidth);
    const object = padEnd(columns === null ? row.object : shortenMiddle(row.object, room, style.ellipsis), objectWidth);
    const done = paintOperation(row.change, style) + ' '.repeat(operation - row.operation.length);
    const width = columns === null ? null : room - widthOf(object) - 1;
    return [
      chalk.yellow(row.id.padStart(id)),
      chalk.dim(row.at.padEnd(at)),
      who,
      done,
      object,
      width !== null && width < MIN_WORDS ? '' : lineWords(row.change, width, style),
    ]
      .join(' ')
      .trimEnd();
  });
}

function lineWords(change: Change, width: number | null, style: Style): string {
  if (width === null) return changeWords(change, { width, lines: Number.POSITIVE_INFINITY }, style).join('; ');
  const all = changeWords(change, { width, lines: Number.POSITIVE_INFINITY }, style);
  if (all.length < 2) return all[0] ?? '';
  const more = ` +${all.length - 1}`;
  const [first = ''] = changeWords(change, { width: Math.max(1, width - more.length), lines: 1e9 }, style);
  return first + style.chalk.dim(more);
}

/** How many values a change set, by where they lie, as `git log --stat`. */
export function statLines(change: Change, title: readonly string[], style: Style): string[] {
  const { chalk } = style;
  const parts = new Map<string, { added: number; removed: number; changed: number }>();
  const total = { added: 0, removed: 0, changed: 0 };
  for (const { path, kind } of change.deltas) {
    const part =
      path === '' ? 'the whole object' : printable(path).replace(/(\.[^.[\]]+|\[\]|\["(?:[^"\\]|\\.)*"\])$/, '');
    const counts = parts.get(part) ?? { added: 0, removed: 0, changed: 0 };
    counts[kind]++;
    total[kind]++;
    parts.set(part, counts);
  }
  const width = Math.min(widest([...parts.keys()].map(widthOf)), (style.columns ?? 120) - 20);
  const lines = [...parts].map(([part, { added, removed, changed }]) => {
    const marks =
      chalk.yellow('~'.repeat(Math.min(changed, 9))) +
      chalk.green('+'.repeat(Math.min(added, 9))) +
      chalk.red('-'.repeat(Math.min(removed, 9)));
    return ` ${padEnd(shortenMiddle(part, width, style.ellipsis), width)} | ${String(added + removed + changed).padStart(3)} ${marks}`;
  });
  const say = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}`]);
  const sum = [...say(total.changed, 'changed'), ...say(total.added, 'added'), ...say(total.removed, 'removed')];
  return [...title, ...lines, ` ${sum.length === 0 ? 'no value set' : `values: ${sum.join(', ')}`}`];
}
