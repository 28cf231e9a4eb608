import { parseJson } from '../../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../../shared/types.ts';

/*
 * Azure's resource-specific tables have a column for each field of an audit event:
 * https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit. What an export writes as text is JSON again.
 */

const COLUMNS: Readonly<Record<string, string>> = {
  Level: 'level',
  AuditId: 'auditID',
  Stage: 'stage',
  RequestUri: 'requestURI',
  Verb: 'verb',
  User: 'user',
  ImpersonatedUser: 'impersonatedUser',
  SourceIps: 'sourceIPs',
  UserAgent: 'userAgent',
  ObjectRef: 'objectRef',
  ResponseStatus: 'responseStatus',
  RequestObject: 'requestObject',
  ResponseObject: 'responseObject',
  RequestReceivedTime: 'requestReceivedTimestamp',
  StageReceivedTime: 'stageTimestamp',
  Annotations: 'annotations',
};

export function isAksTable({ AuditId, Stage }: JsonObject): boolean {
  return typeof AuditId === 'string' && typeof Stage === 'string';
}

/** A row as the audit event that it was made from. */
export function eventOfAksTable(row: JsonObject): JsonObject {
  const fields = Object.entries(COLUMNS).flatMap(([column, field]): [string, Json][] => {
    const value = row[column];
    return value === undefined || value === null || value === '' ? [] : [[field, unpacked(value)]];
  });
  return { kind: 'Event', apiVersion: 'audit.k8s.io/v1', ...Object.fromEntries(fields) };
}

function unpacked(value: Json): Json {
  return typeof value === 'string' && /^[[{]/.test(value) ? parseJson(value) : value;
}
