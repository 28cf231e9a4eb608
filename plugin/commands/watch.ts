import { setTimeout as sleep } from 'node:timers/promises';
import { KubeblameError } from '../../shared/errors.ts';
import type { Change, ChangePage, ChangeQuery, LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { printable } from '../views/text.ts';
import { changeQuery, printHistory } from './history.ts';
import { note } from './notes.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';

/** Changes shown first, so that one sees where one is. */
const FIRST = 10;
/** Changes a page, and how long the server may wait for one. */
const PAGE = 200;
const WAIT_MS = 20_000;
/** How long to wait before the server is asked again after a failure: longer each time. */
const BACKOFF_MS = [500, 1_000, 2_000, 5_000];
/** Attempts whose outcome is waited for. */
const MAX_OPEN = 200;

/**
 * `--watch`: the newest changes, then each that comes, the newest last, until interrupted. Every change is told once:
 * the place in the ledger is kept over failures. One that was told before it was known to be persisted, and then never
 * was, is told of on stderr.
 */
export async function watch(
  selection: Selection,
  period: { since?: number },
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const query = queryOf(request);
  const { changes: last } = await reader.info();
  // Who may not read all is not told how much there is: they go on after the newest that they see.
  const from: number[] = [];
  io.live?.();
  note(io, `${selection.title} ${io.style.dot} following; ctrl-c ends it`);
  const first: Change[] = [];
  for (const scope of selection.scopes) {
    const limit = request.limit ?? (period.since === undefined ? FIRST : 1000);
    const upTo = last === null ? {} : { before: last + 1 };
    const { changes } = await reader.changes({ ...query, ...period, ...upTo, scope, limit });
    first.push(...changes);
    from.push(last ?? changes[0]?.seq ?? 0);
  }
  const open = new Set<number>();
  const show = (changes: readonly Change[]): void => {
    const wanted = request.history.grep === null ? changes : changes.filter(request.history.grep);
    for (const { seq, outcome } of wanted) if (outcome === 'pending' && open.size < MAX_OPEN) open.add(seq);
    if (wanted.length > 0) printHistory(wanted, selection, { ...request, format: request.format ?? 'oneline' }, io);
  };
  show(first.sort((a, b) => a.seq - b.seq));
  await follow(selection.scopes, query, from, reader, io, async (changes) => {
    show(changes);
    await tellDropped(open, reader, io);
  });
}

function queryOf(request: Request): Omit<ChangeQuery, 'scope' | 'limit'> {
  if (request.format === 'json' || request.format === 'yaml' || request.format === 'csv' || request.format === 'wide') {
    throw new KubeblameError(
      'usage-invalid',
      `--format ${request.format} does not go with --watch`,
      'use oneline, table, diff, stat, patch, jsonl or name',
    );
  }
  return changeQuery(request);
}

/** Asks again and again, each scope from where it was. With several, the first waits, and the others are asked then. */
async function follow(
  scopes: readonly Scope[],
  query: Omit<ChangeQuery, 'scope' | 'limit'>,
  from: readonly number[],
  reader: LedgerReader,
  io: Io,
  tell: (changes: readonly Change[]) => Promise<void>,
): Promise<void> {
  const after = [...from];
  let failures = 0;
  while (io.interrupted?.aborted !== true) {
    try {
      const pages: ChangePage[] = [];
      for (const [index, scope] of scopes.entries()) {
        // Only one question at a time may wait, and with others to ask not for long.
        const waitMs = index > 0 ? 0 : scopes.length > 1 ? 500 : WAIT_MS;
        const asked = reader.changes({ ...query, scope, after: after[index] ?? 0, limit: PAGE, waitMs });
        const page = await unless(io.interrupted, asked);
        if (page === null) return;
        pages.push(page);
      }
      if (failures > 0) note(io, 'connected again; nothing was missed');
      failures = 0;
      // Only after all have answered: what one scope told is not asked again when another one failed.
      for (const [index, page] of pages.entries()) after[index] = page.next ?? after[index] ?? 0;
      await tell(pages.flatMap(({ changes }) => changes).sort((a, b) => a.seq - b.seq));
    } catch (error) {
      if (!(error instanceof KubeblameError) || !RETRIED.has(error.code)) throw error;
      if (failures === 0) note(io, `${printable(error.message)}; trying again`);
      await sleep(BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)]);
    }
  }
}

/** null where it was interrupted first. */
async function unless<T>(interrupted: AbortSignal | undefined, answer: Promise<T>): Promise<T | null> {
  if (interrupted === undefined) return answer;
  const ended = new Promise<null>((resolve) => {
    interrupted.addEventListener('abort', () => resolve(null), { once: true });
  });
  return Promise.race([answer, ended]);
}

/** A server that restarts, or a proxy that gives up. */
const RETRIED = new Set<string>(['server-unreachable', 'server-error', 'closing', 'overloaded']);

async function tellDropped(open: Set<number>, reader: LedgerReader, io: Io): Promise<void> {
  if (open.size === 0) return;
  const { changes } = await reader.changes({ scope: {}, seqs: [...open], attempts: true, limit: MAX_OPEN });
  for (const { seq, outcome, outcomeReason } of changes) {
    if (outcome === 'pending') continue;
    open.delete(seq);
    if (outcome === 'dropped') note(io, `change ${seq} was never persisted: ${printable(outcomeReason)}`);
  }
}
