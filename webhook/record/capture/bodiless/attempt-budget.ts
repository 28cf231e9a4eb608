import type { NewChange } from '../../../ledger/port/port.ts';

/**
 * What a user may ask for in an hour that is not known to be persisted, in bytes of JSON: a quota that refuses each creation lets
 * through to the webhooks all of them, and they would fill the disk.
 */
export const ATTEMPT_BYTES = 32 * 1024 * 1024;
const HOUR_MS = 60 * 60 * 1000;

/** Bytes of JSON that a request for a change adds to the ledger. */
export function requestBytes({ source, detail, bodySnapshot: checkpoint }: NewChange): number {
  if (source !== 'admission') return 0;
  const body = checkpoint === null ? 0 : JSON.stringify(checkpoint).length;
  return JSON.stringify(detail.patch).length + JSON.stringify(detail.options).length + body;
}

/**
 * Counts, for each user and hour, what was asked for and is not known to be persisted. In memory alone: a restart begins anew, as an
 * hour does.
 */
export class AttemptBudget {
  private hour = 0;
  private readonly users = new Map<string, number>();
  /** Changes that nothing has settled yet, by seq. */
  private readonly open = new Map<number, { username: string; bytes: number }>();

  /** Whether a user has asked for so much by a moment (ms) that no more bodies are kept. */
  isSpent(username: string, at: number): boolean {
    this.turnTo(at);
    return (this.users.get(username) ?? 0) >= ATTEMPT_BYTES;
  }

  /** A request has come at a moment (ms). True where it is the one that spends what the user had. */
  add({ seq, at }: Pick<NewChange, 'seq' | 'at'>, username: string, bytes: number): boolean {
    this.turnTo(at);
    const before = this.users.get(username) ?? 0;
    this.users.set(username, before + bytes);
    this.open.set(seq, { username, bytes });
    return before < ATTEMPT_BYTES && before + bytes >= ATTEMPT_BYTES;
  }

  /** What was asked for was persisted. */
  persisted(seq: number): void {
    const attempt = this.open.get(seq);
    if (attempt === undefined) return;
    this.open.delete(seq);
    const { username, bytes } = attempt;
    this.users.set(username, (this.users.get(username) ?? 0) - bytes);
  }

  private turnTo(at: number): void {
    const hour = Math.floor(at / HOUR_MS);
    if (hour === this.hour) return;
    this.hour = hour;
    this.users.clear();
    this.open.clear();
  }
}
