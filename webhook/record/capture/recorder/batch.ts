import type { Amendment } from '../../../ledger/content/payload.ts';
import type { NewChange, NewCoverage, NewOutcome } from '../../../ledger/port/port.ts';
import type { Ending } from '../endings/ending.ts';
import type { Draft } from '../objects/draft.ts';

interface Contents {
  readonly changes: NewChange[];
  readonly outcomes: NewOutcome[];
  readonly coverage: NewCoverage[];
  /** What ends once this is durable. */
  readonly endings: Ending[];
}

/** What jobs have left for the ledger: of the commit that is on its way, and of the next one. */
export class Batch {
  private committing = nothing();
  private next = nothing();
  /** What the API server made of changes, by seq, until that is in the store. */
  private readonly amendments = new Map<number, Amendment>();
  private committingAmendments: readonly number[] = [];

  /** `lastSeq`: of the newest change in the ledger. */
  constructor(private lastSeq: number) {}

  get nextSeq(): number {
    return this.lastSeq + 1;
  }

  get isEmpty(): boolean {
    const { changes, outcomes, coverage } = this.next;
    return changes.length + outcomes.length + coverage.length === 0;
  }

  /** Changes that wait for their commit, oldest first. */
  get waiting(): readonly NewChange[] {
    const { changes } = this.committing;
    return changes.length === 0 ? this.next.changes : [...changes, ...this.next.changes];
  }

  /** Outcomes that wait for their commit, oldest first. */
  get waitingOutcomes(): readonly NewOutcome[] {
    return [...this.committing.outcomes, ...this.next.outcomes];
  }

  amendment(seq: number): Amendment | undefined {
    return this.amendments.get(seq);
  }

  add({ changes, outcomes, amendments, endings }: Draft): void {
    this.next.changes.push(...changes);
    this.next.outcomes.push(...outcomes);
    this.next.endings.push(...endings);
    for (const [seq, amendment] of amendments) this.amendments.set(seq, amendment);
    this.lastSeq += changes.length;
  }

  cover(event: NewCoverage): void {
    this.next.coverage.push(event);
  }

  /** Returns what is to be committed now; what is added from here on is for the next commit. */
  beginCommit(): Readonly<Contents> {
    this.committing = this.next;
    this.committingAmendments = [...this.amendments.keys()];
    this.next = nothing();
    return this.committing;
  }

  committed(): void {
    this.committing = nothing();
    for (const seq of this.committingAmendments) this.amendments.delete(seq);
  }

  undo(): void {
    this.lastSeq -= this.committing.changes.length + this.next.changes.length;
    this.committing = nothing();
    this.next = nothing();
    this.amendments.clear();
  }
}

function nothing(): Contents {
  return { changes: [], outcomes: [], coverage: [], endings: [] };
}
