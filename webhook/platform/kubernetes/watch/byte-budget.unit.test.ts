import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ByteBudget } from './byte-budget.ts';

describe('a budget in bytes', () => {
  it('lets in as much as it has room for, in order, and what is larger than all of it alone', async () => {
    const budget = new ByteBudget(10);
    const entered: string[] = [];
    const take = (name: string, bytes: number): void => void budget.take(bytes).then(() => entered.push(name));
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    take('a', 6);
    take('b', 4);
    take('large', 100);
    take('c', 1);
    await turn();
    assert.deepEqual(entered, ['a', 'b']);
    budget.give(6);
    await turn();
    assert.deepEqual(entered, ['a', 'b'], 'the large one waits until all is given back, and c behind it');
    budget.give(4);
    await turn();
    assert.deepEqual(entered, ['a', 'b', 'large']);
    budget.give(100);
    await turn();
    assert.deepEqual(entered, ['a', 'b', 'large', 'c']);
  });

  it('is never exceeded by more than one that is larger than it, and leaves nobody waiting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 40 }), async (sizes) => {
        const budget = new ByteBudget(20);
        let [used, inside] = [0, 0];
        await Promise.all(
          sizes.map(async (bytes) => {
            await budget.take(bytes);
            [used, inside] = [used + bytes, inside + 1];
            assert.ok(used <= 20 || inside === 1, `${used} bytes by ${inside}`);
            await new Promise((resolve) => setImmediate(resolve));
            [used, inside] = [used - bytes, inside - 1];
            budget.give(bytes);
          }),
        );
        assert.equal(used, 0);
      }),
      { numRuns: 50 },
    );
  });
});
