import { changeItem } from '../../../shared/change-item.ts';
import { stringifyJson } from '../../../shared/json.ts';
import { formatUtc } from '../../../shared/time.ts';
import type { JsonObject, LedgerReader } from '../../../shared/types.ts';
import type { LedgerStore, StoredCommit } from '../../ledger/port/port.ts';

/** Commits that are looked at in one read. */
const COMMITS = 64;

/** Commits as they leave the machine: one JSON document each (docs/output.md, "Commits"). */
export interface CommitBatch {
  documents: CommitText[];
  /** The last commit that has been looked at: where the next batch goes on. A commit without content has no document. */
  through: number;
}

export interface CommitText {
  /** ms */
  at: number;
  /** JSON, without a line break; of a log record (log-records.ts) its body. */
  text: string;
  /** What a log record has besides. */
  record?: { name: string; severity: 'INFO' | 'WARN'; attributes: Record<string, string | number> };
}

/**
 * The documents of the commits after one, until they take `maxBytes`, and one at least where there is one. Of a ledger that was
 * folded beyond `after`, a document `CommitsMissing` comes first. Rejects as the store does.
 */
export async function commitBatch(
  store: Pick<LedgerStore, 'id' | 'cluster' | 'commits'>,
  reader: LedgerReader,
  after: number,
  maxBytes: number,
): Promise<CommitBatch> {
  const ledger = store.id.toString('hex');
  const head = { apiVersion: 'kubeblame.io/v1alpha1', cluster: store.cluster, ledger };
  const batch: CommitBatch = { documents: [], through: after };
  let bytes = 0;
  const add = (at: number, document: JsonObject): void => {
    const text = stringifyJson({ ...head, ...document });
    bytes += Buffer.byteLength(text);
    batch.documents.push({ at, text });
  };
  for (const commit of await store.commits(after, COMMITS)) {
    if (commit.id > batch.through + 1)
      add(commit.at, { kind: 'CommitsMissing', from: batch.through + 1, through: commit.id - 1 });
    if (!isEmpty(commit)) add(commit.at, { kind: 'Commit', ...(await contentOf(commit, reader)) });
    batch.through = commit.id;
    if (bytes >= maxBytes) break;
  }
  return batch;
}

/** Signs of life are commits too, and say nothing that a reader elsewhere could use. */
function isEmpty({ afterSeq, lastSeq, outcomes, coverage }: StoredCommit): boolean {
  return afterSeq === lastSeq && outcomes.length === 0 && coverage.every(({ event }) => event === 'alive');
}

async function contentOf(commit: StoredCommit, reader: LedgerReader): Promise<JsonObject> {
  const { id, at, hash, afterSeq, lastSeq, outcomes, coverage } = commit;
  const seqs = Array.from({ length: lastSeq - afterSeq }, (_, index) => afterSeq + 1 + index);
  const { changes } = await reader.changes({ scope: {}, seqs, limit: seqs.length });
  return {
    commit: id,
    at: formatUtc(at),
    hash: hash.toString('hex'),
    changes: changes.reverse().map(changeItem),
    outcomes: outcomes.map((outcome) => ({ ...outcome })),
    coverage: coverage.map(({ at: coveredAt, event, detail }) => ({ at: formatUtc(coveredAt), event, detail })),
  };
}
