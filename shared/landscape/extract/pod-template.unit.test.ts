import assert from 'node:assert/strict';
import { edgesBetween, made, said } from '../../testing/said.ts';
import { factsOf } from '../facts.ts';

const SPEC = {
  initContainers: [
    {
      name: 'migrate',
      image: 'm:1',
      env: [{ name: 'P', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
    },
  ],
  containers: [
    {
      name: 'web',
      image: 'registry.example.com/web:1',
      ports: [{ name: 'http', containerPort: 8080 }],
      env: [
        { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'conf', key: 'LEVEL', optional: true } } },
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
      envFrom: [{ configMapRef: { name: 'all' } }, { secretRef: { name: 'more', optional: true } }],
    },
  ],
  ephemeralContainers: [{ name: 'debug', image: 'd:1', envFrom: [{ secretRef: { name: 'debug' } }] }],
  volumes: [
    { name: 'whole', configMap: { name: 'files' } },
    {
      name: 'parts',
      secret: {
        secretName: 'tls',
        items: [
          { key: 'tls.crt', path: 'c' },
          { key: 'tls.key', path: 'k' },
        ],
      },
    },
    {
      name: 'both',
      projected: {
        sources: [
          { configMap: { name: 'p1' } },
          { secret: { name: 'p2', optional: true } },
          { serviceAccountToken: { path: 't' } },
        ],
      },
    },
    { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
    { name: 'csi', csi: { driver: 'csi.example.com', nodePublishSecretRef: { name: 'csi-secret' } } },
    { name: 'tmp', ephemeral: { volumeClaimTemplate: { spec: { storageClassName: 'fast' } } } },
  ],
  imagePullSecrets: [{ name: 'pull' }],
  serviceAccountName: 'web',
  serviceAccount: 'web',
  priorityClassName: 'high',
  runtimeClassName: 'gvisor',
  nodeName: 'node-1',
  resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpu' }],
};

describe('what a pod template refers to', () => {
  it('is in its containers of all three lists, its volumes and its classes', () => {
    const at = 'spec.template.spec';
    assert.deepEqual(said(made('apps/v1', 'Deployment', 'web', { spec: { replicas: 0, template: { spec: SPEC } } })), [
      `uses image m:1 at ${at}.initContainers[migrate].image`,
      `uses Secret shop/db #password at ${at}.initContainers[migrate].env[P].valueFrom.secretKeyRef.name`,
      `uses image registry.example.com/web:1 at ${at}.containers[web].image`,
      `uses ConfigMap shop/conf #LEVEL ?optional at ${at}.containers[web].env[LEVEL].valueFrom.configMapKeyRef.name`,
      `uses ConfigMap shop/all at ${at}.containers[web].envFrom[0].configMapRef.name`,
      `uses Secret shop/more ?optional at ${at}.containers[web].envFrom[1].secretRef.name`,
      `uses image d:1 at ${at}.ephemeralContainers[debug].image`,
      `uses Secret shop/debug at ${at}.ephemeralContainers[debug].envFrom[0].secretRef.name`,
      `uses ConfigMap shop/files at ${at}.volumes[whole].configMap.name`,
      `uses Secret shop/tls #tls.crt at ${at}.volumes[parts].secret.items[tls.crt].key`,
      `uses Secret shop/tls #tls.key at ${at}.volumes[parts].secret.items[tls.key].key`,
      `uses ConfigMap shop/p1 at ${at}.volumes[both].projected.sources[0].configMap.name`,
      `uses Secret shop/p2 ?optional at ${at}.volumes[both].projected.sources[1].secret.name`,
      `uses PersistentVolumeClaim shop/data at ${at}.volumes[data].persistentVolumeClaim.claimName`,
      `uses CSIDriver.storage.k8s.io /csi.example.com at ${at}.volumes[csi].csi.driver`,
      `uses Secret shop/csi-secret at ${at}.volumes[csi].csi.nodePublishSecretRef.name`,
      `uses StorageClass.storage.k8s.io /fast at ${at}.volumes[tmp].ephemeral.volumeClaimTemplate.spec.storageClassName`,
      `uses Secret shop/pull at ${at}.imagePullSecrets[pull].name`,
      `uses ServiceAccount shop/web at ${at}.serviceAccountName`,
      `uses PriorityClass.scheduling.k8s.io /high at ${at}.priorityClassName`,
      `uses RuntimeClass.node.k8s.io /gvisor at ${at}.runtimeClassName`,
      `uses Node /node-1 at ${at}.nodeName`,
      `uses ResourceClaimTemplate.resource.k8s.io shop/gpu at ${at}.resourceClaims[gpu].resourceClaimTemplateName`,
    ]);
  });

  const secret = { containers: [{ name: 'c', envFrom: [{ secretRef: { name: 's' } }] }] };
  for (const [apiVersion, kind, way] of [
    ['v1', 'Pod', ''],
    ['v1', 'PodTemplate', 'template.'],
    ['v1', 'ReplicationController', 'spec.template.'],
    ['apps/v1', 'DaemonSet', 'spec.template.'],
    ['apps/v1', 'ReplicaSet', 'spec.template.'],
    ['apps/v1', 'StatefulSet', 'spec.template.'],
    ['batch/v1', 'Job', 'spec.template.'],
    ['batch/v1', 'CronJob', 'spec.jobTemplate.spec.template.'],
    ['argoproj.io/v1alpha1', 'Rollout', 'spec.template.'],
    ['apps.kruise.io/v1alpha1', 'CloneSet', 'spec.template.'],
  ] as const) {
    it(`is found in a ${kind}, at ${way}spec`, () => {
      const keys = [...way.split('.').slice(0, -1), 'spec'];
      const body = keys.reduceRight<object>((inner, key) => ({ [key]: inner }), secret);
      const told = said(made(apiVersion, kind, 'x', body as never));
      assert.deepEqual(told, [`uses Secret shop/s at ${way}spec.containers[c].envFrom[0].secretRef.name`]);
    });
  }

  it('lacks a key that the ConfigMap does not have, also of one without any', () => {
    const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'A' } } }];
    const pod = made('v1', 'Pod', 'web', { spec: { containers: [{ name: 'c', env }] } });
    const line = 'pod shop/web uses configmap shop/conf declared';
    assert.deepEqual(edgesBetween(pod, made('v1', 'ConfigMap', 'conf', { data: { A: '1' } })), [line]);
    assert.deepEqual(edgesBetween(pod, made('v1', 'ConfigMap', 'conf', { data: { B: '1' } })), [`${line} !key`]);
    assert.deepEqual(edgesBetween(pod, made('v1', 'ConfigMap', 'conf')), [`${line} !key`]);
    assert.deepEqual(edgesBetween(pod), [`${line} !object`]);
  });

  it('says nothing where fields are of other types than Kubernetes has', () => {
    for (const spec of [null, 7, [], { containers: 'x' }, { containers: [null, 1, { env: {} }], volumes: { a: 1 } }]) {
      assert.deepEqual(factsOf(made('v1', 'Pod', 'web', { spec })), { podLabels: {} });
    }
  });
});
