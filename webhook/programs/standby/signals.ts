import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { isLocked, lockOf, tryLock } from '../../ledger/sqlite/database/file-lock.ts';

/** What a server tells the others of its machine: it stands by; it answers reviews, and waits for the ledger. */
export type Signal = 'standby' | 'next';

/** Whoever looks whether a signal is given has its lock for a moment. */
const LOOKED_AT_MS = 1_000;

/**
 * What servers of one ledger tell each other: locks on files beside it (DB.standby, DB.next), which the operating system ends with
 * the process.
 */
export class Signals {
  private readonly given = new Map<Signal, () => void>();

  constructor(
    private readonly db: string,
    private readonly log: Logger,
  ) {}

  /** Whether another server has the ledger. */
  get isLedgerOpen(): boolean {
    return this.isLockedNow(lockOf(this.db));
  }

  /** Gives it, unless another server does. Safe to call again. */
  give(signal: Signal): void {
    if (this.given.has(signal)) return;
    try {
      // Several may stand by, and ask again; one alone is next, and says so once.
      const unlock = tryLock(this.pathOf(signal), signal === 'next' ? LOOKED_AT_MS : 0);
      if (unlock !== null) this.given.set(signal, unlock);
    } catch (error) {
      // A folder that cannot be written: the ledger will tell.
      this.log.warn({ reason: messageOf(error) }, 'not locked');
    }
  }

  end(signal: Signal): void {
    this.given.get(signal)?.();
    this.given.delete(signal);
  }

  isGiven(signal: Signal): boolean {
    return this.isLockedNow(this.pathOf(signal));
  }

  isGivenByAnother(signal: Signal): boolean {
    return !this.given.has(signal) && this.isGiven(signal);
  }

  private pathOf(signal: Signal): string {
    return `${this.db}.${signal}`;
  }

  private isLockedNow(path: string): boolean {
    try {
      return isLocked(path);
    } catch {
      return false;
    }
  }
}
