import { AUDIT_LEVELS, type AuditLevel } from '../../../../../shared/audit.ts';
import { KubeblameError } from '../../../../../shared/errors.ts';
import { isObject, itemsOf } from '../../../../../shared/json.ts';
import { metadataText, normalise } from '../../../../../shared/normalise.ts';
import type { Actor, Json, JsonObject, ObjectRef, Operation } from '../../../../../shared/types.ts';
import type { AuditedRequest } from '../../../capture/audit/audited-request.ts';
import { readReceivedAt } from '../../recordings/formats/received-at.ts';
import { optionsIn, referenceIn } from './request-uri.ts';

/** Why an event is not taken: it is no request for a change, or not yet its end. */
export type PassedOver =
  'another stage' | 'a reading request' | 'a refused reading request' | 'a dry run' | 'about no object';

/** What makes of a CREATE or a get a CONNECT: k8s.io/kubernetes/pkg/registry/core/pod/rest and its siblings. */
const CONNECTS = new Set(['exec', 'attach', 'portforward', 'proxy']);
const VERBS: Readonly<Record<string, Operation>> = { create: 'CREATE', update: 'UPDATE', patch: 'UPDATE', delete: 'DELETE', deletecollection: 'DELETE' }; // prettier-ignore

/**
 * Reads an event of audit.k8s.io/v1 (k8s.io/apiserver/pkg/apis/audit/v1/types.go). Throws KubeblameError audit-invalid, which names the
 * field, where it cannot be used.
 */
export function readEvent(event: JsonObject): AuditedRequest | PassedOver {
  const stage = textIn(event, 'stage');
  const verb = textIn(event, 'verb').toLowerCase();
  const uri = textIn(event, 'requestURI');
  const reference = { ...referenceIn(uri), ...present(event.objectRef) };
  const subresource = textIn(reference, 'subresource');
  const isConnect = CONNECTS.has(subresource);
  // A session is told when it begins; whoever logs only its end tells it then.
  if (stage !== 'ResponseComplete' && stage !== 'Panic' && !(stage === 'ResponseStarted' && isConnect))
    return 'another stage';
  const operation = isConnect ? 'CONNECT' : VERBS[verb];
  if (operation === undefined) {
    const { code } = isObject(event.responseStatus) ? event.responseStatus : {};
    return code === 401 || code === 403 ? 'a refused reading request' : 'a reading request';
  }
  if (textIn(reference, 'resource') === '') return 'about no object';
  // Azure writes a text in the place of an object that is too large for it.
  const asked = isBody(event.requestObject) ? event.requestObject : null;
  const options = optionsIn(uri, asked, isConnect, operation === 'DELETE' && subresource === '');
  if (options !== null && Array.isArray(options.dryRun)) return 'a dry run';
  const id = textIn(event, 'auditID');
  if (id === '') throw invalid('auditID is missing');
  const user = readUser(event.user, 'user');
  const impersonated =
    event.impersonatedUser === undefined ? null : readUser(event.impersonatedUser, 'impersonatedUser');
  const answeredAt = timeIn(event, 'stageTimestamp');
  const receivedAt =
    event.requestReceivedTimestamp === undefined ? answeredAt : timeIn(event, 'requestReceivedTimestamp');
  const status = isObject(event.responseStatus) ? event.responseStatus : {};
  const response = isObject(event.responseObject) ? event.responseObject : null;
  const code = codeOf(stage, status);
  const isStatus = response !== null && response.kind === 'Status' && textIn(response, 'apiVersion') === 'v1';
  const told = isStatus ? response : status;
  const shown = response === null || isStatus || code >= 400 ? null : response;
  const isList =
    shown !== null && typeof shown.kind === 'string' && shown.kind.endsWith('List') && verb === 'deletecollection';
  const object = objectOf(reference, told, shown, asked, verb);
  return {
    record: {
      id,
      level: levelOf(event),
      verb,
      receivedAt,
      answeredAt,
      code,
      ...(code < 400 ? {} : { reason: textIn(told, 'reason'), message: textIn(told, 'message') }),
      user: impersonated ?? user,
      ...(impersonated === null ? {} : { impersonator: user }),
      sourceIPs: textsIn(event.sourceIPs),
      userAgent: textIn(event, 'userAgent'),
    },
    actor: impersonated ?? user,
    // A server-side apply that makes an object is a creation to admission, too.
    operation: operation === 'UPDATE' && code === 201 ? 'CREATE' : operation,
    subresource,
    object,
    version: textIn(reference, 'apiVersion'),
    baseResourceVersion:
      textIn(reference, 'resourceVersion') || metadataText(isObject(asked) ? asked : null, 'resourceVersion'),
    options,
    asked: isDeleteOptions(asked) ? null : asked,
    shown: shown === null || isList || !isWholeObject(shown) ? null : normalise(shown),
    items: isList ? itemsWithKind(shown) : null,
  };
}

function invalid(what: string): KubeblameError {
  return new KubeblameError('audit-invalid', `not a usable audit event: ${what}`);
}

/** The log was cut where it was too long: then it is known that something changed, and not what. */
function levelOf({ level, annotations, requestObject, responseObject }: JsonObject): AuditLevel {
  const isTruncated = isObject(annotations) && annotations['audit.k8s.io/truncated'] === 'true';
  const known = AUDIT_LEVELS.find((one) => one === level);
  if (known === undefined)
    throw invalid(`level is ${JSON.stringify(level ?? null)}, expected one of ${AUDIT_LEVELS.join(', ')}`);
  const isCut = typeof requestObject === 'string' || typeof responseObject === 'string';
  if (!isTruncated && !isCut) return known;
  return isBody(responseObject) ? 'RequestResponse' : isBody(requestObject) ? 'Request' : 'Metadata';
}

function isBody(value: Json | undefined): value is JsonObject | Json[] {
  return typeof value === 'object' && value !== null;
}

function codeOf(stage: string, { code }: JsonObject): number {
  if (typeof code === 'number') return code;
  return stage === 'Panic' ? 500 : 200;
}

function isDeleteOptions(asked: Json): boolean {
  return isObject(asked) && asked.kind === 'DeleteOptions';
}

/** Some clouds leave the object out, and keep only its name. */
function isWholeObject(shown: JsonObject): boolean {
  return typeof shown.kind === 'string' && metadataText(shown, 'resourceVersion') !== '';
}

function itemsWithKind(list: JsonObject) {
  const kind = typeof list.kind === 'string' ? list.kind.slice(0, -'List'.length) : '';
  const apiVersion = textIn(list, 'apiVersion');
  return itemsOf(list.items).map((item) => normalise({ apiVersion, kind, ...item }));
}

/** The object: as the reference names it; a generated name and a uid are told by the answer. */
function objectOf(
  reference: JsonObject,
  status: JsonObject,
  shown: JsonObject | null,
  asked: Json,
  verb: string,
): ObjectRef {
  const details = isObject(status.details) ? status.details : {};
  const [group, resource] = [textIn(reference, 'apiGroup'), textIn(reference, 'resource')];
  const isNamespace = group === '' && resource === 'namespaces';
  const sent = isObject(asked) ? asked : null;
  const isCollection = verb === 'deletecollection';
  // Of an object that could not be made in a namespace that is not there, `details` are about the namespace.
  const isAbout =
    details.kind === undefined || details.kind === resource || (isObject(sent) && details.kind === sent.kind);
  const detailed = isAbout && !isCollection ? details : {};
  const name = textIn(reference, 'name') || metadataText(shown, 'name') || textIn(detailed, 'name');
  return {
    ...{ group, resource },
    kind: shown !== null && textIn(reference, 'subresource') !== 'scale' ? textIn(shown, 'kind') : '',
    namespace: isNamespace ? '' : textIn(reference, 'namespace'),
    name: isCollection ? '' : name || metadataText(sent, 'name') || metadataText(sent, 'generateName'),
    uid:
      textIn(reference, 'uid') ||
      (textIn(reference, 'subresource') === '' || shown?.kind === 'Scale' ? metadataText(shown, 'uid') : '') ||
      textIn(detailed, 'uid'),
  };
}

function readUser(value: Json | undefined, path: string): Actor {
  if (!isObject(value)) throw invalid(`${path} is missing`);
  const username = textIn(value, 'username');
  if (username === '') throw invalid(`${path}.username is missing`);
  const uid = textIn(value, 'uid');
  const actor: Actor = { username, groups: textsIn(value.groups), ...(uid === '' ? {} : { uid }) };
  if (isObject(value.extra)) {
    actor.extra = Object.fromEntries(Object.entries(value.extra).map(([key, texts]) => [key, textsIn(texts)]));
  }
  return actor;
}

/** ms, with what is finer: many requests are answered within one. */
function timeIn(event: JsonObject, key: string): number {
  const value = event[key];
  if (value === undefined || value === null) throw invalid(`${key} is missing`);
  try {
    return readReceivedAt(value).exact;
  } catch {
    throw invalid(`${key} is not an RFC 3339 time with a zone, as 2026-03-03T14:32:10Z`);
  }
}

function textsIn(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function textIn(parent: JsonObject, key: string): string {
  const value = parent[key];
  return typeof value === 'string' ? value : '';
}

/** What of a reference says something. */
function present(reference: Json | undefined): JsonObject {
  if (!isObject(reference)) return {};
  return Object.fromEntries(Object.entries(reference).filter(([, value]) => value !== '' && value !== null));
}
