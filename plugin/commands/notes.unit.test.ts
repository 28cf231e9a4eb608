import assert from 'node:assert/strict';
import { createStyle } from '../views/style.ts';
import type { JsonObject, State } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { tellDenied, tellRedacted } from './notes.ts';

/** What goes to stderr. */
function errOf(tell: (io: Io) => void): string {
  let err = '';
  const style = createStyle({ columns: null, unicode: true, timeZone: 'UTC', now: 0, colour: 0 });
  tell({
    ...{ style, now: 0, env: {}, out: () => undefined, read: () => Promise.resolve('') },
    err: (text) => void (err += text),
  });
  return err;
}
const told = (denied: string[]): string => errOf((io) => tellDenied(new Set(denied), io));

describe('a document with what was redacted', () => {
  const TAG = 'redacted:0123456789ab';
  const state = (name: string, body: JsonObject): State => ({
    object: { group: '', resource: 'pods', kind: 'Pod', namespace: 'shop', name, uid: name },
    ...{ seq: 1, changedAt: 0, actor: null, manager: '', outcome: 'committed', body },
  });
  const env = (value: string): JsonObject => ({
    spec: { containers: [{ name: 'app', env: [{ name: 'URL', value }] }] },
  });
  const notes = (...states: State[]): string => errOf((io) => tellRedacted(states, io));

  it('names it, so that nobody applies it', () => {
    const start = '# redacted in the record, so put it in before you apply this: spec.containers[app].env[URL].value';
    const redacted = state('a', env(`amqp://u:${TAG}@mq`));
    assert.equal(notes(redacted), `${start}\n`);
    assert.equal(notes(redacted, state('b', env('x'))), `${start} of pod shop/a\n`);
    assert.equal(notes(redacted, state('b', env(TAG)), state('c', env(TAG))), `${start} of pod shop/a and 2 more\n`);
    assert.equal(notes(state('a', env('amqp://u@mq'))), '');
  });
});

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
