import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { configMap } from '../../../shared/testing/reviews.ts';
import { useFolder } from '../../testing/folder.ts';
import { runCommand } from '../../testing/server/process.ts';
import { TestRecorder } from '../../testing/ledgers/recorder.ts';
import { describeConfig } from './describe-config.ts';
import { parseRulesFile } from '../config/rules-file.ts';

describe('kubeblame-webhook check-config', () => {
  const file = useFolder();

  it('prints the rules as they are understood', async () => {
    const text = `
rules:
  - exclude: {users: ["system:*"], operations: [CREATE, DELETE]}
redact:
  - {resource: configmaps, paths: ["data.password", 'data["a.b"]', "data[*]"]}
`;
    assert.deepEqual(await describeConfig(parseRulesFile(text, 'rules.yaml'), null), [
      'rule 1: exclude users system:* and operations CREATE, DELETE',
      'redact: configmaps data.password',
      'redact: configmaps data["a.b"]',
      'redact: configmaps data.*',
      'patterns: the well-known ones are on',
    ]);
  });

  it('tells what each redaction matches in a ledger', async () => {
    const on = await TestRecorder.open(
      file('ledger.db'),
      [],
      [{ group: '', resource: 'configmaps', paths: ['data["a.b"]'] }],
    );
    const object = configMap({ 'a.b': 'x', level: 'info' });
    const other = configMap({ 'a.b': 'y' }, { name: 'other', uid: 'u-2' });
    await on.review({ object });
    await on.review({ name: 'other', object: other });
    await on.review({ name: 'other', operation: 'DELETE', oldObject: other, object: null });
    const text = `
redact:
  - {resource: configmaps, paths: [data.a.b, data.level, data.password]}
  - {resource: dbs.example.com, paths: [spec.password]}
`;
    const told = await describeConfig(parseRulesFile(text, 'rules.yaml'), on.store);
    await on.close();
    assert.deepEqual(told, [
      'redact: configmaps data.a.b: matches 2 of 2 objects',
      'redact: configmaps data.level: matches 1 of 2 objects; 1 recorded without redaction, before the rule was there',
      'redact: configmaps data.password: matches nothing in 2 objects',
      'redact: dbs.example.com spec.password: the ledger has no such object',
      'patterns: the well-known ones are on',
    ]);
  });

  it('fails for a file that cannot be used, with the line', async function () {
    this.timeout(120_000);
    writeFileSync(file('rules.yaml'), 'redact:\n  - resource: configmaps\n    paths: [.data.x]\n');
    const { code, stdout, stderr } = await runCommand(['check-config', '--config', file('rules.yaml')]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^error: .*rules\.yaml, line 3: the path "\.data\.x" cannot be used: .*; write data\.x\n/);
  });

  it('and so does the start, before there is a ledger', async function () {
    this.timeout(120_000);
    writeFileSync(file('rules.yaml'), 'redact:\n  - {resource: ConfigMap, paths: [data.x]}\n');
    writeFileSync(file('reviews.ndjson'), '');
    const args = ['import', '--config', file('rules.yaml'), '--db', file('new.db'), file('reviews.ndjson')];
    const { code, stderr } = await runCommand(args);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: .*rules\.yaml, line 2: the resource "ConfigMap" cannot be used: .*; write configmaps\n/,
    );
    assert.equal(existsSync(file('new.db')), false);
  });
});
