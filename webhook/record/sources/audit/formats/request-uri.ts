import { isObject } from '../../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../../shared/types.ts';

/**
 * What a request's path names, as an objectRef has it: `/apis/apps/v1/namespaces/shop/deployments/web/scale`. Empty where it is about no
 * object. Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
 */
export function referenceIn(uri: string): JsonObject {
  const [path = ''] = uri.split('?');
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  const isCore = parts[0] === 'api';
  if (!isCore && parts[0] !== 'apis') return {};
  const [apiGroup, apiVersion, rest] = isCore ? ['', parts[1], parts.slice(2)] : [parts[1], parts[2], parts.slice(3)];
  if (apiVersion === undefined || rest.length === 0) return {};
  const isInside = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const [resource, name, subresource] = isInside ? rest.slice(2) : rest;
  return Object.fromEntries(
    Object.entries({ apiGroup, apiVersion, namespace: isInside ? rest[1] : '', resource, name, subresource }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
    ),
  );
}

/** Options that are numbers or truth values in the object that they stand for. */
const NUMBERS = new Set(['gracePeriodSeconds', 'timeoutSeconds', 'limit']);
const TRUTHS = new Set([
  'orphanDependents',
  'force',
  'stdin',
  'stdout',
  'stderr',
  'tty',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
]);
const LISTS = new Set(['dryRun', 'command', 'ports']);
/** What selects, pages or only says how the answer is to look. */
const NO_OPTIONS = new Set(['labelSelector', 'fieldSelector', 'limit', 'continue', 'timeout', 'timeoutSeconds', 'pretty', 'watch', 'resourceVersion', 'resourceVersionMatch', 'allowWatchBookmarks']); // prettier-ignore

/** The options of a request, as admission has them; null where there are none. A deletion sends them as its body, too. */
export function optionsIn(uri: string, asked: Json, isConnect: boolean, isDeletion: boolean): JsonObject | null {
  const options: JsonObject = {};
  const query = uri.includes('?') ? uri.slice(uri.indexOf('?') + 1) : '';
  for (const [key, value] of new URLSearchParams(query)) {
    if (!isConnect && NO_OPTIONS.has(key)) continue;
    if (LISTS.has(key)) options[key] = [...(Array.isArray(options[key]) ? options[key] : []), value];
    else if (TRUTHS.has(key)) options[key] = value === 'true' || value === '1' || value === '';
    else if (NUMBERS.has(key) && /^-?\d+$/.test(value)) options[key] = Number(value);
    else options[key] = value;
  }
  if (isDeletion && isObject(asked)) {
    const { kind: _kind, apiVersion: _version, ...rest } = asked;
    Object.assign(options, rest);
  }
  return Object.keys(options).length === 0 ? null : options;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
