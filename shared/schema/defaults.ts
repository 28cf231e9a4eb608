import { isObject, sameJson } from '../json.ts';
import type { Json } from '../types.ts';
import { matches, patternsOf, podSpecOf } from './kinds.ts';

/*
 * What the API server fills into Kubernetes' own types where a manifest leaves it out: the defaults of pkg/apis/NAME/VERSION/defaults.go,
 * what it allocates, and what its built-in admission adds. Only fixed values need to be here, lists, and what it may fill
 * in later than the part around it: see drift.ts. Of custom resources nothing is known.
 */

/** Filled in at any time, with any value: a port, an address. */
const ALLOCATED = Symbol('allocated');
/** Filled in together with what is around it. */
const COMPUTED = Symbol('computed');
/** The value of the member `port` beside it. */
const PORT = Symbol('port');

type Default = Json | typeof ALLOCATED | typeof COMPUTED | typeof PORT;
/** Paths with the values that may be filled in there. */
type Table = readonly (readonly [path: string, ...values: Default[]])[];

const CONTAINERS = '{containers,initContainers,ephemeralContainers}.*';
const PROBES = `${CONTAINERS}.{livenessProbe,readinessProbe,startupProbe}`;
const HTTP = `{${['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle.postStart', 'lifecycle.preStop'].join(',')}}.httpGet`;
const MODES = '{secret,configMap,downwardAPI,projected}.defaultMode';
const DOWNWARD = '{downwardAPI,projected.sources.*.downwardAPI}.items.*';

const IN_POD_SPECS: Table = [
  ['dnsPolicy', 'ClusterFirst'],
  ['restartPolicy', 'Always'],
  ['schedulerName', 'default-scheduler'],
  ['terminationGracePeriodSeconds', 30],
  ['enableServiceLinks', true],
  ['serviceAccount', ALLOCATED],
  ['imagePullSecrets', COMPUTED],
  [`${CONTAINERS}.imagePullPolicy`, 'IfNotPresent', 'Always'],
  [`${CONTAINERS}.terminationMessagePath`, '/dev/termination-log'],
  [`${CONTAINERS}.terminationMessagePolicy`, 'File'],
  [`${CONTAINERS}.ports.*.protocol`, 'TCP'],
  [`${CONTAINERS}.env.*.valueFrom.fieldRef.apiVersion`, 'v1'],
  [`${CONTAINERS}.env.*.valueFrom.resourceFieldRef.divisor`, '0', 0],
  [`${PROBES}.timeoutSeconds`, 1],
  [`${PROBES}.periodSeconds`, 10],
  [`${PROBES}.successThreshold`, 1],
  [`${PROBES}.failureThreshold`, 3],
  [`${PROBES}.grpc.service`, ''],
  [`${CONTAINERS}.${HTTP}.scheme`, 'HTTP'],
  [`${CONTAINERS}.${HTTP}.path`, '/'],
  [`volumes.*.${MODES}`, 420],
  ['volumes.*.hostPath.type', ''],
  [`volumes.*.${DOWNWARD}.fieldRef.apiVersion`, 'v1'],
  [`volumes.*.${DOWNWARD}.resourceFieldRef.divisor`, '0', 0],
  ['volumes.*.projected.sources.*.serviceAccountToken.expirationSeconds', 3600],
  ['volumes.*.ephemeral.volumeClaimTemplate.spec.volumeMode', 'Filesystem'],
];

const JOB = (spec: string): Table => [
  [`${spec}.backoffLimit`, 6],
  [`${spec}.completions`, 1],
  [`${spec}.parallelism`, 1],
  [`${spec}.completionMode`, 'NonIndexed'],
  [`${spec}.suspend`, false],
  [`${spec}.podReplacementPolicy`, 'TerminatingOrFailed', 'Failed'],
];

const WEBHOOKS: Table = [
  ['webhooks.*.matchPolicy', 'Equivalent'],
  ['webhooks.*.failurePolicy', 'Fail'],
  ['webhooks.*.timeoutSeconds', 10],
  ['webhooks.*.reinvocationPolicy', 'Never'],
  ['webhooks.*.clientConfig.service.port', 443],
  ['webhooks.*.rules.*.scope', '*'],
];

const BY_KIND: Record<string, Table> = {
  Pod: [
    ['spec.serviceAccountName', 'default'],
    ['spec.nodeName', ALLOCATED],
    ['spec.tolerations', COMPUTED],
    ['spec.volumes', COMPUTED],
    [`spec.${CONTAINERS}.volumeMounts`, COMPUTED],
  ],
  Deployment: [
    ['spec.replicas', 1],
    ['spec.revisionHistoryLimit', 10],
    ['spec.progressDeadlineSeconds', 600],
    ['spec.strategy.type', 'RollingUpdate'],
    ['spec.strategy.rollingUpdate.{maxSurge,maxUnavailable}', '25%'],
  ],
  ReplicaSet: [['spec.replicas', 1]],
  ReplicationController: [['spec.replicas', 1]],
  DaemonSet: [
    ['spec.revisionHistoryLimit', 10],
    ['spec.updateStrategy.type', 'RollingUpdate'],
    ['spec.updateStrategy.rollingUpdate.maxUnavailable', 1],
    ['spec.updateStrategy.rollingUpdate.maxSurge', 0],
  ],
  StatefulSet: [
    ['spec.replicas', 1],
    ['spec.podManagementPolicy', 'OrderedReady'],
    ['spec.revisionHistoryLimit', 10],
    ['spec.updateStrategy.type', 'RollingUpdate'],
    ['spec.updateStrategy.rollingUpdate.partition', 0],
    ['spec.persistentVolumeClaimRetentionPolicy.{whenDeleted,whenScaled}', 'Retain'],
    ['spec.volumeClaimTemplates.*.apiVersion', 'v1'],
    ['spec.volumeClaimTemplates.*.kind', 'PersistentVolumeClaim'],
    ['spec.volumeClaimTemplates.*.spec.volumeMode', 'Filesystem'],
    ['spec.volumeClaimTemplates.*.status.phase', ALLOCATED],
  ],
  Job: JOB('spec'),
  CronJob: [
    ['spec.concurrencyPolicy', 'Allow'],
    ['spec.suspend', false],
    ['spec.successfulJobsHistoryLimit', 3],
    ['spec.failedJobsHistoryLimit', 1],
    ...JOB('spec.jobTemplate.spec'),
  ],
  Service: [
    ['spec.type', 'ClusterIP'],
    ['spec.sessionAffinity', 'None'],
    ['spec.internalTrafficPolicy', 'Cluster'],
    ['spec.externalTrafficPolicy', 'Cluster'],
    ['spec.allocateLoadBalancerNodePorts', true],
    ['spec.{clusterIP,clusterIPs,ipFamilies,ipFamilyPolicy,healthCheckNodePort}', ALLOCATED],
    ['spec.ports.*.protocol', 'TCP'],
    ['spec.ports.*.targetPort', PORT],
    ['spec.ports.*.nodePort', ALLOCATED],
  ],
  Namespace: [['spec.finalizers', ALLOCATED]],
  PersistentVolumeClaim: [
    ['spec.volumeMode', 'Filesystem'],
    ['spec.volumeName', ALLOCATED],
  ],
  PersistentVolume: [
    ['spec.volumeMode', 'Filesystem'],
    ['spec.persistentVolumeReclaimPolicy', 'Retain'],
    ['spec.hostPath.type', ''],
  ],
  Secret: [['type', 'Opaque']],
  NetworkPolicy: [
    ['spec.policyTypes', COMPUTED],
    ['spec.{ingress,egress}.*.ports.*.protocol', 'TCP'],
  ],
  HorizontalPodAutoscaler: [
    ['spec.minReplicas', 1],
    ['spec.metrics', COMPUTED],
    ['spec.behavior.{scaleUp,scaleDown}.policies', COMPUTED],
    ['spec.behavior.{scaleUp,scaleDown}.selectPolicy', 'Max'],
  ],
  MutatingWebhookConfiguration: WEBHOOKS,
  ValidatingWebhookConfiguration: WEBHOOKS,
  CustomResourceDefinition: [
    ['spec.conversion.strategy', 'None'],
    ['spec.preserveUnknownFields', false],
  ],
  StorageClass: [
    ['reclaimPolicy', 'Delete'],
    ['volumeBindingMode', 'Immediate'],
  ],
  PriorityClass: [['preemptionPolicy', 'PreemptLowerPriority']],
  APIService: [['spec.service.port', 443]],
  CertificateSigningRequest: [['spec.{groups,username,uid,extra}', ALLOCATED]],
};

/**
 * What the API server may have filled in at a place: `yes`, this value at any time; `with`, any value together with what
 * is around it; `other`, another value than this one; `unknown`, the table does not say.
 */
export type Filled = 'yes' | 'with' | 'other' | 'unknown';

/** Tells it for an object of a kind of Kubernetes itself; `beside` is the object that the value is a member of. */
export function filledIn(kind: string): (at: readonly string[], value: Json, beside: Json) => Filled {
  const spec = podSpecOf(kind);
  const own = Object.hasOwn(BY_KIND, kind) ? (BY_KIND[kind] ?? []) : [];
  const below: Table = spec === null ? [] : IN_POD_SPECS.map(([path, ...values]) => [spec + path, ...values]);
  const table = [...own, ...below].flatMap(([path, ...values]) =>
    patternsOf(path).map((pattern) => ({ pattern, values })),
  );
  return (at, value, beside) => {
    const values = table.find(({ pattern }) => matches(pattern, at))?.values;
    if (values === undefined) return 'unknown';
    if (values.includes(ALLOCATED)) return 'yes';
    if (values.includes(COMPUTED)) return 'with';
    const known = values.flatMap((each) => {
      if (each === PORT) return isObject(beside) && beside.port !== undefined ? [beside.port] : [];
      return typeof each === 'symbol' ? [] : [each];
    });
    return known.some((each) => sameJson(each, value)) ? 'yes' : 'other';
  };
}
