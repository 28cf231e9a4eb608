import assert from 'node:assert/strict';
import { createStyle } from '../views/style.ts';
import { tellDenied } from './notes.ts';

const told = (denied: string[]): string => {
  let err = '';
  const style = createStyle({ columns: null, unicode: true, timeZone: 'UTC', now: 0, colour: 0 });
  tellDenied(new Set(denied), {
    ...{ style, now: 0, env: {}, out: () => undefined, read: () => Promise.resolve('') },
    err: (text) => void (err += text),
  });
  return err;
};

describe('what a reader may not see', () => {
  it('is named, acts by what they are done to', () => {
    const denied = ['secrets', 'pods/exec', 'services/proxy', 'deployments.apps', 'pods/attach'];
    assert.equal(
      told(denied),
      '# left out, since you may not read them: deployments.apps, pods/{attach,exec}, secrets, services/proxy\n',
    );
    assert.equal(told(['pods', 'pods/exec']), '# left out, since you may not read them: pods, pods/exec\n');
  });

  it('is not told where there is nothing', () => {
    assert.equal(told([]), '');
  });
});
