import assert from 'node:assert/strict';
import { KeptLabel } from './kept-label.ts';

const SIGNAL = new AbortController().signal;

/** A label that fails while `problem` says so, and what was logged. */
function labelOf() {
  const state = { problem: '' };
  const logged: unknown[] = [];
  const act = (): Promise<void> =>
    state.problem === '' ? Promise.resolve() : Promise.reject(new Error(state.problem));
  const label = new KeptLabel({ keep: act, remove: act }, { warn: (entry: unknown) => void logged.push(entry) });
  return { label, state, logged };
}

describe('the label of the own pod', () => {
  it('is logged once for the same failure, and again after it was set meanwhile', async () => {
    const { label, state, logged } = labelOf();
    const reason = 'the pod is not labelled, and the Service does not send reviews to it: forbidden';
    state.problem = 'forbidden';
    await label.keep(SIGNAL);
    await label.keep(SIGNAL);
    assert.deepEqual([label.complaint, label.wasSet, logged], [reason, false, [{ reason }]]);
    state.problem = '';
    await label.keep(SIGNAL);
    assert.deepEqual([label.complaint, label.wasSet], ['', true]);
    state.problem = 'forbidden';
    await label.keep(SIGNAL);
    assert.deepEqual(logged, [{ reason }, { reason }]);
  });

  it('returns what went wrong when it is removed', async () => {
    const { label, state } = labelOf();
    assert.equal(await label.remove(SIGNAL), '');
    state.problem = 'forbidden';
    assert.equal(await label.remove(SIGNAL), 'forbidden');
  });
});
