import assert from 'node:assert/strict';
import type { CauseLink } from '../../shared/types.ts';
import { change, deployment, WEB } from '../testing/changes.ts';
import { PIPE, terminal } from '../testing/style.ts';
import { causeLines } from './cause-lines.ts';
import { fitWho, wholeWho } from './who.ts';
import { widthOf } from './text.ts';

const CONTROLLER = { username: 'system:serviceaccount:kube-system:deployment-controller', groups: [] };
const ALICE = { username: 'alice@example.com', groups: [] };

function link(seq: number, more: Partial<CauseLink> = {}): CauseLink {
  return { seq, object: WEB, actor: ALICE, certain: true, why: 'it shows', ...more };
}

const scaled = (causes: CauseLink[]) =>
  change(deployment('web:1', 3), deployment('web:1', 5), { actor: CONTROLLER, causes });

describe('what led to a change', () => {
  it('is told link by link, with the evidence', () => {
    const lines = causeLines(
      scaled([link(5, { actor: CONTROLLER }), link(3, { certain: false, why: 'x\u001by' })]),
      terminal(80),
    );
    assert.deepEqual(lines, [
      '← change 5 · deployment shop/web · deployment-controller',
      '  it shows',
      '← likely change 3 · deployment shop/web · alice@example.com',
      '  x\\ey',
    ]);
    assert.deepEqual(causeLines({}, PIPE), []);
    assert.deepEqual(
      causeLines({ causes: [link(5, { actor: null })] }, terminal(80))[0],
      '← change 5 · deployment shop/web · nobody through us',
    );
  });

  it('is named beside the controller, by the last who is known', () => {
    const style = terminal(80);
    assert.equal(
      wholeWho(scaled([link(5, { actor: CONTROLLER }), link(3)]), style),
      'deployment-controller ← alice@example.com',
    );
    assert.equal(
      wholeWho(scaled([link(3, { certain: false })]), style),
      'deployment-controller ← likely alice@example.com',
    );
    assert.equal(
      wholeWho(scaled([link(3), link(2, { actor: null })]), style),
      'deployment-controller ← alice@example.com',
    );
    assert.equal(wholeWho(scaled([link(5, { actor: CONTROLLER })]), style), 'deployment-controller');
    assert.equal(wholeWho(scaled([]), PIPE), CONTROLLER.username);
  });

  it('keeps the person where there is little room', () => {
    const told = scaled([link(3)]);
    assert.equal(fitWho(told, 60, terminal(80)), 'deployment-controller ← alice@example.com');
    assert.equal(fitWho(told, 32, terminal(80)), 'deployment-… ← alice@example.com');
    for (const width of [12, 16, 20, 24, 28])
      assert.ok(widthOf(fitWho(told, width, terminal(80))) <= width, String(width));
  });
});
