import type { Place } from '../place.ts';
import type { Reference } from '../types.ts';
import { groupOf, refersTo, together, type Extractor, type Self } from './extractor.ts';
import { templateAt } from './pod-template.ts';

/** HorizontalPodAutoscaler: `spec.scaleTargetRef`; VerticalPodAutoscaler: `spec.targetRef`. */
export function scalerOf(way: string): Extractor {
  return (body, self) => ({ references: scaled(body.get(way), self) });
}

/** KEDA: without a kind it is a Deployment. */
export const scaledObjectExtractor: Extractor = (body, self) => ({
  references: [...scaled(body.get('spec.scaleTargetRef'), self), ...authentications(body, self)],
});

/** KEDA: makes Jobs of its own. */
export const scaledJobExtractor: Extractor = (body, self) =>
  together(templateAt('spec.jobTargetRef.template')(body, self), { references: authentications(body, self) });

function scaled(target: Place, self: Self): Reference[] {
  const group = target.get('apiVersion').exists ? groupOf(target.get('apiVersion').text) : 'apps';
  const kind = target.get('kind').text || 'Deployment';
  return refersTo('scales', target.get('name'), [group, kind, self.namespace]);
}

function authentications(body: Place, self: Self): Reference[] {
  return body
    .get('spec.triggers')
    .items()
    .flatMap((trigger) => {
      // prettier-ignore
      const ref = trigger.get('authenticationRef');
      const kind = ref.get('kind').text || 'TriggerAuthentication';
      const namespace = kind === 'ClusterTriggerAuthentication' ? '' : self.namespace;
      return refersTo('uses', ref.get('name'), ['keda.sh', kind, namespace]);
    });
}

/** KEDA: what a trigger reads its credentials from. A cluster's own are in KEDA's namespace, which the body does not tell. */
export const triggerAuthenticationExtractor: Extractor = (body, self) => ({
  references: (
    [
      ['secretTargetRef', 'Secret'],
      ['configMapTargetRef', 'ConfigMap'],
    ] as const
  ).flatMap(([list, kind]) =>
    body
      .get('spec')
      .member(list)
      .items()
      .flatMap((ref) =>
        // prettier-ignore
        refersTo('uses', ref.get('name'), ['', kind, self.namespace], { key: ref.get('key').text }),
      ),
  ),
});
