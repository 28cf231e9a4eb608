import { setImmediate as breathe } from 'node:timers/promises';

/*
 * Users who write so much that it would push the history of others out of a ledger of limited size: docs/decisions/0060.
 */

/** What one change takes of the ledger, by who made it. */
export interface Written {
  seq: number;
  at: number;
  username: string;
  bytes: number;
}

/** What of a store tells that: Foldable. */
export interface WrittenSource {
  seqAt(at: number): Promise<number>;
  written(afterSeq: number, limit: number): Promise<Written[]>;
}

export interface Floods {
  users: readonly string[];
  /** What they wrote within the last hour, in bytes, or a little more. */
  recentBytes: number;
}

export const NO_FLOODS: Floods = { users: [], recentBytes: 0 };

const HOUR_MS = 60 * 60 * 1000;
/** So far back it is looked: earlier floods were folded when they were an hour old. */
const BACK_MS = 24 * HOUR_MS;
/** The bytes that a user wrote are counted for each stretch of so many ms. */
const STRETCH_MS = 10 * 60 * 1000;
const STRETCHES_AN_HOUR = HOUR_MS / STRETCH_MS;
/** Changes that are looked at before others have their turn: some ten milliseconds. */
const AT_ONCE = 5_000;

/** Finds who floods a ledger. Reads the changes of the last day once, and then only those that are new. */
export class FloodFinder {
  private readSeq = 0;
  /** Bytes by stretch of time and user. */
  private readonly stretches = new Map<number, Map<string, number>>();

  /** Users who wrote `bytesAnHour` or more within about an hour of the last day before `now` (ms). */
  async find(source: WrittenSource, now: number, bytesAnHour: number): Promise<Floods> {
    await this.read(source, now);
    const users = new Set<string>();
    let recentBytes = 0;
    const last = stretchOf(now);
    const recent = this.sums(last);
    for (const [stretch] of this.stretches) {
      for (const [user, bytes] of this.sums(stretch)) if (bytes >= bytesAnHour) users.add(user);
    }
    for (const user of users) recentBytes += recent.get(user) ?? 0;
    return { users: [...users].sort(), recentBytes };
  }

  private async read(source: WrittenSource, now: number): Promise<void> {
    const oldest = stretchOf(now - BACK_MS);
    for (const stretch of [...this.stretches.keys()]) if (stretch < oldest) this.stretches.delete(stretch);
    this.readSeq = Math.max(this.readSeq, await source.seqAt(oldest * STRETCH_MS - 1));
    for (;;) {
      const rows = await source.written(this.readSeq, AT_ONCE);
      for (const { seq, at, username, bytes } of rows) {
        const stretch = stretchOf(at);
        const users = this.stretches.get(stretch) ?? new Map<string, number>();
        this.stretches.set(stretch, users);
        users.set(username, (users.get(username) ?? 0) + bytes);
        this.readSeq = seq;
      }
      if (rows.length < AT_ONCE) return;
      await breathe();
    }
  }

  /** What each user wrote within the hour that ends with a stretch; it begins up to a stretch earlier. */
  private sums(last: number): Map<string, number> {
    const sums = new Map<string, number>();
    for (let stretch = last - STRETCHES_AN_HOUR; stretch <= last; stretch++) {
      for (const [user, bytes] of this.stretches.get(stretch) ?? []) sums.set(user, (sums.get(user) ?? 0) + bytes);
    }
    return sums;
  }
}

function stretchOf(at: number): number {
  return Math.floor(at / STRETCH_MS);
}
