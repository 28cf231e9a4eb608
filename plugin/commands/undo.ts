import { KubeblameError } from '../../shared/errors.ts';
import { keepersOf } from '../../shared/keepers.ts';
import { metadataOf } from '../../shared/normalise.ts';
import { qualifiedName } from '../../shared/resource-types.ts';
import type { Change, JsonObject, LedgerReader } from '../../shared/types.ts';
import { subresourceOf, undo, type Undo } from '../../shared/undo.ts';
import type { Io } from '../io.ts';
import { objectTitle } from '../views/object-name.ts';
import { keeperLines, kubectlInput, problemLines, shellWords, undoScript } from '../views/undo.ts';
import { printable, wrapWords } from '../views/text.ts';
import { countByKind, readDependents, type Dependents } from './dependents.ts';
import { note, noteCommand } from './notes.ts';
import { changesById, scopeOf } from './numbers.ts';
import { knownTypes, withTypeNames } from './types.ts';

export interface UndoFlags {
  force?: boolean;
  anyVersion?: boolean;
  namespace?: string;
}

/** How much of an object's history is looked at for who else sets its fields. */
const HISTORY = 500;

/**
 * `kubectl blame undo ID...`: prints what takes changes back on the present objects, and applies nothing. Rejects with
 * undo-incomplete after printing what is possible, where not all is.
 */
export async function undoChanges(
  ids: readonly string[],
  flags: UndoFlags,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const named = withTypeNames(io, await knownTypes(reader));
  const results: Undo[] = [];
  for (const changes of byObject(await changesById(ids, reader, flags.namespace)))
    results.push(await undoOne(changes, flags, reader, named));
  const inputs = results.flatMap((result) => kubectlInput(result) ?? []);
  const [only] = inputs;
  if (only !== undefined) {
    io.out(inputs.length === 1 ? only.text : undoScript(inputs));
    noteCommand(io, `nothing has been applied; pipe it into: ${inputs.length === 1 ? shellWords(only.command) : 'sh'}`);
  }
  const problems = results.reduce((count, result) => count + result.problems.length, 0);
  if (problems > 0) {
    const what = inputs.length === 0 ? 'nothing to undo' : 'not all of it can be undone';
    const conflicts = results.some((result) => result.problems.some(({ kind }) => kind === 'changed'));
    const hint = conflicts ? '--force overrides what others have set since' : undefined;
    throw new KubeblameError('undo-incomplete', what, hint);
  }
  if (only === undefined) note(io, 'there is nothing to do: it is as it was before');
}

async function undoOne(changes: Change[], flags: UndoFlags, reader: LedgerReader, io: Io): Promise<Undo> {
  const { style } = io;
  const [first] = changes;
  if (first === undefined) throw new RangeError('no change');
  const scope = scopeOf(first);
  const [state] = (await reader.states({ scope, at: io.now, limit: 1 })).states;
  const [made] = state === undefined ? [] : (await reader.changes({ scope, seqs: [state.seq], limit: 1 })).changes;
  const present = state === undefined ? null : { body: state.body, resourceVersion: made?.resourceVersion ?? '' };
  const history = (await reader.changes({ scope, limit: HISTORY, status: true })).changes;
  const undone = new Set(changes.map(({ seq }) => seq));
  const later = history.filter(({ seq }) => !undone.has(seq));
  const result = undo({
    changes,
    present,
    later,
    force: flags.force === true,
    anyVersion: flags.anyVersion === true,
  });
  const warn = (text: string): void => tell(io, style.chalk.yellow('warning:'), text);
  for (const line of problemLines(result, style)) tell(io, style.chalk.red('conflict:'), line);
  for (const change of changes) {
    if (change.outcome === 'pending' || change.outcome === 'unverified')
      warn(`change ${change.seq}: nothing has confirmed that it was persisted`);
  }
  if (result.step.kind === 'none') return result;
  const title = objectTitle(result.object, style);
  const version = result.resourceVersion === '' ? '' : ` at resourceVersion ${result.resourceVersion}`;
  note(io, `${title}: ${STEPS[result.step.kind]}${version}, by the record`);
  if (result.lost.length > 0) {
    warn(
      `${title} was changed since it was created (${result.lost.map(({ seq }) => seq).join(', ')}): that is lost with it`,
    );
  }
  const withIt = await dependentsOf(result, changes, present?.body ?? null, reader, io);
  if (result.step.kind === 'create') tellCreation(result, withIt, warn);
  else if (withIt.objects.length > 0)
    warn(
      `${title}: ${countOf(withIt)} ${withIt.objects.length === 1 ? 'goes' : 'go'} with it: ${countByKind(withIt.objects)}`,
    );
  if (withIt.denied.length > 0) {
    warn(`what goes with ${title} is not all counted: you may not read ${withIt.denied.map((type) => printable(type)).join(', ')}`); // prettier-ignore
  }
  const body = present?.body ?? (result.step.kind === 'create' ? result.step.manifest : {});
  for (const line of keeperLines(keepersOf(body, result.paths, history), style)) warn(line);
  return result;
}

/** A sentence after its label, on a terminal broken between words. */
function tell(io: Io, label: string, text: string): void {
  const { columns } = io.style;
  const lines = columns === null ? [`${label} ${text}`] : wrapWords(`${label} ${text}`, columns - 2);
  for (const [index, line] of lines.entries()) io.err(`${index === 0 ? '' : '  '}${line}\n`);
}

const STEPS = { patch: 'patches it', create: 'creates it again', delete: 'deletes it', none: '' };

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

/** What goes with an object that is deleted now; of one that is created again what went with it, and is not there now. */
async function dependentsOf(
  { object, step }: Undo,
  changes: readonly Change[],
  present: JsonObject | null,
  reader: LedgerReader,
  io: Io,
): Promise<Dependents> {
  if (step.kind === 'delete' && present !== null) return readDependents(object, present, io.now, reader);
  const deletion = [...changes].sort((a, b) => a.seq - b.seq).find(({ before }) => before !== null);
  if (step.kind !== 'create' || deletion?.before === undefined || deletion.before === null) return { objects: [], denied: [] }; // prettier-ignore
  const { objects, denied } = await readDependents(object, deletion.before, deletion.at - 1, reader);
  // What was left behind as an orphan is there still; but without its definition nothing of a type is.
  if (qualifiedName(object) === DEFINITIONS) return { objects, denied };
  const now = await readDependents(object, deletion.before, io.now, reader);
  const left = new Set(now.objects.map((each) => each.object.uid));
  return { objects: objects.filter((each) => !left.has(each.object.uid)), denied };
}

function countOf({ objects }: Dependents): string {
  return objects.length === 1 ? '1 object' : `${objects.length} objects`;
}

function tellCreation({ object, step }: Undo, withIt: Dependents, warn: (text: string) => void): void {
  if (withIt.objects.length > 0) {
    const own = ['namespaces', DEFINITIONS].includes(qualifiedName(object))
      ? ''
      : '; its controllers may make new ones';
    warn(`${countOf(withIt)} that went with it ${withIt.objects.length === 1 ? 'does' : 'do'} not come back: ${countByKind(withIt.objects)}${own}`); // prettier-ignore
  }
  const { ownerReferences } = metadataOf(step.kind === 'create' ? step.manifest : null);
  if (Array.isArray(ownerReferences)) warn('it has an owner: if that is gone, it is deleted again at once');
}

/** The changes of each object; those of an object must go one way. */
function byObject(changes: readonly Change[]): Change[][] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const key = JSON.stringify(scopeOf(change));
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  for (const group of groups.values()) {
    const ways = new Set(group.map(subresourceOf));
    if (ways.size < 2) continue;
    throw new KubeblameError(
      'usage-invalid',
      `changes ${group.map(({ seq }) => seq).join(', ')} are of an object and of its subresource`,
      'take them back one after the other',
    );
  }
  return [...groups.values()];
}
