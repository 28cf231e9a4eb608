import { isOfLedger } from '../../../ledger/port/failures.ts';

/** A review of the spool. */
export interface Which {
  number: number;
  /** When it came (ms), or was found to be missing. */
  at: number;
  /** '' where that is not known. */
  uid: string;
}

/**
 * Finds the review that keeps the ledger from taking any: after a failure they are handed over one at a time, until something was
 * committed, for among many, one may be what the ledger does not take.
 */
export class Suspect {
  private isCareful = false;
  private suspect = NaN;
  private unwelcome: { which: Which; error: unknown } | null = null;

  /** Whether one is handed over at a time. */
  get careful(): boolean {
    return this.isCareful;
  }

  committed(): void {
    this.isCareful = false;
  }

  failed(which: Which, error: unknown): void {
    if (!this.isCareful || isOfLedger(error)) return;
    // Alone, and twice, for something else may have been in its commit: it is what the ledger does not take.
    if (this.suspect === which.number) this.unwelcome = { which, error };
    this.suspect = which.number;
  }

  /** They are tried again. Returns the one that is to be passed over, where it was found. */
  tryAgain(): { which: Which; error: unknown } | null {
    this.isCareful = true;
    const { unwelcome } = this;
    this.unwelcome = null;
    return unwelcome;
  }
}
