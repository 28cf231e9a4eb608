import { changeItem } from '../../shared/change-item.ts';
import { compactRows } from '../../shared/acts/compact.ts';
import { stringifyJson } from '../../shared/json.ts';
import { printableJson } from '../../shared/printable.ts';
import { writtenPatch } from '../../shared/patch.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Change, ChangePage, ChangeQuery, LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { changeDiff, changeTitle, changeTitleLines } from '../views/change-diff.ts';
import { historyTable } from '../views/history-table.ts';
import { csv } from '../views/csv.ts';
import { changeList, document, jsonLines } from '../views/json.ts';
import { qualifiedObjectName } from '../views/object-name.ts';
import { onelines, statLines } from '../views/oneline.ts';
import { marksLegend } from '../views/operation.ts';
import type { Style } from '../views/style.ts';
import { momentText, spanText } from '../views/times.ts';
import { wideTable } from '../views/wide-table.ts';
import { explainEmpty } from './empty.ts';
import { requireField } from './field-known.ts';
import { note, print, separated, tellDenied, tellHidden, tellPartial } from './notes.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';

/** How many changes are shown where --limit does not say. */
const DEFAULT_LIMIT = 50;
/** Items fetched at once. */
const PAGE = 500;

/** `kubectl blame TYPE NAME`: who changed what, newest first. */
export async function showHistory(
  selection: Selection,
  { since, until }: { since?: number; until?: number },
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const limit = request.limit ?? DEFAULT_LIMIT;
  const period = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
  if (request.history.watch) {
    const { watch } = await import('./watch.ts');
    return watch(selection, period, request, reader, io);
  }
  const { changes, hidden, denied, more, olderAt } = await new HistoryReader(
    selection,
    period,
    request,
    reader,
    io,
  ).load(limit);
  const { field } = request.lines;
  if (changes.length === 0 && field !== undefined) {
    tellDenied(denied, io);
    await requireField(selection, field, reader, io);
  }
  const [newest, oldest] = [changes[0], changes.at(-1)];
  const count = `${changes.length}${more ? ' newest' : ''} ${changes.length === 1 ? 'change' : 'changes'}`;
  if (newest !== undefined && oldest !== undefined) {
    const when = periodText(period, oldest.at, newest.at, io.style);
    note(io, [selection.title, count, when].join(` ${io.style.dot} `));
  }
  const { rows, folded } = foldsRows(request) ? compactRows(changes) : { rows: changes, folded: 0 };
  printHistory(request.history.reverse ? [...rows].reverse() : rows, selection, request, io);
  if (oldest === undefined || newest === undefined) await explainEmpty(selection, period, request.matches, reader, io);
  else await tellPartial(since ?? oldest.at, until ?? newest.at, reader, io);
  if (more && oldest !== undefined) {
    note(io, `there are older ones: --limit ${limit * 2}, or --until ${formatUtc(olderAt ?? oldest.at)}`);
  }
  tellDenied(denied, io);
  tellFolded(folded, io);
  tellHidden(hidden, more, io);
  if (request.format === null || request.format === 'table') for (const line of marksLegend(changes)) note(io, line);
}

export function tellFolded(folded: number, io: Io): void {
  if (folded === 0) return;
  note(io, `${folded} ${folded === 1 ? 'change' : 'changes'} by controllers folded: --expand shows them`);
}

/** The table that is the default shows people first; who asks for more, or for a field, gets every change. */
export function foldsRows({ format, view, status, attempts, lines, history }: Request): boolean {
  return format === null && view === null && !status && !attempts && lines.field === undefined && !history.expand;
}

interface Period {
  since?: number;
  until?: number;
}

/** The period above an answer: the moments that were asked for, as they were understood; without them, its own. */
export function periodText({ since, until }: Period, oldest: number, newest: number, style: Style): string {
  if (since !== undefined && until !== undefined) return spanText(since, until, style);
  if (since !== undefined) return `since ${momentText(since, style)}`;
  if (until !== undefined) return `until ${momentText(until, style)}`;
  // Nobody asked for them to the millisecond.
  const [from = oldest, to = newest] = style.columns === null ? [] : [oldest, newest].map(toSecond);
  return spanText(from, to, style);
}

function toSecond(ms: number): number {
  return ms - (ms % 1000);
}

export interface Found {
  /** Newest first, at most as many as were asked for. */
  changes: Change[];
  hidden: ChangePage['hidden'];
  denied: Set<string>;
  /** True where there are older ones. */
  more: boolean;
  /** When the next older one was made (ms): a question until then repeats none of these. null where it was not read. */
  olderAt: number | null;
}

/** Where the reading of one scope stands. */
interface Cursor {
  scope: Scope;
  before: number | undefined;
  /** True where all is read. */
  ended: boolean;
  /** How many changes that are wanted were found. */
  found: number;
}

/** Reads the changes that a question asks for, newest first, page by page. */
export class HistoryReader {
  private readonly changes: Change[] = [];
  private readonly hidden = { status: 0, attempts: 0 };
  private readonly denied = new Set<string>();
  private readonly cursors: Cursor[];

  constructor(
    { scopes }: Pick<Selection, 'scopes'>,
    private readonly period: Period,
    private readonly request: Request,
    private readonly reader: LedgerReader,
    private readonly io: Pick<Io, 'progress'>,
  ) {
    this.cursors = scopes.map((scope) => ({ scope, before: undefined, ended: false, found: 0 }));
  }

  /** The newest `limit` changes; goes on from where it stopped when it is called again with more. */
  async load(limit: number): Promise<Found> {
    const { changes, hidden, denied, cursors } = this;
    for (const cursor of cursors) {
      while (!cursor.ended && cursor.found < limit) await this.readPage(cursor, limit + 1 - cursor.found);
    }
    changes.sort((a, b) => b.seq - a.seq);
    const more = cursors.some(({ ended }) => !ended) || changes.length > limit;
    return { changes: changes.slice(0, limit), hidden, denied, more, olderAt: changes[limit]?.at ?? null };
  }

  private async readPage(cursor: Cursor, wanted: number): Promise<void> {
    const { grep } = this.request.history;
    const page = await this.reader.changes({
      scope: cursor.scope,
      ...this.period,
      limit: grep === null ? Math.min(wanted, PAGE) : PAGE,
      ...changeQuery(this.request),
      ...(cursor.before === undefined ? {} : { before: cursor.before }),
    });
    const matching = grep === null ? page.changes : page.changes.filter(grep);
    this.changes.push(...matching);
    cursor.found += matching.length;
    this.io.progress?.(`${this.changes.length} changes`);
    for (const type of page.denied ?? []) this.denied.add(type);
    this.hidden.status += page.hidden.status;
    this.hidden.attempts += page.hidden.attempts;
    cursor.before = page.next ?? undefined;
    cursor.ended = page.next === null;
  }
}

/** What is asked of changes, besides which objects and when. */
export function changeQuery(request: Request): Omit<ChangeQuery, 'scope' | 'limit'> {
  const { format, status, attempts, matches, lines } = request;
  return {
    bodies: format === 'diff',
    causes: format !== 'diff' && format !== 'patch',
    status,
    attempts,
    ...matches,
    ...(lines.field === undefined ? {} : { field: lines.field }),
  };
}

export function printHistory(changes: readonly Change[], selection: Selection, { format }: Request, io: Io): void {
  const { style } = io;
  // On a terminal what stands above need not be said in each line.
  const known = style.columns !== null && isOneObject(selection, changes);
  switch (format) {
    case 'json':
    case 'yaml':
      io.out(document(changeList(changes), format));
      return;
    case 'jsonl':
      io.out(jsonLines(changes.map(changeItem)));
      return;
    case 'csv':
      io.out(csv(changes, style));
      return;
    case 'name':
      print(io, [...new Set(changes.map(({ object }) => qualifiedObjectName(object)))]);
      return;
    case 'oneline':
      print(io, onelines(changes, style));
      return;
    case 'stat':
      print(io, separated(changes.map((change) => statLines(change, changeTitleLines(change, style, known), style))));
      return;
    case 'wide':
      if (changes.length > 0) print(io, wideTable(changes, style));
      return;
    case 'diff':
      print(io, separated(changes.map((change) => changeDiff(change, style, known))));
      return;
    case 'patch':
      print(io, separated(changes.map((change) => patchLines(change, io))));
      return;
    case 'lines':
    case 'story':
      // Asked elsewhere: lines.ts, story.ts.
      return;
    case 'table':
    case null:
      if (changes.length > 0) print(io, historyTable(changes, { grouped: selection.broad, ...columnsOf(selection, known, style) }, style)); // prettier-ignore
  }
}

/** True where all changes are of one object, which the question names. */
export function isOneObject({ single }: Selection, changes: readonly Change[]): boolean {
  return single && new Set(changes.map(({ object }) => object.uid)).size < 2;
}

/** What needs no column. In a pipe that depends on the question alone, and not on the answer. */
export function columnsOf(
  { single, scopes }: Selection,
  known: boolean,
  style: Style,
): { known: boolean; namespaced: boolean } {
  const [namespace] = scopes.map((scope) => scope.namespace);
  const namespaced = namespace !== undefined && scopes.every((scope) => scope.namespace === namespace);
  return { known: style.columns === null ? single : known, namespaced };
}

/** The RFC 6902 patch, an operation a line, headed by a comment. */
function patchLines(change: Change, io: Io): string[] {
  const operations = writtenPatch(change.patch).map(
    (operation) => `  ${printableJson(stringifyJson({ ...operation }))}`,
  );
  return [
    `# ${changeTitle(change, io.style)}`,
    ...(operations.length === 0 ? ['[]'] : ['[', operations.join(',\n'), ']']),
  ];
}
