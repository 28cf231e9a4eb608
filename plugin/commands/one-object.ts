import { KubeblameError } from '../../shared/errors.ts';
import { placesIn } from '../../shared/landscape/parts.ts';
import type { Graph } from '../../shared/landscape/types.ts';
import type { Change, LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { currentNamespace, type ClusterFlags } from '../kubeconfig.ts';
import { printable } from '../views/text.ts';
import { momentText } from '../views/times.ts';
import { whoText } from '../views/who.ts';
import { note } from './notes.ts';
import { readWords, withoutNamespace, requireName, requireNamespace } from './scopes.ts';
import { knownTypes, tellOtherTypes, withTypeNames } from './types.ts';

/** The object that a command line names, whether it exists or not. */
export interface NamedObject {
  scope: Scope;
  /** `deployment shop/web`, for sentences. */
  title: string;
  /** Rejects with name-unknown where the ledger never had it, and says what is like it. */
  requireKnown: () => Promise<void>;
}

/**
 * Reads `TYPE/NAME` or `TYPE NAME`: one object. Rejects with usage-invalid, type-unknown, or name-unknown for a namespace. Resolves also
 * with the io to answer with, which calls types by clear names.
 */
export async function oneObject(
  written: readonly string[],
  flags: ClusterFlags & { namespace?: string },
  reader: LedgerReader,
  io: Io,
): Promise<{ named: NamedObject; io: Io }> {
  const { words, namespace: inside } = withoutNamespace(written, flags.namespace);
  if (inside !== undefined) await requireNamespace(inside, reader);
  const [types, { groups, category, asked }] = await Promise.all([knownTypes(reader), readWords(words, reader, io)]);
  const [group, ...others] = groups;
  const [name, ...more] = group?.names ?? [];
  if (group === undefined || category !== null || name === undefined || others.length + more.length > 0) {
    throw new KubeblameError('usage-invalid', 'it is asked of one object', 'name it as TYPE/NAME');
  }
  const { type } = group;
  for (const each of asked) tellOtherTypes(each.text, each.type, types, io);
  const namespace = type.namespaced === false ? '' : (inside ?? currentNamespace(io.env, flags));
  const scope = { type: { group: type.group, resource: type.resource }, namespace, names: [name] };
  const named = withTypeNames(io, types);
  const title = printable(`${named.style.typeName(type)} ${namespace === '' ? name : `${namespace}/${name}`}`);
  return { named: { scope, title, requireKnown: () => requireName(name, type, scope, reader) }, io: named };
}

/** The graph of a moment, and where in it the object is. */
export interface Found {
  graph: Graph & { denied?: string[] };
  start: number;
  at: number;
  /** The change that deleted it before the moment that was asked for. */
  deletion: Change | null;
}

/**
 * Looks for an object at a moment; where it does not exist then, but did before, just before it was deleted. `spokenOf`: it is enough that
 * others name it. Rejects with name-unknown where it never existed until then.
 */
export async function findIn(
  { scope, title, requireKnown }: NamedObject,
  at: number,
  spokenOf: boolean,
  reader: LedgerReader,
  io: Io,
): Promise<Found> {
  const graph = await reader.graph({ at });
  const [start] = placesIn(graph, scope).filter((place) => spokenOf || isSeen(graph, place));
  if (start !== undefined) return { graph, start, at, deletion: null };
  const deletion = await deletionOf(scope, at, reader);
  if (deletion !== null) {
    const before = deletion.at - 1;
    const earlier = await reader.graph({ at: before });
    const [there] = placesIn(earlier, scope).filter((place) => isSeen(earlier, place));
    if (there !== undefined) return { graph: earlier, start: there, at: before, deletion };
  }
  // What is only spoken of depends on nothing that anybody knows.
  const [named] = placesIn(graph, scope);
  if (named !== undefined) return { graph, start: named, at, deletion: null };
  await requireKnown();
  throw new KubeblameError(
    'name-unknown',
    `${title} did not exist at ${momentText(at, io.style)}`,
    'its history: kubectl blame TYPE NAME',
  );
}

/** The deletion that was an object's last change until a moment. */
async function deletionOf(scope: Scope, at: number, reader: LedgerReader): Promise<Change | null> {
  const { changes } = await reader.changes({ scope, until: at, limit: 1, status: true });
  const [last] = changes;
  return last?.effect === 'deleted' ? last : null;
}

export function tellDeletion({ title }: Pick<NamedObject, 'title'>, deletion: Change, io: Io): void {
  const who = whoText(deletion.actor, io.style);
  note(
    io,
    `${title} was deleted at ${momentText(deletion.at, io.style)} by ${who} (change ${deletion.seq}); this is just before`,
  );
}

function isSeen({ nodes }: Graph, place: number): boolean {
  const node = nodes[place];
  return node?.is === 'object' && node.seen;
}
