import assert from 'node:assert/strict';
import { contradictionOf, has, isSameVersion } from './version-tuple.ts';

const image = (tag: string, container = 'web') => ({ container, image: `registry.example.com/${container}`, tag, digest: '' }); // prettier-ignore

describe('versions', () => {
  it('are the same where one is only told more exactly', () => {
    for (const [a, b] of [
      ['24.3', '24.3.0'],
      ['24.3', 'v24.3'],
      ['v1', '1.0.2'],
      ['latest', 'latest'],
    ] as const) {
      // prettier-ignore
      assert.ok(isSameVersion(a, b) && isSameVersion(b, a), `${a} ${b}`);
    }
    for (const [a, b] of [
      ['24.3', '24.30'],
      ['24.3.0', '24.3.0-debug'],
      ['24.3', '24.3.0-debug'],
      ['1', '2'],
    ] as const) {
      // prettier-ignore
      assert.ok(!isSameVersion(a, b) && !isSameVersion(b, a), `${a} ${b}`);
    }
  });

  it('contradict where the image that is called as the workload says another than the label', () => {
    const images = [image('1.4', 'shipper'), image('24.2.1')];
    assert.deepEqual(contradictionOf({ version: '24.3', images }, 'web'), { label: '24.3', tag: '24.2.1' });
    assert.equal(contradictionOf({ version: '24.2', images }, 'web'), null);
    assert.equal(contradictionOf({ images }, 'web'), null);
    assert.equal(contradictionOf({ version: '24.2', images: [] }, 'web'), null);
    assert.deepEqual(contradictionOf({ version: '24.2', images }, 'other'), { label: '24.2', tag: '1.4' });
  });

  it('are had by label, by image, or by both', () => {
    assert.equal(has({ version: '24.3', images: [image('24.3.0')] }, 'web', '24.3'), 2);
    assert.equal(has({ version: '24.3', images: [image('24.2.0')] }, 'web', '24.2'), 1);
    assert.equal(has({ images: [image('24.2.0')] }, 'web', '24.3'), 0);
  });
});
