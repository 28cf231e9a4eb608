import { OUTCOME_REASONS } from '../../port/port.ts';
import { EVENTS } from './schema-events.ts';

/** The code of a refusal, by which attempts are found: the list of reasons only grows at its end. */
export const REFUSED = OUTCOME_REASONS.indexOf('the API server refused it');

/** Marks a SQLite file as a Kubeblame ledger: "KBLM", in the header's application id. */
export const APPLICATION_ID = 0x4b424c4d;

const ABORT = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;";

/** True of the rows that no fold has recorded as being behind the horizon. */
const BEFORE_HORIZON = {
  seq: 'OLD.seq > (SELECT coalesce(max(through_seq), 0) FROM folds)',
  commit: 'OLD.commit_id > (SELECT coalesce(max(through_commit), 0) FROM folds)',
  id: 'OLD.id > (SELECT coalesce(max(through_commit), 0) FROM folds)',
  // Whether something still refers to it, foreign keys tell.
  any: 'NOT EXISTS (SELECT 1 FROM folds)',
};

function appendOnly(table: string, removable?: keyof typeof BEFORE_HORIZON, changeable?: string): string {
  const remove = removable === undefined ? '' : ` WHEN ${BEFORE_HORIZON[removable]}`;
  const change = changeable === undefined ? '' : ` WHEN ${changeable}`;
  return `
  CREATE TRIGGER ${table}_keep_rows BEFORE DELETE ON ${table}${remove} ${ABORT}
  CREATE TRIGGER ${table}_keep_values BEFORE UPDATE ON ${table}${change} ${ABORT}`;
}

/** The same, asked of the newest fold: folds only go forward, so that the others need not be read. */
const BEHIND_FOLD = {
  seq: 'OLD.seq > (SELECT coalesce((SELECT through_seq FROM folds ORDER BY id DESC LIMIT 1), 0))',
  commit: 'OLD.commit_id > (SELECT coalesce((SELECT through_commit FROM folds ORDER BY id DESC LIMIT 1), 0))',
  id: 'OLD.id > (SELECT coalesce((SELECT through_commit FROM folds ORDER BY id DESC LIMIT 1), 0))',
};

/** The code of the outcome `dropped`: codes.ts. */
const DROPPED = 2;

/** True of rows of changes but for those that the commit which is being made tells to have been shortened. */
const NOT_BEING_SHORTENED = `NOT EXISTS (SELECT 1 FROM shortened WHERE seq = OLD.seq
  AND commit_id > (SELECT coalesce(max(id), 0) FROM commits))`;

function guard(table: string, what: 'rows' | 'values', condition = ''): string {
  const on = what === 'rows' ? 'DELETE' : 'UPDATE';
  return `
  DROP TRIGGER IF EXISTS ${table}_keep_${what};
  CREATE TRIGGER ${table}_keep_${what} BEFORE ${on} ON ${table} ${condition === '' ? '' : `WHEN ${condition}`} ${ABORT}`;
}

/**
 * An outcome that is told so many changes after its change, or more, is listed: the rest is found in a stretch of this length,
 * which takes some milliseconds to read.
 */
export const LATE_CHANGES = 20_000;

/**
 * Numbered migrations: the schema's version is how many have been applied. One that has been released never changes.
 *
 * Texts that recur are interned, so that a change costs some integers and its patch. Every table is append-only, by
 * trigger, with three exceptions: a resource's kind, which an act on an object of an unknown type leaves empty; what
 * a fold has recorded to be behind the horizon (docs/decisions/0022), which may go; and the content of attempts that were never persisted,
 * which may be shortened (docs/decisions/0061).
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE ledger (
    id BLOB NOT NULL, -- random: tells ledgers of one cluster apart
    cluster TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  -- namespaces, field managers, subresources, apiVersions
  CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    value TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE actors (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL,
    identity TEXT NOT NULL UNIQUE -- canonical JSON of the whole userInfo
  ) STRICT;
  CREATE INDEX actors_by_username ON actors (username);

  CREATE TABLE resources (
    id INTEGER PRIMARY KEY,
    api_group TEXT NOT NULL,
    resource TEXT NOT NULL,
    kind TEXT NOT NULL,
    commit_id INTEGER NOT NULL, -- the commit that told the kind; 0 while it is unknown
    UNIQUE (api_group, resource)
  ) STRICT;

  -- one row an incarnation
  CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    resource_id INTEGER NOT NULL REFERENCES resources,
    namespace_id INTEGER NOT NULL REFERENCES texts,
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    UNIQUE (resource_id, namespace_id, name, uid)
  ) STRICT;
  CREATE INDEX objects_by_namespace ON objects (namespace_id);

  -- labels that some object has had: the JSON text of metadata.labels, keys sorted
  CREATE TABLE label_sets (
    id INTEGER PRIMARY KEY,
    labels TEXT NOT NULL
  ) STRICT;

  -- by which they are found: hashes of each label, and of the whole text (labels.ts)
  CREATE TABLE label_index (
    place INTEGER NOT NULL,
    set_id INTEGER NOT NULL REFERENCES label_sets,
    PRIMARY KEY (place, set_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL, -- ms since 1970, never before the change before it
    object_id INTEGER NOT NULL REFERENCES objects,
    namespace_id INTEGER NOT NULL REFERENCES texts, -- the object's, for the index
    actor_id INTEGER REFERENCES actors,
    kind INTEGER NOT NULL, -- operation, source and effect as digits, with flags: codes.ts
    subresource_id INTEGER NOT NULL REFERENCES texts,
    manager_id INTEGER NOT NULL REFERENCES texts,
    api_version_id INTEGER NOT NULL REFERENCES texts,
    labels_id INTEGER REFERENCES label_sets, -- the labels that its object has from here on; NULL: as before
    parent INTEGER REFERENCES changes, -- the change whose state the patch starts from
    depth INTEGER NOT NULL, -- patches since the last whole body
    base_version TEXT NOT NULL, -- resourceVersion that the request was made against
    version TEXT NOT NULL, -- resourceVersion, where known at once
    review_uid ANY NOT NULL, -- 16 bytes for a UUID, otherwise text
    hash BLOB, -- of the body after it
    detail BLOB NOT NULL -- payload.ts
  ) STRICT;
  CREATE INDEX changes_by_object ON changes (object_id);
  CREATE INDEX changes_by_namespace ON changes (namespace_id);
  CREATE INDEX changes_by_actor ON changes (actor_id);
  CREATE INDEX changes_by_labels ON changes (labels_id) WHERE labels_id IS NOT NULL;
  CREATE INDEX changes_relabelled ON changes (object_id) WHERE labels_id IS NOT NULL;

  -- whole bodies beside a change, so that replay is bounded
  CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY REFERENCES changes,
    body BLOB NOT NULL,
    skips BLOB NOT NULL -- what was touched since those before it: skips.ts
  ) STRICT;

  -- what became of a change: the row with the highest n counts
  CREATE TABLE outcomes (
    seq INTEGER NOT NULL REFERENCES changes,
    n INTEGER NOT NULL,
    commit_id INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (seq, n)
  ) STRICT, WITHOUT ROWID;

  -- what decides whether all that happens is recorded
  CREATE TABLE coverage (
    id INTEGER PRIMARY KEY,
    commit_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;

  -- the hash chain: one link for all that became durable together
  CREATE TABLE commits (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    taken INTEGER NOT NULL, -- the last review of the spool that is in the ledger or needs not be: spool/
    hash BLOB NOT NULL -- SHA-256 over the hash before it and the rows of this commit: chain.ts
  ) STRICT;

  -- what was folded: rows up to through_seq are what remains of the history up to through_commit
  CREATE TABLE folds (
    id INTEGER PRIMARY KEY,
    commit_id INTEGER NOT NULL,
    through_commit INTEGER NOT NULL,
    through_seq INTEGER NOT NULL,
    horizon_at INTEGER NOT NULL, -- ms: states before it are gone
    removed INTEGER NOT NULL, -- changes that this fold removed
    last_object INTEGER NOT NULL, -- highest ids then: these rows stay, so that an id is never given twice
    last_actor INTEGER NOT NULL,
    last_text INTEGER NOT NULL,
    chain BLOB NOT NULL, -- hash of the last commit folded
    tree BLOB NOT NULL, -- roots of the complete subtrees of the commits folded: proof/merkle.ts
    remains BLOB NOT NULL -- SHA-256 over what remains of them: chain.ts
  ) STRICT;

  ${appendOnly('ledger')}
  ${appendOnly('texts', 'any')}
  ${appendOnly('actors', 'any')}
  ${appendOnly('objects', 'any')}
  ${appendOnly('label_sets', 'any')}
  ${appendOnly('label_index', 'any')}
  ${appendOnly('resources', undefined, "OLD.kind <> ''")}
  ${appendOnly('changes', 'seq', BEFORE_HORIZON.seq)}
  ${appendOnly('checkpoints', 'seq')}
  ${appendOnly('outcomes', 'commit')}
  ${appendOnly('coverage', 'commit')}
  ${appendOnly('commits', 'id')}
  ${appendOnly('folds', 'commit', "OLD.remains <> x''")}
  `,
  `
  -- what the API server made of the change beyond what was asked for: payload.ts
  ALTER TABLE outcomes ADD COLUMN amendment BLOB;
  `,
  /*
   * Folding must not cost more the longer the ledger is (docs/decisions/0037): whether a row may go is asked of the newest
   * fold alone, and what a fold would have to look for in the whole ledger is listed when it is written.
   */
  `
  ${guard('changes', 'rows', BEHIND_FOLD.seq)}
  ${guard('changes', 'values', BEHIND_FOLD.seq)}
  ${guard('checkpoints', 'rows', BEHIND_FOLD.seq)}
  ${guard('outcomes', 'rows', BEHIND_FOLD.commit)}
  ${guard('coverage', 'rows', BEHIND_FOLD.commit)}
  ${guard('commits', 'rows', BEHIND_FOLD.id)}
  CREATE INDEX coverage_by_commit ON coverage (commit_id);
  CREATE INDEX folds_by_commit ON folds (commit_id);

  -- changes that were made from another change than the one before them, of the same object: few
  CREATE TABLE forks (
    parent INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (parent, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER changes_fork AFTER INSERT ON changes WHEN NEW.parent IS NOT NULL AND NEW.parent <>
    (SELECT seq FROM changes WHERE object_id = NEW.object_id AND seq < NEW.seq ORDER BY seq DESC LIMIT 1)
    BEGIN INSERT OR IGNORE INTO forks VALUES (NEW.parent, NEW.seq); END;
  CREATE TRIGGER changes_fork_gone AFTER DELETE ON changes WHEN OLD.parent IS NOT NULL
    BEGIN DELETE FROM forks WHERE parent = OLD.parent AND seq = OLD.seq; END;
  CREATE TRIGGER changes_fork_ended AFTER UPDATE OF parent ON changes WHEN OLD.parent IS NOT NULL
    BEGIN DELETE FROM forks WHERE parent = OLD.parent AND seq = OLD.seq; END;
  ${guard('forks', 'rows', BEHIND_FOLD.seq)}
  ${guard('forks', 'values')}
  INSERT INTO forks SELECT parent, seq FROM (SELECT parent, seq, lag(seq) OVER (PARTITION BY object_id ORDER BY seq) AS before
    FROM changes) WHERE parent <> before;

  -- outcomes that were told long after their change: of the others a fold knows about where they are
  CREATE TABLE late_outcomes (
    commit_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (commit_id, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER outcomes_late AFTER INSERT ON outcomes WHEN NEW.seq <= (SELECT max(seq) FROM changes) - ${LATE_CHANGES}
    BEGIN INSERT OR IGNORE INTO late_outcomes VALUES (NEW.commit_id, NEW.seq); END;
  ${guard('late_outcomes', 'rows', BEHIND_FOLD.commit)}
  ${guard('late_outcomes', 'values')}
  INSERT OR IGNORE INTO late_outcomes SELECT x.commit_id, x.seq FROM outcomes x JOIN commits c ON c.id = x.commit_id
    WHERE x.seq <= c.last_seq - ${LATE_CHANGES};
  `,
  /*
   * What an attempt that was never persisted asked for can be shortened (docs/decisions/0061): from this format on the chain has a digest of
   * the content of each change, so that it holds without the content.
   */
  `
  ALTER TABLE ledger ADD COLUMN digests_from INTEGER NOT NULL DEFAULT 0; -- the first commit that is chained so
  ${guard('ledger', 'values', 'FALSE')}
  UPDATE ledger SET digests_from = (SELECT coalesce(max(id), 0) + 1 FROM commits);
  ${guard('ledger', 'values')}

  CREATE TABLE shortened (
    seq INTEGER PRIMARY KEY, -- of the change, which a fold may remove before this row
    commit_id INTEGER NOT NULL, -- the commit that tells that it was shortened
    content BLOB NOT NULL, -- digest of its content as it was recorded: chain.ts
    shortened BLOB NOT NULL -- and as it is since
  ) STRICT;
  CREATE INDEX shortened_by_commit ON shortened (commit_id);
  CREATE TRIGGER shortened_dropped BEFORE INSERT ON shortened WHEN EXISTS (SELECT 1 FROM changes WHERE seq = NEW.seq)
    AND (SELECT outcome FROM outcomes WHERE seq = NEW.seq ORDER BY n DESC LIMIT 1) IS NOT ${DROPPED}
    BEGIN SELECT RAISE(ABORT, 'only what was never persisted may be shortened'); END;
  ${guard('shortened', 'rows', BEHIND_FOLD.commit)}
  ${guard('shortened', 'values')}
  ${guard('changes', 'values', `${BEHIND_FOLD.seq} AND ${NOT_BEING_SHORTENED}`)}
  ${guard('checkpoints', 'rows', `${BEHIND_FOLD.seq} AND ${NOT_BEING_SHORTENED}`)}
  ${guard('forks', 'rows', `${BEHIND_FOLD.seq} AND ${NOT_BEING_SHORTENED}`)}
  `,
  /* What the API server's audit log tells of a change (docs/decisions/0070), and when a change happened that came in later. */
  `
  ALTER TABLE outcomes ADD COLUMN audit_id ANY; -- 16 bytes for a UUID, otherwise text
  ALTER TABLE outcomes ADD COLUMN audit BLOB; -- payload.ts
  CREATE INDEX outcomes_by_audit ON outcomes (audit_id) WHERE audit_id IS NOT NULL;
  ALTER TABLE changes ADD COLUMN occurred_at INTEGER; -- ms; NULL: at
  CREATE INDEX changes_backdated ON changes (object_id, occurred_at) WHERE occurred_at IS NOT NULL;
  CREATE INDEX changes_by_occurrence ON changes (occurred_at) WHERE occurred_at IS NOT NULL;
  CREATE INDEX outcomes_refused ON outcomes (seq) WHERE reason = ${REFUSED};
  `,
  EVENTS,
];

export const FORMAT = MIGRATIONS.length;
