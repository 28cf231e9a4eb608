import assert from 'node:assert/strict';
import { Command, Option } from 'commander';
import { commanderWords, flagsOf, isOn } from './arguments.ts';

const OPTIONS = [
  '-n, --namespace <name>',
  '-A, --all-namespaces',
  '-l, --selector <selector>',
  '-o, --output <format>',
  '-w, --watch',
  '--grep <pattern>',
  '--limit <count>',
  '--status',
  '--no-headers',
].map((flags) => new Option(flags));

describe('flags as kubectl writes them', () => {
  for (const [line, expected] of [
    ['deploy -n shop', 'deploy -n shop'],
    ['deploy -n=shop', 'deploy -n shop'],
    ['deploy -nshop', 'deploy -n shop'],
    ['-o=json', '-o json'],
    ['-l=app=web', '-l app=web'],
    ['-lapp=web', '-l app=web'],
    ['--selector=app=web', '--selector=app=web'],
    ['-Aw', '-A -w'],
    ['-Awn=shop', '-A -w -n shop'],
    ['-wn shop', '-w -n shop'],
    ['--all-namespaces=true', '--all-namespaces'],
    ['--all-namespaces=false', ''],
    ['-A=true', '--all-namespaces'],
    ['-A --all-namespaces=false', ''],
    ['--all-namespaces=false -A', '-A'],
    ['--status=T --watch=0', '--status'],
    ['--no-headers=true', '--no-headers'],
    ['--no-headers=false', ''],
    ['-5', '--limit 5'],
    ['--grep -5', '--grep -5'],
    ['--grep -n=shop', '--grep -n=shop'],
    ['--grep --status=false --status', '--grep --status=false --status'],
    ['-n -5', '-n -5'],
    ['-- -5 -n=x', '-- -5 -n=x'],
    ['-x=1 --unknown=2', '-x=1 --unknown=2'],
    ['-n', '-n'],
    ['-', '-'],
  ] as const) {
    it(`${line} is ${expected === '' ? 'nothing' : expected}`, () => {
      assert.equal(commanderWords(line.split(' '), OPTIONS).join(' '), expected);
    });
  }

  it('keeps an empty value', () => {
    assert.deepEqual(commanderWords(['-n=', '-o', ''], OPTIONS), ['-n', '', '-o', '']);
  });

  it('refuses a truth value that is none', () => {
    assert.throws(() => commanderWords(['--all-namespaces=maybe'], OPTIONS), {
      code: 'usage-invalid',
      message: '-A, --all-namespaces: "maybe" is neither true nor false',
    });
  });

  it('knows before all else which output is wanted', () => {
    assert.equal(isOn(['--no-color'], '--no-color'), true);
    assert.equal(isOn(['--no-color=true'], '--no-color'), true);
    assert.equal(isOn(['--no-color', '--no-color=false'], '--no-color'), false);
    assert.equal(isOn(['--', '--no-color'], '--no-color'), false);
  });
});

describe('flags and the environment', () => {
  /** What a command gets, with these words and variables. */
  function flags(words: string, env: Record<string, string>): Record<string, unknown> {
    const before = { ...process.env };
    let found: Record<string, unknown> = {};
    const source = (command: Command): Command =>
      command
        .addOption(new Option('--db <file>').env('TEST_DB'))
        .addOption(new Option('--server <url>').env('TEST_SERVER'))
        .option('--context <name>')
        .option('--token <token>');
    const program = source(new Command())
      .enablePositionalOptions()
      .argument('[words...]')
      .action((_words, _flags, self: Command) => {
        found = flagsOf(self);
      });
    source(program.command('show').argument('[ids...]')).action((_ids, _flags, self: Command) => {
      found = flagsOf(self);
    });
    Object.assign(process.env, env);
    try {
      program.parse(words.split(' '), { from: 'user' });
    } finally {
      for (const name of Object.keys(env)) delete process.env[name];
      Object.assign(process.env, before);
    }
    return found;
  }
  const both = { TEST_DB: 'env.db', TEST_SERVER: 'https://env' };

  for (const [words, env, expected] of [
    ['web', { TEST_DB: 'env.db' }, { db: 'env.db' }],
    ['web --db my.db', { TEST_DB: 'env.db' }, { db: 'my.db' }],
    ['web --db my.db', { TEST_SERVER: 'https://env' }, { db: 'my.db' }],
    ['web --server https://my', both, { server: 'https://my' }],
    ['web --context prod', both, { context: 'prod' }],
    ['web --token x', { TEST_SERVER: 'https://env' }, { server: 'https://env', token: 'x' }],
    ['show 1 --db my.db', both, { db: 'my.db' }],
    ['--db my.db show 1', both, { db: 'my.db' }],
    ['--db first.db show 1 --db second.db', {}, { db: 'second.db' }],
    ['web --db my.db --context prod', {}, { db: 'my.db', context: 'prod' }],
  ] as const) {
    it(`${words} with ${Object.keys(env).join(' and ') || 'no variable'} asks ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(flags(words, env), expected);
    });
  }
});
