import { KubeblameError } from '../../shared/errors.ts';
import { isOpen, type ManualChange, type ManualTotals } from '../../shared/origins/manual.ts';
import type { LedgerReader } from '../../shared/types.ts';
import { EXIT, Exit } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { document } from '../views/json.ts';
import { marksLegend } from '../views/operation.ts';
import { manualCsv, manualDocument, manualLines, totalsText } from '../views/manual-list.ts';
import { withMoments } from './moments.ts';
import { note, print, tellDenied, tellGaps } from './notes.ts';
import { readRequest, type BlameFlags } from './request.ts';
import { select } from './scopes.ts';

export interface ManualFlags extends Omit<BlameFlags, 'output'> {
  output?: 'table' | 'json' | 'yaml' | 'csv';
  failOnOpen?: boolean;
}

/** `kubectl blame manual [TYPE [NAME...]]`: what people did by hand to what delivery tools manage. */
export async function manual(
  words: readonly string[],
  flags: ManualFlags,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  // prettier-ignore
  const { output = 'table', failOnOpen = false, ...rest } = flags;
  const request = readRequest(await withMoments(rest, reader, io, words), io);
  const { question } = request;
  if (question.kind !== 'history') throw new KubeblameError('usage-invalid', 'manual is asked about a time', 'use --since and --until'); // prettier-ignore
  const { selection, io: named } = await select(words, request, reader, io);
  const period = {
    ...(question.since === undefined ? {} : { since: question.since }),
    ...(question.until === undefined ? {} : { until: question.until }),
  };
  const pages = await Promise.all(selection.scopes.map((scope) => reader.manual({ scope, ...period })));
  const totals = pages.map((page) => page.totals).reduce(sum);
  const all = pages.flatMap(({ changes }) => changes).sort((a, b) => Number(b.switched !== null) - Number(a.switched !== null) || b.seq - a.seq); // prettier-ignore
  const changes = request.limit === null ? all : all.slice(0, request.limit);
  note(io, `${selection.title} ${io.style.dot} ${headText(all)}`);
  if (output === 'csv') io.out(manualCsv(changes));
  else if (output !== 'table') io.out(document(manualDocument(changes, totals), output));
  else print(io, manualLines(changes, named.style));
  for (const line of marksLegend(changes)) note(io, line);
  note(io, totalsText(totals));
  if (pages.some(({ more }) => more) || changes.length < all.length) note(io, 'there are older ones: narrow the time with --since and --until'); // prettier-ignore
  tellDenied(new Set(pages.flatMap(({ denied }) => denied ?? [])), io);
  await tellGaps(question.since ?? 0, question.until ?? io.now, reader, io);
  if (failOnOpen && all.some(isOpen)) throw new Exit(EXIT.differs);
}

function headText(changes: readonly ManualChange[]): string {
  const open = changes.filter(isOpen).length;
  return `${changes.length} by hand, ${open} still different from what the tools deliver`;
}

function sum(a: ManualTotals, b: ManualTotals): ManualTotals {
  const keys = Object.keys(a) as (keyof ManualTotals)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + b[key]])) as unknown as ManualTotals;
}
