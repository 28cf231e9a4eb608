import type { Place } from '../place.ts';
import type { Reference } from '../types.ts';
import { refersTo, selectorAt, tells, type Extractor, type Self } from './extractor.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** RoleBinding and ClusterRoleBinding. */
export const bindingExtractor: Extractor = (body, self) => {
  const role = body.get('roleRef');
  const kind = role.get('kind').text;
  return {
    references: [
      ...refersTo('grants', role.get('name'), [RBAC, kind, kind === 'Role' ? self.namespace : '']),
      ...body.get('subjects').items().flatMap((subject) => subjectReferences(subject, self)), // prettier-ignore
    ],
  };
};

function subjectReferences(subject: Place, self: Self): Reference[] {
  const [kind, name] = [subject.get('kind').text, subject.get('name')];
  if (kind !== 'ServiceAccount') return tells('grants', name, { to: 'subject', kind, name: name.text });
  const namespace = subject.get('namespace').text || self.namespace;
  return refersTo('grants', name, ['', 'ServiceAccount', namespace]);
}

/** An aggregated role has the rules of all that its selectors match. */
export const clusterRoleExtractor: Extractor = (body) => ({
  references: body
    .get('aggregationRule.clusterRoleSelectors')
    .items()
    .flatMap((place) => {
      // prettier-ignore
      const selector = selectorAt(place);
      if (selector === null) return [];
      return [{ relation: 'grants', target: { to: 'labelled', what: 'clusterroles', namespaces: [''], selector }, field: place.field }]; // prettier-ignore
    }),
});
