import { carriesWholeObject, type Seen } from '../../../../shared/interpret.ts';
import { metadataText } from '../../../../shared/normalise.ts';
import { hashBody } from '../../../../shared/patch.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import { nameOf, namespaceOf, type Review } from '../../../../shared/review.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { Draft } from '../objects/draft.ts';

/*
 * What is recorded has no confidential values. Which of an object's texts hold one depends on what was known of it when they were
 * seen: an annotation may repeat a password that the object had two versions ago. So each text is first compared with what the
 * record has of the object. Otherwise the same version, seen again, would look like a change, and show that password.
 */

/** The review without passwords that a pattern finds. Whatever comes by the spool had them replaced before. */
export function reviewWithoutMatches(review: Review, redactor: Redactor): Review {
  const clean = (seen: Seen | null): Seen | null => {
    const body = seen === null ? null : redactor.redactMatches(seen.body, namespaceOf(review));
    return seen === null || body === null || body === seen.body ? seen : { ...seen, body };
  };
  return { ...review, object: clean(review.object), oldObject: clean(review.oldObject) };
}

/** The review without confidential values. `redacted`: they were replaced before. */
export async function reviewWithoutSecrets(
  draft: Draft,
  review: Review,
  redactor: Redactor,
  redacted: boolean,
): Promise<Review> {
  const { resource, object, oldObject } = review;
  const concerns = (seen: Seen | null): boolean => seen !== null && redactor.concerns(resource, seen.body);
  if (!concerns(object) && !concerns(oldObject)) return review;
  const clean = (seen: Seen | null, other: Seen | null): Seen | null =>
    seen === null || redacted ? seen : { ...seen, body: redactor.redact(seen.body, resource, other?.body ?? null) };
  const after = clean(object, oldObject);
  const before = clean(oldObject, object);
  if (before === null || !carriesWholeObject(review)) return { ...review, object: after, oldObject: before };
  const { group, resource: name } = resource;
  const ref: ObjectRef = {
    group,
    resource: name,
    kind: review.kind.kind,
    namespace: metadataText(before.body, 'namespace'),
    name: nameOf(review),
    uid: metadataText(before.body, 'uid'),
  };
  const recorded = await recordedBodies(draft, ref, before.body);
  const align = (seen: Seen, earlier: boolean): Seen => {
    const body = recorded.reduce((aligned, known) => redactor.asRecorded(aligned, known, ref, earlier), seen.body);
    return { ...seen, body };
  };
  return { ...review, object: after === null ? null : align(after, false), oldObject: align(before, true) };
}

/** What the API server has shown of an object, without its confidential values. */
export async function seenWithoutSecrets(
  draft: Draft,
  object: ObjectRef,
  seen: Seen,
  redactor: Redactor,
): Promise<Seen> {
  if (!redactor.concerns(object, seen.body)) {
    const body = redactor.redactMatches(seen.body);
    return body === seen.body ? seen : { ...seen, body };
  }
  const clean = { ...seen, body: redactor.redact(seen.body, object) };
  const recorded = await recordedBodies(draft, object, clean.body);
  return { ...clean, body: recorded.reduce((body, known) => redactor.asRecorded(body, known, object), clean.body) };
}

/** The last versions of an object, newest first; none where the body is one of them. */
async function recordedBodies(draft: Draft, object: ObjectRef, body: JsonObject): Promise<JsonObject[]> {
  const hash = hashBody(body);
  const versions = (await draft.head(object)).versions.filter(({ gone }) => !gone);
  if (versions.some((version) => hash !== null && version.hash?.equals(hash) === true)) return [];
  const bodies: JsonObject[] = [];
  for (const { seq } of versions) {
    const known = await draft.body(seq);
    if (known !== null) bodies.push(known);
  }
  return bodies;
}
