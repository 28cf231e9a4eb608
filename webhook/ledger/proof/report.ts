/** What is verified, in this order. */
export const PARTS = ['file', 'chain', 'references', 'outcomes', 'objects', 'events', 'checkpoints'] as const;
export type Part = (typeof PARTS)[number];

/** Something that is not as it was recorded. */
export interface Finding {
  part: Part;
  /** The place: `commit 12 (changes 30 to 33)`, `change 31`, `actors 4`. */
  where: string;
  what: string;
}

/** What a verification looked at, and what it found. Times in ms. */
export interface Report {
  cluster: string;
  origin: string;
  firstAt: number | null;
  lastAt: number | null;
  /** What was folded: nothing is known of states before `at`. */
  horizon: { at: number; throughSeq: number; throughCommit: number; removed: number } | null;
  /** How far it got: rows whose place in the chain was derived again. */
  commits: number;
  changes: number;
  /** Attempts that were never persisted, and whose bodies were shortened. */
  shortened: number;
  outcomes: number;
  coverage: number;
  /** States that were rebuilt: each object's last one, and others. */
  lastStates: number;
  otherStates: number;
  /** Kubernetes Events, which are no part of the chain. */
  events: number;
  checkpoints: { checked: number; folded: number; unsigned: number; lastSize: number; keys: string[] };
  /** The first ones of each part; `more` counts the rest. */
  findings: Finding[];
  more: number;
}

/** Findings of one part that are told one by one: a name changed behind the ledger's back breaks every commit with it. */
const TOLD = 20;

/** Collects findings. */
export class Findings {
  readonly told: Finding[] = [];
  more = 0;
  private readonly counts = new Map<Part, number>();

  add(part: Part, where: string, what: string): void {
    const count = (this.counts.get(part) ?? 0) + 1;
    this.counts.set(part, count);
    if (count <= TOLD) this.told.push({ part, where, what });
    else this.more++;
  }
}
