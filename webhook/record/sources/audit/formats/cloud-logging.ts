import { isObject } from '../../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../../shared/types.ts';

/*
 * Google's Cloud Logging takes the API server's audit events apart: https://cloud.google.com/kubernetes-engine/docs/how-to/audit-logging
 * and https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog. The name of the object is
 * `apps/v1/namespaces/shop/deployments/web/scale`, with `core` for the core group; the verb is the end of the method's name.
 */

export function isCloudLogging(document: JsonObject): boolean {
  return isObject(document.protoPayload);
}

/** HTTP for google.rpc.Code, where the answer's own Status does not say it. */
const HTTP: Readonly<Record<number, number>> = { 0: 200, 3: 422, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 409, 10: 409, 13: 500, 14: 503, 16: 401 }; // prettier-ignore

/** An entry of Cloud Logging as the audit event that it was made from, as far as it tells that. */
export function eventOfCloudLogging(entry: JsonObject): JsonObject {
  const payload = objectIn(entry, 'protoPayload');
  const { operation } = entry;
  const id = isObject(operation) && typeof operation.id === 'string' ? operation.id : textIn(entry, 'insertId');
  const method = textIn(payload, 'methodName').split('.');
  const request = withoutType(payload.request);
  const response = withoutType(payload.response);
  const metadata = objectIn(payload, 'requestMetadata');
  const status = objectIn(payload, 'status');
  const grpc = typeof status.code === 'number' ? status.code : 0;
  const own =
    isObject(response) && response.kind === 'Status' && typeof response.code === 'number' ? response.code : null;
  const verb = method.at(-1) ?? '';
  const code = own ?? HTTP[grpc] ?? 500;
  const address = textIn(metadata, 'callerIp');
  const isWhole = isObject(response) && textIn(objectIn(response, 'metadata'), 'uid') !== '';
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: isWhole || response !== null ? 'RequestResponse' : request === null ? 'Metadata' : 'Request',
    auditID: id,
    stage: 'ResponseComplete',
    requestURI: '',
    verb,
    user: { username: textIn(objectIn(payload, 'authenticationInfo'), 'principalEmail') },
    sourceIPs: address === '' ? [] : [address],
    userAgent: textIn(metadata, 'callerSuppliedUserAgent'),
    objectRef: referenceOf(textIn(payload, 'resourceName')),
    responseStatus: { code, ...(grpc === 0 ? {} : { message: textIn(status, 'message') }) },
    ...(request === null ? {} : { requestObject: request }),
    ...(response === null ? {} : { responseObject: response }),
    requestReceivedTimestamp: textIn(entry, 'timestamp'),
    stageTimestamp: textIn(entry, 'timestamp'),
    annotations: objectIn(entry, 'labels'),
  };
}

function referenceOf(name: string): JsonObject {
  const [group = '', apiVersion = '', ...path] = name.split('/');
  const apiGroup = group === 'core' ? '' : group;
  // A namespace itself is `core/v1/namespaces/shop`.
  const isInside = path[0] === 'namespaces' && path.length > 2 && path[2] !== 'status' && path[2] !== 'finalize';
  const namespace = isInside ? (path[1] ?? '') : '';
  const [resource = '', object = '', ...subresource] = isInside ? path.slice(2) : path;
  return { apiGroup, apiVersion, resource, namespace, name: object, subresource: subresource.join('/') };
}

/** Without what the protocol adds; its type names the kind where the object does not. */
function withoutType(value: Json | undefined): Json {
  if (!isObject(value)) return value ?? null;
  const { '@type': type, ...rest } = value;
  if (typeof type !== 'string' || rest.kind !== undefined) return rest;
  const match = /^(.+)\.k8s\.io\/(v[^.]+)\.([A-Za-z]+)$/.exec(type);
  if (match === null) return rest;
  const [, group = '', version = '', kind = ''] = match;
  const name = group === 'core' || group === 'meta' ? version : `${group}/${version}`;
  return { apiVersion: name, kind, ...rest };
}

function objectIn(parent: JsonObject, key: string): JsonObject {
  const value = parent[key];
  return isObject(value) ? value : {};
}

function textIn(parent: JsonObject, key: string): string {
  const value = parent[key];
  return typeof value === 'string' ? value : '';
}
