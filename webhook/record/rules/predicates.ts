import { nameOf, type Review } from '../../../shared/review.ts';
import type { ObjectRef, Operation } from '../../../shared/types.ts';

/** A rule of the configuration: all conditions that it has must hold; a list holds where one of it does. */
export interface Predicate {
  action: 'include' | 'exclude';
  users?: string[];
  groups?: string[];
  /** `deployments.apps`, `pods/status`, `pods/*` (any subresource), `*.example.com`, `*`. */
  resources?: string[];
  namespaces?: string[];
  names?: string[];
  operations?: Operation[];
}

/**
 * Not recorded unless a rule includes them: what the control plane writes all the time for itself, and the reviews that
 * ask a question and persist nothing.
 */
export const DEFAULT_SKIP: readonly string[] = [
  'leases.coordination.k8s.io',
  'events',
  'events.events.k8s.io',
  'endpoints',
  'tokenreviews.authentication.k8s.io',
  'selfsubjectreviews.authentication.k8s.io',
  'subjectaccessreviews.authorization.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
];

/** Decides which reviews are recorded: the first rule that matches, then the list of resources to skip. */
export class Predicates {
  /** All of them, the list of resources included. */
  readonly rules: readonly Predicate[];

  constructor(rules: readonly Predicate[], skip: readonly string[] = DEFAULT_SKIP) {
    this.rules = skip.length === 0 ? rules : [...rules, { action: 'exclude', resources: [...skip] }];
  }

  /** Why a review is not to be recorded; null where it is. */
  leftOut(review: Review): 'dry-run' | 'excluded' | null {
    if (review.dryRun) return 'dry-run';
    return this.includes(review) ? null : 'excluded';
  }

  /** True where no rule excludes the review. */
  includes(review: Review): boolean {
    const rule = this.rules.find((candidate) => matches(candidate, review));
    return rule?.action !== 'exclude';
  }

  /** True where a whole resource type is left out for everybody, so that it need not be watched. */
  skipsResource(group: string, resource: string): boolean {
    const rule = this.rules.find(
      (candidate) => candidate.resources?.some((pattern) => matchesResource(pattern, group, resource, '')) ?? true,
    );
    return rule?.action === 'exclude' && Object.keys(rule).length === 2;
  }

  /** True where a rule may leave out a change of an object, depending on who makes it, and through which subresource. */
  mayLeaveOut({ group, resource, namespace, name }: ObjectRef, operation: Operation): boolean {
    const concerns = (rule: Predicate): boolean =>
      anyOf(rule.resources, (pattern) => matchesResource(pattern.split('/')[0] ?? '', group, resource, '')) &&
      anyOf(rule.namespaces, (one) => matchesText(one, namespace)) &&
      anyOf(rule.names, (one) => matchesText(one, name)) &&
      anyOf(rule.operations, (one) => one === operation);
    const isForAll = ({ users, groups, resources = [] }: Predicate): boolean =>
      users === undefined && groups === undefined && resources.every((pattern) => !pattern.includes('/'));
    for (const rule of this.rules.filter(concerns)) {
      if (rule.action === 'exclude') return true;
      if (isForAll(rule)) return false;
    }
    return false;
  }

  /**
   * Resource patterns that are left out for everybody, and that no rule before could include: what the API server need
   * not send (install/match-conditions.ts).
   */
  skippedPatterns(): string[] {
    const included: string[] = [];
    const skipped: string[] = [];
    for (const { action, resources, ...conditions } of this.rules) {
      if (action === 'include') included.push(...(resources ?? ['*']));
      else if (resources !== undefined && Object.keys(conditions).length === 0)
        skipped.push(...resources.filter((pattern) => !included.some((other) => mayOverlap(pattern, other))));
    }
    return [...new Set(skipped)];
  }
}

/** Whether two resource patterns may have a resource in common. Rather true than wrong. */
function mayOverlap(a: string, b: string): boolean {
  const [[typeA = ''], [typeB = '']] = [a.split('/'), b.split('/')];
  if (typeA.includes('*') && typeB.includes('*')) return true;
  return matchesText(typeA, typeB) || matchesText(typeB, typeA);
}

function matches(rule: Predicate, review: Review): boolean {
  const { group, resource } = review.resource;
  return (
    anyOf(rule.users, (user) => matchesText(user, review.actor.username)) &&
    anyOf(rule.groups, (name) => review.actor.groups.some((member) => matchesText(name, member))) &&
    anyOf(rule.resources, (pattern) => matchesResource(pattern, group, resource, review.subresource)) &&
    anyOf(rule.namespaces, (name) => matchesText(name, review.namespace)) &&
    anyOf(rule.names, (name) => matchesText(name, nameOf(review))) &&
    anyOf(rule.operations, (operation) => operation === review.operation)
  );
}

function anyOf<T>(list: readonly T[] | undefined, holds: (item: T) => boolean): boolean {
  return list === undefined || list.some(holds);
}

/** `*` stands for any text. */
function matchesText(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return pattern === text;
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

/** A pattern without a subresource is about the object and all its subresources; `pods/status` about that one only. */
function matchesResource(pattern: string, group: string, resource: string, subresource: string): boolean {
  const [type = '', sub] = pattern.split('/');
  const name = group === '' ? resource : `${resource}.${group}`;
  return matchesText(type, name) && (sub === undefined || (subresource !== '' && matchesText(sub, subresource)));
}
