import type { ObjectRef } from '../../../shared/types.ts';
import { decodeAmendment, decodeDetail, type Amendment, type Detail } from '../payload.ts';
import { OUTCOME_REASONS, type StoredChange } from '../port.ts';
import { decodeFacts, decodeUid, outcomeOf } from './codes.ts';
import type { Names } from './names.ts';

export interface Row {
  seq: number;
  at: number;
  object_id: number;
  actor_id: number | null;
  kind: number;
  subresource_id: number;
  manager_id: number;
  api_version_id: number;
  parent: number | null;
  depth: number;
  base_version: string;
  version: string;
  review_uid: Buffer | string;
  hash: Buffer | null;
  detail: Buffer;
  outcome: number | null;
  reason: number | null;
  outcome_version: string | null;
  amendment: Buffer | null;
}

/**
 * A row as a change. What is compressed is inflated only for who asks: of most rows nobody does. A class, because V8 takes
 * longer to make an object with getters of its own than for all the rest of a row.
 */
export class DecodedChange implements StoredChange {
  readonly seq: number;
  readonly at: number;
  readonly objectId: number;
  readonly object: ObjectRef;
  readonly operation: StoredChange['operation'];
  readonly source: StoredChange['source'];
  readonly effect: StoredChange['effect'];
  readonly statusOnly: boolean;
  readonly late: boolean;
  readonly subresource: string;
  readonly manager: string;
  readonly amended: boolean;
  readonly actor: StoredChange['actor'];
  readonly parent: number | null;
  readonly depth: number;
  readonly baseResourceVersion: string;
  readonly resourceVersion: string;
  readonly reviewUid: string;
  readonly outcome: StoredChange['outcome'];
  readonly outcomeReason: string;
  readonly #row: Row;
  readonly #apiVersion: string;
  #amendment: Amendment | null = null;
  #detail: Detail | null = null;
  /** Also called without its change. */
  readonly detail = (): Detail => (this.#detail ??= detailOf(this.#row, this.#amend()));

  constructor(row: Row, names: Names) {
    this.#row = row;
    const { id, ...object } = names.object(row.object_id);
    const facts = decodeFacts(row.kind);
    this.seq = row.seq;
    this.at = row.at;
    this.objectId = id;
    this.object = object;
    this.operation = facts.operation;
    this.source = facts.source;
    this.effect = facts.effect;
    this.statusOnly = facts.statusOnly;
    this.late = facts.late;
    this.subresource = names.text(row.subresource_id);
    this.manager = names.text(row.manager_id);
    this.amended = row.amendment !== null;
    this.actor = row.actor_id === null ? null : names.actor(row.actor_id);
    this.parent = row.parent;
    this.depth = row.depth;
    this.baseResourceVersion = row.base_version;
    this.resourceVersion = row.outcome_version ?? row.version;
    this.reviewUid = decodeUid(row.review_uid);
    this.outcome = outcomeOf(row.outcome, facts.source);
    this.outcomeReason = OUTCOME_REASONS[row.reason ?? -1] ?? (facts.source === 'admission' ? '' : OUTCOME_REASONS[0]);
    this.#apiVersion = names.text(row.api_version_id);
  }

  get apiVersion(): string {
    return this.#amend()?.apiVersion ?? this.#apiVersion;
  }

  get hash(): Buffer | null {
    return this.#amend()?.hash ?? this.#row.hash;
  }

  #amend(): Amendment | null {
    if (this.#row.amendment !== null) this.#amendment ??= decodeAmendment(this.#row.amendment);
    return this.#amendment;
  }
}

function detailOf(row: Row, amendment: Amendment | null): Detail {
  const detail = decodeDetail(row.detail);
  return amendment === null ? detail : { ...detail, patch: [...detail.patch, ...amendment.patch] };
}
