import { isGlob } from '../../shared/glob.ts';
import { nearest } from '../../shared/resource-types.ts';
import type { LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { momentText, spanText } from '../views/times.ts';
import { printable } from '../views/text.ts';
import { userText } from '../views/who.ts';
import type { Matches } from './match-flags.ts';
import { note, tellCoverage } from './notes.ts';
import type { Selection } from './scopes.ts';

/** Objects that are looked at for the namespaces that they are in. */
const PAGE = 500;

/** An empty answer says which it is: nothing changed, nothing was recorded, or the question names what is not there. */
export async function explainEmpty(
  { scopes, title }: Selection,
  { since, until }: { since?: number; until?: number },
  matches: Matches,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const { firstAt } = await reader.info();
  if (firstAt === null) {
    note(io, 'the ledger is empty: nothing has been recorded yet');
    return;
  }
  const [from, to] = [Math.max(since ?? firstAt, firstAt), until ?? io.now];
  if (to < firstAt) {
    note(io, `not recorded: recording began at ${momentText(firstAt, io.style)}`);
    return;
  }
  note(io, `${title}: no such change ${io.style.dot} ${spanText(from, to, io.style)}`);
  if (since !== undefined && since < firstAt) note(io, `not recorded before ${momentText(firstAt, io.style)}`);
  await tellUnknownUsers(matches, reader, io);
  await tellUnseenTypes(scopes, reader, io);
  await tellCoverage(from, to, reader, io);
  await tellElsewhere(scopes, reader, io);
}

/** Who wrote `alice` may mean `alice@example.com`. */
async function tellUnknownUsers({ users = [] }: Matches, reader: LedgerReader, io: Io): Promise<void> {
  const names = users.filter((user) => !isGlob(user));
  if (names.length === 0) return;
  const known = (await reader.users({ scope: {}, status: true })).users.map(({ username }) => username);
  for (const name of names.filter((user) => !known.includes(user))) {
    const similar = nearest(name, known).map((user) => userText(user, io.style));
    const hint = similar.length === 0 ? '`kubectl blame who` lists all users' : `did you mean ${similar.join(' or ')}?`;
    note(io, `no change by a user ${JSON.stringify(printable(name))} is recorded: ${hint}`);
  }
}

/** A type of which nothing was ever recorded may be one that the server leaves out. */
async function tellUnseenTypes(scopes: readonly Scope[], reader: LedgerReader, io: Io): Promise<void> {
  const types = scopes.flatMap(({ type }) => type ?? []);
  // `all` names types that few clusters use.
  if (types.length !== 1) return;
  const seen = await reader.resources();
  for (const { group, resource } of types) {
    if (seen.some((type) => type.group === group && type.resource === resource)) continue;
    note(io, `no ${printable(resource)} were ever recorded: none changed, or the server leaves them out (--skip)`);
  }
}

/** Where objects of the type are instead, for whoever forgot the namespace. */
async function tellElsewhere(scopes: readonly Scope[], reader: LedgerReader, io: Io): Promise<void> {
  const [scope, ...others] = scopes;
  if (scope?.type === undefined || scope.namespace === undefined || others.length > 0) return;
  if ((await reader.objects({ scope: { type: scope.type, namespace: scope.namespace }, limit: 1 })).length > 0) return;
  const known = await reader.objects({ scope: { type: scope.type }, limit: PAGE });
  const namespaces = [...new Set(known.map(({ object }) => printable(object.namespace)))];
  if (namespaces.length > 0) note(io, `there are such objects in ${namespaces.join(', ')}: add -n NAME, or -A for all`);
}
