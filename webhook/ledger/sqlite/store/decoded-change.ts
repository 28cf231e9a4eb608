import { DISPUTED, type ObjectRef } from '../../../../shared/types.ts';
import { decodeAmendment, decodeAudit, decodeDetail, type Amendment, type Detail } from '../../content/payload.ts';
import { OUTCOME_REASONS, type StoredChange } from '../../port/port.ts';
import { decodeFacts, decodeUid, outcomeOf } from '../database/codes.ts';
import type { Names } from '../read/names.ts';

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
  occurred_at: number | null;
  audit: Buffer | null;
}

/**
 * A row as a change. Its detail is inflated only for who asks: of most rows nobody does.
 */
export class DecodedChange implements StoredChange {
  readonly seq: number;
  readonly at: number;
  readonly occurredAt: number;
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
  // Own properties, not getters: whoever copies a change with a spread must get them too.
  readonly apiVersion: string;
  readonly hash: Buffer | null;
  /** Also called without its change. */
  readonly detail: () => Detail;
  readonly audit: StoredChange['audit'];

  constructor(row: Row, names: Pick<Names, 'text' | 'actor' | 'object'>) {
    const amendment = row.amendment === null ? null : decodeAmendment(row.amendment);
    let detail: Detail | undefined;
    this.detail = () => (detail ??= detailOf(row, amendment));
    const { id, ...object } = names.object(row.object_id);
    const facts = decodeFacts(row.kind);
    this.seq = row.seq;
    this.at = row.at;
    this.occurredAt = row.occurred_at ?? row.at;
    const { audit } = row;
    this.audit = () => (audit === null ? null : decodeAudit(audit));
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
    this.parent = row.parent;
    this.depth = row.depth;
    this.baseResourceVersion = row.base_version;
    this.resourceVersion = row.outcome_version ?? row.version;
    this.reviewUid = decodeUid(row.review_uid);
    this.outcome = outcomeOf(row.outcome, facts.source);
    this.outcomeReason = reasonOf(row, facts.source);
    const actor = row.actor_id === null ? null : names.actor(row.actor_id);
    // Wherever the user is named it goes with the name.
    this.actor = actor !== null && this.outcomeReason === DISPUTED ? { ...actor, disputed: true } : actor;
    this.apiVersion = amendment?.apiVersion ?? names.text(row.api_version_id);
    this.hash = amendment?.hash ?? row.hash;
  }
}

function detailOf(row: Row, amendment: Amendment | null): Detail {
  const detail = decodeDetail(row.detail);
  return amendment === null ? detail : { ...detail, patch: [...detail.patch, ...amendment.patch] };
}

/** How the outcome is known; '' where nothing is. What is not a request is a fact from the start. */
export function reasonOf({ reason }: Pick<Row, 'reason'>, source: StoredChange['source']): string {
  return OUTCOME_REASONS[reason ?? -1] ?? (source === 'admission' ? '' : OUTCOME_REASONS[0]);
}
