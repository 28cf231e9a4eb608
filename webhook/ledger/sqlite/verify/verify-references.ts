import { OUTCOMES } from '../../../../shared/types.ts';
import { openDatabase } from '../database/native.ts';
import type { Findings } from '../../proof/report.ts';
import type { ChainedFold } from '../chain/chain.ts';
import { EFFECT_MASK, MODIFIED } from '../database/codes.ts';
import { placesOf } from '../../content/labels.ts';
import type { Sqlite } from '../database/open.ts';
import { LATE_CHANGES, MIGRATIONS } from '../database/schema.ts';

/** How many of its findings SQLite is asked for. */
const FILE_FINDINGS = 20;

/** The file as SQLite sees it: pages, indexes, foreign keys, constraints; and that the schema is ours, with its triggers. */
export function verifyFile(db: Sqlite, findings: Findings): void {
  for (const row of db.pragma(`integrity_check(${FILE_FINDINGS})`) as { integrity_check: string }[]) {
    if (row.integrity_check !== 'ok') findings.add('file', 'the file', row.integrity_check);
  }
  const broken = db.pragma('foreign_key_check') as { table: string; rowid: number | null; parent: string }[];
  for (const { table, rowid, parent } of broken) {
    findings.add(
      'references',
      rowid === null ? table : `${table} ${rowid}`,
      `it refers to ${parent} that are not there`,
    );
  }
  const ours = openDatabase(':memory:');
  try {
    for (const migration of MIGRATIONS) ours.exec(migration);
    const [expected, found] = [schemaOf(ours), schemaOf(db)];
    for (const [name, sql] of expected) {
      if (found.get(name) === undefined) findings.add('file', 'the schema', `the ${name} is not there`);
      else if (found.get(name) !== sql) findings.add('file', 'the schema', `the ${name} is not what it was made as`);
    }
    for (const name of found.keys()) {
      if (!expected.has(name)) findings.add('file', 'the schema', `there is a ${name}, which is none of ours`);
    }
  } finally {
    ours.close();
  }
}

function schemaOf(db: Sqlite): Map<string, string> {
  const sql = "SELECT type || ' ' || name AS name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
  return new Map((db.prepare(sql).all() as { name: string; sql: string }[]).map((row) => [row.name, row.sql]));
}

/** What refers to what. `where` and `what` are told of each row that a query gives. */
const QUERIES: readonly { sql: string; table: string; what: string }[] = [
  {
    sql: 'SELECT c.seq AS id FROM changes c JOIN objects o ON o.id = c.object_id WHERE c.namespace_id <> o.namespace_id',
    table: 'change',
    what: "its namespace is not its object's",
  },
  {
    sql: 'SELECT c.seq AS id FROM changes c JOIN changes p ON p.seq = c.parent WHERE p.object_id <> c.object_id OR p.seq >= c.seq',
    table: 'change',
    what: 'the change that it was made from is not an earlier one of its object',
  },
  {
    sql: `SELECT c.seq AS id FROM changes c JOIN changes p ON p.seq = c.parent LEFT JOIN checkpoints k ON k.seq = c.seq
      WHERE c.depth <> iif(k.seq IS NULL AND (c.hash IS NOT NULL OR (c.kind & ${EFFECT_MASK}) = ${MODIFIED}), p.depth + 1, 0)`,
    table: 'change',
    what: 'it does not follow the change that it was made from by one patch',
  },
  {
    sql: 'SELECT c.seq AS id FROM changes c JOIN checkpoints k ON k.seq = c.seq WHERE c.parent IS NULL OR c.depth > 0',
    table: 'change',
    what: 'a whole body stands beside it that nothing reads',
  },
  {
    sql: `SELECT min(seq) AS id FROM changes GROUP BY object_id HAVING labels_id IS NULL`,
    table: 'change',
    what: 'it is the first of its object, and says nothing of its labels',
  },
  {
    sql: 'SELECT seq AS id FROM (SELECT seq, at, lag(at) OVER (ORDER BY seq) AS before FROM changes) WHERE at < before',
    table: 'change',
    what: 'its time is before that of the change before it',
  },
  {
    sql: `SELECT seq AS id FROM (SELECT seq, parent, lag(seq) OVER (PARTITION BY object_id ORDER BY seq) AS before FROM changes) c
      WHERE parent <> before AND NOT EXISTS (SELECT 1 FROM forks f WHERE f.parent = c.parent AND f.seq = c.seq)`,
    table: 'change',
    what: 'it is not listed among those that were not made from the one before them: a fold could remove what it needs',
  },
  {
    sql: `SELECT seq AS id FROM forks f WHERE NOT EXISTS (SELECT 1 FROM changes c WHERE c.seq = f.seq AND c.parent = f.parent)`,
    table: 'change',
    what: 'it is listed as made from another change than it was',
  },
  {
    sql: `SELECT x.seq AS id FROM outcomes x JOIN commits c ON c.id = x.commit_id WHERE x.seq <= c.last_seq - ${LATE_CHANGES}
      AND NOT EXISTS (SELECT 1 FROM late_outcomes l WHERE l.commit_id = x.commit_id AND l.seq = x.seq)`,
    table: 'change',
    what: 'its outcome is not listed among those that were told late: a fold would not find it',
  },
  {
    sql: `SELECT seq AS id FROM late_outcomes l WHERE NOT EXISTS (SELECT 1 FROM outcomes x WHERE x.seq = l.seq
      AND x.commit_id = l.commit_id)`,
    table: 'change',
    what: 'an outcome is listed that it does not have',
  },
  {
    sql: 'SELECT seq AS id FROM outcomes GROUP BY seq HAVING min(n) <> 0 OR max(n) <> count(*) - 1',
    table: 'change',
    what: 'one of its outcomes is not there',
  },
  {
    sql: 'SELECT seq AS id FROM outcomes WHERE amendment IS NOT NULL GROUP BY seq HAVING count(*) > 1',
    table: 'change',
    what: 'two of its outcomes say what the API server made of it',
  },
  {
    sql: `SELECT s.seq AS id FROM shortened s JOIN changes c ON c.seq = s.seq
      WHERE (SELECT outcome FROM outcomes WHERE seq = s.seq ORDER BY n DESC LIMIT 1) IS NOT ${OUTCOMES.indexOf('dropped')}`,
    table: 'change',
    what: 'its body was shortened, and it is not known that it was never persisted',
  },
  {
    sql: "SELECT id FROM resources WHERE (kind = '') <> (commit_id = 0)",
    table: 'resources',
    what: 'no commit told its kind',
  },
  {
    // Not of a name with a NUL or half a surrogate pair: SQLite reads those of JSON in another way. The chain has them too.
    sql: `SELECT id FROM actors WHERE NOT json_valid(identity) OR (username IS NOT json_extract(identity, '$.username')
      AND instr(username, char(0)) = 0 AND instr(username, char(65533)) = 0)`,
    table: 'actors',
    what: 'its user name is not that of its identity',
  },
];

/** Rows that a table has for others, and which none of them refers to: nothing of ours has put them there. */
const UNUSED = {
  objects: 'NOT EXISTS (SELECT 1 FROM changes WHERE object_id = t.id)',
  actors: 'NOT EXISTS (SELECT 1 FROM changes WHERE actor_id = t.id)',
  resources: 'id NOT IN (SELECT resource_id FROM objects)',
  texts: `id NOT IN (SELECT namespace_id FROM objects UNION SELECT subresource_id FROM changes
    UNION SELECT manager_id FROM changes UNION SELECT api_version_id FROM changes)`,
  label_sets: 'NOT EXISTS (SELECT 1 FROM changes WHERE labels_id = t.id)',
};

export function verifyReferences(db: Sqlite, fold: ChainedFold | null, findings: Findings): void {
  for (const { sql, table, what } of QUERIES) {
    for (const { id } of db.prepare<unknown[], { id: number }>(sql).iterate()) {
      findings.add(sql.includes('FROM outcomes GROUP') ? 'outcomes' : 'references', `${table} ${id}`, what);
    }
  }
  verifyLabels(db, findings);
  // A fold leaves the last row of each, so that its id is not given again; resources altogether; and texts for some time.
  const spared = { objects: fold?.lastObject, actors: fold?.lastActor };
  for (const [table, unused] of Object.entries(UNUSED)) {
    if (fold !== null && (table === 'resources' || table === 'texts')) continue;
    for (const { id } of db.prepare<unknown[], { id: number }>(`SELECT id FROM ${table} t WHERE ${unused}`).iterate()) {
      if (id !== (spared as Record<string, number | undefined>)[table]) {
        findings.add('references', `${table} ${id}`, 'no change refers to it: it was put there by something else');
      }
    }
  }
}

/** The index of labels has each set under what it says, and nothing else. */
function verifyLabels(db: Sqlite, findings: Findings): void {
  const places = new Map<number, number[]>();
  const index = db.prepare<[], { place: number; id: number }>(
    'SELECT place, set_id AS id FROM label_index ORDER BY place',
  );
  for (const { place, id } of index.iterate()) {
    const known = places.get(id);
    if (known === undefined) places.set(id, [place]);
    else known.push(place);
  }
  const sets = db.prepare<[], { id: number; labels: string }>('SELECT id, labels FROM label_sets');
  for (const { id, labels } of sets.iterate()) {
    if (placesOf(labels).join() !== (places.get(id) ?? []).join()) {
      findings.add('references', `label_sets ${id}`, 'it is not found by what it says, or by something else');
    }
  }
}
