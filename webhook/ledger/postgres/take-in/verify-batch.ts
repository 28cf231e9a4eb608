import { originOf, readCheckpoint } from '../../proof/checkpoint.ts';
import { MerkleTree } from '../../proof/merkle.ts';
import type { Verifier } from '../../proof/note.ts';
import { byResource, contentOf, firstLink, Link, type ChainedChange } from '../../sqlite/chain/chain.ts';
import type { RowOf } from '../database/tables.ts';
import type { Batch } from './batch.ts';
import type { Names } from './known-rows.ts';
import { unproven } from './refusal.ts';

/** How far a ledger has come at the hub, and by what it is proven. */
export interface Standing {
  origin: string;
  key: Verifier;
  /** The ledger's own row; null before its first push. */
  own: RowOf<'ledger'> | null;
  commit: number;
  hash: Buffer;
  seq: number;
  /** The Merkle tree's edge: MerkleTree.bytes. */
  tree: Buffer;
}

/** The same after a push. */
export interface Proven extends Omit<Standing, 'own'> {
  own: RowOf<'ledger'>;
  /** ms, of the newest commit. */
  at: number;
  /** Signed checkpoints that agree. */
  notes: SignedNote[];
}

/** A signed checkpoint that agrees, with the edge of the tree that it signs. */
export interface SignedNote {
  size: number;
  note: string;
  tree: Buffer;
}

/**
 * Derives the chain of a push again, link by link, and compares signed checkpoints with its tree. Throws a Refusal that names the
 * first commit, or checkpoint, that is not what was recorded.
 */
export function verifyBatch(standing: Standing, batch: Batch, names: Names): Proven {
  const own = ownRow(standing, batch);
  let previous =
    standing.commit === 0 ? firstLink({ id: own.id, cluster: own.cluster, createdAt: own.created_at }) : standing.hash;
  let [commit, seq, at] = [standing.commit, standing.seq, 0];
  const tree = MerkleTree.from(standing.commit, standing.tree);
  const signed = new Map([...readNotes(standing, batch)].filter(([size]) => size > standing.commit));
  const notes: Proven['notes'] = [];
  const rows = new CommitRows(batch, names, standing.commit);
  for (const row of batch.commits) {
    if (row.id !== commit + 1)
      throw unproven(`commit ${commit + 1}`, `it is not there: commit ${row.id} follows commit ${commit}`);
    const link = new Link(previous, row.id, row.at, row.taken, row.id >= own.digests_from);
    for (const change of rows.changesUpTo(row.last_seq)) {
      if (change.seq !== seq + 1) throw unproven(`change ${seq + 1}`, `it is not there, but change ${change.seq} is`);
      seq = change.seq;
      link.change(change);
    }
    if (seq !== row.last_seq)
      throw unproven(`change ${seq + 1}`, `it is not there, but commit ${row.id} holds changes up to ${row.last_seq}`);
    rows.addTo(link, row.id);
    if (!link.digest().equals(row.hash))
      throw unproven(`commit ${row.id}`, 'its hash is not that of its rows behind the commit before it');
    tree.add(row.hash);
    [previous, commit, at] = [row.hash, row.id, row.at];
    const head = signed.get(commit);
    if (head === undefined) continue;
    if (!head.root.equals(tree.root()))
      throw unproven(`checkpoint of ${commit} commits`, 'these are not the commits that were signed');
    notes.push({ size: commit, note: head.note, tree: tree.bytes });
    signed.delete(commit);
  }
  const [size] = signed.keys();
  if (size !== undefined) throw unproven(`checkpoint of ${size} commits`, 'the push does not come so far');
  rows.refuseLeft();
  return { ...standing, own, commit, hash: previous, seq, at, tree: tree.bytes, notes };
}

/** A ledger is what its key says that it is. */
function ownRow({ origin, own }: Standing, batch: Batch): RowOf<'ledger'> {
  const [given, another] = batch.ledger;
  if (another !== undefined) throw unproven('ledger', 'it has more than one row of its own');
  const row = own ?? given;
  if (row === undefined) throw unproven('ledger', 'its own row is not there');
  if (given !== undefined && originOf(given.cluster, given.id) !== origin)
    throw unproven('ledger', `this is ${originOf(given.cluster, given.id)}, and ${origin} was enrolled`);
  if (
    given !== undefined &&
    !(
      given.id.equals(row.id) &&
      given.cluster === row.cluster &&
      given.created_at === row.created_at &&
      given.digests_from === row.digests_from
    )
  )
    // prettier-ignore
    throw unproven('ledger', 'its own row is not what it was');
  return row;
}

/** The signed checkpoints of a push, by how many commits they sign. Throws a Refusal. */
export function readNotes(
  { key, origin }: Pick<Standing, 'key' | 'origin'>,
  { notes }: Batch,
): Map<number, { root: Buffer; note: string }> {
  return new Map(
    notes.map((note) => {
      const read = readCheckpoint(note, [key]);
      if (read === null) throw unproven('checkpoint', 'this is no signed checkpoint');
      const { head, by } = read;
      const where = `checkpoint of ${head.size} commits`;
      if (by === null) throw unproven(where, 'it is not signed by the key that was pinned at the enrolment');
      if (head.origin !== origin) throw unproven(where, `it is of ${head.origin}, and this ledger is ${origin}`);
      return [head.size, { root: head.root, note }];
    }),
  );
}

/** The rows of a push by their commits, as the chain takes them. */
class CommitRows {
  private readonly changes: RowOf<'changes'>[];
  private next = 0;
  private readonly checkpoints;
  private readonly shortened;
  private readonly beside;

  constructor(
    batch: Batch,
    private readonly names: Names,
    after: number,
  ) {
    this.changes = [...batch.changes].sort((a, b) => a.seq - b.seq);
    this.checkpoints = new Map(batch.checkpoints.map((row) => [row.seq, row]));
    this.shortened = new Map(batch.shortened.map((row) => [row.seq, row]));
    this.beside = {
      outcomes: byCommit(batch.outcomes, (a, b) => a.seq - b.seq || a.n - b.n),
      coverage: byCommit(batch.coverage, (a, b) => a.id - b.id),
      folds: byCommit(batch.folds, (a, b) => a.id - b.id),
      shortened: byCommit(batch.shortened, (a, b) => a.seq - b.seq),
      // The kind of one that is known was told before.
      resources: byCommit(
        batch.resources.filter(({ kind, commit_id }) => kind !== '' && commit_id > after),
        () => 0,
      ),
    };
  }

  *changesUpTo(lastSeq: number): Generator<ChainedChange> {
    for (let row = this.changes[this.next]; row !== undefined && row.seq <= lastSeq; row = this.changes[this.next]) {
      this.next++;
      yield this.chained(row);
    }
  }

  /** Adds what a commit has besides changes. */
  addTo(link: Link, commit: number): void {
    const { outcomes, coverage, folds, shortened, resources } = this.beside;
    for (const row of taken(outcomes, commit)) link.outcome({ ...row, auditId: row.audit_id });
    for (const row of taken(coverage, commit)) link.coverage(row);
    const kinds = taken(resources, commit).map(({ resource, api_group, kind }) => ({
      resource: `${resource}.${api_group}`,
      kind,
    }));
    for (const kind of kinds.sort(byResource)) link.kind(kind);
    for (const row of taken(folds, commit)) link.fold(foldOf(row));
    for (const row of taken(shortened, commit)) link.shortening(row);
  }

  /** Rows that no commit of the push has are proven by nothing. What was shortened later is told with the change itself. */
  refuseLeft(): void {
    const change = this.changes[this.next];
    if (change !== undefined) throw unproven(`change ${change.seq}`, 'no commit of the push holds it');
    const [body] = this.checkpoints.keys();
    if (body !== undefined) throw unproven(`change ${body}`, 'a whole body of it is sent, and not the change');
    const { outcomes, coverage, folds, resources } = this.beside;
    for (const rows of [outcomes, coverage, folds, resources]) {
      const [commit] = rows.keys();
      if (commit !== undefined) throw unproven(`commit ${commit}`, 'there are rows of it, but it is not there');
    }
  }

  private chained(row: RowOf<'changes'>): ChainedChange {
    const { texts, actors, resources, objects, label_sets } = this.names;
    const text = (id: number): string => texts.get(id)?.value ?? '';
    const object = objects.get(row.object_id);
    const resource = resources.get(object?.resource_id ?? 0);
    if (object?.namespace_id !== row.namespace_id)
      throw unproven(`change ${row.seq}`, "its namespace is not its object's");
    const checkpoint = this.checkpoints.get(row.seq);
    this.checkpoints.delete(row.seq);
    const shortened = this.shortened.get(row.seq);
    const change: ChainedChange = {
      ...{ seq: row.seq, at: row.at, resource: `${resource?.resource ?? ''}.${resource?.api_group ?? ''}` },
      ...{ namespace: text(row.namespace_id), name: object.name, uid: object.uid },
      identity: row.actor_id === null ? '' : (actors.get(row.actor_id)?.identity ?? ''),
      ...{ kind: row.kind, subresource: text(row.subresource_id), manager: text(row.manager_id) },
      apiVersion: text(row.api_version_id),
      labels: row.labels_id === null ? null : (label_sets.get(row.labels_id)?.labels ?? ''),
      ...{ parent: row.parent, depth: row.depth, baseVersion: row.base_version, version: row.version },
      ...{ reviewUid: row.review_uid, hash: row.hash, detail: row.detail, occurredAt: row.occurred_at },
      ...{ checkpoint: checkpoint?.body ?? null, skips: checkpoint?.skips ?? null },
      ...{ recorded: shortened?.content ?? null, shortened: shortened?.shortened ?? null },
    };
    if (shortened !== undefined && !shortened.shortened.equals(contentOf(change)))
      throw unproven(`change ${row.seq}`, 'what was left of it when it was shortened is not what was recorded');
    return change;
  }
}

function byCommit<Row extends { commit_id: number }>(
  rows: readonly Row[],
  order: (a: Row, b: Row) => number,
): Map<number, Row[]> {
  const found = new Map<number, Row[]>();
  for (const row of [...rows].sort(order)) {
    const known = found.get(row.commit_id);
    if (known === undefined) found.set(row.commit_id, [row]);
    else known.push(row);
  }
  return found;
}

function taken<Row>(rows: Map<number, Row[]>, commit: number): Row[] {
  const found = rows.get(commit) ?? [];
  rows.delete(commit);
  return found;
}

function foldOf(row: RowOf<'folds'>): Parameters<Link['fold']>[0] {
  return {
    ...{
      throughCommit: row.through_commit,
      throughSeq: row.through_seq,
      horizonAt: row.horizon_at,
      removed: row.removed,
    },
    ...{ lastObject: row.last_object, lastActor: row.last_actor, lastText: row.last_text },
    ...{ chain: row.chain, tree: row.tree, remains: row.remains },
  };
}
