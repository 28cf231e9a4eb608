/**
 * The migration that brings Kubernetes Events, apart from changes (docs/decisions/0074): what others report, kept for a while. They are no part
 * of the hash chain, and their tables are not append-only: the old ones go. As all migrations, it never changes once it was released.
 */
export const EVENTS = `
-- one row for each Event object
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  uid ANY NOT NULL UNIQUE, -- 16 bytes for a UUID, otherwise text
  namespace TEXT NOT NULL,
  api_group TEXT NOT NULL, -- of the object that it is about
  kind TEXT NOT NULL,
  object TEXT NOT NULL, -- its name
  object_uid ANY NOT NULL,
  type TEXT NOT NULL,
  reason TEXT NOT NULL,
  first_at INTEGER NOT NULL, -- ms
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL, -- in its last state
  gone_at INTEGER, -- when the API server had it no more: expired, or deleted
  merged INTEGER NOT NULL, -- states that were not kept by themselves: event-writer.ts
  batch INTEGER NOT NULL, -- in which it was written last
  body BLOB NOT NULL -- its first state, compressed
) STRICT;
CREATE INDEX events_by_time ON events (last_at);
CREATE INDEX events_by_object ON events (object_uid, first_at);
CREATE INDEX events_by_namespace ON events (namespace, first_at);
CREATE INDEX events_by_batch ON events (batch);

-- its states after the first: shared/events/steps.ts
CREATE TABLE event_steps (
  event_id INTEGER NOT NULL REFERENCES events,
  n INTEGER NOT NULL, -- of the first of them
  count INTEGER NOT NULL,
  steps BLOB NOT NULL,
  PRIMARY KEY (event_id, n)
) STRICT, WITHOUT ROWID;

-- Events of a storm, which are counted together
CREATE TABLE event_sums (
  id INTEGER PRIMARY KEY,
  hour INTEGER NOT NULL, -- since 1970
  namespace TEXT NOT NULL,
  api_group TEXT NOT NULL,
  kind TEXT NOT NULL, -- '' where they are about several objects
  object TEXT NOT NULL,
  object_uid ANY NOT NULL,
  type TEXT NOT NULL,
  reason TEXT NOT NULL,
  events INTEGER NOT NULL, -- times that the API server showed one
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  message TEXT NOT NULL, -- of the last one
  through INTEGER NOT NULL, -- the highest resourceVersion
  batch INTEGER NOT NULL,
  UNIQUE (hour, namespace, api_group, kind, object, object_uid, type, reason)
) STRICT;
CREATE INDEX event_sums_by_time ON event_sums (last_at);

CREATE TABLE event_totals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  batch INTEGER NOT NULL,
  events INTEGER NOT NULL, -- rows
  states INTEGER NOT NULL, -- the first ones included
  merged INTEGER NOT NULL,
  summed INTEGER NOT NULL, -- times that one was only counted
  removed INTEGER NOT NULL, -- Events that were given up: too old, or too many
  horizon_at INTEGER NOT NULL, -- ms: not all that ended before is there any more
  bytes INTEGER NOT NULL -- what they take, as far as is known without looking
) STRICT;
INSERT INTO event_totals VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0);
`;
