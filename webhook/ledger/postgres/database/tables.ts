/*
 * The tables of a ledger, column by column, as an archive has their rows (files/archive.ts) and as the hub keeps them.
 */

/** What a column holds: `any` is bytes or text; `?`: or null. */
export type ColumnType = 'int' | 'int?' | 'text' | 'bytes' | 'bytes?' | 'any' | 'any?';
type Columns = Readonly<Record<string, ColumnType>>;

export const TABLES = {
  ledger: { id: 'bytes', cluster: 'text', created_at: 'int', digests_from: 'int' },
  texts: { id: 'int', value: 'text' },
  actors: { id: 'int', username: 'text', identity: 'text' },
  resources: { id: 'int', api_group: 'text', resource: 'text', kind: 'text', commit_id: 'int' },
  objects: { id: 'int', resource_id: 'int', namespace_id: 'int', name: 'text', uid: 'text' },
  label_sets: { id: 'int', labels: 'text' },
  changes: {
    ...{ seq: 'int', at: 'int', object_id: 'int', namespace_id: 'int', actor_id: 'int?', kind: 'int' },
    ...{ subresource_id: 'int', manager_id: 'int', api_version_id: 'int', labels_id: 'int?', parent: 'int?' },
    ...{ depth: 'int', base_version: 'text', version: 'text', review_uid: 'any', hash: 'bytes?', detail: 'bytes' },
    ...{ occurred_at: 'int?' },
  },
  checkpoints: { seq: 'int', body: 'bytes', skips: 'bytes' },
  outcomes: {
    ...{ seq: 'int', n: 'int', commit_id: 'int', outcome: 'int', reason: 'int', version: 'text' },
    ...{ amendment: 'bytes?', audit_id: 'any?', audit: 'bytes?' },
  },
  shortened: { seq: 'int', commit_id: 'int', content: 'bytes', shortened: 'bytes' },
  coverage: { id: 'int', commit_id: 'int', at: 'int', event: 'int', detail: 'text' },
  folds: {
    ...{ id: 'int', commit_id: 'int', through_commit: 'int', through_seq: 'int', horizon_at: 'int', removed: 'int' },
    ...{ last_object: 'int', last_actor: 'int', last_text: 'int', chain: 'bytes', tree: 'bytes', remains: 'bytes' },
  },
  commits: { id: 'int', at: 'int', last_seq: 'int', taken: 'int', hash: 'bytes' },
} as const satisfies Record<string, Columns>;

export type Table = keyof typeof TABLES;

type ValueOf<Type> = Type extends 'int'
  ? number
  : Type extends 'int?'
    ? number | null
    : Type extends 'text'
      ? string
      : Type extends 'bytes'
        ? Buffer
        : Type extends 'bytes?'
          ? Buffer | null
          : Type extends 'any'
            ? Buffer | string
            : Buffer | string | null;

/** A row of a table, by its columns. */
export type RowOf<Name extends Table> = {
  -readonly [Column in keyof (typeof TABLES)[Name]]: ValueOf<(typeof TABLES)[Name][Column]>;
};

/** The type of a column in PostgreSQL. */
export const PG_TYPES: Readonly<Record<ColumnType, string>> = {
  ...{
    int: 'bigint',
    'int?': 'bigint',
    text: 'text',
    bytes: 'bytea',
    'bytes?': 'bytea',
    any: 'bytea',
    'any?': 'bytea',
  },
};
