import assert from 'node:assert/strict';
import { isQuantityField, sameQuantity } from './quantity.ts';

describe('quantities', () => {
  it('are the same however they are written', () => {
    const same = [['1000m', '1'], ['0.5', '500m'], [1, '1'], [0.1, '100m'], ['1Gi', '1024Mi'], ['1.5Gi', '1536Mi'], ['1e3', '1k'], ['1E3', 1000], ['1G', '1000M'], ['0', '0Ki'], ['.5', '0.5'], ['-1', '-1000m'], ['2e-3', '2m']] as const; // prettier-ignore
    for (const [a, b] of same) assert.ok(sameQuantity(a, b), `${a} and ${b}`);
  });

  it('are not where the amount differs, by however little, or is none', () => {
    const different = [['1Gi', '1G'], ['1', '1001m'], ['9007199254740993', '9007199254740992'], ['1E', '1e'], ['', ''], ['.', '.'], ['x', 'x'], ['1 Gi', '1Gi'], ['1', '-1']] as const; // prettier-ignore
    for (const [a, b] of different) assert.ok(!sameQuantity(a, b), `${a} and ${b}`);
    assert.ok(!sameQuantity(null, null));
  });

  it('stand where resources are counted, and not in what people write', () => {
    assert.ok(isQuantityField(['spec', 'containers', '0', 'resources', 'limits', 'cpu']));
    assert.ok(isQuantityField(['spec', 'hard', 'requests.storage']));
    assert.ok(isQuantityField(['spec', 'volumes', '0', 'emptyDir', 'sizeLimit']));
    assert.ok(!isQuantityField(['data', 'memory']));
    assert.ok(!isQuantityField(['data', 'sizeLimit']));
    assert.ok(!isQuantityField(['metadata', 'labels', 'size']));
  });
});
