import { KubeblameError } from '../../../../shared/errors.ts';
import type { NotRecorded } from '../../../../shared/not-kept.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { CoverageEvent, LedgerStore, NewChange } from '../../../ledger/port/port.ts';
import type { Predicates } from '../../rules/predicates.ts';
import type { Spooled } from '../../spool/records.ts';
import type { Turns } from '../intake/facts-in-turn.ts';

/** What became of a review here: stored, or why not. */
export type Recorded = 'recorded' | 'dry-run' | 'excluded' | 'unchanged';

/** Told what the recorder does, for the metrics. */
export interface RecorderEvents {
  /** So many changes became durable together, which took so long. */
  committed(changes: number, seconds: number): void;
  covered(event: CoverageEvent): void;
  /** A request was recorded without its body. */
  bodyNotKept(reason: NotRecorded): void;
}

/** Of the disk that the ledger is on: disk-reserve.ts. */
export interface Disk {
  /** Whether only the least is to be recorded. */
  readonly isFull: boolean;
  /** A write was refused for want of room. */
  spend(): void;
}

/** Does something that writes to the disk, which is told where it is full. */
export async function whereFullTold<T>(disk: Disk | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KubeblameError && error.code === 'ledger-full') disk?.spend();
    throw error;
  }
}

export interface RecorderOptions {
  store: LedgerStore;
  redactor: Redactor;
  predicates: Predicates;
  events?: RecorderEvents;
  /** Gives what is seen its turn among the reviews; without it, it is recorded at once. */
  turns?: Turns;
  /** Told of what the API server showed and cannot be recorded: a bug. It is passed over, and the coverage says so. */
  lostFact?: (error: unknown, object: ObjectRef) => void;
  /** Whether a change of an object is sent to the webhook, and recorded, whoever makes it; without it, of none is it known. */
  isSent?: (change: Pick<NewChange, 'object' | 'operation'>) => boolean;
  /** Told of what keeps the contents of a namespace or definition from ending with it; it is tried again. */
  failing?: (error: unknown) => void;
  /** Without it, it never counts as full. */
  disk?: Disk;
  /** Told of a user whose bodies are not kept for the rest of the hour: attempt-budget.ts. */
  overBudget?: (username: string) => void;
}

/** Where a review stands in the spool. */
export type Place = Pick<Spooled, 'number' | 'redacted'>;
