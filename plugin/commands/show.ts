import type { Change, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { changeList, document } from '../views/json.ts';
import { showLines, type Surroundings } from '../views/show.ts';
import { print, separated } from './notes.ts';
import { changesById, scopeOf } from './numbers.ts';
import { knownTypes, withTypeNames } from './types.ts';

/** How many changes that a change caused are looked for, and in how many of those after it. */
const CAUSED_WITHIN = 500;

/** `kubectl blame show ID...`: everything about some changes. */
export async function show(
  ids: readonly string[],
  { output, namespace }: { output?: 'json' | 'yaml'; namespace?: string },
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const [changes, types] = await Promise.all([changesById(ids, reader, namespace), knownTypes(reader)]);
  if (output !== undefined) {
    io.out(document(changeList(changes), output));
    return;
  }
  const { style } = withTypeNames(io, types);
  const blocks: string[][] = [];
  for (const change of changes) blocks.push(showLines(change, await surroundings(change, reader, io.now), style));
  print(io, separated(blocks));
}

async function surroundings(change: Change, reader: LedgerReader, now: number): Promise<Surroundings> {
  const { seq } = change;
  const asked = { scope: scopeOf(change), limit: 1, status: true };
  const before = await reader.changes({ ...asked, before: seq });
  const after = await reader.changes({ ...asked, after: seq });
  const following = await reader.changes({ scope: {}, after: seq, limit: CAUSED_WITHIN, status: true });
  return {
    previous: before.changes[0] ?? null,
    next: after.changes[0] ?? null,
    caused: following.changes.filter(({ cause }) => cause === seq),
    now,
  };
}
