import { isObject } from '../../../../shared/json.ts';
import { normalise, type Normalised } from '../../../../shared/normalise.ts';
import type { Review } from '../../../../shared/review.ts';
import type { AuditedRequest } from './audited-request.ts';

/**
 * What a request that takes a part of an object would have been reviewed as; null where that is not known. A patch of a scale is
 * answered with the whole Scale, a Binding is sent whole.
 */
export function reviewOf(request: AuditedRequest): Review | null {
  const { subresource, operation, shown, asked } = request;
  const part = subresource === 'binding' ? (isObject(asked) ? normalise(asked) : null) : shown;
  const isKnown = part !== null || operation === 'CONNECT' || (operation === 'CREATE' && subresource !== 'binding');
  return subresource === '' || !isKnown ? null : asReview(request, part);
}

/** A request in the form of a review, `part` being what it shows. */
export function asReview(
  { record, subresource, operation, object, actor, version, options }: AuditedRequest,
  part: Normalised | null,
): Review {
  const kind = part !== null && typeof part.body.kind === 'string' ? part.body.kind : '';
  return {
    uid: record.id,
    kind: { group: '', version: '', kind },
    resource: { group: object.group, version, resource: object.resource },
    subresource,
    name: object.name,
    namespace: object.namespace,
    operation,
    actor,
    object: part,
    oldObject: null,
    options,
    dryRun: false,
  };
}
