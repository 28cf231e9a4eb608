import type { ObjectRef } from '../../../../shared/types.ts';
import type { NewChange } from '../../../ledger/port/port.ts';
import type { Draft } from '../objects/draft.ts';
import type { AuditedRequest } from './audited-request.ts';

/*
 * Which reviews a request of the audit log has sent. An AdmissionReview does not name the request, so it is told by who asked what of which
 * object, and by the time: the API server sends it after it has received the request, and before it answers it.
 */

/** The clocks of the API server and of the recorder may be so far from each other (ms): both are kept by NTP. */
export const SKEW_MS = 250;
/** Changes of one object that are looked at: within so short a time there are hardly as many. */
const MAX_LOOKED_AT = 100;

/**
 * The reviews that may be a request's, newest first. `near`: those that came while the request was under way, by clocks that agree. Where
 * there are none, also by clocks that do not.
 */
export async function reviewsOf(draft: Draft, request: AuditedRequest, object: ObjectRef): Promise<NewChange[]> {
  const { receivedAt, answeredAt } = request.record;
  const found: NewChange[] = [];
  for (const change of await draft.since(object, receivedAt - SKEW_MS, MAX_LOOKED_AT)) {
    if (change.at > answeredAt + SKEW_MS || !isRequest(change, request)) continue;
    if (object.uid !== '' && change.object.uid !== '' && change.object.uid !== object.uid) continue;
    const told = await draft.auditOf(change.seq);
    if (told === null || told.id === request.record.id) found.push(change);
  }
  const near = found.filter(({ at }) => at >= Math.floor(receivedAt) && at <= Math.ceil(answeredAt));
  return near.length > 0 ? near : found;
}

/** Whether a recorded review asked what a request of the audit log asked, in the same name. */
export function isRequest(change: NewChange, request: AuditedRequest): boolean {
  const { source, actor, operation, subresource, baseResourceVersion: base } = change;
  // Who names another version than the present one is refused before the webhooks are asked.
  const isSameBase = base === '' || request.baseResourceVersion === '' || base === request.baseResourceVersion;
  return (
    isSameBase &&
    source === 'admission' &&
    operation === request.operation &&
    subresource === request.subresource &&
    actor?.username === request.actor.username
  );
}
