import assert from 'node:assert/strict';
import { shrink, widest } from './fit.ts';

describe('shrink', () => {
  it('takes from the widest, and never below the least', () => {
    assert.deepEqual(shrink([30, 10, 25], 65, 16), [30, 10, 25]);
    assert.deepEqual(shrink([30, 10, 25], 60, 16), [25, 10, 25]);
    assert.deepEqual(shrink([30, 10, 25], 20, 16), [16, 10, 16]);
  });
});

describe('widest', () => {
  it('is 0 of none, and takes any number', () => {
    assert.equal(widest([]), 0);
    assert.equal(widest(Array.from({ length: 500_000 }, (_, index) => index)), 499_999);
  });
});
