import { compactRows } from '../../shared/acts/compact.ts';
import type { Document, Entry, Listing, Source, View } from '../browser/source.ts';
import { historySections } from '../views/history-table.ts';
import { marksLegend } from '../views/operation.ts';
import { failureOf, notesOf, ROWS, type Asked } from './browse-texts.ts';
import { columnsOf, foldsRows, HistoryReader, isOneObject, tellFolded, type Found } from './history.ts';
import { note, tellDenied, tellHidden } from './notes.ts';

/** A history as rows to be browsed: the changes, as the table has them, but not by namespace: older ones come at the end. */
export class HistorySource implements Source {
  readonly chalk;
  readonly ellipsis;
  private readonly changes: HistoryReader;
  private found: Found | null = null;

  constructor(private readonly asked: Asked) {
    const { selection, period, request, reader, io } = asked;
    this.chalk = io.style.chalk;
    this.ellipsis = io.style.ellipsis;
    this.changes = new HistoryReader(selection, period, request, reader, io);
  }

  /** Reads the first rows; false where there are none. */
  async start(): Promise<boolean> {
    await this.load();
    return this.found !== null && this.found.changes.length > 0;
  }

  async loadMore(): Promise<string | null> {
    return failureOf(() => this.load());
  }

  private async load(): Promise<void> {
    const { limit } = this.asked.request;
    this.found = await this.changes.load(Math.min((this.found?.changes.length ?? 0) + ROWS, limit ?? Infinity));
  }

  listing(columns: number): Listing {
    const { selection, request, io } = this.asked;
    const { changes, more: older, hidden, denied } = this.found ?? NOTHING;
    const more = older && changes.length < (request.limit ?? Infinity);
    const { rows, folded } = foldsRows(request) ? compactRows(changes) : { rows: changes, folded: 0 };
    const style = { ...io.style, columns };
    const known = isOneObject(selection, changes);
    const options = { grouped: false, ...columnsOf(selection, known, style) };
    const { head, sections } = historySections(rows, options, style, columns);
    const entries = sections.flatMap((section) => section.rows).map(({ change, lines }): Entry => ({ id: String(change.seq), lines, selectable: true })); // prettier-ignore
    const notes = notesOf(io, columns, (to) => {
      if (more) return;
      tellDenied(denied, to);
      tellFolded(folded, to);
      tellHidden(hidden, false, to);
      for (const line of marksLegend(changes)) note(to, line);
    });
    const below: Entry[] = notes.length === 0 ? [] : [{ id: 'notes', lines: ['', ...notes], selectable: false }];
    return { title: selection.title, head, entries: [...entries, ...below], unfolds: false, more };
  }

  toggle(): boolean {
    return false;
  }

  isUnfolded(): boolean {
    return false;
  }

  document(view: View, id: string, columns: number): Promise<Document> {
    return this.asked.documents(view, [Number(id)], columns);
  }
}

const NOTHING: Found = {
  changes: [],
  hidden: { status: 0, attempts: 0 },
  denied: new Set(),
  more: false,
  olderAt: null,
};
