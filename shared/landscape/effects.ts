import type { Edge, GraphNode } from './types.ts';
import { CONTROLLER } from './units.ts';

/**
 * What happens to something that depends on something else, the worst first. `goes`: Kubernetes deletes it too. `breaks`: it lacks what
 * it needs. `denied`: it may not do any more what it did. `stale`: it goes on with what it read, until a restart. `may notice`: what
 * it works with is affected.
 */
export const EFFECTS_OF_IMPACT = ['goes', 'breaks', 'denied', 'stale', 'may notice'] as const;
export type ImpactEffect = (typeof EFFECTS_OF_IMPACT)[number];

/** What happens to what the question is about. */
export type Blow = 'gone' | 'changed';

/** How something is affected: by the question itself, or by what it depends on. */
export type Affected = Blow | ImpactEffect;

/** What an edge passes on, and to which of its ends. */
export interface Passed {
  to: 'from' | 'to';
  effect: ImpactEffect;
}

/** Whoever works with something that is not there any more, or does not work. */
function isDown(affected: Affected): boolean {
  return affected === 'gone' || affected === 'goes' || affected === 'breaks';
}

function isGone(affected: Affected): boolean {
  return affected === 'gone' || affected === 'goes';
}

/**
 * What an edge passes on from its target to its source; null where nothing. `alone`: nothing else is behind the same selector or route.
 */
export function backwards(edge: Edge, from: GraphNode, affected: Affected, alone: boolean): ImpactEffect | null {
  switch (edge.relation) {
    case 'owns':
      // A pod that goes is made anew; who controls it notices.
      return edge.key === CONTROLLER ? 'may notice' : null;
    case 'uses':
      if (affected === 'denied') return 'denied';
      if (isDown(affected)) return edge.optional === true ? 'may notice' : 'breaks';
      return affected === 'changed' && edge.onStart === true ? 'stale' : 'may notice';
    case 'selects':
    case 'routes':
      if (!isTraffic(from)) return isDown(affected) && alone ? 'may notice' : null;
      return isDown(affected) && alone ? 'breaks' : 'may notice';
    case 'scales':
      return isGone(affected) ? 'breaks' : null;
    case 'grants':
      // From a role to its bindings, and to the roles that it is a part of. A subject gives nothing to its bindings.
      return edgeToRole(edge) ? 'denied' : null;
    case 'serves':
      if (!isDown(affected)) return affected === 'changed' ? 'may notice' : null;
      if (isKind(from, 'CustomResourceDefinition', 'APIService')) return 'breaks';
      return edge.optional === true ? 'may notice' : 'denied';
    case 'stores':
      return isDown(affected) && !edge.field.includes('storageClassName') ? 'breaks' : 'may notice';
    case 'crosses':
      return isDown(affected) && edge.certainty === 'declared' ? 'breaks' : 'may notice';
    case 'names':
      return 'may notice';
    case 'exposes':
      return null;
  }
}

/** What an edge passes on from its source to its target; null where nothing. */
export function forwards(edge: Edge, from: GraphNode, affected: Affected): ImpactEffect | null {
  switch (edge.relation) {
    case 'owns':
      return isGone(affected) ? 'goes' : null;
    case 'exposes':
      return affected === 'gone' || affected === 'changed' ? 'may notice' : affected;
    case 'scales':
      return affected === 'gone' || affected === 'changed' ? 'may notice' : null;
    case 'grants':
      return edgeToRole(edge) ? null : affected === 'gone' || affected === 'changed' || affected === 'denied' ? 'denied' : null; // prettier-ignore
    case 'serves':
      if (!isKind(from, 'CustomResourceDefinition')) return null;
      return isGone(affected) ? 'goes' : affected === 'breaks' ? 'breaks' : null;
    case 'selects':
      // A policy decides what the pods that it selects may do.
      return isKind(from, 'NetworkPolicy') && (affected === 'gone' || affected === 'changed') ? 'denied' : null;
    default:
      return null;
  }
}

/** The role of a binding, or a part of an aggregated role. */
function edgeToRole({ field, certainty }: Edge): boolean {
  return certainty === 'selected' || field.startsWith('roleRef');
}

/** True for what passes on requests: it does not work without what is behind it. Monitors, policies and budgets only watch. */
function isTraffic(node: GraphNode): boolean {
  return !isKind(node, 'ServiceMonitor', 'PodMonitor', 'NetworkPolicy', 'PodDisruptionBudget');
}

function isKind(node: GraphNode, ...kinds: string[]): boolean {
  return node.is === 'object' && kinds.includes(node.object.kind);
}
