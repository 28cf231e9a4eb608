import { KubeblameError } from '../../../../shared/errors.ts';
import { transaction, type Db, type Pool } from './pool.ts';
import { REFUSED } from '../../sqlite/database/schema.ts';
import { createTable } from './create-table.ts';

/** So many characters of a text are in an index: an entry of one takes at most 2,704 bytes. */
export const INDEXED = 200;

/**
 * Numbered migrations: one that has been released never changes. The source's ids are kept, with the number of the ledger in
 * front. No value is unique: after a fold, a text that returns has another id. Texts are compared byte by byte, as SQLite does.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE ledgers (
    ledger integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    cluster text COLLATE "C" NOT NULL, -- as the hub calls it
    cluster_uid text, -- uid of its namespace kube-system, where it is known
    origin text COLLATE "C" NOT NULL UNIQUE, -- of the ledger and its key: proof/checkpoint.ts
    key text NOT NULL, -- verification key, pinned at the enrolment
    token_hash bytea NOT NULL UNIQUE, -- SHA-256
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'forked', 'retired')),
    reason text NOT NULL DEFAULT '', -- why it is frozen
    enrolled_at bigint NOT NULL, -- ms
    id bytea, -- of the ledger itself; these are told by its first push
    name text COLLATE "C", -- the ledger's own name of its cluster
    created_at bigint,
    digests_from bigint,
    head_commit bigint NOT NULL DEFAULT 0,
    head_hash bytea NOT NULL DEFAULT '',
    head_seq bigint NOT NULL DEFAULT 0,
    head_at bigint NOT NULL DEFAULT 0, -- ms, by the clock of the cluster
    tree bytea NOT NULL DEFAULT '', -- roots of the complete subtrees of its commits: proof/merkle.ts
    received_at bigint NOT NULL DEFAULT 0, -- ms, by the clock of the hub
    signed_commit bigint NOT NULL DEFAULT 0 -- up to here a signed checkpoint agrees
  );
  CREATE INDEX ledgers_by_cluster ON ledgers (cluster, ledger);
  CREATE TABLE notes ( -- signed checkpoints that agree
    ledger integer NOT NULL REFERENCES ledgers,
    size bigint NOT NULL,
    note text NOT NULL,
    tree bytea NOT NULL, -- roots of the complete subtrees of these commits
    PRIMARY KEY (ledger, size)
  );
  ${createTable('texts', 'PRIMARY KEY (ledger, id)')}
  CREATE INDEX texts_by_value ON texts (left(value, ${INDEXED}), ledger);
  ${createTable('actors', 'PRIMARY KEY (ledger, id)')}
  CREATE INDEX actors_by_username ON actors (left(username, ${INDEXED}), ledger);
  ${createTable('resources', 'PRIMARY KEY (ledger, id)')}
  ${createTable('objects', 'PRIMARY KEY (ledger, id)')}
  CREATE INDEX objects_by_name ON objects (ledger, resource_id, namespace_id, left(name, ${INDEXED}));
  CREATE INDEX objects_by_namespace ON objects (ledger, namespace_id);
  ${createTable('label_sets', 'PRIMARY KEY (ledger, id)')}
  CREATE TABLE label_index ( -- derived from label_sets: content/labels.ts
    ledger integer NOT NULL,
    place bigint NOT NULL,
    set_id bigint NOT NULL,
    PRIMARY KEY (ledger, place, set_id)
  );
  ${createTable('changes', 'PRIMARY KEY (ledger, seq)')}
  CREATE INDEX changes_by_object ON changes (ledger, object_id, seq);
  CREATE INDEX changes_by_namespace ON changes (ledger, namespace_id, seq);
  CREATE INDEX changes_by_actor ON changes (ledger, actor_id, seq);
  CREATE INDEX changes_relabelled ON changes (ledger, object_id, seq) INCLUDE (labels_id) WHERE labels_id IS NOT NULL;
  CREATE INDEX changes_by_labels ON changes (ledger, labels_id) WHERE labels_id IS NOT NULL;
  CREATE INDEX changes_by_occurrence ON changes (ledger, object_id, occurred_at) WHERE occurred_at IS NOT NULL;
  ${createTable('checkpoints', 'PRIMARY KEY (ledger, seq)')}
  ${createTable('outcomes', 'PRIMARY KEY (ledger, seq, commit_id, n)')}
  CREATE INDEX outcomes_by_commit ON outcomes (ledger, commit_id);
  CREATE INDEX outcomes_by_audit ON outcomes (ledger, audit_id) WHERE audit_id IS NOT NULL;
  CREATE INDEX outcomes_refused ON outcomes (ledger, seq) WHERE reason = ${REFUSED};
  ${createTable('shortened', 'PRIMARY KEY (ledger, seq)')}
  ${createTable('coverage', 'PRIMARY KEY (ledger, id)')}
  ${createTable('folds', 'PRIMARY KEY (ledger, commit_id, id)')}
  ${createTable('commits', 'PRIMARY KEY (ledger, id)')}
  `,
];

/** Any number: what migrates the same database takes it as a lock. */
const LOCK = 0x4b424c4d;

/** Brings the database to the present schema. Several that start at once wait for each other. Resolves to the migrations applied. */
export async function migrate(pool: Pool): Promise<number> {
  return transaction(pool, async (db) => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await db.query('CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, at timestamptz NOT NULL)');
    const version = await versionOf(db);
    refuseNewer(version);
    for (const [index, sql] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await db.query(sql);
      await db.query('INSERT INTO migrations VALUES ($1, now())', [index + 1]);
    }
    return MIGRATIONS.length - version;
  });
}

/** Rejects with config-invalid where the database does not have the schema of this version. */
export async function checkSchema(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ there: boolean }>("SELECT to_regclass('migrations') IS NOT NULL AS there");
  const version = rows[0]?.there === true ? await versionOf(pool) : 0;
  refuseNewer(version);
  if (version < MIGRATIONS.length) {
    const what =
      version === 0
        ? 'the database is empty'
        : `the database has schema ${version}, this version needs ${MIGRATIONS.length}`;
    throw new KubeblameError('config-invalid', what, 'run `kubeblame-hub migrate`');
  }
}

async function versionOf(db: Db): Promise<number> {
  const { rows } = await db.query<{ version: number }>('SELECT coalesce(max(number), 0) AS version FROM migrations');
  return rows[0]?.version ?? 0;
}

function refuseNewer(version: number): void {
  if (version <= MIGRATIONS.length) return;
  const what = `the database has schema ${version}, this version knows up to ${MIGRATIONS.length}`;
  throw new KubeblameError('config-invalid', what, 'use the version of Kubeblame that wrote it, or a newer one');
}
