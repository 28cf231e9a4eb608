import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, parseJson } from '../../../shared/json.ts';
import { metadataOf, metadataText } from '../../../shared/normalise.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { FakeApiServer } from './api-server.ts';
import { send, sendStatus } from './responses.ts';
import type { ServedType } from './served-types.ts';

const VERBS = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/** What is asked of a single object. */
export type ObjectVerb = (typeof VERBS)[keyof typeof VERBS];

export function isObjectVerb(verb: string): verb is ObjectVerb {
  return Object.values<string>(VERBS).includes(verb);
}

const PATH = /^\/(?:api\/[^/]+|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/;

interface ObjectRequest {
  verb: ObjectVerb;
  /** `plural` or `plural.group`. */
  type: string;
  namespace: string;
  name: string;
}

/** What a request asks of a single object; null where it is about something else. */
export function objectRequest(path: string, method: string): ObjectRequest | null {
  const [, group = '', namespace = '', plural = '', name = ''] = PATH.exec(path) ?? [];
  if (plural === '' || (name === '' && method !== 'POST') || !(method in VERBS)) return null;
  const verb = VERBS[method as keyof typeof VERBS];
  return { verb, type: group === '' ? plural : `${plural}.${group}`, namespace, name };
}

/** Answers as the API server does: 404, 409 for what exists or is at another version, a new uid and version. */
export async function answerObject(
  api: FakeApiServer,
  type: ServedType,
  verb: ObjectVerb,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parsed = objectRequest(new URL(request.url ?? '', 'https://localhost').pathname, request.method ?? '');
  if (parsed === null) return sendStatus(response, 404, 'no such path');
  const body = verb === 'get' || verb === 'delete' ? {} : await bodyOf(request).then(api.amend);
  const name = verb === 'create' ? metadataText(body, 'name') : parsed.name;
  const found = api.find(parsed.type, parsed.namespace, name);
  if (verb === 'create') {
    if (found !== undefined) return sendStatus(response, 409, `${type.resource} "${name}" already exists`);
    return send(response, api.put(type, { ...body, metadata: { ...metadataOf(body), uid: randomUUID() } }));
  }
  if (found === undefined) return sendStatus(response, 404, `${type.resource} "${name}" not found`);
  if (verb === 'update') {
    const { resourceVersion, ...metadata } = metadataOf(body);
    if (resourceVersion !== metadataOf(found).resourceVersion)
      return sendStatus(response, 409, 'the object has been modified; please apply your changes to the latest version');
    const stored = api.put(type, { ...body, metadata });
    if (api.loseAnswers === 0) return send(response, stored);
    api.loseAnswers--;
    return sendStatus(response, 504, 'the answer is lost');
  }
  if (verb === 'patch') return send(response, api.put(type, applied(found, body)));
  if (verb === 'delete') api.remove(type, parsed.namespace, name);
  return send(response, found);
}

/** Labels that were applied, by the object's uid or name. */
const LABELS = new Map<string, readonly string[]>();

/** Server-side apply of labels, by one manager: those that it applied before and does not any more are removed. */
function applied(found: JsonObject, body: JsonObject): JsonObject {
  const key = metadataText(found, 'uid') || metadataText(found, 'name');
  const labelsOf = (object: JsonObject): JsonObject => {
    const { labels } = metadataOf(object);
    return isObject(labels) ? labels : {};
  };
  const before = LABELS.get(key) ?? [];
  const kept = Object.entries(labelsOf(found)).filter(([name]) => !before.includes(name));
  LABELS.set(key, Object.keys(labelsOf(body)));
  const { resourceVersion: _, ...metadata } = metadataOf(found);
  return { ...found, metadata: { ...metadata, labels: { ...Object.fromEntries(kept), ...labelsOf(body) } } };
}

async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = parseJson(Buffer.concat(chunks).toString());
  return isObject(body) ? body : {};
}
