import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import type { Change } from '../../shared/types.ts';
import { change, deployment, WEB } from '../testing/changes.ts';
import { PIPE, terminal } from '../testing/style.ts';
import { historyTable } from './history-table.ts';
import { marksLegend } from './operation.ts';
import { createStyle } from './style.ts';
import { widthOf } from './text.ts';

const IMAGE = 'registry.example.com/shop/web';
const MACHINE = { username: 'system:serviceaccount:kube-system:deployment-controller', groups: [] };
const POD = { ...WEB, group: '', resource: 'pods', kind: 'Pod', name: 'web-68ddd67b9d-2r5tv', uid: 'p' };
const ROLE = {
  ...WEB,
  group: 'rbac.authorization.k8s.io',
  resource: 'clusterroles',
  kind: 'ClusterRole',
  namespace: '',
  name: 'ops',
};
const at = (text: string): { at: number; notBefore: number } => ({ at: Date.parse(text), notBefore: Date.parse(text) });

const HISTORY: Change[] = [
  change(deployment('a', 1), null, { seq: 5, ...at('2026-11-22T05:08:26.630Z'), outcome: 'unverified' }),
  change({ metadata: {} }, { metadata: { labels: { tier: 'frontend' } } }, {
    seq: 4, ...at('2026-11-22T05:06:03Z'), object: ROLE, actor: { username: 'bob@example.com', groups: [] },
  }), // prettier-ignore
  change(deployment(`${IMAGE}:24.2.0`, 3), deployment(`${IMAGE}:24.2.1`, 5), { seq: 3, subresource: 'scale' }),
  change(null, { spec: { containers: [{ name: 'nginx', image: `${IMAGE}:24.2.0` }] } }, {
    seq: 2, ...at('2026-11-22T05:06:01Z'), object: POD, actor: MACHINE,
  }), // prettier-ignore
  change(null, deployment(`${IMAGE}:24.2.0`, 3), {
    seq: 1,
    ...at('2026-11-22T05:05:48Z'),
    source: 'baseline',
    actor: null,
  }),
];

describe('historyTable', () => {
  it('puts words beside the names at 160 columns', () => {
    assert.deepEqual(historyTable(HISTORY, { grouped: false }, terminal(160)), [
      'ID  TIME      USER                   OPERATION     OBJECT                    CHANGE',
      '5   05:08:26  alice@example.com      delete?       deployment/web            deleted',
      '4   05:06:03  bob@example.com        update        clusterrole/ops           + metadata.labels.tier: frontend',
      '3   05:06:02  alice@example.com      update/scale  deployment/web            spec.replicas: 3 → 5',
      '                                                                             spec.template.spec.containers[nginx].image: …:24.2.0 → …:24.2.1',
      '2   05:06:01  deployment-controller  create        pod/web-68ddd67b9d-2r5tv  created: image web:24.2.0',
      '1   05:05:48  -                      baseline      deployment/web            was there when recording began: image web:24.2.0, replicas 3',
    ]);
  });

  it('puts longer words under the names at 80 columns', () => {
    assert.deepEqual(historyTable(HISTORY, { grouped: false }, terminal(80)), [
      'ID  TIME      USER               OPERATION     OBJECT                    CHANGE',
      '5   05:08:26  alice@example.com  delete?       deployment/web            deleted',
      '4   05:06:03  bob@example.com    update        clusterrole/ops',
      '    + metadata.labels.tier: frontend',
      '3   05:06:02  alice@example.com  update/scale  deployment/web',
      '    spec.replicas: 3 → 5',
      '    spec.template.spec.containers[nginx].image: …:24.2.0 → …:24.2.1',
      '2   05:06:01  deployme…ntroller  create        pod/web-68ddd67b9d-2r5tv',
      '    created: image web:24.2.0',
      '1   05:05:48  -                  baseline      deployment/web',
      '    was there when recording began: image web:24.2.0, replicas 3',
    ]);
  });

  it('is one line for each change in a pipe, its columns separated by tabs', () => {
    assert.deepEqual(historyTable(HISTORY.slice(2, 4), { grouped: true }, PIPE), [
      'ID\tTIME\tUSER\tOPERATION\tNAMESPACE\tOBJECT\tCHANGE',
      '3\t2026-11-22T05:06:02.139Z\talice@example.com\tupdate/scale\tshop\tdeployment/web\tspec.replicas: 3 → 5; spec.template.spec.containers[nginx].image: …:24.2.0 → …:24.2.1',
      '2\t2026-11-22T05:06:01.000Z\tsystem:serviceaccount:kube-system:deployment-controller\tcreate\tshop\tpod/web-68ddd67b9d-2r5tv\tcreated: image web:24.2.0',
    ]);
  });

  it('has sections by namespace, and what has none last', () => {
    assert.deepEqual(historyTable(HISTORY.slice(0, 3), { grouped: true }, terminal(120)), [
      'ID  TIME      USER               OPERATION     OBJECT           CHANGE',
      '',
      'shop · 2 changes',
      '5   05:08:26  alice@example.com  delete?       deployment/web   deleted',
      '3   05:06:02  alice@example.com  update/scale  deployment/web   spec.replicas: 3 → 5',
      '                                                                spec…spec.containers[nginx].image: …:24.2.0 → …:24.2.1',
      '',
      'cluster-scoped · 1 change',
      '4   05:06:03  bob@example.com    update        clusterrole/ops  + metadata.labels.tier: frontend',
    ]);
  });

  it('names the namespace where there are several', () => {
    const other = change({ a: 1 }, { a: 2 }, { object: { ...WEB, namespace: 'payments' } });
    assert.deepEqual(historyTable([other, ...HISTORY.slice(2, 3)], { grouped: false }, terminal(80)).slice(0, 3), [
      'ID  TIME      USER              OPERATION     NAMESPACE  OBJECT',
      '7   05:06:02  alice@ex…ple.com  update        payments   deployment/web',
      '    a: 1 → 2',
    ]);
  });

  it('tells two objects of one name apart', () => {
    const again = change(null, { a: 1 }, { object: { ...WEB, uid: '0badcafe-1' } });
    const lines = historyTable([again, change({ a: 1 }, null)], { grouped: false }, terminal(140));
    assert.match(lines[1] ?? '', /deployment\/web@0badcafe {2}created/);
    assert.match(lines[2] ?? '', /deployment\/web@6dc322c9 {2}deleted/);
  });

  it('names nobody where nobody was seen', () => {
    const seen = (more: Partial<Change>): string =>
      historyTable(
        [change({ a: 1 }, { a: 2 }, { actor: null, source: 'watch', ...more })],
        { grouped: false },
        terminal(120),
      )[1] ?? '';
    assert.match(seen({}), /^7 {3}05:06:02 {2}unknown {2}update/);
    assert.match(seen({ managersHint: ['kubectl-edit'] }), /unknown \(kubectl-edit\?\)/);
    assert.match(seen({ cause: 41 }), /by change 41/);
  });

  it('fits any terminal, whatever the names are', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ab-/. @é日…\u001b\u202e'), minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(name, name, name, fc.integer({ min: 72, max: 200 }), (user, object, namespace, columns) => {
        const changes = [
          change(
            { a: object },
            { a: user },
            { object: { ...WEB, name: object, namespace }, actor: { username: user, groups: [] } },
          ),
          HISTORY[3] ?? change(null, {}),
        ];
        for (const grouped of [true, false]) {
          for (const line of historyTable(changes, { grouped }, terminal(columns))) {
            const [title = ''] = grouped ? [namespace] : [];
            if (title === '' || !line.includes(' · ')) assert.ok(widthOf(line) <= columns, `${widthOf(line)}: ${line}`);
          }
        }
      }),
    );
  });

  it('has colours that end with their cell', () => {
    const style = createStyle({ columns: 80, colour: 1, unicode: true, timeZone: 'UTC' });
    for (const line of historyTable(HISTORY, { grouped: true }, style)) {
      // Every escape is whole, and the last one of a line ends the colour.
      assert.ok(!stripVTControlCharacters(line).includes('\u001b'));
      const codes = line
        .split('\u001b[')
        .slice(1)
        .map((part) => /^\d+/.exec(part)?.[0]);
      assert.ok(codes.length === 0 || ['39', '22'].includes(codes.at(-1) ?? ''), JSON.stringify(line));
    }
  });
});

describe('marksLegend', () => {
  it('explains the marks that occur', () => {
    assert.deepEqual(marksLegend(HISTORY), ['? admitted; nothing has shown whether it was persisted']);
    assert.deepEqual(marksLegend(HISTORY.slice(1)), []);
  });
});
