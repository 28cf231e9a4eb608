import type { JsonObject } from '../types.ts';
import { Place } from './place.ts';
import type { Facts, Reference } from './types.ts';
import { scaledJobExtractor, scaledObjectExtractor, scalerOf, triggerAuthenticationExtractor } from './extract/autoscaling.ts'; // prettier-ignore
import { annotationsOf, argoApplicationExtractor, helmReleaseExtractor, kustomizationExtractor, sigApplicationExtractor } from './extract/delivery.ts'; // prettier-ignore
import { configMapExtractor, secretExtractor, serviceAccountExtractor } from './extract/configuration.ts';
import { apiServiceExtractor, definitionExtractor, webhooksExtractor } from './extract/extensions.ts';
import { groupOf, labelsAt, together, type Extractor, type Self } from './extract/extractor.ts';
import { GATEWAY_API, gatewayClassExtractor, gatewayExtractor, referenceGrantExtractor, routeExtractor } from './extract/gateway.ts'; // prettier-ignore
import { ingressClassExtractor, ingressExtractor } from './extract/ingress.ts';
import { istioGatewayExtractor, serviceEntryExtractor, virtualServiceExtractor } from './extract/istio.ts';
import { serviceExportExtractor, serviceImportExtractor } from './extract/multicluster.ts';
import { templateAt } from './extract/pod-template.ts';
import { disruptionBudgetExtractor, networkPolicyExtractor } from './extract/policies.ts';
import { bindingExtractor, clusterRoleExtractor } from './extract/rbac.ts';
import { endpointSliceExtractor, monitorOf, serviceExtractor } from './extract/services.ts';
import { attachmentExtractor, claimExtractor, volumeExtractor } from './extract/storage.ts';
import { podExtractor, rolloutExtractor, statefulSetExtractor } from './extract/workloads.ts';
import { CONTROLLER } from './units.ts';

/**
 * The version of what is derived: facts that were kept by another one are derived anew. Raise it whenever an extractor, or the form of
 * facts, changes.
 */
export const FACTS_VERSION = 2;

/** Of each group and kind what reads it. All versions of a group are read alike. */
const EXTRACTORS: Readonly<Record<string, Readonly<Record<string, Extractor>>>> = {
  '': {
    ConfigMap: configMapExtractor,
    PersistentVolume: volumeExtractor,
    PersistentVolumeClaim: claimExtractor,
    Pod: podExtractor,
    PodTemplate: templateAt('template'),
    ReplicationController: templateAt('spec.template'),
    Secret: secretExtractor,
    Service: serviceExtractor,
    ServiceAccount: serviceAccountExtractor,
  },
  apps: {
    DaemonSet: templateAt('spec.template'),
    Deployment: templateAt('spec.template'),
    ReplicaSet: templateAt('spec.template'),
    StatefulSet: statefulSetExtractor,
  },
  batch: { CronJob: templateAt('spec.jobTemplate.spec.template'), Job: templateAt('spec.template') },
  autoscaling: { HorizontalPodAutoscaler: scalerOf('spec.scaleTargetRef') },
  'autoscaling.k8s.io': { VerticalPodAutoscaler: scalerOf('spec.targetRef') },
  'keda.sh': {
    ScaledObject: scaledObjectExtractor,
    ScaledJob: scaledJobExtractor,
    TriggerAuthentication: triggerAuthenticationExtractor,
  },
  'argoproj.io': { Application: argoApplicationExtractor, Rollout: rolloutExtractor },
  'kustomize.toolkit.fluxcd.io': { Kustomization: kustomizationExtractor },
  'helm.toolkit.fluxcd.io': { HelmRelease: helmReleaseExtractor },
  'app.k8s.io': { Application: sigApplicationExtractor },
  policy: { PodDisruptionBudget: disruptionBudgetExtractor },
  'networking.k8s.io': {
    Ingress: ingressExtractor,
    IngressClass: ingressClassExtractor,
    NetworkPolicy: networkPolicyExtractor,
  },
  extensions: { Ingress: ingressExtractor },
  'discovery.k8s.io': { EndpointSlice: endpointSliceExtractor },
  'rbac.authorization.k8s.io': {
    RoleBinding: bindingExtractor,
    ClusterRoleBinding: bindingExtractor,
    ClusterRole: clusterRoleExtractor,
  },
  'storage.k8s.io': { VolumeAttachment: attachmentExtractor },
  'apiextensions.k8s.io': { CustomResourceDefinition: definitionExtractor },
  'admissionregistration.k8s.io': {
    ValidatingWebhookConfiguration: webhooksExtractor,
    MutatingWebhookConfiguration: webhooksExtractor,
  },
  'apiregistration.k8s.io': { APIService: apiServiceExtractor },
  [GATEWAY_API]: {
    Gateway: gatewayExtractor,
    GatewayClass: gatewayClassExtractor,
    GRPCRoute: routeExtractor,
    HTTPRoute: routeExtractor,
    ReferenceGrant: referenceGrantExtractor,
    TCPRoute: routeExtractor,
    TLSRoute: routeExtractor,
    UDPRoute: routeExtractor,
  },
  'networking.istio.io': {
    Gateway: istioGatewayExtractor,
    ServiceEntry: serviceEntryExtractor,
    VirtualService: virtualServiceExtractor,
  },
  'monitoring.coreos.com': { PodMonitor: monitorOf('pods'), ServiceMonitor: monitorOf('services') },
  'multicluster.x-k8s.io': { ServiceExport: serviceExportExtractor, ServiceImport: serviceImportExtractor },
};

/** Kinds that are no part of the graph: there are many, and they depend on nothing. */
const NO_NODES = new Set(['/Event', 'events.k8s.io/Event', 'coordination.k8s.io/Lease']);

/** False for objects that are no part of the graph. */
export function isNode({ group, kind }: { group: string; kind: string }): boolean {
  return !NO_NODES.has(`${group}/${kind}`);
}

/** True where the facts of a kind depend on `status`: a change of nothing but status may change them. */
export function readsStatus({ group, kind }: { group: string; kind: string }): boolean {
  return READING_STATUS.has(`${group}/${kind}`);
}

const READING_STATUS = new Set([
  '/Service',
  'argoproj.io/Application',
  'helm.toolkit.fluxcd.io/HelmRelease',
  'kustomize.toolkit.fluxcd.io/Kustomization',
]);

/** What a body says: its facts follow from nothing else. */
export function factsOf(body: JsonObject): Facts {
  const place = new Place(body);
  const self: Self = {
    group: groupOf(place.get('apiVersion').text),
    kind: place.get('kind').text,
    namespace: place.get('metadata.namespace').text,
    name: place.get('metadata.name').text,
  };
  return withoutNothing(together(commonFacts(place, self), extractorOf(self, place)(place, self)));
}

/** A custom resource that nothing is known of may have a template where Kubernetes' own workloads have it. */
function extractorOf({ group, kind }: Self, body: Place): Extractor {
  const ofGroup = Object.hasOwn(EXTRACTORS, group) ? EXTRACTORS[group] : undefined;
  const known = ofGroup !== undefined && Object.hasOwn(ofGroup, kind) ? ofGroup[kind] : undefined;
  if (known !== undefined) return known;
  return body.get('spec.template.spec.containers').items().length > 0 ? templateAt('spec.template') : () => ({});
}

/** What every body says: its labels, its owners, and what it belongs to. */
function commonFacts(body: Place, { namespace }: Self): Facts {
  const owners = body.get('metadata.ownerReferences').items();
  const controller = owners.find((owner) => owner.get('controller').isTrue)?.get('uid').text;
  const references = owners.map((owner): Reference => {
    const [group, kind] = [groupOf(owner.get('apiVersion').text), owner.get('kind').text];
    const target = { to: 'owner', group, kind, namespace, name: owner.get('name').text, uid: owner.get('uid').text } as const; // prettier-ignore
    const more = owner.get('controller').isTrue ? { key: CONTROLLER } : {};
    return { relation: 'owns', target, field: owner.get('uid').field, reversed: true, ...more };
  });
  return {
    labels: labelsAt(body.get('metadata.labels')),
    references,
    ...annotationsOf(body),
    ...(controller === undefined ? {} : { controller }),
  };
}

/** Empty lists say nothing, and would be kept for every object. */
function withoutNothing(facts: Facts): Facts {
  const { references = [], addresses = [], labels = {} } = facts;
  if (references.length === 0) delete facts.references;
  if (addresses.length === 0) delete facts.addresses;
  if (Object.keys(labels).length === 0) delete facts.labels;
  return facts;
}
