import { KubeblameError } from '../../shared/errors.ts';
import type { Change, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { deniedTable } from '../views/denied-table.ts';
import { changeList, document } from '../views/json.ts';
import { withMoments } from './moments.ts';
import { note, print, tellDenied, tellGaps } from './notes.ts';
import { readRequest, type BlameFlags } from './request.ts';
import { select } from './scopes.ts';

const DEFAULT_LIMIT = 50;
const PAGE = 500;

/** `kubectl blame denied [TYPE [NAME...]]`: requests that the API server refused, the newest first. */
export async function denied(words: readonly string[], flags: BlameFlags, reader: LedgerReader, io: Io): Promise<void> {
  const request = readRequest(await withMoments(flags, reader, io, words), io);
  const { question, format, matches } = request;
  if (question.kind !== 'history' || (format !== null && !['table', 'json', 'yaml'].includes(format))) {
    throw new KubeblameError('usage-invalid', 'denied answers with table, json or yaml', 'leave other formats out');
  }
  const { selection, io: named } = await select(words, request, reader, io);
  const limit = request.limit ?? DEFAULT_LIMIT;
  const { since, until } = question;
  const period = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
  const found: Change[] = [];
  const hidden = new Set<string>();
  let more = false;
  for (const scope of selection.scopes) {
    let [left, before]: [number, number | undefined] = [limit, undefined];
    do {
      const asked = { scope, refused: true, status: true, ...period, ...matches, limit: Math.min(left, PAGE) };
      const page = await reader.changes({ ...asked, ...(before === undefined ? {} : { before }) });
      found.push(...page.changes);
      for (const type of page.denied ?? []) hidden.add(type);
      left -= page.changes.length;
      before = page.next ?? undefined;
    } while (before !== undefined && left > 0);
    more ||= before !== undefined;
  }
  const shown = found.sort((a, b) => b.at - a.at || b.seq - a.seq).slice(0, limit);
  more ||= shown.length < found.length;
  note(io, `${selection.title} ${io.style.dot} ${shown.length}${more ? ' newest' : ''} refused ${shown.length === 1 ? 'request' : 'requests'}`); // prettier-ignore
  if (format === 'json' || format === 'yaml') io.out(document(changeList(shown), format));
  else if (shown.length > 0) print(io, deniedTable(shown, named.style));
  else note(io, 'only the audit log of the API server tells of refusals: kubeblame-webhook import --audit FILE (docs/audit-logs.md)'); // prettier-ignore
  if (more) note(io, `there are more: --limit ${limit * 2}`);
  tellDenied(hidden, io);
  if (since !== undefined) await tellGaps(since, until ?? io.now, reader, io);
}
