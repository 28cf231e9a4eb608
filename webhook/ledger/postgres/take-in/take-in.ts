import { MerkleTree } from '../../proof/merkle.ts';
import { readVerifier } from '../../proof/note.ts';
import { transaction, unescapeText, type Db, type Pool } from '../database/pool.ts';
import { readBatch, type Batch } from './batch.ts';
import { knownRows } from './known-rows.ts';
import { Refusal, unproven, type Head } from './refusal.ts';
import { readNotes, verifyBatch, type SignedNote, type Standing } from './verify-batch.ts';
import { writeRows } from './write-rows.ts';
import { FORMAT } from '../../sqlite/database/schema.ts';

/** Where the hub stands with a ledger, and why it takes nothing more of it. */
export interface Standpoint extends Head {
  origin: string;
  /** Up to how many commits a signed checkpoint agrees. */
  signed: number;
  state: LedgerRow['state'];
  reason: string;
}

interface LedgerRow {
  state: 'active' | 'forked' | 'retired';
  reason: string;
  origin: string;
  key: string;
  id: Buffer | null;
  name: string;
  created_at: number;
  digests_from: number;
  head_commit: number;
  head_hash: Buffer;
  head_seq: number;
  tree: Buffer;
  signed_commit: number;
}

const SELECT = `SELECT state, reason, origin, key, id, name, created_at, digests_from, head_commit, head_hash, head_seq, tree, signed_commit
  FROM ledgers WHERE ledger = $1`;

/**
 * Takes in what a ledger pushes: the commits after `after`, whole or not at all, and each once. Resolves to the hub's new head, when
 * it is durable. Rejects with a Refusal, or with what PostgreSQL rejects with. `now`: the hub's present (ms).
 */
export async function takeIn(
  pool: Pool,
  ledger: number,
  after: number,
  lines: AsyncIterable<string>,
  now: number,
): Promise<Head> {
  const batch = await readBatch(lines, FORMAT);
  const row = await ledgerRow(pool, ledger);
  const head = headOf(row);
  if (row.state !== 'active') throw new Refusal(row.state === 'forked' ? 'forked' : 'conflict', row.reason, head);
  if (after !== row.head_commit) {
    await lookForFork(pool, ledger, row, after, batch, now);
    throw new Refusal('conflict', `the hub has ${row.head_commit} commits, and these follow commit ${after}`, head);
  }
  const standing = standingOf(row);
  const earlier = await earlierNotes(pool, ledger, standing, batch);
  const known = await knownRows(pool, ledger, batch, after);
  const proven = verifyBatch(standing, batch, known.names);
  await transaction(pool, async (db) => {
    const { rowCount } = await db.query(
      `UPDATE ledgers SET id = $4, name = $5, created_at = $6, digests_from = $7, head_commit = $8, head_hash = $9, head_seq = $10,
        tree = $11, received_at = $12, head_at = CASE WHEN $8 > head_commit THEN $13 ELSE head_at END,
        signed_commit = greatest(signed_commit, $14)
        WHERE ledger = $1 AND head_commit = $2 AND head_hash = $3 AND state = 'active'`,
      [
        ...[
          ledger,
          after,
          standing.hash,
          proven.own.id,
          proven.own.cluster,
          proven.own.created_at,
          proven.own.digests_from,
        ],
        ...[proven.commit, proven.hash, proven.seq, proven.tree, now, proven.at],
        Math.max(0, ...[...earlier, ...proven.notes].map(({ size }) => size)),
      ],
    );
    if (rowCount === 0) throw new Refusal('conflict', 'another push came first', headOf(await ledgerRow(db, ledger)));
    await writeRows(db, ledger, batch, known);
    for (const { size, note, tree } of [...earlier, ...proven.notes]) {
      await db.query('INSERT INTO notes VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [ledger, size, note, tree]);
    }
  });
  return { commit: proven.commit, hash: proven.hash.toString('base64') };
}

/** Where the hub stands with a ledger; with the reason where it takes nothing more of it. */
export async function headAt(pool: Pool, ledger: number): Promise<Standpoint> {
  const row = await ledgerRow(pool, ledger);
  const { origin, state, reason, signed_commit: signed } = row;
  return { origin, ...headOf(row), signed, state, reason };
}

/** The hash of one commit that the hub has, in base64; null where it has it not. */
export async function hashOf(pool: Pool, ledger: number, commit: number): Promise<string | null> {
  const { rows } = await pool.query<{ hash: Buffer }>('SELECT hash FROM commits WHERE ledger = $1 AND id = $2', [
    ledger,
    commit,
  ]);
  return rows[0]?.hash.toString('base64') ?? null;
}

async function ledgerRow(db: Db, ledger: number): Promise<LedgerRow> {
  const { rows } = await db.query<LedgerRow>(SELECT, [ledger]);
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no ledger ${ledger}`);
  return row;
}

function headOf({ head_commit, head_hash }: LedgerRow): Head {
  return { commit: head_commit, hash: head_hash.toString('base64') };
}

function standingOf(row: LedgerRow): Standing {
  const own = row.id === null ? null : { id: row.id, cluster: unescapeText(row.name), created_at: row.created_at, digests_from: row.digests_from }; // prettier-ignore
  const { origin, head_commit: commit, head_hash: hash, head_seq: seq, tree } = row;
  return { origin, key: readVerifier(row.key), own, commit, hash, seq, tree };
}

/**
 * Checkpoints of commits that the hub has already: most are signed after their commits were pushed. Each is compared with the tree
 * from the one before it on.
 */
async function earlierNotes(db: Db, ledger: number, standing: Standing, batch: Batch): Promise<SignedNote[]> {
  const found: SignedNote[] = [];
  const notes = [...readNotes(standing, batch)].filter(([size]) => size <= standing.commit).sort(([a], [b]) => a - b);
  for (const [size, { root, note }] of notes) {
    const { rows } = await db.query<{ size: number; tree: Buffer }>(
      'SELECT size, tree FROM notes WHERE ledger = $1 AND size <= $2 ORDER BY size DESC LIMIT 1',
      [ledger, size],
    );
    const from = found.at(-1) ?? rows[0];
    const tree = from === undefined ? MerkleTree.empty() : MerkleTree.from(from.size, from.tree);
    const hashes = await db.query<{ hash: Buffer }>(
      'SELECT hash FROM commits WHERE ledger = $1 AND id > $2 AND id <= $3 ORDER BY id',
      [ledger, tree.size, size],
    );
    for (const { hash } of hashes.rows) tree.add(hash);
    if (tree.size !== size || !tree.root().equals(root))
      throw unproven(`checkpoint of ${size} commits`, 'these are not the commits that were signed');
    found.push({ size, note, tree: tree.bytes });
  }
  return found;
}

/**
 * A push of commits that the hub has already, but others: the ledger was restored from a backup, or somebody has its key and its
 * token. It is frozen: its history stays, and nothing more is taken.
 */
async function lookForFork(
  pool: Pool,
  ledger: number,
  row: LedgerRow,
  after: number,
  batch: Batch,
  now: number,
): Promise<void> {
  if (after > row.head_commit) return;
  const { rows } = await pool.query<{ id: number; hash: Buffer }>(
    'SELECT id, hash FROM commits WHERE ledger = $1 AND id = ANY($2)',
    [ledger, batch.commits.map(({ id }) => id)],
  );
  const held = new Map(rows.map(({ id, hash }) => [id, hash]));
  const other = batch.commits.find(({ id, hash }) => held.get(id)?.equals(hash) === false);
  if (other === undefined) return;
  const reason = `commit ${other.id} is not the one that the hub has: the ledger was restored from a backup, or two are written under one name`;
  await pool.query("UPDATE ledgers SET state = 'forked', reason = $2, received_at = $3 WHERE ledger = $1", [
    ledger,
    reason,
    now,
  ]);
  throw new Refusal('forked', reason, headOf(row));
}
