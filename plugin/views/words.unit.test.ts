import assert from 'node:assert/strict';
import type { Change, JsonObject } from '../../shared/types.ts';
import { change, deployment } from '../testing/changes.ts';
import { PIPE, terminal } from '../testing/style.ts';
import { widthOf } from './text.ts';
import { changeWords } from './words.ts';

const STYLE = terminal(80);

function words(of: Change, width: number | null = 76, lines: number | null = 3): string[] {
  return changeWords(of, { width, lines }, width === null ? PIPE : STYLE);
}

function act(subresource: string, options: JsonObject | null): string[] {
  return words(change({}, {}, { effect: 'none', operation: 'CONNECT', subresource, options }));
}

describe('changeWords', () => {
  it('says what changed, and leaves out what only follows from it', () => {
    const changed = change(deployment('nginx:1.25', 3), deployment('nginx:1.26', 5));
    assert.deepEqual(words(changed), [
      'spec.replicas: 3 → 5',
      'spec.template.spec.containers[nginx].image: nginx:1.25 → nginx:1.26',
    ]);
    assert.deepEqual(words(changed, null, null), [
      'metadata.generation: 3 → 5',
      'spec.replicas: 3 → 5',
      'spec.template.spec.containers[nginx].image: nginx:1.25 → nginx:1.26',
    ]);
  });

  it('says that a change was found after a gap, and since when it may be', () => {
    const found = change(
      { data: { a: '1' } },
      { data: { a: '2' } },
      { source: 'watch', actor: null, gap: 'the server was stopped', notBefore: Date.parse('2026-03-03T14:00:00Z') },
    );
    assert.deepEqual(words(found, null), [
      'after 2026-03-03 14:00:00 UTC, while nothing was recorded: the server was stopped',
      'data.a: "1" → "2"',
    ]);
  });

  it('says so where nothing but the generation changed', () => {
    const changed = change({ metadata: { generation: 1 } }, { metadata: { generation: 2 } });
    assert.deepEqual(words(changed), ['metadata.generation: 1 → 2']);
  });

  it('tells additions by what they add', () => {
    const before = { metadata: {}, spec: { containers: [{ name: 'nginx', env: [] }] } };
    const after = {
      metadata: { labels: { tier: 'frontend' } },
      spec: { containers: [{ name: 'nginx', env: [{ name: 'FEATURE_X', value: 'on' }] }] },
    };
    assert.deepEqual(words(change(before, after)), [
      '+ spec.containers[nginx].env[FEATURE_X].value: on',
      '+ metadata.labels.tier: frontend',
    ]);
    assert.deepEqual(words(change(after, before)), [
      '- spec.containers[nginx].env[FEATURE_X].value: on',
      '- metadata.labels.tier: frontend',
    ]);
  });

  it('counts what does not fit into a few lines; status and times come last', () => {
    const body = (value: number): JsonObject => ({
      metadata: { labels: { a: value } },
      status: { ready: value, lastTransitionTime: `t${value}` },
      spec: { a: value },
    });
    assert.deepEqual(words(change(body(1), body(2))), ['spec.a: 1 → 2', 'metadata.labels.a: 1 → 2', '+2 more']);
  });

  it('tells a text of several lines by its first changed line', () => {
    const text = (before: string, after: string, width: number | null = null): string[] =>
      words(change({ data: { f: before } }, { data: { f: after } }), width);
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`);
    const joined = (...changed: [number, string | null][]): string =>
      `${lines
        .flatMap((line, index) => changed.find(([at]) => at === index)?.slice(1) ?? [line])
        .filter((line) => line !== null)
        .join('\n')}\n`;
    const whole = joined();
    assert.deepEqual(text(whole, joined([40, 'new'])), ['data.f: line 41: line 40 → new (+1 -1)']);
    assert.deepEqual(text(whole, joined([40, 'new'], [50, 'x'])), ['data.f: line 41: line 40 → new (+2 -2)']);
    assert.deepEqual(text(whole, joined([40, null])), ['data.f: line 41: - line 40 (+0 -1)']);
    assert.deepEqual(text(joined([40, null]), whole), ['data.f: line 41: + line 40 (+1 -0)']);
    assert.deepEqual(text(whole, whole.trimEnd()), ['data.f: line break at the end removed']);
    assert.deepEqual(text(whole.trimEnd(), whole), ['data.f: line break at the end added']);
    assert.deepEqual(text(whole.replaceAll('\n', '\r\n'), whole), ['data.f: only line ends: \\r\\n → \\n (60 lines)']);
    assert.deepEqual(text('one', 'one\ntwo'), ['data.f: line 2: + two (+1 -0)']);
    assert.deepEqual(text('a\nb', 'a \nb'), ['data.f: line 1: a → "a " (+1 -1)']);
    const long = text(`${'x'.repeat(5000)}\nb`, `${'y'.repeat(5000)}\nb`)[0] ?? '';
    assert.ok(long.length < 300 && long.endsWith(' (+1 -1)'), long);
    for (const width of [40, 56, 76]) {
      const [line = ''] = text(whole, joined([40, 'new '.repeat(50)]), width);
      assert.ok(widthOf(line) <= width && line.includes('line 41: ') && line.endsWith(' (+1 -1)'), line);
    }
    const added = (more: JsonObject): string[] => words(change({ data: {} }, { data: more }), null);
    assert.deepEqual(added({ f: whole }), ['+ data.f: (60 lines) line 0']);
    assert.deepEqual(added({ f: 'a\nb' }), ['+ data.f: a\\nb']);
    assert.deepEqual(words(change({}, { data: { f: whole, g: 'x' } }), null), [
      '+ data: {f: (60 lines) "line 0", g: x}',
    ]);
  });

  it('keeps every line within the width', () => {
    const long = (text: string): JsonObject => ({ data: { [`${'k'.repeat(60)}.conf`]: `${'x'.repeat(300)}${text}` } });
    for (const width of [40, 56, 76, 150]) {
      for (const line of words(change(long('a'), long('b')), width)) assert.ok(widthOf(line) <= width, line);
      for (const line of words(change({}, long('a')), width)) assert.ok(widthOf(line) <= width, line);
    }
  });

  it('summarises what was created', () => {
    const service = { kind: 'Service', spec: { type: 'ClusterIP', ports: [{ port: 80 }, { port: 443 }] } };
    const binding = { kind: 'RoleBinding', roleRef: { name: 'edit' }, subjects: [{ name: 'ci-bot' }] };
    const created: [JsonObject, string][] = [
      [deployment('registry.example.com/shop/web:24.2.0', 3), 'created: image web:24.2.0, replicas 3'],
      [service, 'created: ClusterIP, port 80, 443'],
      [binding, 'created: edit for ci-bot'],
      [{ kind: 'ConfigMap', data: { a: '1', b: '2' } }, 'created: 2 keys: a, b'],
      [{ kind: 'Role' }, 'created'],
    ];
    for (const [body, text] of created) assert.deepEqual(words(change(null, body)), [text]);
    assert.deepEqual(words(change(null, deployment('registry.example.com/shop/web:24.2.0', 3)), null), [
      'created: image registry.example.com/shop/web:24.2.0, replicas 3',
    ]);
    assert.deepEqual(words(change(null, { kind: 'Role' }, { source: 'baseline', actor: null })), [
      'was there when recording began',
    ]);
  });

  it('tells a deletion from the wish for one', () => {
    const marked = { metadata: { deletionTimestamp: 't', deletionGracePeriodSeconds: 30, finalizers: ['x'] } };
    assert.deepEqual(words(change({ metadata: {} }, null)), ['deleted']);
    assert.deepEqual(words(change({ metadata: {} }, null, { options: { gracePeriodSeconds: 0 } })), [
      'deleted (grace 0s)',
    ]);
    assert.deepEqual(
      words(change({ metadata: {} }, marked, { operation: 'DELETE', options: { propagationPolicy: 'Foreground' } })),
      ['marked for deletion (foreground)', '+ metadata.finalizers: [x]'],
    );
  });

  it('names acts', () => {
    assert.deepEqual(act('eviction', null), ['evicted']);
    assert.deepEqual(act('exec', { container: 'app', command: ['sh', '-c', 'ls\n'] }), ['exec in app: sh -c ls\\n']);
    assert.deepEqual(act('token', { spec: { audiences: ['vault'] } }), ['token requested for vault']);
    assert.deepEqual(act('portforward', { ports: [8080] }), ['port forwarded: 8080']);
    assert.deepEqual(act('proxy', { path: '/metrics' }), ['proxied: /metrics']);
    assert.deepEqual(act('attach', null), ['attach']);
  });

  it('says first that an attempt was never persisted', () => {
    const dropped = change(deployment('a', 1), deployment('a', 2), { outcome: 'dropped', outcomeReason: 'quota' });
    assert.deepEqual(words(dropped), ['never persisted: quota', 'spec.replicas: 1 → 2']);
  });
});
