import assert from 'node:assert/strict';
import { createStyle } from '../views/style.ts';
import type { JsonObject, State } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { tellDenied, tellHidden, tellRedacted } from './notes.ts';

/** What goes to stderr. */
function notesOf(tell: (io: Io) => void): string {
  let err = '';
  const style = createStyle({ columns: null, unicode: true, timeZone: 'UTC', now: 0, colour: 0 });
  tell({
    ...{ style, now: 0, env: {}, out: () => undefined, read: () => Promise.resolve('') },
    err: (text) => void (err += text),
  });
  return err;
}
describe('a document with what was redacted', () => {
  const TAG = 'redacted:0123456789ab';
  const state = (name: string, body: JsonObject): State => ({
    object: { group: '', resource: 'pods', kind: 'Pod', namespace: 'shop', name, uid: name },
    ...{ seq: 1, changedAt: 0, actor: null, manager: '', outcome: 'committed', body },
  });
  const env = (value: string): JsonObject => ({
    spec: { containers: [{ name: 'app', env: [{ name: 'URL', value }] }] },
  });
  const notes = (...states: State[]): string => notesOf((io) => tellRedacted(states, io));

  it('names it, so that nobody applies it', () => {
    const start = '# redacted in the record, so put it in before you apply this: spec.containers[app].env[URL].value';
    const redacted = state('a', env(`amqp://u:${TAG}@mq`));
    assert.equal(notes(redacted), `${start}\n`);
    assert.equal(notes(redacted, state('b', env('x'))), `${start} of pod shop/a\n`);
    assert.equal(notes(redacted, state('b', env(TAG)), state('c', env(TAG))), `${start} of pod shop/a and 2 more\n`);
    assert.equal(notes(state('a', env('amqp://u@mq'))), '');
  });
});

const told = (denied: string[]): string => notesOf((io) => tellDenied(new Set(denied), io));

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

describe('what an answer hides', () => {
  const hidden = (status: number, attempts: number, more: boolean): string =>
    notesOf((io) => tellHidden({ status, attempts }, more, io));

  it('is counted', () => {
    assert.equal(
      hidden(2, 3, false),
      '# 2 changes of status by controllers hidden: --status shows them\n' +
        '# 3 changes that were never persisted hidden: --attempts shows them\n',
    );
    assert.equal(hidden(0, 0, true), '');
  });

  it('is one change, or one and perhaps more', () => {
    assert.equal(hidden(1, 0, false), '# 1 change of status by a controller hidden: --status shows it\n');
    assert.equal(hidden(0, 1, false), '# 1 change that was never persisted hidden: --attempts shows it\n');
    assert.equal(hidden(0, 1, true), '# 1+ changes that were never persisted hidden: --attempts shows them\n');
  });
});
