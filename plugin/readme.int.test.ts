import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { run } from './cli.ts';
import { NOW } from './testing/ask.ts';
import { terminal } from './testing/style.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Of the terminal that the examples were made in, two days after the recording, in UTC. */
const COLUMNS = 100;

interface Example {
  words: string[];
  output: string[];
}

/** The README's commands that are shown with what they print; `...` stands for lines that are left out. */
function examples(): Example[] {
  const blocks = [...README.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block.trimEnd());
  const commands = blocks.flatMap((block) => block.split(/^\$ /m)).map((text) => text.trimEnd().split('\n'));
  return commands.flatMap(([command = '', ...output]) => {
    const [line = ''] = command.split(/ {2,}#/);
    if (!line.startsWith('kubectl blame ') || output.join('') === '') return [];
    const words = line.match(/"[^"]*"|\S+/g) ?? [];
    return [{ words: words.slice(2).map((word) => word.replaceAll('"', '')), output }];
  });
}

function pattern(output: readonly string[]): RegExp {
  const lines = output.map((line) =>
    line === '...' ? '(?:.*\\n)*' : `${line.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}\\n`,
  );
  return new RegExp(`^${lines.join('')}$`);
}

describe('README.md', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    // As the README has it.
    const [, command = ''] = /^ {4}node dist\/kubeblame-webhook\.js (import .*?[^\\])$/ms.exec(README) ?? [];
    const words = command.replace(/\\\n/g, ' ').replace('shop.db', file('shop.db')).split(/\s+/);
    const { status, stderr } = spawnSync(process.execPath, [
      'scripts/run-bundled.mjs',
      'webhook/programs/main.ts',
      ...words,
    ]);
    assert.equal(status, 0, stderr.toString());
  });

  it('has examples', () => assert.equal(examples().length, 8));

  for (const { words, output } of examples()) {
    it(`shows what kubectl blame ${words.join(' ')} prints`, async () => {
      let text = '';
      const write = (part: string): void => void (text += part);
      const read = (path: string): Promise<string> =>
        Promise.resolve(readFileSync(new URL(`testing/${path}`, import.meta.url), 'utf8'));
      const style = { ...terminal(COLUMNS), now: NOW };
      await run([...words, '--db', file('shop.db')], () => ({
        ...{ out: write, err: write, read, style, now: NOW, env: {} },
      }));
      assert.match(text, pattern(output));
    });
  }
});
