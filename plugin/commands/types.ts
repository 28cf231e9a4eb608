import {
  qualifiedName,
  resolveType,
  typeNamer,
  typeOfDefinition,
  typesCalled,
  typesInCategory,
  type NamedType,
} from '../../shared/resource-types.ts';
import type { LedgerReader, ResourceType } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { printable } from '../views/text.ts';
import { note } from './notes.ts';
import { statePages } from './state-pages.ts';

/** An io that calls types by names that are clear where these types are known. */
export function withTypeNames(io: Io, types: readonly ResourceType[]): Io {
  return { ...io, style: { ...io.style, typeName: typeNamer(types) } };
}

/** The types that the ledger has seen, to call them by clear names: an answer does not fail for want of them. */
export async function knownTypes(reader: LedgerReader): Promise<ResourceType[]> {
  return reader.resources().catch(() => []);
}

/** kubectl takes one type without a word; whoever meant the other would read a false answer. */
export function tellOtherTypes(text: string, type: NamedType, types: readonly ResourceType[], io: Io): void {
  const others = typesCalled(text, types).filter(
    (other) => qualifiedName(other) !== qualifiedName(type) && types.some((seen) => sameType(seen, other)),
  );
  if (others.length === 0) return;
  const names = others.map((other) => printable(`${other.singular}.${other.group}`)).join(', ');
  note(io, `${printable(text)} was taken as ${printable(qualifiedName(type))}; there is also ${names}`);
}

function sameType(a: ResourceType, b: ResourceType): boolean {
  return a.group === b.group && a.resource === b.resource;
}

/** Kubernetes' own types are known; of others the ledger has seen some, and their definitions tell all their names. */
export async function typeOf(text: string, reader: LedgerReader, io: Io): Promise<NamedType> {
  try {
    return resolveType(text, []);
  } catch {
    const seen = await reader.resources();
    const found = resolveType(text, [...(await definedTypes(reader, io)), ...seen]);
    if (found.namespaced !== null) return found;
    // Its definition was not recorded: its objects tell.
    const [known] = await reader.objects({
      scope: { type: { group: found.group, resource: found.resource } },
      limit: 1,
    });
    return { ...found, namespaced: known === undefined ? null : known.object.namespace !== '' };
  }
}

/** The types that the recorded definitions tell of; what the live cluster has too, where it can be asked. */
async function definedTypes(reader: LedgerReader, io: Io): Promise<NamedType[]> {
  const type = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' };
  const found: NamedType[] = [];
  if ((await reader.objects({ scope: { type }, limit: 1 })).length > 0) {
    for await (const page of statePages({ type }, io.now, reader)) {
      found.push(...page.states.flatMap(({ body }) => typeOfDefinition(body) ?? []));
    }
  }
  return [...found, ...((await reader.discover?.()) ?? [])];
}

/** The types of a category; null where the text is none. A type of this name comes first. */
export async function categoryOf(text: string, reader: LedgerReader, io: Io): Promise<NamedType[] | null> {
  if (text.includes(',') || typesCalled(text, []).length > 0) return null;
  if (typesInCategory(text, []).length > 0) return typesInCategory(text, await definedTypes(reader, io));
  const types = await definedTypes(reader, io);
  const found = typesInCategory(text, types);
  return found.length === 0 || typesCalled(text, types).length > 0 ? null : found;
}
