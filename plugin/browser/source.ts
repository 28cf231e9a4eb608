import type { ChalkInstance } from 'chalk';

/** A row of the list. */
export interface Entry {
  /** What it is called while the list changes. */
  id: string;
  /** On a terminal of the width that was asked for; coloured. */
  lines: readonly string[];
  /** False for what only divides others: the head of a day, a gap. */
  selectable: boolean;
  /** The row that it is shown under; undefined where it stands for itself. */
  under?: string;
  /** What is shown at the top while rows of it are: the day. */
  section?: string;
}

export interface Listing {
  /** What the list is of. */
  title: string;
  /** The names of the columns, where there are any. */
  head: string | null;
  entries: readonly Entry[];
  /** True where rows can be unfolded. */
  unfolds: boolean;
  /** True where older rows can be loaded. */
  more: boolean;
}

/** What a key shows of a row. */
export type View = 'diff' | 'show' | 'undo' | 'lines';

export interface Document {
  title: string;
  /** Lines as long as they are; coloured. */
  text: string;
}

/** What is browsed. */
export interface Source {
  chalk: ChalkInstance;
  /** `…` */
  ellipsis: string;
  /** All rows that are loaded, for a terminal of some columns. */
  listing(columns: number): Listing;
  /** Loads older rows. Resolves with what was wrong, where they cannot be read; otherwise with null. */
  loadMore(): Promise<string | null>;
  /** Shows what follows from a row under it, or hides it; false for a row from which nothing follows. */
  toggle(id: string): boolean;
  isUnfolded(id: string): boolean;
  /** What is to be shown of a row. Resolves also where that is an error. */
  document(view: View, id: string, columns: number): Promise<Document>;
}
