/*
 * Where references stand, as paths.
 */

/** Of which kinds, where, to what. `@name` in a path is one of the segment's siblings. */
export type Row = [kinds: string, paths: string, relation: string, target: string, more?: string];

/** Where the templates of pods are. */
export const TEMPLATES: Record<string, string> = {
  Pod: '',
  Deployment: 'spec.template.',
  ReplicaSet: 'spec.template.',
  StatefulSet: 'spec.template.',
  DaemonSet: 'spec.template.',
  Job: 'spec.template.',
  CronJob: 'spec.jobTemplate.spec.template.',
};

export const OF_PODS: Row[] = [
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.image', 'uses', 'image'],
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.env.*.valueFrom.configMapKeyRef.name', 'uses', 'ConfigMap', 'key=key'], // prettier-ignore
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.env.*.valueFrom.secretKeyRef.name', 'uses', 'Secret', 'key=key'], // prettier-ignore
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.envFrom.*.configMapRef.name', 'uses', 'ConfigMap'],
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.envFrom.*.secretRef.name', 'uses', 'Secret'],
  ['*', 'spec.volumes.*.configMap.name', 'uses', 'ConfigMap', 'items'],
  ['*', 'spec.volumes.*.secret.secretName', 'uses', 'Secret', 'items'],
  ['*', 'spec.volumes.*.projected.sources.*.configMap.name', 'uses', 'ConfigMap', 'items'],
  ['*', 'spec.volumes.*.projected.sources.*.secret.name', 'uses', 'Secret', 'items'],
  ['*', 'spec.volumes.*.persistentVolumeClaim.claimName', 'uses', 'PersistentVolumeClaim'],
  ['*', 'spec.imagePullSecrets.*.name', 'uses', 'Secret'],
  ['*', 'spec.serviceAccountName', 'uses', 'ServiceAccount'],
  ['*', 'spec.priorityClassName', 'uses', '/PriorityClass'],
  ['*', 'spec.nodeName', 'uses', '/Node'],
];

export const OTHERS: Row[] = [
  ['StatefulSet', 'spec.serviceName', 'uses', 'Service'],
  ['StatefulSet', 'spec.volumeClaimTemplates.*.spec.storageClassName', 'uses', '/StorageClass'],
  ['ServiceAccount', '{imagePullSecrets,secrets}.*.name', 'uses', 'Secret'],
  ['Ingress', 'spec.rules.*.host', 'exposes', 'host'],
  ['Ingress', 'spec.rules.*.http.paths.*.backend.service.name', 'routes', 'Service', 'key=port.name'],
  ['Ingress', 'spec.tls.*.secretName', 'uses', 'Secret'],
  ['HTTPRoute', 'spec.hostnames.*', 'exposes', 'host'],
  ['HTTPRoute', 'spec.parentRefs.*.name', 'routes', 'Gateway', 'elsewhere'],
  ['HTTPRoute', 'spec.rules.*.backendRefs.*.name', 'routes', 'Service', 'key=port elsewhere'],
  ['Gateway', 'spec.gatewayClassName', 'uses', '/GatewayClass'],
  ['Gateway', 'spec.listeners.*.tls.certificateRefs.*.name', 'uses', 'Secret', 'elsewhere'],
  ['HorizontalPodAutoscaler', 'spec.scaleTargetRef.name', 'scales', '@kind'],
  ['RoleBinding,ClusterRoleBinding', 'roleRef.name', 'grants', '@kind'],
  ['RoleBinding,ClusterRoleBinding', 'subjects.*.name', 'grants', '@kind', 'elsewhere'],
  ['PersistentVolumeClaim', 'spec.volumeName', 'stores', '/PersistentVolume'],
  ['PersistentVolumeClaim', 'spec.storageClassName', 'stores', '/StorageClass'],
  ['ValidatingWebhookConfiguration', 'webhooks.*.clientConfig.service.name', 'serves', 'Service', 'elsewhere'],
  ['APIService', 'spec.service.name', 'serves', 'Service', 'elsewhere'],
  ['ServiceExport', 'metadata.name', 'crosses', 'Service'],
];
