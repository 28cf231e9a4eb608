import type { LandscapeRule } from '../../shared/landscape/rule-for.ts';
import type { Facts, ObjectFacts } from '../../shared/landscape/types.ts';
import type { CoverageInterval, LedgerInfo, ObjectRef } from '../../shared/types.ts';

/*
 * What the page's server tells the page beside the questions of shared/questions: the same answers, put together for a window of time,
 * and in the words of the command line. Times are milliseconds since the Unix epoch, UTC.
 */

/** What kind of user made a change. */
export type WhoKind = 'person' | 'robot' | 'nobody';

/** What the map of the last moment is drawn from, and where the record is whole. */
export interface Snapshot {
  info: LedgerInfo;
  coverage: CoverageInterval[];
  /** The present, by the clock of this machine. */
  now: number;
  /** The moment that the facts are of. */
  at: number;
  rules: LandscapeRule[];
  /** Why the rules of the ConfigMap do not apply; '' where they do, or there are none. */
  rulesProblem: string;
  objects: ObjectFacts[];
  /** Types that the reader may not read. */
  denied: string[];
}

/** A change in a line. */
export interface Row {
  seq: number;
  at: number;
  /** A place in `objects` of its page. */
  object: number;
  who: string;
  kind: WhoKind;
  effect: 'none' | 'created' | 'modified' | 'deleted';
  /** The first words of what changed. */
  text: string;
}

/** Where facts change: what an object said before, and after. null: it did not exist, or not any more. */
export interface Turn {
  seq: number;
  at: number;
  object: number;
  before: Facts | null;
  after: Facts | null;
}

/** An act in the story's words (docs/output.md). */
export interface ActLine {
  /** The number of its first change, by which it is named. */
  id: number;
  at: number;
  who: string;
  kind: WhoKind;
  text: string;
  /** Its changes, and those that followed from them. */
  changes: number[];
  followed: number[];
}

/** A page of changes: newest first, or where `after` was asked for the oldest first. */
export interface ChangesOfWindow {
  objects: ObjectRef[];
  rows: Row[];
  turns: Turn[];
  acts: ActLine[];
  /** Pass as `before` (or `after`) for what comes next; null at the end. */
  next: number | null;
  denied: string[];
}

/** A line of an object's YAML, and who set it. */
export interface PageLine {
  text: string;
  sign: string;
  seq: number;
  /** 0 where it is older than the record. */
  at: number;
  /** The person behind it, where a controller did it for somebody; '' where nobody is known. */
  who: string;
  /** The same with the controller, and what it was delivered from. */
  whole: string;
  kind: WhoKind;
}

/** A line of a diff side by side: what it was and what it became; null where there is none. */
export interface DiffRow {
  before: { number: number; text: string } | null;
  after: { number: number; text: string } | null;
}

export interface DiffPage {
  /** Whether the object existed. */
  existed: [before: boolean, after: boolean];
  hunks: { path: string; rows: DiffRow[] }[];
  /** Who changed it in between. */
  users: string[];
}

export interface StoryPage {
  acts: (ActLine & { objects: ObjectRef[] })[];
  /** True where there are older ones. */
  more: boolean;
  denied: string[];
}

export interface UndoPage {
  /** What `kubectl blame undo` prints, and what it says beside it. */
  text: string;
  notes: string;
  /** The whole as one command line. */
  command: string;
}
