import { stripVTControlCharacters } from 'node:util';
import type { Actor, Change } from '../../shared/types.ts';
import { objectTitle } from './object-name.ts';
import { operationText } from './operation.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenEnd, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { widest } from './fit.ts';
import { whoText } from './who.ts';
import { changeWords } from './words.ts';

/** What one person did at a stroke: one `kubectl apply` of ten objects is one burst. */
export interface Burst {
  /** Oldest first. At least one. */
  changes: Change[];
}

/** The next request of one command follows within this time; a person needs longer for the next command. */
const PAUSE_MS = 1500;

/**
 * Groups changes (any order) into bursts, newest first: requests of one kind (operation, subresource), sent by one user
 * with one program, each soon after the one before.
 */
export function burstsOf(changes: readonly Change[]): Burst[] {
  const bursts: Burst[] = [];
  // What several users do at a time is not mixed.
  const last = new Map<string, Burst>();
  for (const change of [...changes].sort((a, b) => a.seq - b.seq)) {
    const burst = last.get(userOf(change));
    const previous = burst?.changes.at(-1);
    if (burst !== undefined && previous !== undefined && belongs(previous, change)) burst.changes.push(change);
    else {
      const begun = { changes: [change] };
      bursts.push(begun);
      last.set(userOf(change), begun);
    }
  }
  return bursts.reverse();
}

function belongs(previous: Change, next: Change): boolean {
  // An apply creates some objects and updates others; a delete is never part of it.
  const kind = ({ operation, subresource, manager }: Change): string =>
    `${operation === 'CREATE' ? 'UPDATE' : operation} ${subresource} ${manager}`;
  return kind(previous) === kind(next) && next.at - previous.at <= PAUSE_MS;
}

/** Of several changes only some may be disputed. */
function disputedOf({ changes }: Burst): Actor | undefined {
  return changes.find(({ actor }) => actor?.disputed === true)?.actor ?? undefined;
}

function userOf({ actor }: Change): string {
  return actor?.username ?? '';
}

/** `1204,1207-1209`: what `show` and `undo` take. Others' changes may lie between, and are not in it. */
export function idsOf({ changes }: Pick<Burst, 'changes'>): string {
  const runs: [from: number, to: number][] = [];
  for (const { seq } of changes) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === seq - 1) last[1] = seq;
    else runs.push([seq, seq]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}

/** Where there is no room for all of them, the first: `show` tells of the others. An id is never cut. */
function shortIds(burst: Burst, width: number): string {
  const all = idsOf(burst);
  const { changes } = burst;
  return all.length <= width ? all : `${changes[0]?.seq ?? ''} +${changes.length - 1}`;
}

const MAX_IDS = 16;
const MAX_IDS_NARROW = 12;
const MAX_MANAGER = 26;
const MAX_USER = 24;
const WIDE = 110;

/** Names that are told of a burst; others are counted. */
const MAX_NAMES = 3;

function whatOf({ changes }: Burst, style: Style): string {
  const [only] = changes;
  if (only !== undefined && changes.length === 1) {
    const words = changeWords(only, { width: null, lines: style.columns === null ? null : 3 }, style);
    return `${objectTitle(only.object, style)}: ${words.join('; ')}`;
  }
  const objects = new Map(changes.map(({ object }) => [objectTitle(object, style), object]));
  if (objects.size <= MAX_NAMES) return [...objects.keys()].join(', ');
  const kinds = new Map<string, number>();
  for (const object of objects.values()) {
    const kind = printable(style.typeName(object));
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const parts = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${count} ${kind}`);
  return `${objects.size} objects: ${parts.join(', ')}`;
}

/** One line for each burst. */
export function burstTable(bursts: readonly Burst[], style: Style): string[] {
  const time = timeFormat(bursts.flatMap(({ changes }) => changes.slice(0, 1).map(({ at }) => at)), style); // prettier-ignore
  const several = new Set(bursts.flatMap(({ changes }) => changes.slice(0, 1).map(userOf))).size > 1;
  const rows = bursts.map((burst) => {
    const [first] = burst.changes;
    if (first === undefined) throw new RangeError('a burst without a change');
    const operations = new Set(burst.changes.map((change) => operationText({ ...change, outcome: 'committed' })));
    return [
      idsOf(burst),
      time(first.at),
      ...(several ? [first.actor === null ? '' : whoText(disputedOf(burst) ?? first.actor, style)] : []),
      printable(first.manager) || '-',
      [...operations].join(','),
      // Its end may be cut off, and with it the end of a colour.
      stripVTControlCharacters(whatOf(burst, style)),
    ];
  });
  const heads = ['ID', 'TIME', ...(several ? ['USER'] : []), 'MANAGER', 'OPERATION', 'WHAT'];
  const { columns } = style;
  if (columns === null) return tableLines(heads, rows, style);
  // Of a narrow terminal the manager would take what is needed for what was done.
  const wide = columns >= WIDE;
  const shown = wide ? heads : heads.filter((head) => head !== 'MANAGER');
  const most: Record<string, number> = { USER: MAX_USER, MANAGER: MAX_MANAGER };
  const ids = bursts.map((burst) => shortIds(burst, wide ? MAX_IDS : MAX_IDS_NARROW));
  const names = rows.map((row, index) =>
    heads.flatMap((head, column) => {
      const cell = (head === 'ID' ? ids[index] : row[column]) ?? '';
      return shown.includes(head) ? [shortenEnd(cell, most[head] ?? Infinity, style.ellipsis)] : [];
    }),
  );
  const used = shown
    .slice(0, -1)
    .reduce((sum, _, column) => sum + GAP + widest([shown, ...names].map((row) => widthOf(row[column] ?? ''))), 0);
  const fitted = names.map((row) => [
    style.chalk.yellow(row[0] ?? ''),
    ...row.slice(1, -1),
    shortenEnd(row.at(-1) ?? '', Math.max(8, columns - used), style.ellipsis),
  ]);
  return tableLines(shown, fitted, style);
}
