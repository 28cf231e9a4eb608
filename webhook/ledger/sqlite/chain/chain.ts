import { createHash, type Hash } from 'node:crypto';

/*
 * The hash chain: hash(commit) = SHA-256(hash(commit before) || the rows of this commit, as stored). Interned ids are
 * replaced by the texts they stand for, so that changing a user's name breaks the chain like changing a patch does.
 */

/** What goes into the hash of one change, in this order. */
export interface ChainedChange {
  seq: number;
  at: number;
  resource: string;
  namespace: string;
  name: string;
  uid: string;
  identity: string;
  kind: number;
  subresource: string;
  manager: string;
  apiVersion: string;
  /** null where its object has the labels that it had. */
  labels: string | null;
  parent: number | null;
  depth: number;
  baseVersion: string;
  version: string;
  reviewUid: Buffer | string;
  hash: Buffer | null;
  detail: Buffer;
  checkpoint: Buffer | null;
  /** Beside a whole body. */
  skips: Buffer | null;
  /** Of a change that was shortened: the digest of its content as it was recorded. null of others. */
  recorded: Buffer | null;
  /** Of a change that was shortened: the digest of its content since. */
  shortened: Buffer | null;
  /** null for most. */
  occurredAt: number | null;
}

/** That a change was shortened: the digests of its content before and since. */
export interface ChainedShortening {
  seq: number;
  content: Buffer;
  shortened: Buffer;
}

export interface ChainedOutcome {
  seq: number;
  n: number;
  outcome: number;
  reason: number;
  version: string;
  /** null for most. */
  amendment: Buffer | null;
  auditId: Buffer | string | null;
  audit: Buffer | null;
}

export interface ChainedCoverage {
  at: number;
  event: number;
  detail: string;
}

/** What a resource was found to be called: told once, with the commit that told it. */
export interface ChainedKind {
  resource: string;
  kind: string;
}

/** The order in which they are chained. */
export function byResource(a: ChainedKind, b: ChainedKind): number {
  return a.resource < b.resource ? -1 : 1;
}

/** What was folded, and what remains of it: fold.ts. */
export interface ChainedFold {
  throughCommit: number;
  throughSeq: number;
  horizonAt: number;
  removed: number;
  lastObject: number;
  lastActor: number;
  lastText: number;
  chain: Buffer;
  tree: Buffer;
  remains: Buffer;
}

/** What the first commit's link follows: the ledger's own row. */
export function firstLink(ledger: { id: Buffer; cluster: string; createdAt: number }): Buffer {
  const link = new Link(Buffer.alloc(0), 0, ledger.createdAt, 0);
  link.ledger(ledger.id, ledger.cluster);
  return link.digest();
}

/** The digest of what a change did, without who, when and to what: what can be shortened. */
export function contentOf({ kind, parent, depth, detail, checkpoint, skips }: ChainedContent): Buffer {
  const link = new Link(Buffer.alloc(0), 0, 0, 0);
  link.content(kind, parent, depth, detail, checkpoint, skips);
  return link.digest();
}

export type ChainedContent = Pick<ChainedChange, 'kind' | 'parent' | 'depth' | 'detail' | 'checkpoint' | 'skips'>;

/**
 * One commit's link: `taken` is how far it has come in the spool. Add its changes by seq, its outcomes by seq and n, its coverage, the kinds it tells by resource,
 * its fold, and what it shortens by seq, in this order; then take the digest. `digests`: of each change it has the digest of the content; without
 * it the content itself, as in commits of ledger format 3 and before, and in what remains of a fold.
 */
export class Link {
  private readonly sha: Hash;

  constructor(
    previous: Buffer,
    id: number,
    at: number,
    taken: number,
    private readonly digests = false,
  ) {
    this.sha = createHash('sha256').update(previous);
    this.add(id, at, taken);
  }

  change(row: ChainedChange): void {
    if (this.digests) {
      const { seq, at, resource, namespace, name, uid, identity, subresource, manager, apiVersion, labels } = row;
      this.add('change', seq, at, resource, namespace, name, uid, identity, subresource, manager, apiVersion, labels);
      this.add(row.baseVersion, row.version, row.reviewUid, row.hash, row.recorded ?? contentOf(row));
      if (row.occurredAt !== null) this.add('occurred', row.occurredAt);
      return;
    }
    this.add(
      'change',
      row.seq,
      row.at,
      row.resource,
      row.namespace,
      row.name,
      row.uid,
      row.identity,
      row.kind,
      row.subresource,
      row.manager,
      row.apiVersion,
      row.labels,
      row.parent,
      row.depth,
      row.baseVersion,
      row.version,
      row.reviewUid,
      row.hash,
      row.detail,
      row.checkpoint,
      row.skips,
    );
    if (row.occurredAt !== null) this.add('occurred', row.occurredAt);
  }

  content(...values: (number | Buffer | null)[]): void {
    this.add('content', ...values);
  }

  shortening({ seq, content, shortened }: ChainedShortening): void {
    this.add('shortening', seq, content, shortened);
  }

  outcome(row: ChainedOutcome): void {
    this.add('outcome', row.seq, row.n, row.outcome, row.reason, row.version);
    // Apart: the links of ledgers that were begun without it stay what they were.
    if (row.amendment !== null) this.add('amendment', row.amendment);
    if (row.audit !== null || row.auditId !== null) this.add('audit', row.auditId, row.audit);
  }

  coverage(row: ChainedCoverage): void {
    this.add('coverage', row.at, row.event, row.detail);
  }

  kind(row: ChainedKind): void {
    this.add('kind', row.resource, row.kind);
  }

  fold(row: ChainedFold): void {
    const { throughCommit, throughSeq, horizonAt, removed, lastObject, lastActor, lastText, chain, tree, remains } =
      row;
    this.add('fold', throughCommit, throughSeq, horizonAt, removed, lastObject, lastActor, lastText);
    this.add(chain, tree, remains);
  }

  ledger(id: Buffer, cluster: string): void {
    this.add('ledger', id, cluster);
  }

  digest(): Buffer {
    return this.sha.digest();
  }

  /** Each value with its type and length before it, so that no two lists of values give the same bytes. */
  private add(...values: (string | number | Buffer | null)[]): void {
    let text = '';
    for (const value of values) {
      if (Buffer.isBuffer(value)) {
        this.sha.update(`${text}b${value.length}:`).update(value);
        text = '';
      } else if (value === null) text += 'n0:';
      else if (typeof value === 'number') text += `i${String(value).length}:${value}`;
      else text += `t${Buffer.byteLength(value)}:${value}`;
    }
    this.sha.update(text);
  }
}
