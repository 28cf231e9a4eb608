import type { ResourceType } from './types.ts';

/** A resource type with the names that kubectl takes for it. */
export interface NamedType extends ResourceType {
  singular: string;
  shortNames: string[];
  /** Names of groups of types, such as `all`. */
  categories?: string[];
  /** null if not known yet: a custom resource whose definition was not recorded. */
  namespaced: boolean | null;
}

/*
 * What `kubectl api-resources` prints for Kubernetes 1.30 to 1.36, and metrics-server's: plural, kind, scope (n for
 * namespaced, c for cluster), short names. The first group that has a name wins, as kubectl prefers it: core first,
 * so `events` are the core ones.
 */
const TABLE: Record<string, string> = {
  '': `bindings Binding n
    componentstatuses ComponentStatus c cs
    configmaps ConfigMap n cm
    endpoints Endpoints n ep
    events Event n ev
    limitranges LimitRange n limits
    namespaces Namespace c ns
    nodes Node c no
    persistentvolumeclaims PersistentVolumeClaim n pvc
    persistentvolumes PersistentVolume c pv
    pods Pod n po
    podtemplates PodTemplate n
    replicationcontrollers ReplicationController n rc
    resourcequotas ResourceQuota n quota
    secrets Secret n
    serviceaccounts ServiceAccount n sa
    services Service n svc`,
  apps: `controllerrevisions ControllerRevision n
    daemonsets DaemonSet n ds
    deployments Deployment n deploy
    replicasets ReplicaSet n rs
    statefulsets StatefulSet n sts`,
  batch: `cronjobs CronJob n cj
    jobs Job n`,
  autoscaling: `horizontalpodautoscalers HorizontalPodAutoscaler n hpa`,
  policy: `poddisruptionbudgets PodDisruptionBudget n pdb`,
  'networking.k8s.io': `ingressclasses IngressClass c
    ingresses Ingress n ing
    ipaddresses IPAddress c ip
    networkpolicies NetworkPolicy n netpol
    servicecidrs ServiceCIDR c`,
  'rbac.authorization.k8s.io': `clusterrolebindings ClusterRoleBinding c
    clusterroles ClusterRole c
    rolebindings RoleBinding n
    roles Role n`,
  'storage.k8s.io': `csidrivers CSIDriver c
    csinodes CSINode c
    csistoragecapacities CSIStorageCapacity n
    storageclasses StorageClass c sc
    volumeattachments VolumeAttachment c
    volumeattributesclasses VolumeAttributesClass c vac`,
  'apiextensions.k8s.io': `customresourcedefinitions CustomResourceDefinition c crd,crds`,
  'apiregistration.k8s.io': `apiservices APIService c`,
  'admissionregistration.k8s.io': `mutatingadmissionpolicies MutatingAdmissionPolicy c
    mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding c
    mutatingwebhookconfigurations MutatingWebhookConfiguration c
    validatingadmissionpolicies ValidatingAdmissionPolicy c
    validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding c
    validatingwebhookconfigurations ValidatingWebhookConfiguration c`,
  'certificates.k8s.io': `certificatesigningrequests CertificateSigningRequest c csr
    clustertrustbundles ClusterTrustBundle c
    podcertificaterequests PodCertificateRequest n`,
  'coordination.k8s.io': `leases Lease n
    leasecandidates LeaseCandidate n`,
  'discovery.k8s.io': `endpointslices EndpointSlice n`,
  'events.k8s.io': `events Event n ev`,
  'flowcontrol.apiserver.k8s.io': `flowschemas FlowSchema c
    prioritylevelconfigurations PriorityLevelConfiguration c`,
  'node.k8s.io': `runtimeclasses RuntimeClass c`,
  'scheduling.k8s.io': `priorityclasses PriorityClass c pc
    workloads Workload n`,
  'resource.k8s.io': `deviceclasses DeviceClass c
    devicetaintrules DeviceTaintRule c
    resourceclaims ResourceClaim n
    resourceclaimtemplates ResourceClaimTemplate n
    resourceslices ResourceSlice c`,
  'internal.apiserver.k8s.io': `storageversions StorageVersion c`,
  'storagemigration.k8s.io': `storageversionmigrations StorageVersionMigration c`,
  'authentication.k8s.io': `selfsubjectreviews SelfSubjectReview c
    tokenreviews TokenReview c`,
  'authorization.k8s.io': `localsubjectaccessreviews LocalSubjectAccessReview n
    selfsubjectaccessreviews SelfSubjectAccessReview c
    selfsubjectrulesreviews SelfSubjectRulesReview c
    subjectaccessreviews SubjectAccessReview c`,
  'metrics.k8s.io': `nodes NodeMetrics c
    pods PodMetrics n`,
};

/** What `kubectl get all` means: the category of these types. */
const ALL = new Set(
  `pods replicationcontrollers services daemonsets.apps deployments.apps replicasets.apps statefulsets.apps
  horizontalpodautoscalers.autoscaling cronjobs.batch jobs.batch`.split(/\s+/),
);

/** The resource types of Kubernetes itself, in the order in which kubectl prefers their groups. */
export const BUILT_IN_TYPES: readonly NamedType[] = Object.entries(TABLE).flatMap(([group, lines]) =>
  lines.split('\n').map((line) => {
    const [resource = '', kind = '', scope = '', shortNames = ''] = line.trim().split(' ');
    return {
      group,
      resource,
      kind,
      singular: kind.toLowerCase(),
      shortNames: shortNames === '' ? [] : shortNames.split(','),
      namespaced: scope === 'n',
      ...(ALL.has(group === '' ? resource : `${resource}.${group}`) ? { categories: ['all'] } : {}),
    };
  }),
);
