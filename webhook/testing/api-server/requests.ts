import type { IncomingMessage, ServerResponse } from 'node:http';
import { objectRequest, type ObjectVerb } from './api-objects.ts';
import { sendStatus } from './responses.ts';
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

/** What a request meets instead of an answer: a status, one without a body, a connection that is cut, or silence. */
export type Fault = { status: number } | 'empty' | 'reset' | 'stall';

interface PlannedFault {
  matches: (request: SeenRequest) => boolean;
  fault: Fault;
  /** How many more requests meet it. */
  left: number;
}

/** The faults that a test has asked for. */
export class Faults {
  private planned: PlannedFault[] = [];

  /** Requests that match fail, so many times; returns what ends it. */
  add(matches: PlannedFault['matches'], fault: Fault, times: number): () => void {
    const entry = { matches, fault, left: times };
    this.planned.push(entry);
    return () => {
      this.planned = this.planned.filter((other) => other !== entry);
    };
  }

  /** Lets a request fail where a fault is planned for it; returns whether it did. */
  strike(seen: SeenRequest, request: IncomingMessage, response: ServerResponse): boolean {
    const entry = this.planned.find(({ matches, left }) => left > 0 && matches(seen));
    if (entry === undefined) return false;
    entry.left--;
    const { fault } = entry;
    if (fault === 'reset') request.socket.destroy();
    else if (fault === 'empty') response.end();
    else if (fault !== 'stall') sendStatus(response, fault.status, `${seen.path} fails in this test`);
    return true;
  }
}
