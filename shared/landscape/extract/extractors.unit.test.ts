import assert from 'node:assert/strict';
import type { JsonObject } from '../../types.ts';
import { made, said } from '../../testing/said.ts';

/** Of each kind a body, and what it refers to. */
const CASES: [title: string, body: JsonObject, expected: string[]][] = [
  [
    'an owner, by uid',
    made(
      'v1',
      'ConfigMap',
      'c',
      {},
      { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u1', controller: true }] },
    ),
    ['owns Deployment.apps shop/web #controller at metadata.ownerReferences[Deployment/web].uid'],
  ],
  [
    'a StatefulSet its claims, its Service and its class',
    made('apps/v1', 'StatefulSet', 'db', {
      spec: {
        serviceName: 'db',
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { storageClassName: 'fast' } }],
      },
    }),
    [
      'uses Service shop/db at spec.serviceName',
      'owns claims shop/data-db-N at spec.volumeClaimTemplates[0].metadata.name',
      'uses StorageClass.storage.k8s.io /fast at spec.volumeClaimTemplates[0].spec.storageClassName',
    ],
  ],
  [
    'a Rollout its workload and its Services',
    made('argoproj.io/v1alpha1', 'Rollout', 'web', {
      spec: {
        workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        strategy: { canary: { stableService: 'web', canaryService: 'web-canary' } },
      },
    }),
    [
      'uses Deployment.apps shop/web at spec.workloadRef.name',
      'uses Service shop/web at spec.strategy.canary.stableService',
      'uses Service shop/web-canary at spec.strategy.canary.canaryService',
    ],
  ],
  [
    'a ServiceAccount its Secrets',
    made('v1', 'ServiceAccount', 'web', { imagePullSecrets: [{ name: 'pull' }], secrets: [{ name: 'token' }] }),
    ['uses Secret shop/pull at imagePullSecrets[pull].name', 'uses Secret shop/token at secrets[token].name'],
  ],
  [
    'a token its ServiceAccount',
    made(
      'v1',
      'Secret',
      'token',
      { data: { token: 'redacted:0123456789ab' } },
      { annotations: { 'kubernetes.io/service-account.name': 'web' } },
    ),
    ['uses ServiceAccount shop/web at metadata.annotations["kubernetes.io/service-account.name"]'],
  ],
  [
    'a Service its pods, and its addresses outside',
    made(
      'v1',
      'Service',
      'web',
      {
        spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, nodePort: 30080 }] },
        status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }, { hostname: 'lb.example.com' }] } },
      },
      { annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'a.example.com, b.example.com' } },
    ),
    [
      'selects pods in shop with app in web at spec.selector',
      'exposes host 203.0.113.7 at status.loadBalancer.ingress[0].ip',
      'exposes host lb.example.com at status.loadBalancer.ingress[1].hostname',
      'exposes host a.example.com at metadata.annotations["external-dns.alpha.kubernetes.io/hostname"]',
      'exposes host b.example.com at metadata.annotations["external-dns.alpha.kubernetes.io/hostname"]',
    ],
  ],
  [
    'a NodePort its port on each node',
    made('v1', 'Service', 'web', {
      spec: { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }], externalIPs: ['203.0.113.8'] },
    }),
    ['exposes host nodes:30080 at spec.ports[80/TCP].nodePort', 'exposes host 203.0.113.8 at spec.externalIPs[0]'],
  ],
  [
    'an ExternalName its host, whatever selector it has',
    made('v1', 'Service', 'db', {
      spec: { type: 'ExternalName', externalName: 'db.example.com', selector: { app: 'x' } },
    }),
    ['crosses host db.example.com at spec.externalName'],
  ],
  [
    'an EndpointSlice its Service',
    made('discovery.k8s.io/v1', 'EndpointSlice', 'web-1', {}, { labels: { 'kubernetes.io/service-name': 'web' } }),
    ['owns Service shop/web at metadata.labels["kubernetes.io/service-name"]'],
  ],
  [
    'monitors the namespaces that they name',
    made('monitoring.coreos.com/v1', 'ServiceMonitor', 'm', {
      spec: {
        namespaceSelector: { matchNames: ['a', 'b'] },
        selector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['x'] }] },
      },
    }),
    ['selects services in a,b with app notin x at spec.selector'],
  ],
  [
    'a PodMonitor pods of all namespaces',
    made('monitoring.coreos.com/v1', 'PodMonitor', 'm', { spec: { namespaceSelector: { any: true }, selector: {} } }),
    ['selects pods in all with anything at spec.selector'],
  ],
  [
    'a budget without a selector nothing',
    made('policy/v1', 'PodDisruptionBudget', 'p', { spec: { minAvailable: 1 } }),
    [],
  ],
  [
    'a policy its pods',
    made('networking.k8s.io/v1', 'NetworkPolicy', 'p', {
      spec: {
        podSelector: {
          matchExpressions: [
            { key: 'a', operator: 'Exists' },
            { key: 'b', operator: 'DoesNotExist' },
          ],
        },
      },
    }),
    ['selects pods in shop with a exists, b absent at spec.podSelector'],
  ],
  [
    'an Ingress its hosts, backends, certificates and class',
    made('networking.k8s.io/v1', 'Ingress', 'i', {
      spec: {
        ingressClassName: 'nginx',
        defaultBackend: { resource: { apiGroup: 'k8s.example.com', kind: 'Bucket', name: 'b' } },
        rules: [
          {
            host: 'a.example.com',
            http: { paths: [{ path: '/', backend: { service: { name: 'web', port: { number: 80 } } } }] },
          },
        ],
        tls: [{ secretName: 'tls' }],
      },
    }),
    [
      'exposes host a.example.com at spec.rules[a.example.com].host',
      'routes Bucket.k8s.example.com shop/b at spec.defaultBackend.resource.name',
      'routes Service shop/web #80 at spec.rules[a.example.com].http.paths[/].backend.service.name',
      'uses Secret shop/tls at spec.tls[0].secretName',
      'uses IngressClass.networking.k8s.io /nginx at spec.ingressClassName',
    ],
  ],
  [
    'an Ingress of an old version its backends, and its class by annotation',
    made(
      'networking.k8s.io/v1beta1',
      'Ingress',
      'i',
      { spec: { backend: { serviceName: 'web', servicePort: 'http' } } },
      { annotations: { 'kubernetes.io/ingress.class': 'old' } },
    ),
    [
      'routes Service shop/web #http at spec.backend.serviceName',
      'uses IngressClass.networking.k8s.io /old at metadata.annotations["kubernetes.io/ingress.class"]',
    ],
  ],
  [
    'a GRPCRoute its parents, hosts, backends and mirrors',
    made('gateway.networking.k8s.io/v1', 'GRPCRoute', 'r', {
      spec: {
        parentRefs: [
          { name: 'public', namespace: 'infra', sectionName: 'https' },
          { group: '', kind: 'Service', name: 'web' },
        ],
        hostnames: ['a.example.com'],
        rules: [
          {
            backendRefs: [
              { name: 'api', namespace: 'backend', port: 80 },
              { group: 'multicluster.x-k8s.io', kind: 'ServiceImport', name: 'far', port: 80 },
            ],
            filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'mirror', port: 80 } } }],
          },
        ],
      },
    }),
    [
      'routes Gateway.gateway.networking.k8s.io infra/public #https at spec.parentRefs[public].name',
      'routes Service shop/web at spec.parentRefs[web].name',
      'exposes host a.example.com at spec.hostnames[0]',
      'routes Service backend/api #80 at spec.rules[0].backendRefs[api].name',
      'routes ServiceImport.multicluster.x-k8s.io shop/far #80 at spec.rules[0].backendRefs[far].name',
      'routes Service shop/mirror #80 at spec.rules[0].filters[RequestMirror].requestMirror.backendRef.name',
    ],
  ],
  [
    'a Gateway its class, hosts and certificates',
    made('gateway.networking.k8s.io/v1', 'Gateway', 'g', {
      spec: {
        gatewayClassName: 'c',
        listeners: [
          { name: 'https', hostname: '*.example.com', tls: { certificateRefs: [{ name: 'tls', namespace: 'certs' }] } },
        ],
      },
    }),
    [
      'uses GatewayClass.gateway.networking.k8s.io /c at spec.gatewayClassName',
      'exposes host *.example.com at spec.listeners[https].hostname',
      'uses Secret certs/tls at spec.listeners[https].tls.certificateRefs[tls].name',
    ],
  ],
  [
    'a VirtualService its hosts, gateways, destinations and delegates',
    made('networking.istio.io/v1', 'VirtualService', 'v', {
      spec: {
        hosts: ['a.example.com'],
        gateways: ['mesh', 'infra/public', 'own'],
        http: [
          {
            route: [{ destination: { host: 'api', port: { number: 80 } } }],
            mirror: { host: 'db.infra.svc.cluster.local' },
            delegate: { name: 'd' },
          },
        ],
        tcp: [{ route: [{ destination: { host: 'ext.example.com' } }] }],
      },
    }),
    [
      'exposes host a.example.com at spec.hosts[0]',
      'routes Gateway.networking.istio.io infra/public at spec.gateways[1]',
      'routes Gateway.networking.istio.io shop/own at spec.gateways[2]',
      'routes mesh host api from shop #80 at spec.http[0].route[0].destination.host',
      'routes mesh host db.infra.svc.cluster.local from shop at spec.http[0].mirror.host',
      'routes mesh host ext.example.com from shop at spec.tcp[0].route[0].destination.host',
      'routes VirtualService.networking.istio.io shop/d at spec.http[0].delegate.name',
    ],
  ],
  [
    'a ServiceEntry its hosts',
    made('networking.istio.io/v1', 'ServiceEntry', 's', { spec: { hosts: ['ext.example.com'] } }),
    ['crosses host ext.example.com at spec.hosts[0]'],
  ],
  [
    'a VerticalPodAutoscaler its target',
    made('autoscaling.k8s.io/v1', 'VerticalPodAutoscaler', 'v', {
      spec: { targetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' } },
    }),
    ['scales StatefulSet.apps shop/db at spec.targetRef.name'],
  ],
  [
    'a ScaledObject its target, which is a Deployment, and its credentials',
    made('keda.sh/v1alpha1', 'ScaledObject', 's', {
      spec: {
        scaleTargetRef: { name: 'web' },
        triggers: [
          { type: 'kafka', authenticationRef: { name: 'a' } },
          { type: 'cron', authenticationRef: { name: 'c', kind: 'ClusterTriggerAuthentication' } },
        ],
      },
    }),
    [
      'scales Deployment.apps shop/web at spec.scaleTargetRef.name',
      'uses TriggerAuthentication.keda.sh shop/a at spec.triggers[kafka].authenticationRef.name',
      'uses ClusterTriggerAuthentication.keda.sh /c at spec.triggers[cron].authenticationRef.name',
    ],
  ],
  [
    'a TriggerAuthentication its Secrets',
    made('keda.sh/v1alpha1', 'TriggerAuthentication', 'a', {
      spec: { secretTargetRef: [{ parameter: 'p', name: 's', key: 'k' }] },
    }),
    ['uses Secret shop/s #k at spec.secretTargetRef[s].name'],
  ],
  [
    'a RoleBinding its role and subjects',
    made('rbac.authorization.k8s.io/v1', 'RoleBinding', 'b', {
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'alice@example.com' },
        { kind: 'Group', name: 'sre' },
        { kind: 'ServiceAccount', name: 'ci', namespace: 'ci' },
      ],
    }),
    [
      'grants ClusterRole.rbac.authorization.k8s.io /view at roleRef.name',
      'grants User alice@example.com at subjects[User/alice@example.com].name',
      'grants Group sre at subjects[Group/sre].name',
      'grants ServiceAccount ci/ci at subjects[ServiceAccount/ci/ci].name',
    ],
  ],
  [
    'an aggregated ClusterRole its parts',
    made(
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      'r',
      { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } },
      { namespace: '' },
    ),
    ['grants clusterroles in  with a in b at aggregationRule.clusterRoleSelectors[0]'],
  ],
  [
    'a definition its objects, and what converts them',
    made(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      'x',
      {
        spec: {
          group: 'example.com',
          names: { kind: 'Feature', plural: 'features' },
          conversion: { webhook: { clientConfig: { service: { namespace: 'infra', name: 'convert' } } } },
        },
      },
      { namespace: '' },
    ),
    [
      'serves all Feature.example.com at spec.names.kind',
      'serves Service infra/convert at spec.conversion.webhook.clientConfig.service.name',
    ],
  ],
  [
    'webhooks their Services; one that fails open can do without',
    made(
      'admissionregistration.k8s.io/v1',
      'MutatingWebhookConfiguration',
      'w',
      {
        webhooks: [
          { name: 'a', failurePolicy: 'Fail', clientConfig: { service: { namespace: 'infra', name: 'a', port: 443 } } },
          { name: 'b', failurePolicy: 'Ignore', clientConfig: { service: { namespace: 'infra', name: 'b' } } },
          { name: 'c', clientConfig: { url: 'https://x' } },
        ],
      },
      { namespace: '' },
    ),
    [
      'serves Service infra/a #443 at webhooks[a].clientConfig.service.name',
      'serves Service infra/b ?optional at webhooks[b].clientConfig.service.name',
    ],
  ],
  [
    'an APIService its Service',
    made(
      'apiregistration.k8s.io/v1',
      'APIService',
      'a',
      { spec: { service: { namespace: 'infra', name: 'metrics', port: 443 } } },
      { namespace: '' },
    ),
    ['serves Service infra/metrics #443 at spec.service.name'],
  ],
  [
    'a claim its volume and class',
    made('v1', 'PersistentVolumeClaim', 'c', { spec: { volumeName: 'pv-1', storageClassName: 'fast' } }),
    [
      'stores PersistentVolume /pv-1 at spec.volumeName',
      'stores StorageClass.storage.k8s.io /fast at spec.storageClassName',
    ],
  ],
  [
    'a local volume its node',
    made(
      'v1',
      'PersistentVolume',
      'pv-1',
      {
        spec: {
          storageClassName: 'local',
          csi: { driver: 'd' },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] },
              ],
            },
          },
        },
      },
      { namespace: '' },
    ),
    [
      'stores StorageClass.storage.k8s.io /local at spec.storageClassName',
      'uses CSIDriver.storage.k8s.io /d at spec.csi.driver',
      'stores Node /node-1 at spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[kubernetes.io/hostname].values[0]',
    ],
  ],
  [
    'an exported Service itself',
    made('multicluster.x-k8s.io/v1alpha1', 'ServiceExport', 'api'),
    ['crosses Service shop/api at metadata.name'],
  ],
  [
    'an imported Service its exports',
    made('multicluster.x-k8s.io/v1alpha1', 'ServiceImport', 'api'),
    ['crosses exports of shop/api at metadata.name'],
  ],
];

describe('what a body refers to', () => {
  for (const [title, body, expected] of CASES) {
    it(`is of ${title}`, () => {
      assert.deepEqual(said(body), expected);
    });
  }
});
