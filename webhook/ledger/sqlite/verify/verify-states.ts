import { messageOf } from '../../../../shared/errors.ts';
import { hashBody } from '../../../../shared/patch.ts';
import { EFFECTS, OUTCOMES, type JsonObject, type ObjectRef } from '../../../../shared/types.ts';
import { States } from '../../port/states.ts';
import type { Findings, Report } from '../../proof/report.ts';
import type { StoredChange } from '../../port/port.ts';
import { labelsText } from '../../content/labels.ts';
import { decodeFacts, EFFECT_MASK, LATE_MASK, SOURCE_MASK } from '../database/codes.ts';
import { LABELS_AT } from '../write/label-writer.ts';
import type { Sqlite } from '../database/open.ts';
import { SqliteStore } from '../store/store.ts';
import type { VerifyOptions } from './verify.ts';

/** States of one object that are rebuilt together know each other: so many are kept. */
const TOGETHER = 500;

const ENDS = EFFECTS.indexOf('deleted') << 4;

/** The real changes of objects that have more than one end, by object: an incarnation ends once. */
const OF_ENDED = `SELECT c.object_id AS id, c.seq, c.kind
  FROM changes c JOIN objects o ON o.id = c.object_id
  WHERE c.object_id IN (SELECT object_id FROM changes WHERE (kind & ${EFFECT_MASK}) = ${ENDS}
      GROUP BY object_id HAVING count(*) > 1)
    AND (c.kind & ${EFFECT_MASK}) > 0 AND (c.kind & ${LATE_MASK}) = 0 AND o.uid <> '' AND CASE WHEN (c.kind & ${SOURCE_MASK}) = 0
      THEN (SELECT outcome FROM outcomes WHERE seq = c.seq ORDER BY n DESC LIMIT 1) = ${OUTCOMES.indexOf('committed')}
      ELSE 1 END
  ORDER BY c.object_id, c.seq`;

/**
 * Finds objects that were recorded to end, by nobody, although they had ended. Who asked twice for a deletion has asked twice: what
 * a review says is not questioned here.
 */
export function verifyEnds(db: Sqlite, findings: Findings): void {
  let last = { id: 0, seq: 0, kind: 0 };
  const ends = ({ kind }: typeof last): boolean => decodeFacts(kind).effect === 'deleted';
  for (const row of db.prepare<unknown[], typeof last>(OF_ENDED).iterate()) {
    if (row.id === last.id && ends(row) && ends(last) && decodeFacts(row.kind).source === 'watch')
      findings.add('objects', `change ${row.seq}`, `it ends an object that had ended with change ${last.seq}`);
    last = row;
  }
}

/** Rebuilds states, and compares each with the hash that was stored of it: every object's last one, and others at random. */
export async function verifyStates(
  db: Sqlite,
  report: Report,
  findings: Findings,
  options: VerifyOptions,
): Promise<void> {
  const store = new SqliteStore(db, 'the file', null, () => undefined);
  const last = db
    .prepare(`SELECT max(seq) FROM changes WHERE (kind & ${EFFECT_MASK}) > 0 GROUP BY object_id ORDER BY object_id`)
    .pluck()
    .all() as number[];
  const isLast = new Set(last);
  const others = (
    db
      .prepare(`SELECT seq FROM changes WHERE (kind & ${EFFECT_MASK}) > 0 ORDER BY object_id, seq`)
      .pluck()
      .all() as number[]
  ).filter((seq) => !isLast.has(seq));
  const chosen = options.samples >= others.length ? others : sample(others, options.samples, options.random);
  const labelsAt = db.prepare(`SELECT labels FROM label_sets WHERE id = (${LABELS_AT})`).pluck();
  const labels = ({ objectId, seq }: StoredChange): string | undefined =>
    labelsAt.get(objectId, seq) as string | undefined;
  let done = 0;
  let states = new States(store);
  for (const seq of [...last, ...chosen]) {
    try {
      const change = await store.change(seq);
      if (change !== null) verifyState(change, await states.after(seq), labels(change), findings);
    } catch (error) {
      findings.add('objects', `change ${seq}`, `its state cannot be rebuilt: ${messageOf(error)}`);
    }
    if (isLast.has(seq)) report.lastStates++;
    else report.otherStates++;
    if (++done % TOGETHER === 0) {
      states = new States(store);
      options.progress?.('objects', done, last.length + chosen.length);
    }
  }
  // Acts have no state; what they asked for must be readable all the same.
  const acts = db.prepare(`SELECT seq FROM changes WHERE (kind & ${EFFECT_MASK}) = 0`).pluck().all() as number[];
  for (const seq of options.samples >= acts.length ? acts : sample(acts, options.samples, options.random)) {
    try {
      (await store.change(seq))?.detail();
    } catch (error) {
      findings.add('objects', `change ${seq}`, `it cannot be read: ${messageOf(error)}`);
    }
  }
}

function verifyState(
  change: StoredChange,
  body: JsonObject | null,
  labels: string | undefined,
  findings: Findings,
): void {
  // Of a scale whose field is not known there is no body to compare.
  if (change.effect === 'modified' && change.hash === null) return;
  const hash = hashBody(body);
  const equal = hash === null || change.hash === null ? hash === change.hash : hash.equals(change.hash);
  const where = `change ${change.seq} (${nameOf(change.object)})`;
  if (!equal) findings.add('objects', where, 'the state that is rebuilt is not the one that was stored');
  else if (body !== null && labels !== labelsText(body)) {
    findings.add('objects', where, 'the labels that were stored of it are not those of the state');
  }
}

function nameOf({ resource, group, namespace, name }: ObjectRef): string {
  const type = group === '' ? resource : `${resource}.${group}`;
  return namespace === '' ? `${type}/${name}` : `${type} ${namespace}/${name}`;
}

/** So many of the items, in their order. */
function sample<T>(items: readonly T[], count: number, random: () => number): T[] {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, items.length)) chosen.add(Math.floor(random() * items.length));
  return [...chosen].sort((a, b) => a - b).flatMap((index) => items.slice(index, index + 1));
}
