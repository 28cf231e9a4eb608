import { isObject, parseJson } from '../../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../../shared/types.ts';
import { eventOfAksTable, isAksTable } from './aks-table.ts';
import { eventOfCloudLogging, isCloudLogging } from './cloud-logging.ts';

/*
 * How audit events are wrapped on their way to a file. The wrappings are followed down to the events, in whatever order they were put on:
 * - a list, an EventList (what an audit webhook posts), `records` (Azure Monitor), `logEvents` and `events` (CloudWatch);
 * - a text in which there is JSON: `log` (container runtimes, Azure: properties.log), `message` (fluentd, CloudWatch), `@message` (CloudWatch
 *   Insights), `log_s` (Azure's AzureDiagnostics table), `textPayload`;
 * - a row of Azure's tables AKSAudit and AKSAuditAdmin, which has the event's fields as columns: aks-table.ts;
 * - an entry of Google's Cloud Logging, which has a form of its own: cloud-logging.ts.
 */

/** Wrappings in wrappings: more than any tool puts on. */
const MAX_DEPTH = 8;
const LISTS = ['records', 'logEvents', 'events', 'items'];
const TEXTS = ['log', 'message', '@message', 'log_s', 'textPayload', 'msg'];
/** What holds one of those. */
const OBJECTS = ['properties', 'jsonPayload', '_source', 'kubernetes_audit', 'event', 'body', 'fields'];

/** A document that has no audit event in it. */
export class NoEvent extends Error {}

/** The audit events in a document, as audit.k8s.io has them. Throws NoEvent where there is none, and KubeblameError json-* for a text that is cut off. */
export function* eventsIn(document: Json, depth = 0): Generator<JsonObject> {
  if (depth > MAX_DEPTH) throw new NoEvent('it is wrapped too often');
  if (typeof document === 'string') {
    yield* eventsIn(parseText(document), depth + 1);
    return;
  }
  if (Array.isArray(document)) {
    for (const item of document) yield* eventsIn(item, depth + 1);
    return;
  }
  if (!isObject(document)) throw new NoEvent('not an object');
  if (isEvent(document)) {
    yield document;
    return;
  }
  if (isAksTable(document)) {
    yield eventOfAksTable(document);
    return;
  }
  if (isCloudLogging(document)) {
    yield eventOfCloudLogging(document);
    return;
  }
  // CloudWatch tells of itself that it can write.
  if (document.messageType === 'CONTROL_MESSAGE') return;
  for (const key of LISTS) {
    const list = document[key];
    if (!Array.isArray(list)) continue;
    for (const item of list) yield* eventsIn(item, depth + 1);
    return;
  }
  for (const key of [...TEXTS, ...OBJECTS]) {
    const inner = document[key];
    if (typeof inner !== 'string' && !isObject(inner)) continue;
    yield* eventsIn(inner, depth + 1);
    return;
  }
  throw new NoEvent('neither an audit event nor one of the wrappings that are known (docs/audit-logs.md)');
}

function isEvent({ kind, apiVersion, auditID, stage, verb, requestURI }: JsonObject): boolean {
  if (typeof auditID !== 'string' || typeof stage !== 'string') return false;
  // The items of a list that an API server posts do not repeat what they are.
  if (kind === undefined && apiVersion === undefined) return typeof verb === 'string' && typeof requestURI === 'string';
  return kind === 'Event' || (typeof apiVersion === 'string' && apiVersion.startsWith('audit.k8s.io/'));
}

/** The JSON in a text; behind what a logger has put before it, such as the time of a line that was exported from CloudWatch. */
function parseText(text: string): Json {
  const start = text.search(/[[{"]/);
  if (start < 0) throw new NoEvent('a text without JSON in it');
  return parseJson(text.slice(start));
}
