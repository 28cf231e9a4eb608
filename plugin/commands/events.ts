import { KubeblameError } from '../../shared/errors.ts';
import type { LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { currentNamespace } from '../kubeconfig.ts';
import { eventList, eventsCsv, eventsTable } from '../views/events-table.ts';
import { document } from '../views/json.ts';
import { printable } from '../views/text.ts';
import { withMoments } from './moments.ts';
import { note, print, tellCoverage } from './notes.ts';
import { periodText } from './history.ts';
import { readEvents, tellMissing, type FoundEvents } from './read-events.ts';
import { readRequest, type BlameFlags, type Request } from './request.ts';
import { readWords, select, withoutNamespace, type Selection } from './scopes.ts';
import { withTypeNames, knownTypes } from './types.ts';

export interface EventFlags extends Omit<BlameFlags, 'output'> {
  output?: 'table' | 'wide' | 'json' | 'yaml' | 'csv';
  /** `Normal`, `Warning`, or both. */
  types?: string;
}

const DEFAULT_LIMIT = 50;

/** `kubectl blame events [TYPE [NAME...]]`: what components reported, the last first. */
export async function events(words: readonly string[], flags: EventFlags, reader: LedgerReader, io: Io): Promise<void> {
  const { output = 'table', types, ...rest } = flags;
  const request = readRequest(await withMoments(rest, reader, io, words), io);
  const { question } = request;
  if (question.kind !== 'history') throw new KubeblameError('usage-invalid', 'events are asked about a time', 'use --since and --until'); // prettier-ignore
  const { selection, io: named } = await selectFor(words, request, reader, io);
  const { since, until } = question;
  const period = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
  const isDocument = output === 'json' || output === 'yaml';
  const limit = request.limit ?? DEFAULT_LIMIT;
  const found = await readEvents(
    selection.scopes,
    {
      ...period,
      ...(types === undefined ? {} : { types: readTypes(types) }),
      // Of an object that is named, also what its pods report.
      owned: selection.scopes.some(({ names }) => names !== undefined),
      related: output !== 'table',
      steps: isDocument,
      whole: isDocument,
    },
    limit,
    reader,
  );
  tellHead(selection, period, found, io);
  if (isDocument) io.out(document(eventList(found.events, found.sums, found.keptFrom), output));
  else if (output === 'csv') io.out(eventsCsv(found.events));
  else if (found.events.length > 0) {
    const namespaced = selection.scopes.every(({ namespace }) => namespace !== undefined) && new Set(selection.scopes.map(({ namespace }) => namespace)).size === 1; // prettier-ignore
    print(io, eventsTable(found.events, { namespaced, wide: output === 'wide' }, named.style));
  }
  if (found.more) note(io, `there are older ones: --limit ${limit * 2}`);
  if (found.events.length === 0) await explainNone(period, found, reader, io);
  tellMissing(found, since, named);
}

function tellHead(
  { title }: Selection,
  period: { since?: number; until?: number },
  { events, more }: FoundEvents,
  io: Io,
): void {
  const count = `${events.length}${more ? ' newest' : ''} ${events.length === 1 ? 'Event' : 'Events'}`;
  const [newest, oldest] = [events[0], events.at(-1)];
  const when = newest === undefined || oldest === undefined ? [] : [periodText(period, oldest.lastAt, newest.lastAt, io.style)]; // prettier-ignore
  note(io, [title, count, ...when].join(` ${io.style.dot} `));
}

async function explainNone(
  { since, until }: { since?: number; until?: number },
  { denied }: FoundEvents,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  if (denied.size > 0) return;
  const any = await reader.events({ scope: {}, limit: 1 });
  if (any.events.length === 0) {
    note(io, 'no Events are recorded: the server watches them where it watches the cluster (docs/events.md)');
    return;
  }
  const { firstAt } = await reader.info();
  await tellCoverage(since ?? firstAt ?? 0, until ?? io.now, reader, io);
}

/** As for changes; but Events are also about objects that the ledger does not have. */
async function selectFor(
  words: readonly string[],
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<{ selection: Selection; io: Io }> {
  try {
    return await select(words, request, reader, io);
  } catch (error) {
    if (!(error instanceof KubeblameError) || error.code !== 'name-unknown') throw error;
    const selection = await selectUnknown(words, request, reader, io);
    if (selection === null) throw error;
    return { selection, io: withTypeNames(io, await knownTypes(reader)) };
  }
}

/** The objects that words name, where there are Events about each type of them; null where there are none. */
async function selectUnknown(
  written: readonly string[],
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<Selection | null> {
  const { words, namespace: place } = withoutNamespace(written, request.namespace);
  if (words.length === 0) return null;
  const { groups, category } = await readWords(words, reader, io);
  if (category !== null) return null;
  const scopes: Scope[] = groups.map(({ type, names }) => {
    const namespace = request.allNamespaces || type.namespaced === false ? undefined : (place ?? currentNamespace(io.env, request.cluster)); // prettier-ignore
    return {
      type: { group: type.group, resource: type.resource },
      ...(namespace === undefined ? {} : { namespace }),
      ...(names.length === 0 ? {} : { names }),
    };
  });
  for (const scope of scopes) if ((await reader.events({ scope, limit: 1 })).events.length === 0) return null;
  const title = groups.flatMap(({ type, names }) => names.map((name) => printable(`${type.singular} ${name}`)));
  return { scopes, title: title.join(', '), single: false, broad: false, story: false };
}

/** Reads `Warning` or `Normal,Warning`, in any case. Throws usage-invalid. */
function readTypes(text: string): string[] {
  return text.split(',').map((word) => {
    const type = ['Normal', 'Warning'].find((known) => known.toLowerCase() === word.trim().toLowerCase());
    if (type !== undefined) return type;
    throw new KubeblameError('usage-invalid', `--types: ${JSON.stringify(word)} is no type of Events`, 'use Warning, Normal, or both with a comma between'); // prettier-ignore
  });
}
