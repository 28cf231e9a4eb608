import type { LedgerReader, Scope, StatePage } from '../../shared/types.ts';

/** Objects fetched at once. */
const PAGE = 500;

/** All that existed in a scope at a moment (ms), page by page. Rejects with what the reader rejects with. */
export async function* statePages(scope: Scope, at: number, reader: LedgerReader): AsyncGenerator<StatePage> {
  let next: string | undefined;
  do {
    const page = await reader.states({ scope, at, limit: PAGE, ...(next === undefined ? {} : { continue: next }) });
    yield page;
    next = page.next ?? undefined;
  } while (next !== undefined);
}
