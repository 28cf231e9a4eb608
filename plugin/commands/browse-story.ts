import { firstSeq, startOf, type Act } from '../../shared/acts/acts.ts';
import type { CoverageInterval } from '../../shared/types.ts';
import type { Document, Entry, Listing, Source, View } from '../browser/source.ts';
import { marksLegend } from '../views/operation.ts';
import { expanded, gapsIn, storyRows, type StoryRow } from '../views/story.ts';
import { failureOf, notesOf, ROWS, type Asked } from './browse-texts.ts';
import { StoryReader, type Story } from './load-story.ts';
import { note, tellDenied, tellHidden } from './notes.ts';
import { storyOptions, storyQuery, WITHOUT_CONSEQUENCES } from './story.ts';

/** The story as rows to be browsed: an act, and where it is unfolded what followed from it. */
export class StorySource implements Source {
  readonly chalk;
  readonly ellipsis;
  private readonly acts: StoryReader;
  private story: Story | null = null;
  private coverage: CoverageInterval[] = [];
  /** Acts (by the number of their first change) that are not shown as --expand says. */
  private readonly toggled = new Set<number>();

  constructor(private readonly asked: Asked) {
    const { selection, period, request, reader, io } = asked;
    this.chalk = io.style.chalk;
    this.ellipsis = io.style.ellipsis;
    // What is unfolded must have been told in full.
    this.acts = new StoryReader(storyQuery(selection, period, request, false), reader, io);
  }

  /** Reads the first rows; false where there are none. */
  async start(): Promise<boolean> {
    this.coverage = await this.asked.reader.coverage();
    await this.load();
    return this.story !== null && this.story.acts.length > 0;
  }

  async loadMore(): Promise<string | null> {
    return failureOf(() => this.load());
  }

  private async load(): Promise<void> {
    const { limit } = this.asked.request;
    this.story = await this.acts.load(Math.min((this.story?.acts.length ?? 0) + ROWS, limit ?? Infinity));
  }

  listing(columns: number): Listing {
    const { selection, period, io, request } = this.asked;
    const acts = this.story?.acts ?? [];
    const more = this.story?.more === true && acts.length < (request.limit ?? Infinity);
    const [oldest] = acts.slice(-1);
    const from = period.since ?? (oldest === undefined ? io.now : startOf(oldest));
    const gaps = gapsIn(this.coverage, from, period.until ?? io.now, acts);
    const options = { ...storyOptions(selection, request), expand: (act: Act) => this.isExpanded(act) };
    const rows = storyRows(acts, gaps, options, { ...io.style, columns }, columns);
    const entries = entriesOf(rows);
    const notes = more ? [] : this.notes(columns);
    return { title: selection.title, head: null, entries: [...entries, ...notes], unfolds: true, more };
  }

  /** What the list leaves out, below its last row. */
  private notes(columns: number): Entry[] {
    const { story } = this;
    if (story === null) return [];
    const { hidden, denied, acts, withoutConsequences } = story;
    const lines = notesOf(this.asked.io, columns, (io) => {
      const told = acts.flatMap(({ changes }) => changes).filter(({ effect }) => effect !== 'none');
      for (const line of marksLegend(told)) note(io, line);
      if (withoutConsequences) note(io, WITHOUT_CONSEQUENCES);
      tellDenied(denied, io);
      tellHidden(hidden, false, io);
    });
    return lines.length === 0 ? [] : [{ id: 'notes', lines: ['', ...lines], selectable: false }];
  }

  toggle(id: string): boolean {
    const act = this.actOf(id);
    // What followed from an act has nothing under it.
    if (act === undefined || seqsOf(id).length > 1 || expanded(act).length === 0) return false;
    const seq = firstSeq(act);
    if (!this.toggled.delete(seq)) this.toggled.add(seq);
    return true;
  }

  isUnfolded(id: string): boolean {
    const act = this.actOf(id);
    return act !== undefined && this.isExpanded(act);
  }

  document(view: View, id: string, columns: number): Promise<Document> {
    const [, change] = seqsOf(id);
    const act = this.actOf(id);
    const seqs = change === undefined ? (act?.changes ?? []).map(({ seq }) => seq) : [change];
    return this.asked.documents(view, seqs, columns);
  }

  private isExpanded(act: Act): boolean {
    return this.asked.request.history.expand !== this.toggled.has(firstSeq(act));
  }

  private actOf(id: string): Act | undefined {
    const [seq] = seqsOf(id);
    return this.story?.acts.find((act) => firstSeq(act) === seq);
  }
}

function entriesOf(rows: readonly StoryRow[]): Entry[] {
  let section = '';
  return rows.map(({ line, act, change, day }, index): Entry => {
    section = day ?? section;
    const lines = [line];
    if (act === undefined) return { id: `line ${index}`, lines, selectable: false, section };
    const own = String(firstSeq(act));
    if (change === undefined) return { id: own, lines, selectable: true, section };
    return { id: `${own} ${change.seq}`, lines, selectable: true, under: own, section };
  });
}

/** The act of a row, and the change, where it tells of one that followed. */
function seqsOf(id: string): number[] {
  return id.split(' ').map(Number);
}
