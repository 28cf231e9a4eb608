import assert from 'node:assert/strict';
import { isStatusOnly } from './status-only.ts';
import type { Patch } from './types.ts';

const set = (path: string): Patch[number] => ({ op: 'replace', path, value: 1 });

describe('a patch of status only', () => {
  it('touches status, or corrects a predicted time or generation', () => {
    assert.equal(isStatusOnly([set('/status')]), true);
    assert.equal(isStatusOnly([set('/status/phase'), set('/metadata/generation')]), true);
    assert.equal(isStatusOnly([set('/metadata/deletionTimestamp')]), true);
  });

  it('is not empty, touches nothing else, and does not add the time of a deletion', () => {
    assert.equal(isStatusOnly([]), false);
    assert.equal(isStatusOnly([set('/status/phase'), set('/spec/replicas')]), false);
    assert.equal(isStatusOnly([set('/statusOther')]), false);
    assert.equal(isStatusOnly([{ op: 'add', path: '/metadata/deletionTimestamp', value: 'now' }]), false);
  });
});
