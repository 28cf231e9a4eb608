import type { Facts } from '../types.ts';
import { refersTo, together, type Extractor } from './extractor.ts';
import { podFacts, templateAt } from './pod-template.ts';

/** A pod is its own template. */
export const podExtractor: Extractor = podFacts;

export const statefulSetExtractor: Extractor = (body, self) => {
  const service = body.get('spec.serviceName');
  const claims = body.get('spec.volumeClaimTemplates').items();
  const own: Facts = {
    references: [
      ...refersTo('uses', service, ['', 'Service', self.namespace]),
      ...claims.flatMap((claim) => {
        const name = claim.get('metadata.name');
        if (name.text === '') return [];
        const prefix = `${name.text}-${self.name}`;
        return [
          { relation: 'owns', target: { to: 'claims', namespace: self.namespace, prefix }, field: name.field } as const,
          ...refersTo('uses', claim.get('spec.storageClassName'), ['storage.k8s.io', 'StorageClass', '']),
        ];
      }),
    ],
    ...(service.text === '' ? {} : { governedBy: service.text }),
  };
  return together(templateAt('spec.template')(body, self), own);
};

/** Argo Rollouts: a template of its own, or that of another workload; the Services between which it shifts requests. */
export const rolloutExtractor: Extractor = (body, self) => {
  const workload = body.get('spec.workloadRef');
  const type = [
    workload.get('apiVersion').text.split('/')[0] ?? '',
    workload.get('kind').text,
    self.namespace,
  ] as const;
  const services = [
    'spec.strategy.blueGreen.activeService',
    'spec.strategy.blueGreen.previewService',
    'spec.strategy.canary.stableService',
    'spec.strategy.canary.canaryService',
  ];
  const own: Facts = {
    references: [
      ...refersTo('uses', workload.get('name'), type),
      ...services.flatMap((way) => refersTo('uses', body.get(way), ['', 'Service', self.namespace])),
    ],
  };
  return together(templateAt('spec.template')(body, self), own);
};
