import { hash, randomBytes } from 'node:crypto';
import { KubeblameError } from '../../../shared/errors.ts';
import { readVerifier } from '../proof/note.ts';
import type { Pool } from './database/pool.ts';

/*
 * Which ledgers may push to a hub. A ledger is known by its key, which is pinned when it is enrolled; the token only keeps strangers
 * out.
 */

const TOKEN_BYTES = 32;

export interface EnrolledLedger {
  ledger: number;
  cluster: string;
  origin: string;
}

/** What is known of each ledger. Times in ms. */
export interface LedgerStatus extends EnrolledLedger {
  clusterUid: string | null;
  state: 'active' | 'forked' | 'retired';
  reason: string;
  enrolledAt: number;
  headCommit: number;
  headSeq: number;
  /** Of its newest commit, by the clock of the cluster. */
  headAt: number;
  /** Of its last push, by the clock of the hub; 0 before the first. */
  receivedAt: number;
  signedCommit: number;
}

/** What is to be enrolled. `key`: NAME+ID+KEY, as the server keeps it in DB.signing-key.pub. */
export interface Enrolment {
  cluster: string;
  key: string;
  clusterUid: string | null;
  now: number;
}

const CLUSTER = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** Enrols a ledger, and gives the token that it pushes with; only its hash is stored. Rejects with config-invalid. */
export async function enrol(
  pool: Pool,
  { cluster, key, clusterUid, now }: Enrolment,
): Promise<{ token: string; origin: string }> {
  if (!CLUSTER.test(cluster))
    throw new KubeblameError(
      'config-invalid',
      `"${cluster}" is no name of a cluster: lower-case letters, digits, - and .`,
    );
  const { name: origin, text } = readVerifier(key);
  const known = await pool.query<{ cluster_uid: string | null }>(
    "SELECT cluster_uid FROM ledgers WHERE cluster = $1 AND state <> 'retired' AND cluster_uid IS NOT NULL",
    [cluster],
  );
  const other = known.rows.find(({ cluster_uid }) => clusterUid !== null && cluster_uid !== clusterUid);
  if (other !== undefined) {
    const what = `another cluster is enrolled as ${cluster}: its namespace kube-system has the uid ${other.cluster_uid ?? ''}`;
    throw new KubeblameError(
      'config-invalid',
      what,
      `name this one otherwise, or run \`kubeblame-hub retire ${cluster}\` first`,
    );
  }
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const { rowCount } = await pool.query(
    `INSERT INTO ledgers (cluster, cluster_uid, origin, key, token_hash, enrolled_at) VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (origin) DO NOTHING`,
    [cluster, clusterUid, origin, text, hashOfToken(token), now],
  );
  if (rowCount === 0) throw new KubeblameError('config-invalid', `the ledger ${origin} is enrolled already`, 'a new token: kubeblame-hub enrol --new-token'); // prettier-ignore
  return { token, origin };
}

/** A new token for a ledger that is enrolled; the one before it is worth nothing any more. Rejects with config-invalid. */
export async function renewToken(pool: Pool, key: string): Promise<{ token: string; origin: string }> {
  const { name: origin } = readVerifier(key);
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const { rowCount } = await pool.query('UPDATE ledgers SET token_hash = $2 WHERE origin = $1', [
    origin,
    hashOfToken(token),
  ]);
  if (rowCount === 0)
    throw new KubeblameError('config-invalid', `the ledger ${origin} is not enrolled`, 'leave out --new-token');
  return { token, origin };
}

/** Takes nothing more of a cluster's ledgers. Their history stays. Rejects with config-invalid where there are none. */
export async function retire(pool: Pool, cluster: string): Promise<string[]> {
  const { rows } = await pool.query<{ origin: string }>(
    "UPDATE ledgers SET state = 'retired', reason = 'the cluster was retired' WHERE cluster = $1 AND state <> 'retired' RETURNING origin",
    [cluster],
  );
  if (rows.length === 0) throw new KubeblameError('config-invalid', `no cluster is enrolled as ${cluster}`);
  return rows.map(({ origin }) => origin).sort();
}

/** The ledger that a token is for; null where it is for none. */
export async function ledgerOfToken(pool: Pool, token: string): Promise<EnrolledLedger | null> {
  const { rows } = await pool.query<EnrolledLedger>(
    'SELECT ledger, cluster, origin FROM ledgers WHERE token_hash = $1',
    [hashOfToken(token)],
  );
  return rows[0] ?? null;
}

/** All ledgers, by cluster, the newest of each first. */
export async function listLedgers(pool: Pool): Promise<LedgerStatus[]> {
  const { rows } = await pool.query<LedgerStatus>(
    `SELECT ledger, cluster, origin, cluster_uid AS "clusterUid", state, reason, enrolled_at AS "enrolledAt", head_commit AS "headCommit",
      head_seq AS "headSeq", head_at AS "headAt", received_at AS "receivedAt", signed_commit AS "signedCommit"
      FROM ledgers ORDER BY cluster, ledger DESC`,
  );
  return rows;
}

function hashOfToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
