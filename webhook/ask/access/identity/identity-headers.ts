import type { IncomingMessage } from 'node:http';
import type { Actor } from '../../../../shared/types.ts';

/** Which headers carry an identity: those that the API server's flags --requestheader-* name, in lower case. */
export interface IdentityHeaders {
  usernames: string[];
  uids: string[];
  groups: string[];
  extraPrefixes: string[];
}

/** The usual names, which the gateway sends too. */
export const USUAL_HEADERS: IdentityHeaders = {
  usernames: ['x-remote-user'],
  uids: ['x-remote-uid'],
  groups: ['x-remote-group'],
  extraPrefixes: ['x-remote-extra-'],
};

/**
 * The identity in a request's headers; null where they name no user, or more than one. Whether they count is not
 * asked here.
 */
export function identityIn(request: IncomingMessage, names: IdentityHeaders): Actor | null {
  const distinct = request.headersDistinct;
  const all = (keys: readonly string[]): string[] => keys.flatMap((key) => distinct[key] ?? []).map(utf8);
  const [username, ...others] = all(names.usernames).filter((name) => name !== '');
  if (username === undefined || others.length > 0) return null;
  const extra: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(distinct)) {
    const prefix = names.extraPrefixes.find((start) => name.startsWith(start) && name.length > start.length);
    if (prefix === undefined || values === undefined) continue;
    const key = percentDecoded(name.slice(prefix.length));
    if (key !== null) extra[key] = values.map(utf8);
  }
  const [uid] = all(names.uids).filter((value) => value !== '');
  return {
    username,
    groups: all(names.groups),
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** An identity as headers with the usual names. */
export function identityHeaders({ username, uid, groups, extra }: Actor): [name: string, value: string][] {
  return [
    ['X-Remote-User', latin1(username)],
    ...(uid === undefined ? [] : [['X-Remote-Uid', latin1(uid)] as [string, string]]),
    ...groups.map((group): [string, string] => ['X-Remote-Group', latin1(group)]),
    ...Object.entries(extra ?? {}).flatMap(([key, values]) =>
      values.map((value): [string, string] => [`X-Remote-Extra-${encodeURIComponent(key)}`, latin1(value)]),
    ),
  ];
}

/** HTTP carries bytes: Node reads and writes them as Latin-1, Go as UTF-8. */
function utf8(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

function latin1(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** Keys of extra values are percent-encoded in a header's name. */
function percentDecoded(key: string): string | null {
  try {
    return decodeURIComponent(key);
  } catch {
    return null;
  }
}
