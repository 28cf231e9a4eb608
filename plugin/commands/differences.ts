import type { Difference, Json, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { netDiff } from '../views/change-diff.ts';
import { differenceList, document, jsonLines } from '../views/json.ts';
import { qualifiedObjectName } from '../views/object-name.ts';
import { spanText } from '../views/times.ts';
import { note, print, separated, tellDenied, tellGaps } from './notes.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';

/** Objects fetched at once. */
const PAGE = 500;

/** `kubectl blame --from TIME --to TIME`: the net difference of each object. */
export async function showDifferences(
  selection: Selection,
  { from, to }: { from: number; to: number },
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const found: Difference[] = [];
  const denied = new Set<string>();
  for (const scope of selection.scopes) {
    let next: string | undefined;
    do {
      const page = await reader.differences({
        scope,
        from,
        to,
        limit: PAGE,
        ...(next === undefined ? {} : { continue: next }),
      });
      found.push(...page.differences);
      for (const type of page.denied ?? []) denied.add(type);
      io.progress?.(`${found.length} objects`);
      next = page.next ?? undefined;
    } while (next !== undefined && (request.limit === null || found.length < request.limit));
  }
  const shown = request.limit === null ? found : found.slice(0, request.limit);
  const count = `${shown.length} ${shown.length === 1 ? 'object differs' : 'objects differ'}`;
  note(io, [selection.title, count, spanText(from, to, io.style)].join(` ${io.style.dot} `));
  if (request.format === 'json' || request.format === 'yaml') io.out(document(differenceList(shown), request.format));
  else if (request.format === 'jsonl') io.out(jsonLines(shown as unknown as Json[]));
  else if (request.format === 'name')
    print(
      io,
      shown.map(({ object }) => qualifiedObjectName(object)),
    );
  else print(io, separated(shown.map((difference) => netDiff(difference, io.style))));
  tellDenied(denied, io);
  await tellGaps(from, to, reader, io);
}
