import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../../../shared/json.ts';
import { argoFinished, argoOperation, type ArgoOperation } from '../../../../shared/origins/argo.ts';
import type { Delivery } from '../../../../shared/landscape/evidence.ts';
import { isMachine } from '../../../../shared/machines.ts';
import type { JsonObject, ObjectRef, Origin, OriginMode } from '../../../../shared/types.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import type { FoundOrigin } from '../origins.ts';
import type { ToolRecords, ToolState } from './tool-records.ts';

/** Times in an Application's status have no fractions of a second, and its end is written after the last object. */
const SAME_MOMENT_MS = 2000;

/** The operation of the Application that was under way when Argo CD made a change; null where none is recorded. */
export async function argoOrigin(
  change: StoredChange,
  { name, namespace }: Delivery,
  records: ToolRecords,
): Promise<FoundOrigin | null> {
  const [application, ...others] = await records.objects('argoproj.io', 'applications', name, namespace);
  // Of several with one name in different namespaces nothing tells which it is.
  if (application === undefined || others.length > 0) return null;
  const states = await records.before(application, change.seq);
  const [latest] = states;
  if (latest === undefined) return null;
  const operation = argoOperation(latest.body);
  const { namespace: home } = application;
  if (operation !== null) return concerns(operation, change.object) ? origin(operation, started(states, operation), true, home) : null; // prettier-ignore
  const ended = argoFinished(latest.body);
  if (ended === null || Math.abs(change.at - ended.finishedAt) > SAME_MOMENT_MS || !concerns(ended.operation, change.object)) return null; // prettier-ignore
  return origin(ended.operation, started(states, ended.operation), false, home);
}

/** Where an operation syncs only some objects, another one is not of it. */
function concerns({ only }: ArgoOperation, { group, kind, namespace, name }: ObjectRef): boolean {
  return (
    only?.some(
      (each) =>
        each.group === group &&
        each.kind === kind &&
        each.name === name &&
        (each.namespace === '' || each.namespace === namespace),
    ) ?? true
  );
}

/** The oldest of the states that ask for the same operation without a break: whoever made it started the operation. */
function started(states: readonly ToolState[], operation: ArgoOperation): ToolState | null {
  const key = JSON.stringify(operation.sources);
  let found: ToolState | null = null;
  for (const state of states) {
    const asked = argoOperation(state.body);
    if (asked === null ? found !== null : JSON.stringify(asked.sources) !== key) break;
    if (asked !== null) found = state;
  }
  return found;
}

function origin(operation: ArgoOperation, start: ToolState | null, certain: boolean, namespace: string): FoundOrigin {
  // What the status tells of an operation may have been merged with that of the one before it.
  const asked = (start === null ? null : argoOperation(start.body)) ?? operation;
  const actor = start?.change.actor ?? null;
  const person = asked.username === '' && actor !== null && !isMachine(actor.username) ? actor.username : '';
  const mode = asked.username === '' && person !== '' ? 'started' : modeOf(asked);
  return {
    ...{ namespace, sources: operation.sources, helmRevision: null, mode, certain, by: start?.change.seq ?? null },
    startedBy: asked.username || person,
    startedByOf: asked.username !== '' ? 'tool' : person === '' ? '' : 'cluster',
    why: certain
      ? 'this operation of its Application was under way'
      : 'this operation of its Application had just ended',
  };
}

/** How an operation began, by its own word. */
function modeOf({ username, automated, again }: ArgoOperation): OriginMode {
  if (username !== '') return 'started';
  if (!automated) return 'unknown';
  return again ? 'self-heal' : 'automated';
}

/** What somebody asks Argo CD for by a change of an Application itself; null where the change asks for nothing. */
export function askedOrigin(
  { object, seq }: StoredChange,
  before: JsonObject | null,
  after: JsonObject,
): Origin | null {
  if (object.group !== 'argoproj.io' || object.resource !== 'applications' || !isObject(after.operation ?? null))
    return null;
  if (before !== null && isDeepStrictEqual(before.operation, after.operation)) return null;
  const operation = argoOperation(after);
  if (operation === null) return null;
  const { username, sources } = operation;
  return {
    ...{ tool: 'Argo CD', application: object.name, namespace: object.namespace, sources, helmRevision: null },
    mode: modeOf(operation),
    ...{ startedBy: username, startedByOf: username === '' ? '' : 'tool', by: seq, takesBack: [], certain: true },
    why: 'the operation that this change asks for',
  };
}
