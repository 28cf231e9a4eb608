import pg from 'pg';
import { KubeblameError, messageOf } from '../../../../shared/errors.ts';

/*
 * PostgreSQL for the hub. Texts are stored with two characters escaped: PostgreSQL takes no U+0000, SQLite does, and a ledger
 * with one would be stuck for ever. The escape keeps the order of texts.
 */

/** Connections of one hub. A push or a question takes one for as long as it lasts. */
const CONNECTIONS = 10;
/** How long a statement may take: nobody waits longer for an answer. */
const STATEMENT_MS = 60_000;
const CONNECT_MS = 10_000;

/** What statements run on: the pool, or one connection within a transaction. */
export interface Db {
  query<Row extends object>(sql: string, values?: unknown[]): Promise<{ rows: Row[]; rowCount: number | null }>;
}

export type Pool = pg.Pool;

/** bigint and count(*): all numbers of a ledger are below 2^53. */
const INT8 = 20;

/** `url`: postgres://USER:PASSWORD@HOST/DATABASE. `connections`: at most so many. Connects when it is used. */
export function openPool(url: string, connections = CONNECTIONS): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'kubeblame-hub',
    types: {
      getTypeParser: ((oid: number, format: 'text' | 'binary') =>
        oid === INT8 ? Number : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser,
    },
  });
  // A connection that breaks while nobody uses it: the next statement opens another one.
  pool.on('error', () => undefined);
  return pool;
}

/** Runs `work` in one transaction; rolls back where it rejects. */
export async function transaction<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  // A connection that ends between two statements tells it in no other way; the next statement rejects.
  const end = (): void => void (broken = true);
  client.on('error', end);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(end);
    throw error;
  } finally {
    client.off('error', end);
    client.release(broken);
  }
}

/** Errors of PostgreSQL, and of the way to it, as ours: they pass, or somebody has to look at the database. */
export function translate(error: unknown): unknown {
  if (error instanceof KubeblameError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const isOfDatabase = error instanceof pg.DatabaseError || typeof code === 'string' || isOfPool(error);
  if (!isOfDatabase) return error;
  return new KubeblameError(
    'database-unavailable',
    `the database cannot be used: ${messageOf(error)}`,
    'check that PostgreSQL runs, and KUBEBLAME_HUB_DATABASE',
    { cause: error },
  );
}

/** What pg throws without a code where a connection ends or none can be had. */
function isOfPool(error: unknown): boolean {
  return (
    error instanceof Error && /timeout exceeded|Connection terminated|connection error|Query read/.test(error.message)
  );
}

/** As it is stored: reversible, and in the same order (COLLATE "C"). */
export function escapeText(text: string): string {
  return text.includes('\0') || text.includes('\x01')
    ? text.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01')
    : text;
}

export function unescapeText(text: string): string {
  return text.includes('\x01') ? text.replaceAll('\x01\x01', '\0').replaceAll('\x01\x02', '\x01') : text;
}

const TEXT = 't'.charCodeAt(0);
const BYTES = 'b'.charCodeAt(0);

/** A value that is bytes or text, as bytes that say which. */
export function encodeAny(value: Buffer | string): Buffer {
  return typeof value === 'string'
    ? Buffer.concat([Buffer.from([TEXT]), Buffer.from(value)])
    : Buffer.concat([Buffer.from([BYTES]), value]);
}

export function decodeAny(stored: Buffer): Buffer | string {
  return stored[0] === TEXT ? stored.toString('utf8', 1) : stored.subarray(1);
}
