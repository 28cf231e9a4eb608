import { Readable } from 'node:stream';
import { enrol, ledgerOfToken, listLedgers, renewToken } from '../ledgers.ts';
import type { Pool } from '../database/pool.ts';
import { headAt, takeIn } from '../take-in/take-in.ts';
import { CommitLines, PUSH_LIMITS, type Push, type PushLimits } from '../../push/commit-lines.ts';
import { originOf } from '../../proof/checkpoint.ts';
import { signingKey, signingKeyBeside } from '../../publish/signing-keys.ts';
import { openForReading } from '../../sqlite/database/open.ts';
import { openSqliteStore } from '../../sqlite/store/open-store.ts';
import type { SqliteStore } from '../../sqlite/store/store.ts';
import type { Signer } from '../../proof/note.ts';

/** A ledger file that is enrolled at a hub, and pushed to it. */
export interface Mirrored {
  store: SqliteStore;
  path: string;
  /** Its number at the hub. */
  ledger: number;
  token: string;
  signer: Signer;
  /** What the next push would be; null where there is nothing. */
  next(after?: number, notes?: readonly string[], limits?: PushLimits): Promise<Push | null>;
  /** Pushes all that the hub has not got. */
  push(limits?: PushLimits): Promise<void>;
  send(after: number, lines: readonly string[]): Promise<{ commit: number }>;
  head(): ReturnType<typeof headAt>;
}

/** The hub's present in tests (ms). */
export const HUB_NOW = 1_000_000;

/** Opens, or makes, a ledger file, and enrols it where it is not. */
export async function mirror(pool: Pool, path: string, cluster = 'west', given?: SqliteStore): Promise<Mirrored> {
  const store = given ?? openSqliteStore(path, cluster, 0);
  const origin = originOf(store.cluster, store.id);
  const signer = signingKey(signingKeyBeside(path), origin, true);
  const enrolled = (await listLedgers(pool)).some((each) => each.origin === origin);
  const { token } = enrolled
    ? await renewToken(pool, signer.verifier.text)
    : await enrol(pool, { cluster, key: signer.verifier.text, clusterUid: null, now: 0 });
  const ledger = (await ledgerOfToken(pool, token))?.ledger ?? 0;
  const head = (): ReturnType<typeof headAt> => headAt(pool, ledger);
  const send = (after: number, lines: readonly string[]): Promise<{ commit: number; hash: string }> =>
    takeIn(pool, ledger, after, Readable.from(lines.map((line) => line.trimEnd())), HUB_NOW);
  const next: Mirrored['next'] = async (after, notes = [], limits = PUSH_LIMITS): Promise<Push | null> => {
    const from = after ?? (await head()).commit;
    const db = openForReading(path);
    try {
      return new CommitLines(db).after(from, notes, 0, limits);
    } finally {
      db.close();
    }
  };
  const push = async (limits = PUSH_LIMITS): Promise<void> => {
    for (;;) {
      const { commit } = await head();
      const found = await next(commit, [], limits);
      if (found === null) return;
      await send(commit, found.lines);
    }
  };
  return { store, path, ledger, token, signer, next, push, send, head };
}
