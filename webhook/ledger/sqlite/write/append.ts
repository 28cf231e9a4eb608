import Database from 'better-sqlite3';
import { OUTCOMES, type JsonObject, type Patch } from '../../../../shared/types.ts';
import { labelSteps } from '../../content/labels.ts';
import { amendmentText, compress, detailText } from '../../content/payload.ts';
import { COVERAGE_EVENTS, OUTCOME_REASONS, type NewChange, type NewEntries, type NewOutcome } from '../../port/port.ts';
import { firstLink, Link, type ChainedFold, type ChainedOutcome, type ChainedShortening } from '../chain/chain.ts';
import { LEDGER } from '../chain/chained-rows.ts';
import { encodeFacts, encodeUid } from '../database/codes.ts';
import { Interner } from './intern.ts';
import { LabelWriter } from './label-writer.ts';
import type { Sqlite } from '../database/open.ts';
import { SkipMaker } from './skip-maker.ts';
import { encodeSkips, NO_SKIPS } from '../read/skips.ts';

/** A change as plain values, its documents as JSON text: what goes to another thread at little cost. */
export interface EncodedChange extends Omit<NewChange, 'hash' | 'detail' | 'bodySnapshot' | 'occurredAt'> {
  occurredAt: number | null;
  /** In base64. */
  hash: string | null;
  /** What it does to the object's labels: labelSteps(). */
  labels: Patch;
  detail: string;
  checkpoint: string | null;
}

/** An outcome as plain values. */
export interface EncodedOutcome extends Omit<NewOutcome, 'amendment' | 'audit'> {
  amendment: string | null;
  audit: { id: string; text: string } | null;
}

export interface EncodedEntries extends Omit<NewEntries, 'changes' | 'outcomes'> {
  changes: EncodedChange[];
  outcomes: EncodedOutcome[];
}

export function encodeEntries(entries: NewEntries): EncodedEntries {
  return {
    outcomes: entries.outcomes.map(({ seq, outcome, resourceVersion, reason, at, amendment, audit }) => ({
      ...{ seq, outcome, resourceVersion, reason, at },
      amendment: amendment === undefined ? null : amendmentText(amendment),
      audit: audit === undefined ? null : { id: audit.id, text: JSON.stringify(audit) },
    })),
    ...(entries.taken === undefined ? {} : { taken: entries.taken }),
    coverage: entries.coverage ?? [],
    // Written out: copying with ... takes several times as long.
    changes: entries.changes.map((change) => ({
      seq: change.seq,
      at: change.at,
      occurredAt: change.occurredAt ?? null,
      object: change.object,
      operation: change.operation,
      subresource: change.subresource,
      source: change.source,
      actor: change.actor,
      manager: change.manager,
      effect: change.effect,
      statusOnly: change.statusOnly,
      late: change.late,
      parent: change.parent,
      depth: change.depth,
      apiVersion: change.apiVersion,
      baseResourceVersion: change.baseResourceVersion,
      resourceVersion: change.resourceVersion,
      reviewUid: change.reviewUid,
      hash: change.hash === null ? null : change.hash.toString('base64'),
      // A removal leaves the object with the labels that it had.
      labels: change.effect === 'deleted' ? [] : labelSteps(change.detail.patch),
      detail: detailText(change.detail),
      checkpoint: change.bodySnapshot === null ? null : JSON.stringify(change.bodySnapshot),
    })),
  };
}

/** What is known of a fold before it is done. */
export type BegunFold = Pick<ChainedFold, 'throughCommit' | 'throughSeq' | 'horizonAt' | 'chain' | 'tree'>;

/** Appends entries and the chain's next link in one transaction. */
export class Appender {
  private readonly interner: Interner;
  private readonly labels: LabelWriter;
  private readonly skips: SkipMaker;
  private readonly statements;
  private readonly transaction: (entries: EncodedEntries) => void;

  /** `compressed`: as `compress` of payload.ts does it. */
  constructor(
    db: Sqlite,
    private readonly compressed: (text: string) => Buffer = compress,
  ) {
    this.interner = new Interner(db);
    this.labels = new LabelWriter(db);
    this.skips = new SkipMaker(db);
    this.statements = {
      ledger: db.prepare(LEDGER),
      lastCommit: db.prepare('SELECT id, at, taken, hash FROM commits ORDER BY id DESC LIMIT 1'),
      commit: db.prepare('INSERT INTO commits (id, at, last_seq, taken, hash) VALUES (?, ?, ?, ?, ?)'),
      lastSeq: db.prepare('SELECT coalesce(max(seq), 0) FROM changes').pluck(),
      change:
        db.prepare(`INSERT INTO changes (seq, at, object_id, namespace_id, actor_id, kind, subresource_id, manager_id,
        api_version_id, labels_id, parent, depth, base_version, version, review_uid, hash, detail, occurred_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
      checkpoint: db.prepare('INSERT INTO checkpoints (seq, body, skips) VALUES (?, ?, ?)'),
      nextOutcome: db.prepare('SELECT count(*) FROM outcomes WHERE seq = ?').pluck(),
      fold: db.prepare(`INSERT INTO folds (commit_id, through_commit, through_seq, horizon_at, removed, last_object, last_actor,
        last_text, chain, tree, remains) VALUES (?, ?, ?, ?, 0, 0, 0, 0, ?, ?, x'')`),
      folded: db.prepare(`UPDATE folds SET removed = ?, last_object = ?, last_actor = ?, last_text = ?, remains = ?
        WHERE commit_id = ?`),
      coverage: db.prepare('INSERT INTO coverage (commit_id, at, event, detail) VALUES (?, ?, ?, ?)'),
      outcome: db.prepare(
        `INSERT INTO outcomes (seq, n, commit_id, outcome, reason, version, amendment, audit_id, audit)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
    };
    // Immediate: one that begins by reading does not wait for another connection's lock, but fails at once.
    const transaction = db.transaction((entries: EncodedEntries) => this.write(entries));
    this.transaction = (entries) => void transaction.immediate(entries);
  }

  /** All or nothing; durable when it returns. Throws what SQLite throws. */
  append(entries: EncodedEntries): void {
    try {
      this.transaction(entries);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /**
   * Records a fold in a commit of its own, within the transaction that does it: first how far it goes, which is what the
   * triggers let it do, then, after `work`, what it left.
   */
  appendFold(begun: BegunFold, at: number, work: () => Omit<ChainedFold, keyof BegunFold>): void {
    const { id, link, taken } = this.begin(at);
    const { throughCommit, throughSeq, horizonAt, chain, tree } = begun;
    this.statements.fold.run(id, throughCommit, throughSeq, horizonAt, chain, tree);
    const done = work();
    const { removed, lastObject, lastActor, lastText, remains } = done;
    this.statements.folded.run(removed, lastObject, lastActor, lastText, remains, id);
    link.fold({ ...begun, ...done });
    this.statements.commit.run(id, at, this.statements.lastSeq.get(), taken, link.digest());
  }

  /** Records in a commit of its own, within the transaction that does it, what `work` shortens; it is given the commit's number. */
  appendShortenings(at: number, work: (commitId: number) => ChainedShortening[]): void {
    const { id, link, taken } = this.begin(at);
    for (const row of work(id)) link.shortening(row);
    this.statements.commit.run(id, at, this.statements.lastSeq.get(), taken, link.digest());
  }

  /** After ids were removed from the file, or a transaction that gave some was rolled back. */
  forget(): void {
    this.interner.forget();
    this.labels.forget();
  }

  /** The next commit's number, and its link behind the last one. */
  private begin(givenAt?: number, newlyTaken?: number): { id: number; at: number; taken: number; link: Link } {
    const previous = this.statements.lastCommit.get() as
      { id: number; at: number; taken: number; hash: Buffer } | undefined;
    const id = (previous?.id ?? 0) + 1;
    const before = previous?.hash ?? firstLink(this.statements.ledger.get() as Parameters<typeof firstLink>[0]);
    const at = givenAt ?? previous?.at ?? 0;
    const taken = newlyTaken ?? previous?.taken ?? 0;
    return { id, at, taken, link: new Link(before, id, at, taken, true) };
  }

  private write(entries: EncodedEntries): void {
    const last = entries.changes.at(-1) ?? entries.outcomes.at(-1) ?? entries.coverage?.at(-1);
    const { id, at, taken, link } = this.begin(last?.at, entries.taken);
    this.interner.begin(id);
    const outcomes = sortBySeq(entries.outcomes);
    const written: ChainedOutcome[] = [];
    const writeOutcomes = (before: number): void => {
      for (
        let next = outcomes[written.length];
        next !== undefined && next.seq < before;
        next = outcomes[written.length]
      )
        written.push(this.writeOutcome(next, id));
    };
    for (const change of entries.changes) {
      // What stands beside a whole body tells of the amendments of those before it.
      if (change.checkpoint !== null) writeOutcomes(change.seq);
      this.writeChange(wellFormed(change), link);
    }
    writeOutcomes(Infinity);
    for (const row of written) link.outcome(row);
    for (const { at: time, event, detail } of entries.coverage ?? []) {
      const row = { at: time, event: COVERAGE_EVENTS.indexOf(event), detail: detail.toWellFormed() };
      this.statements.coverage.run(id, row.at, row.event, row.detail);
      link.coverage(row);
    }
    for (const kind of this.interner.kinds()) link.kind(kind);
    this.statements.commit.run(id, at, this.statements.lastSeq.get(), taken, link.digest());
  }

  private writeChange(change: EncodedChange, link: Link): void {
    const { object } = change;
    const objectId = this.interner.object(object);
    const actor = this.interner.actor(change.actor);
    const labels = this.labels.from(objectId, change);
    const kind = encodeFacts(change);
    const reviewUid = encodeUid(change.reviewUid);
    const hash = change.hash === null ? null : Buffer.from(change.hash, 'base64');
    const detail = this.compressed(change.detail);
    const checkpoint = change.checkpoint === null ? null : this.compressed(change.checkpoint);
    this.statements.change.run(
      change.seq,
      change.at,
      objectId,
      this.interner.text(object.namespace),
      actor.id,
      kind,
      this.interner.text(change.subresource),
      this.interner.text(change.manager),
      this.interner.text(change.apiVersion),
      labels?.id ?? null,
      change.parent,
      change.depth,
      change.baseResourceVersion,
      change.resourceVersion,
      reviewUid,
      hash,
      detail,
      change.occurredAt,
    );
    const skips = change.checkpoint === null ? null : this.skipsOf(change, change.checkpoint);
    if (checkpoint !== null) this.statements.checkpoint.run(change.seq, checkpoint, skips);
    link.change({
      seq: change.seq,
      at: change.at,
      resource: `${object.resource}.${object.group}`,
      namespace: object.namespace,
      name: object.name,
      uid: object.uid,
      identity: actor.identity,
      kind,
      subresource: change.subresource,
      manager: change.manager,
      apiVersion: change.apiVersion,
      labels: labels?.text ?? null,
      parent: change.parent,
      depth: change.depth,
      baseVersion: change.baseResourceVersion,
      version: change.resourceVersion,
      reviewUid,
      hash,
      detail,
      checkpoint,
      skips,
      recorded: null,
      shortened: null,
      occurredAt: change.occurredAt,
    });
  }

  private skipsOf({ parent, detail }: EncodedChange, checkpoint: string): Buffer {
    if (parent === null) return encodeSkips(NO_SKIPS);
    const { p: patch = [] } = JSON.parse(detail) as { p?: Patch };
    try {
      return encodeSkips(this.skips.of(parent, patch, JSON.parse(checkpoint) as JsonObject));
    } catch (error) {
      if (error instanceof Database.SqliteError) throw error;
      // Older rows are damaged: what is new is recorded all the same, and nothing is left out behind it.
      return encodeSkips(NO_SKIPS);
    }
  }

  private writeOutcome(outcome: EncodedOutcome, commitId: number): ChainedOutcome {
    const row = {
      seq: outcome.seq,
      n: this.statements.nextOutcome.get(outcome.seq) as number,
      outcome: OUTCOMES.indexOf(outcome.outcome),
      reason: OUTCOME_REASONS.indexOf(outcome.reason),
      version: outcome.resourceVersion.toWellFormed(),
      amendment: outcome.amendment === null ? null : this.compressed(outcome.amendment),
      auditId: outcome.audit === null ? null : encodeUid(outcome.audit.id.toWellFormed()),
      audit: outcome.audit === null ? null : this.compressed(outcome.audit.text),
    };
    this.statements.outcome.run(
      ...[row.seq, row.n, commitId, row.outcome, row.reason, row.version, row.amendment, row.auditId, row.audit],
    );
    return row;
  }
}

/**
 * The change with texts that UTF-8 can hold: half of a surrogate pair, which JSON can spell, would come back from the file
 * as something else than went into the chain. Bodies and identities are JSON, which keeps it.
 */
function wellFormed(change: EncodedChange): EncodedChange {
  const { group, resource, kind, namespace, name, uid } = change.object;
  const facts = [
    change.subresource,
    change.manager,
    change.apiVersion,
    change.baseResourceVersion,
    change.resourceVersion,
  ];
  const texts = [group, resource, kind, namespace, name, uid, change.reviewUid, change.actor?.username ?? '', ...facts];
  if (texts.every((text) => text.isWellFormed())) return change;
  const mended = ([key, value]: [string, unknown]): [string, unknown] => [
    key,
    typeof value === 'string' ? value.toWellFormed() : value,
  ];
  const mend = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).map(mended)) as T;
  return { ...mend(change), object: mend(change.object), actor: change.actor === null ? null : mend(change.actor) };
}

/** The order in which the chain is derived again. Stable: two outcomes of one change stay in their order. */
function sortBySeq(outcomes: readonly EncodedOutcome[]): EncodedOutcome[] {
  return [...outcomes].sort((a, b) => a.seq - b.seq);
}
