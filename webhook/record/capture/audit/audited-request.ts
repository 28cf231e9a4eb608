import type { AuditRecord } from '../../../../shared/audit.ts';
import type { Normalised } from '../../../../shared/normalise.ts';
import type { Actor, Json, JsonObject, ObjectRef, Operation } from '../../../../shared/types.ts';

/** A request that the API server's audit log tells of: one that asked for a change, with what was answered. */
export interface AuditedRequest {
  record: AuditRecord;
  /** In whose name it was made, as admission saw it. */
  actor: Actor;
  /** As admission names it: an exec is a CONNECT, whatever its verb. */
  operation: Operation;
  subresource: string;
  /** The name is '' for a collection, the uid where the log does not tell it, and the kind where only a part was asked for. */
  object: ObjectRef;
  /** The version of the API that was asked, as `v1`. */
  version: string;
  /** The version that the request was made against; '' where it names none. */
  baseResourceVersion: string;
  /** The options of the request, as admission has them; null where there are none. */
  options: JsonObject | null;
  /** What was asked for, as it was sent: an object, or the list of a JSON patch; null where it was not logged. */
  asked: Json;
  /** The object that was answered; null where none was, or it was not logged whole. */
  shown: Normalised | null;
  /** The objects that a deletecollection was answered with; null as above. */
  items: Normalised[] | null;
}

/** What became of a request of the audit log here. */
export type Audited =
  /** A change that a review, a list or a watch had told of now has what the log tells. */
  | 'enriched'
  /** It is a change of its own: no review told of it. */
  | 'recorded'
  /** It was refused, and no review told of it. */
  | 'refused'
  /** It was taken in before. */
  | 'already there'
  /** It changed nothing. */
  | 'unchanged'
  /** Several reviews may be this request: which one it was is not told. */
  | 'ambiguous';

export function isRefused({ record }: AuditedRequest): boolean {
  return record.code >= 400;
}

/** Of an answer that came too late the API server does not know itself what became of the request. */
export function isGivenUp({ record }: AuditedRequest): boolean {
  return record.code === 504;
}
