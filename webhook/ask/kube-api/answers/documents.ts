import { changeItem } from '../../../../shared/change-item.ts';
import { formatUtc } from '../../../../shared/time.ts';
import type { Change, CoverageInterval, Denied, JsonObject, State } from '../../../../shared/types.ts';
import { stateName } from '../requests/list-options.ts';
import { API_VERSION } from '../discovery/resources.ts';

/** A change as a Kubernetes object: its name is its seq, its namespace that of the object. */
export function changeDocument(change: Change): JsonObject {
  return {
    apiVersion: API_VERSION,
    kind: 'Change',
    metadata: {
      name: String(change.seq),
      ...inside(change.object.namespace),
      creationTimestamp: seconds(change.at),
      resourceVersion: String(change.seq),
    },
    ...changeItem(change),
  };
}

/** An object as it was at a moment (ms), named by its type and name. */
export function stateDocument({ changedAt, ...facts }: State, at: number): JsonObject {
  return {
    apiVersion: API_VERSION,
    kind: 'State',
    metadata: {
      name: stateName(facts.object),
      ...inside(facts.object.namespace),
      creationTimestamp: seconds(changedAt),
      resourceVersion: String(facts.seq),
    },
    at: formatUtc(at),
    ...(facts as unknown as JsonObject),
    changedAt: formatUtc(changedAt),
  };
}

export function coverageDocument({ from, to, ...facts }: CoverageInterval): JsonObject {
  return {
    apiVersion: API_VERSION,
    kind: 'CoverageInterval',
    metadata: { name: String(from), creationTimestamp: seconds(from) },
    from: formatUtc(from),
    to: to === null ? null : formatUtc(to),
    ...facts,
  };
}

/** What is true of a whole list. */
export interface ListFacts {
  /** The seq of the newest change when it was made: a watch goes on from here. */
  version: number;
  next?: string | null;
  denied?: Denied;
}

export function listMetadata({ version, next, denied }: ListFacts): JsonObject {
  return {
    resourceVersion: String(version),
    ...(next === undefined || next === null ? {} : { continue: next }),
    // Kubernetes has no field for it, and keeps annotations off lists: clients pass over what they do not know.
    ...(denied === undefined ? {} : { denied }),
  };
}

export function listDocument(kind: string, items: JsonObject[], facts: ListFacts): JsonObject {
  return { apiVersion: API_VERSION, kind: `${kind}List`, metadata: listMetadata(facts), items };
}

function inside(namespace: string): JsonObject {
  return namespace === '' ? {} : { namespace };
}

/** metav1.Time has whole seconds. */
function seconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
