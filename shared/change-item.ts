import type { AuditRecord } from './audit.ts';
import { writtenPatch } from './patch.ts';
import { formatUtc } from './time.ts';
import type { Change, JsonObject } from './types.ts';

/** A change in output documents: the plugin's JSON, the native API and the stream. Times are RFC 3339. */
export function changeItem({ at, recordedAt, notBefore, patch, audit, ...facts }: Change): JsonObject {
  return {
    ...(facts as unknown as JsonObject),
    at: formatUtc(at),
    ...(recordedAt === undefined ? {} : { recordedAt: formatUtc(recordedAt) }),
    ...(audit === undefined ? {} : { audit: auditItem(audit) }),
    notBefore: formatUtc(notBefore),
    patch: writtenPatch(patch),
  };
}

/** The user of the change itself, if it has one. */
function auditItem({ receivedAt, answeredAt, ...facts }: AuditRecord): JsonObject {
  return {
    ...(facts as unknown as JsonObject),
    receivedAt: formatUtc(receivedAt),
    answeredAt: formatUtc(answeredAt),
  };
}
