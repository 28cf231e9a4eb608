import { objectRequest, type ObjectVerb } from './api-objects.ts';
import { typeName, type ServedType } from './served-types.ts';

/** A request as the server saw it. `type` is `plural` or `plural.group`; '' for discovery. */
export interface SeenRequest {
  verb: 'discovery' | 'list' | 'watch' | ObjectVerb;
  path: string;
  type: string;
  query: URLSearchParams;
}

/** What a request asks for, and of which type; undefined where that is not offered. */
export function understand(
  types: ReadonlyMap<string, ServedType>,
  url: URL,
  method: string,
): [ServedType | undefined, SeenRequest] {
  const { pathname: path, searchParams: query } = url;
  const object = objectRequest(path, method);
  if (object !== null) return [types.get(object.type), { verb: object.verb, path, type: object.type, query }];
  const match = /^\/(?:api\/[^/]+|apis\/([^/]+)\/[^/]+)\/([^/]+)$/.exec(path.replace(/\/namespaces\/[^/]+(?=\/)/, ''));
  if (match === null) return [undefined, { verb: 'discovery', path, type: '', query }];
  const type = typeName({ group: match[1] ?? '', resource: match[2] ?? '' });
  return [types.get(type), { verb: query.get('watch') === '1' ? 'watch' : 'list', path, type, query }];
}
