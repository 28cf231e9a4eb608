import { isObject, stringifyJson } from '../../../../shared/json.ts';
import type { Normalised } from '../../../../shared/normalise.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import { refOf } from '../../../../shared/normalise.ts';
import type { Json, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { Draft } from '../objects/draft.ts';
import { seenWithoutSecrets } from '../recorder/confidential.ts';
import type { AuditedRequest } from './audited-request.ts';

/** What was asked for is kept only where nothing shows what came of it, and up to this size (bytes of JSON). */
const MAX_ASKED = 64 * 1024;
/** Of what was refused, whoever asks wants to know what was to be changed, not all of a large object. */
const MAX_ASKED_IN_VAIN = 4 * 1024;

/** The request without confidential values: those that rules name, and passwords that a pattern finds. */
export async function auditWithoutSecrets(
  draft: Draft,
  request: AuditedRequest,
  redactor: Redactor,
): Promise<AuditedRequest> {
  const { object, record, options } = request;
  const clean = async (seen: Normalised): Promise<Normalised> => {
    const kind = typeof seen.body.kind === 'string' ? seen.body.kind : object.kind;
    const own = refOf(seen.body, { group: object.group, resource: object.resource, kind });
    return seenWithoutSecrets(draft, own, seen, redactor);
  };
  const items: Normalised[] = [];
  for (const item of request.items ?? []) items.push(await clean(item));
  const { message } = record;
  return {
    ...request,
    record: message === undefined ? record : { ...record, message: messageWithout(message, object, redactor) },
    options: options === null ? null : redactor.redactMatches(options, object.namespace),
    asked: askedWithout(request.asked, object, redactor, record.code < 400 ? MAX_ASKED : MAX_ASKED_IN_VAIN),
    shown: request.shown === null ? null : request.subresource === 'token' ? null : await clean(request.shown),
    items: request.items === null ? null : items,
  };
}

function askedWithout(asked: Json, object: ObjectRef, redactor: Redactor, maxLength: number): Json {
  if (asked === null || stringifyJson(asked).length > maxLength) return null;
  const isConfidential = redactor.hasRulesFor(object);
  if (isObject(asked)) {
    // Whether a rule with labels holds, a part of an object does not tell.
    if (isConfidential && !redactor.concerns(object, asked)) return null;
    return redactor.redact(asked, object, null, object.namespace);
  }
  if (!Array.isArray(asked)) return null;
  // The values of a JSON patch stand outside of the places that rules name.
  return asked.filter(isObject).map((step): JsonObject => {
    const { value, ...rest } = step;
    if (value === undefined) return rest;
    return isConfidential ? { ...rest, value: 'redacted' } : redactor.redactMatches(step, object.namespace);
  });
}

/** The message of a refusal quotes what was wrong: of an object with confidential values it may be one of those. */
function messageWithout(message: string, object: ObjectRef, redactor: Redactor): string {
  const quoted = redactor.hasRulesFor(object) ? message.replace(/(Invalid|Unsupported|Duplicate) value: ("(?:[^"\\]|\\.)*"|\S+)/g, '$1 value: redacted') : message; // prettier-ignore
  const clean = redactor.redactMatches({ message: quoted }, object.namespace).message;
  return typeof clean === 'string' ? clean : '';
}
