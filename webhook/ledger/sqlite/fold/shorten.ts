import { withNotKept } from '../../../../shared/not-kept.ts';
import { hashBody } from '../../../../shared/patch.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { compress, decodeDetail, detailText } from '../../content/payload.ts';
import { contentOf, type ChainedChange, type ChainedShortening } from '../chain/chain.ts';
import { CHANGE_AT } from '../chain/chained-rows.ts';
import { decodeFacts, encodeFacts, LATE_MASK } from '../database/codes.ts';
import type { Sqlite } from '../database/open.ts';
import { LIMIT, Statements } from '../database/statements.ts';
import type { Appender } from '../write/append.ts';
import { bodyAt } from './body.ts';

/*
 * Attempts that were never persisted are shortened after a day: of what they asked for a hash and the beginning stay. The chain has a
 * digest of the content of each change, so that it holds without the content: docs/decisions/0061.
 */

/** Characters of a body that stay. */
const START_LENGTH = 1024;
/** Content of so many bytes, compressed, is left as it is. */
const SHORT_BYTES = 1024;
/** Outcomes that are looked at in a step: some milliseconds. */
const LOOKED_AT_ONCE = 20_000;
/** Attempts that are shortened in a step, which holds up the recording. */
const SHORTENED_AT_ONCE = 20;

/** Whether an attempt may be shortened: dropped, read in time, behind no fold, chained by digests, and long enough. `?`: twice the digests' first seq. */
const ATTEMPT = `x.outcome = 2 AND x.n = (SELECT max(n) FROM outcomes WHERE seq = x.seq) AND (c.kind & ${LATE_MASK}) = 0
  AND NOT EXISTS (SELECT 1 FROM shortened WHERE seq = c.seq)
  AND length(c.detail) + coalesce((SELECT length(body) FROM checkpoints WHERE seq = c.seq), 0) > ${SHORT_BYTES}
  AND NOT EXISTS (SELECT 1 FROM forks WHERE parent = c.seq)
  AND (SELECT parent FROM changes WHERE object_id = c.object_id AND seq > c.seq ORDER BY seq LIMIT 1) IS NOT c.seq`;

/** The changes from here on may be shortened: behind what was folded, and of commits that are chained by digests. */
const FIRST = `SELECT max(coalesce((SELECT through_seq FROM folds ORDER BY id DESC LIMIT 1), 0),
  coalesce((SELECT last_seq FROM commits WHERE id = (SELECT digests_from FROM ledger) - 1), 0),
  coalesce((SELECT max(seq) FROM shortened), 0)) AS seq`;

/** What there is to shorten, up to where it was looked. */
export interface Shortenable {
  attempts: number[];
  upTo: number;
}

/** The next attempts that may be shortened, after one change and up to another. null where there are none left. */
export function nextShortenable(db: Statements, afterSeq: number, toSeq: number): Shortenable | null {
  const from = Math.max(afterSeq, db.get<{ seq: number }>(FIRST)?.seq ?? 0);
  if (from >= toSeq) return null;
  const end = Math.min(toSeq, from + LOOKED_AT_ONCE);
  const found = db.all<{ seq: number }>(
    `SELECT c.seq FROM outcomes x JOIN changes c ON c.seq = x.seq
      WHERE x.seq > ? AND x.seq <= ? AND ${ATTEMPT} ORDER BY x.seq ${LIMIT}`,
    from,
    end,
    SHORTENED_AT_ONCE,
  );
  const attempts = found.map(({ seq }) => seq);
  return { attempts, upTo: attempts.length === SHORTENED_AT_ONCE ? (attempts.at(-1) ?? end) : end };
}

/** Shortens attempts of a ledger. */
export class Shortener {
  private readonly statements: Statements;

  constructor(
    private readonly db: Sqlite,
    private readonly appender: Appender,
  ) {
    this.statements = new Statements(db);
  }

  /** Shortens those of the attempts that may be, all or none, and records it in a commit at `now` (ms). Returns how many. */
  shorten(attempts: readonly number[], now: number): number {
    const { statements } = this;
    const first = statements.get<{ seq: number }>(FIRST)?.seq ?? 0;
    const may = `SELECT 1 FROM outcomes x JOIN changes c ON c.seq = x.seq WHERE c.seq = ? AND ${ATTEMPT}`;
    const left = attempts.filter((seq) => seq > first && statements.get(may, seq) !== null);
    if (left.length === 0) return 0;
    const work = (): void =>
      this.appender.appendShortenings(now, (commitId) => left.map((seq) => this.shortenOne(seq, commitId)));
    this.db.transaction(work).immediate();
    return left.length;
  }

  private shortenOne(seq: number, commitId: number): ChainedShortening {
    const { statements } = this;
    const row = statements.get<ChainedChange>(CHANGE_AT, seq);
    if (row === null) throw new Error(`change ${seq} is not there`);
    const facts = decodeFacts(row.kind);
    const kind = encodeFacts({ ...facts, effect: 'none' });
    const detail = compress(shortText(row.detail, bodyAt(statements, seq)));
    const short = { kind, parent: null, depth: 0, detail, checkpoint: null, skips: null };
    const shortening = { seq, content: contentOf(row), shortened: contentOf(short) };
    // First it is recorded what is shortened: the triggers let go of nothing else.
    statements.run(
      'INSERT INTO shortened (seq, commit_id, content, shortened) VALUES (?, ?, ?, ?)',
      ...[seq, commitId, shortening.content, shortening.shortened],
    );
    statements.run('DELETE FROM checkpoints WHERE seq = ?', seq);
    statements.run(
      'UPDATE changes SET kind = ?, parent = NULL, depth = 0, detail = ? WHERE seq = ?',
      kind,
      detail,
      seq,
    );
    return shortening;
  }
}

/** What is left of an attempt's detail: all but the patch, with the hash and the beginning of the body that was asked for. */
function shortText(bytes: Buffer, body: JsonObject | null): string {
  const { base: _, ...detail } = decodeDetail(bytes);
  const text = JSON.stringify(body);
  const hash = hashBody(body)?.toString('hex') ?? '';
  const notKept = { reason: 'never-persisted', bytes: Buffer.byteLength(text), hash, start: text.slice(0, START_LENGTH) } as const; // prettier-ignore
  return detailText({ ...detail, patch: [], options: withNotKept(detail.options, notKept) });
}
