import type { ObjectFacts } from '../../../../shared/landscape/types.ts';
import { formatUtc } from '../../../../shared/time.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import { factsFile, makeFactsAnew, openFacts } from '../../../entities/landscape/projection/keep-facts.ts';
import type { FactsProjection } from '../../../entities/landscape/projection/projection.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { StoreReader } from '../reader.ts';

/** So many moments are compared: the last, and some others. */
const MOMENTS = 3;

/**
 * Compares the facts that are kept beside a ledger with those that follow from its states, at some moments, and tells in one line what
 * came of it. Facts that differ, or cannot be used, are derived anew. Rejects with the ledger-* errors. `random`: from 0 to 1.
 */
export async function verifyFacts(path: string, random: () => number): Promise<string> {
  const file = factsFile(path);
  const notes: string[] = [];
  const tell = (text: string): void => void notes.push(text);
  let projection = openFacts(path, tell);
  try {
    try {
      const compared = projection === null || notes.length > 0 ? null : await compare(path, projection, random);
      if (typeof compared === 'number') return `the facts of objects in ${file} are those of the ledger: ${compared} compared, at ${MOMENTS} moments`; // prettier-ignore
      if (compared !== null) {
        projection?.reset();
        tell(`the facts of objects in ${file} were not those of the ledger, and are derived anew: ${compared}`);
      }
    } catch (error) {
      projection?.close();
      projection = makeFactsAnew(path, error, tell);
    }
    await projection?.catchUp(Infinity);
    return notes[0] ?? `the facts of objects in ${file} cannot be looked at`;
  } finally {
    projection?.close();
  }
}

/** How many facts are as they should be, or the first that are not. */
async function compare(path: string, projection: FactsProjection, random: () => number): Promise<number | string> {
  const [derived, kept] = [openSqliteReader(path), openSqliteReader(path)];
  kept.factsSource = (seq) => projection.at(seq, Infinity);
  try {
    const [first, last] = [await derived.first(), await derived.last()];
    if (first === null || last === null) return 0;
    const readers = [kept, derived].map((store) => new StoreReader(store, () => last.at));
    let objects = 0;
    for (let count = 0; count < MOMENTS; count++) {
      const at = count === 0 ? last.at : Math.floor(first.at + random() * (last.at - first.at));
      const [own = [], fresh = []] = await Promise.all(
        readers.map(async (reader) => (await reader.facts({ at })).objects),
      );
      const difference = firstDifference(own, fresh);
      if (difference !== null) return `${difference}, as of ${formatUtc(at)}`;
      objects += fresh.length;
    }
    return objects;
  } finally {
    await Promise.all([derived.close(), kept.close()]);
  }
}

/** The first object, and what of its facts is different; null where all are the same. Both are in the same order. */
function firstDifference(kept: readonly ObjectFacts[], derived: readonly ObjectFacts[]): string | null {
  for (let place = 0; place < Math.max(kept.length, derived.length); place++) {
    const [own, fresh] = [kept[place], derived[place]];
    if (own === undefined || fresh === undefined || own.object.uid !== fresh.object.uid) {
      if (fresh !== undefined && !kept.some(({ object }) => object.uid === fresh.object.uid)) return `${title(fresh.object)} is not in them`; // prettier-ignore
      if (own !== undefined && !derived.some(({ object }) => object.uid === own.object.uid)) return `${title(own.object)} is in them, and does not exist`; // prettier-ignore
      if (own !== undefined) return `${title(own.object)} is at another place`;
      continue;
    }
    const where = differentAt(own.facts, fresh.facts);
    if (where !== null) return `${where.slice(1)} of ${title(own.object)} is not what its body says`;
  }
  return null;
}

/** `.references[2].target.name`; null where two values are the same. */
function differentAt(a: unknown, b: unknown): string | null {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b ? null : '';
  const [first, second] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  for (const key of new Set([...first.keys(), ...second.keys()])) {
    const step = Array.isArray(a) ? `[${key}]` : `.${key}`;
    const below = first.has(key) && second.has(key) ? differentAt(first.get(key), second.get(key)) : '';
    if (below !== null) return `${step}${below}`;
  }
  return null;
}

function title({ resource, group, namespace, name }: ObjectRef): string {
  return `${resource}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}
