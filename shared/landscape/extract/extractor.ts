import { isObject } from '../../json.ts';
import type { Requirement } from '../../selector.ts';
import type { Place } from '../place.ts';
import type { Facts, Reference, Target } from '../types.ts';

/** What a body is called. */
export interface Self {
  group: string;
  kind: string;
  namespace: string;
  name: string;
}

/** What the bodies of a kind say; from the body alone. */
export type Extractor = (body: Place, self: Self) => Facts;

type More = Omit<Reference, 'relation' | 'target' | 'field'>;

/** A reference to the object that a place names; none where it names nothing. */
export function refersTo(
  relation: Reference['relation'],
  place: Place,
  [group, kind, namespace]: readonly [group: string, kind: string, namespace: string],
  more: More = {},
): Reference[] {
  return tells(relation, place, { to: 'object', group, kind, namespace, name: place.text }, more);
}

/** A reference to any target; none where the place holds no text. */
export function tells(relation: Reference['relation'], place: Place, target: Target, more: More = {}): Reference[] {
  return place.text === '' ? [] : [{ relation, target, field: place.field, ...more }];
}

/** A reference by labels, told at the selector. */
export function selects(
  place: Place,
  what: 'pods' | 'services',
  namespaces: string[] | null,
  selector: Requirement[],
): Reference {
  return { relation: 'selects', target: { to: 'labelled', what, namespaces, selector }, field: place.field };
}

/** A host that something can be reached by from outside. */
export function exposes(place: Place): Reference[] {
  return tells('exposes', place, { to: 'host', name: place.text });
}

/** The group of an apiVersion: `apps/v1`, `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** The labels at a place. */
export function labelsAt(place: Place): Record<string, string> {
  const { value } = place;
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : []))); // prettier-ignore
}

/** What a metav1.LabelSelector asks for; null where there is none, which matches nothing. An empty one matches all. */
export function selectorAt(place: Place): Requirement[] | null {
  if (!isObject(place.value)) return null;
  const expressions = place.get('matchExpressions').items().map(expression);
  return [...equal(labelsAt(place.get('matchLabels'))), ...expressions.flatMap((each) => each ?? [])];
}

/** What a map of labels asks for. */
export function equal(labels: Record<string, string>): Requirement[] {
  return Object.entries(labels).map(([key, value]) => ({ key, operator: 'in', values: [value] }));
}

const OPERATORS: Record<string, Requirement['operator']> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: 'absent',
};

function expression(place: Place): Requirement | null {
  const operator = OPERATORS[place.get('operator').text];
  return operator === undefined ? null : { key: place.get('key').text, operator, values: place.get('values').texts };
}

/** The facts of several extractors as one. */
export function together(...all: readonly Facts[]): Facts {
  const facts: Facts = {};
  for (const each of all) {
    const references = [...(facts.references ?? []), ...(each.references ?? [])];
    const addresses = [...(facts.addresses ?? []), ...(each.addresses ?? [])];
    Object.assign(facts, each);
    if (references.length > 0) facts.references = references;
    if (addresses.length > 0) facts.addresses = addresses;
  }
  return facts;
}
