import assert from 'node:assert/strict';
import { quantityFields, sameQuantity } from './quantity.ts';

describe('quantities', () => {
  it('are the same however they are written', () => {
    const same = [['1000m', '1'], ['0.5', '500m'], [1, '1'], [0.1, '100m'], ['1Gi', '1024Mi'], ['1.5Gi', '1536Mi'], ['1e3', '1k'], ['1E3', 1000], ['1G', '1000M'], ['0', '0Ki'], ['.5', '0.5'], ['-1', '-1000m'], ['2e-3', '2m'], ['\u0000#9007199254740993', '9007199254740993']] as const; // prettier-ignore
    for (const [a, b] of same) assert.ok(sameQuantity(a, b), `${a} and ${b}`);
  });

  it('are not where the amount differs, by however little, or is none', () => {
    const different = [['1Gi', '1G'], ['1', '1001m'], ['9007199254740993', '9007199254740992'], ['1E', '1e'], ['', ''], ['.', '.'], ['x', 'x'], ['1 Gi', '1Gi'], ['1', '-1']] as const; // prettier-ignore
    for (const [a, b] of different) assert.ok(!sameQuantity(a, b), `${a} and ${b}`);
    assert.ok(!sameQuantity(null, null));
  });

  const POD = 'spec.containers.0';
  const cases: [type: string, path: string, isQuantity: boolean][] = [
    ['v1 Pod', `${POD}.resources.limits.cpu`, true],
    ['v1 Pod', `${POD}.resources.requests.nvidia/gpu`, true],
    ['v1 Pod', 'spec.initContainers.0.resources.limits.memory', true],
    ['v1 Pod', 'spec.resources.requests.memory', true],
    ['v1 Pod', 'spec.overhead.cpu', true],
    ['v1 Pod', `${POD}.env.1.valueFrom.resourceFieldRef.divisor`, true],
    ['v1 Pod', `${POD}.env.1.value`, false],
    ['v1 Pod', 'spec.volumes.0.emptyDir.sizeLimit', true],
    ['v1 Pod', 'spec.volumes.0.projected.sources.1.downwardAPI.items.0.resourceFieldRef.divisor', true],
    ['v1 Pod', 'spec.volumes.0.ephemeral.volumeClaimTemplate.spec.resources.requests.storage', true],
    ['apps/v1 Deployment', 'spec.template.spec.containers.0.resources.limits.cpu', true],
    ['apps/v1 Deployment', 'spec.template.metadata.annotations.limits', false],
    ['apps/v1 StatefulSet', 'spec.volumeClaimTemplates.0.spec.resources.requests.storage', true],
    ['batch/v1 CronJob', 'spec.jobTemplate.spec.template.spec.containers.0.resources.limits.cpu', true],
    ['v1 ResourceQuota', 'spec.hard.count/deployments~apps', true],
    ['v1 LimitRange', 'spec.limits.0.maxLimitRequestRatio.cpu', true],
    ['v1 LimitRange', 'spec.limits.0.default.memory', true],
    ['v1 LimitRange', 'spec.limits.0.type', false],
    ['v1 PersistentVolume', 'spec.capacity.storage', true],
    ['v1 PersistentVolumeClaim', 'spec.resources.requests.storage', true],
    ['autoscaling/v2 HorizontalPodAutoscaler', 'spec.metrics.0.external.target.value', true],
    ['autoscaling/v2 HorizontalPodAutoscaler', 'spec.metrics.0.pods.target.averageValue', true],
    ['autoscaling/v2 HorizontalPodAutoscaler', 'spec.metrics.0.resource.target.averageUtilization', false],
    ['node.k8s.io/v1 RuntimeClass', 'overhead.podFixed.memory', true],
    ['v1 ConfigMap', 'data.sizeLimit', false],
    // As the API server stores them: what their definitions call a quantity is a text or a number as any other.
    ['example.com/v1 Pod', `${POD}.resources.limits.cpu`, false],
    ['example.com/v1 Thing', 'spec.resources.limits.cpu', false],
  ];
  for (const [type, path, isQuantity] of cases) {
    it(`${isQuantity ? 'are' : 'are not'} at ${path} of ${type}`, () => {
      const [apiVersion = '', kind = ''] = type.split(' ');
      assert.equal(quantityFields({ apiVersion, kind })(path.split('.')), isQuantity);
    });
  }
});
