import assert from 'node:assert/strict';
import { readReview, type Review } from '../../../../shared/review.ts';
import { configMap, reviewDocument, SETTINGS, type ReviewOptions } from '../../../../shared/testing/reviews.ts';
import { HeldFacts } from './held-facts.ts';

describe('facts that wait for their turn among reviews', () => {
  let held: HeldFacts;
  let told: string[];
  beforeEach(() => {
    held = new HeldFacts();
    told = [];
  });

  const hold = (resourceVersion: string, after: number, object = SETTINGS): void =>
    held.hold(
      {
        shown: { object, resourceVersion },
        enter: (behind, notAfter) =>
          told.push(`${resourceVersion} behind ${behind}${notAfter === undefined ? '' : ` at ${notAfter}`}`),
        refuse: (error) => told.push(`${resourceVersion} ${String(error)}`),
      },
      after,
    );
  const update = (resourceVersion: string, options: ReviewOptions = {}): Review => {
    const object = configMap({}, { resourceVersion });
    return readReview(reviewDocument({ operation: 'UPDATE', object, oldObject: object, ...options }));
  };

  it('go behind the reviews that were answered before them, in the order in which they came', () => {
    hold('11', 0);
    hold('12', 2);
    hold('13', 2);
    hold('14', 3);
    held.enterUpTo(1);
    assert.deepEqual(told, ['11 behind 0']);
    held.enterUpTo(2);
    assert.deepEqual(told.slice(1), ['12 behind 2', '13 behind 2']);
    assert.equal(held.size, 1);
    held.enterUpTo(3);
    assert.deepEqual(told.slice(3), ['14 behind 3']);
    assert.equal(held.size, 0);
  });

  it('go before a review that was made from their version or a later one, once', () => {
    for (const version of ['9', '10', '11']) hold(version, 5);
    held.enterBefore(update('10'), 3, 77);
    assert.deepEqual(told, ['9 behind 3 at 77', '10 behind 3 at 77']);
    held.enterBefore(update('10'), 4, 78);
    held.enterUpTo(5);
    assert.deepEqual(told.slice(2), ['11 behind 5']);
  });

  it('go before the creation of another object of the same name, and not before that of their own', () => {
    const other = { ...SETTINGS, uid: 'u-2' };
    hold('11', 5);
    hold('12', 5, other);
    hold('13', 5);
    const object = configMap({}, { uid: 'u-2' });
    held.enterBefore(readReview(reviewDocument({ object })), 4, 77);
    assert.deepEqual(told, ['11 behind 4 at 77']);
  });

  it('do not go before a review of another object, nor where versions cannot be compared', () => {
    hold('9', 5, { ...SETTINGS, name: 'other' });
    hold('x', 5);
    held.enterBefore(update('10'), 4, 77);
    assert.deepEqual(told, []);
  });

  it('are refused together', () => {
    hold('9', 5);
    hold('10', 5);
    held.enterBefore(update('9'), 4, 77);
    held.refuseAll('full');
    held.enterUpTo(9);
    assert.deepEqual(told, ['9 behind 4 at 77', '10 full']);
    assert.equal(held.size, 0);
  });
});
