import { changeItem } from '../../shared/change-item.ts';
import { compactRows } from '../../shared/acts/compact.ts';
import { stringifyJson } from '../../shared/json.ts';
import { printableJson } from '../../shared/printable.ts';
import { writtenPatch } from '../../shared/patch.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Change, ChangePage, ChangeQuery, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { changeDiff, changeTitle } from '../views/change-diff.ts';
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
  const { changes, hidden, denied, more } = await fetchChanges(selection, period, limit, request, reader, io);
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
    note(io, `there are older ones: --limit ${limit * 2}, or --until ${formatUtc(oldest.at)}`);
  }
  tellDenied(denied, io);
  if (folded > 0) note(io, `${folded} ${folded === 1 ? 'change' : 'changes'} by controllers folded: --expand shows them`); // prettier-ignore
  tellHidden(hidden, more, io);
  if (request.format === null || request.format === 'table') for (const line of marksLegend(changes)) note(io, line);
}

/** The table that is the default shows people first; who asks for more, or for a field, gets every change. */
function foldsRows({ format, view, status, attempts, lines, history }: Request): boolean {
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

interface Found {
  /** Newest first, at most as many as were asked for. */
  changes: Change[];
  hidden: ChangePage['hidden'];
  denied: Set<string>;
  /** True where there are older ones. */
  more: boolean;
}

async function fetchChanges(
  { scopes }: Selection,
  period: Period,
  limit: number,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<Found> {
  const { grep } = request.history;
  const found: Change[] = [];
  const hidden = { status: 0, attempts: 0 };
  const denied = new Set<string>();
  let more = false;
  for (const scope of scopes) {
    let before: number | undefined;
    let wanted = limit;
    do {
      const page = await reader.changes({
        scope,
        ...period,
        limit: grep === null ? Math.min(wanted, PAGE) : PAGE,
        ...changeQuery(request),
        ...(before === undefined ? {} : { before }),
      });
      const matching = grep === null ? page.changes : page.changes.filter(grep);
      found.push(...matching);
      io.progress?.(`${found.length} changes`);
      wanted -= matching.length;
      for (const type of page.denied ?? []) denied.add(type);
      hidden.status += page.hidden.status;
      hidden.attempts += page.hidden.attempts;
      before = page.next ?? undefined;
    } while (before !== undefined && wanted > 0);
    more ||= before !== undefined;
  }
  const changes = found.sort((a, b) => b.seq - a.seq).slice(0, limit);
  return { changes, hidden, denied, more: more || found.length > limit };
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
  const known = selection.single && style.columns !== null && new Set(changes.map(({ object }) => object.uid)).size < 2;
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
      print(io, separated(changes.map((change) => statLines(change, changeTitle(change, style, known), style))));
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

/** What needs no column. In a pipe that depends on the question alone, and not on the answer. */
function columnsOf(
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
