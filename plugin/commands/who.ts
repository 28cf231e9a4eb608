import { changeItem } from '../../shared/change-item.ts';
import { KubeblameError } from '../../shared/errors.ts';
import { matchesGlob } from '../../shared/glob.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Change, ChangeQuery, Json, LedgerReader, Scope, UserSummary } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { burstsOf, burstTable, type Burst } from '../views/bursts.ts';
import { document, list } from '../views/json.ts';
import { printable } from '../views/text.ts';
import { usersTable } from '../views/users-table.ts';
import { note, print, tellDenied, tellGaps } from './notes.ts';
import { withMoments } from './moments.ts';
import { readRequest, type BlameFlags } from './request.ts';
import { select } from './scopes.ts';

/** The changes of one user that are looked at, where --limit does not say. */
const MAX_CHANGES = 2000;
const PAGE = 500;

/** `kubectl blame who [TYPE [NAME...]]`: who changed something; with --user, what that user did. */
export async function who(words: readonly string[], flags: BlameFlags, reader: LedgerReader, io: Io): Promise<void> {
  const request = readRequest(await withMoments(flags, reader, io, words), io);
  const { question, format } = request;
  if (question.kind !== 'history' || (format !== null && !['table', 'json', 'yaml'].includes(format))) {
    throw new KubeblameError('usage-invalid', 'who answers with table, json or yaml', 'leave other formats out');
  }
  if (request.labels !== undefined) throw new KubeblameError('usage-invalid', 'who does not go with -l');
  const { selection, io: named } = await select(words, request, reader, io);
  const { scopes, title } = selection;
  const period = {
    ...(question.since === undefined ? {} : { since: question.since }),
    ...(question.until === undefined ? {} : { until: question.until }),
  };
  const { users, excludeUsers = [] } = request.matches;
  if (users === undefined) {
    const pages = await Promise.all(scopes.map((scope) => reader.users({ scope, ...period, status: request.status })));
    const found = merged(pages.map((page) => page.users)).filter(
      ({ username }) => !excludeUsers.some((pattern) => matchesGlob(pattern, username)),
    );
    const shown = request.limit === null ? found : found.slice(0, request.limit);
    note(io, `${title} ${io.style.dot} ${found.length} ${found.length === 1 ? 'user' : 'users'}`);
    if (format === 'json' || format === 'yaml') io.out(document(list('UserList', shown.map(userItem)), format));
    else if (shown.length > 0) print(io, usersTable(shown, named.style));
    tellDenied(new Set(pages.flatMap(({ denied }) => denied ?? [])), io);
  } else {
    const changes: Change[] = [];
    for (const scope of scopes)
      changes.push(
        ...(await changesOf(scope, { ...period, ...request.matches }, request.limit ?? MAX_CHANGES, reader, io)),
      );
    const bursts = burstsOf(changes);
    note(
      io,
      `${users.map((user) => printable(user)).join(', ')} in ${title} ${io.style.dot} ${changes.length} changes, ${bursts.length} at a time`,
    );
    if (format === 'json' || format === 'yaml') io.out(document(list('BurstList', bursts.map(burstItem)), format));
    else if (bursts.length > 0) print(io, burstTable(bursts, named.style));
  }
  if (question.since !== undefined) await tellGaps(question.since, question.until ?? io.now, reader, io);
}

async function changesOf(
  scope: Scope,
  asked: Omit<ChangeQuery, 'scope' | 'limit'>,
  limit: number,
  reader: LedgerReader,
  io: Io,
): Promise<Change[]> {
  const found: Change[] = [];
  let before: number | undefined;
  do {
    const page = await reader.changes({
      scope,
      ...asked,
      limit: Math.min(PAGE, limit - found.length),
      ...(before === undefined ? {} : { before }),
    });
    found.push(...page.changes);
    io.progress?.(`${found.length} changes`);
    before = page.next ?? undefined;
  } while (before !== undefined && found.length < limit);
  return found;
}

/** Several scopes, such as `deploy,svc`: their counts together. */
function merged(lists: readonly UserSummary[][]): UserSummary[] {
  const users = new Map<string, UserSummary>();
  for (const user of lists.flat()) {
    const known = users.get(user.username);
    if (known === undefined) {
      users.set(user.username, { ...user, resources: [...user.resources] });
      continue;
    }
    known.changes += user.changes;
    if (user.disputed !== undefined) known.disputed = (known.disputed ?? 0) + user.disputed;
    known.firstAt = Math.min(known.firstAt, user.firstAt);
    known.lastAt = Math.max(known.lastAt, user.lastAt);
    known.resources.push(...user.resources);
  }
  return [...users.values()].sort((a, b) => b.changes - a.changes);
}

function userItem({ firstAt, lastAt, ...rest }: UserSummary): Json {
  return { ...rest, firstAt: formatUtc(firstAt), lastAt: formatUtc(lastAt) };
}

function burstItem({ changes }: Burst): Json {
  const [first, last] = [changes[0], changes.at(-1)];
  return {
    from: formatUtc(first?.at ?? 0),
    to: formatUtc(last?.at ?? 0),
    manager: first?.manager ?? '',
    changes: changes.map(changeItem),
  };
}
