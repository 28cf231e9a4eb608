import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { isInstalled, Program } from './testing/program.ts';

const LONG = 'kubectl-blame ns shop';
const SHORT = 'kubectl-blame statefulset db -n shop -1';

describe('the program, as it is delivered', () => {
  const file = useSharedFolder();
  let program: Program;
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
    program = new Program(file('program'), { KUBEBLAME_DB: file('shop.db') });
  });

  it('says the same whether it was compiled before or not, and warns of nothing', () => {
    const env = { XDG_CACHE_HOME: file('cache') };
    const [first, second] = [1, 2].map(() => program.run('deployment web -n shop', env));
    assert.match(first?.stdout ?? '', /^ID[\t ]+TIME/);
    assert.deepEqual([second?.stdout, second?.stderr], [first?.stdout, first?.stderr]);
    assert.deepEqual([first?.status, second?.status], [0, 0]);
  });

  it('reads clusters, with a client that is loaded then', () => {
    const config = file('kubeconfig');
    const cluster = { name: 'a', cluster: { server: 'https://127.0.0.1:1' } };
    const context = { name: 'a', context: { cluster: 'a', user: 'a' } };
    const users = [{ name: 'a', user: { token: 'x' } }];
    const text = { 'current-context': 'a', clusters: [cluster], contexts: [context], users };
    writeFileSync(config, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...text }));
    const env = { KUBEBLAME_DB: undefined, KUBECONFIG: config, XDG_CACHE_HOME: file('cache') };
    for (const _ of [1, 2]) {
      const { status, stderr } = program.run('pods', env);
      assert.equal(status, 1);
      assert.match(stderr, /^error: the API server https:\/\/127\.0\.0\.1:1 cannot be reached: .*\nhint: .*\n$/);
    }
  });

  describe('where its output is not taken', function () {
    this.timeout(60_000);
    const run = (command: string): SpawnSyncReturns<string> =>
      spawnSync('bash', ['-c', command], { env: program.env, encoding: 'utf8', maxBuffer: 1e9 });
    const ALL = 'kubectl-blame -A --limit 1000 --format table';
    const FAILED =
      /^(?:# .*\n)*error: the output cannot be written: (ENOSPC|EFBIG): [^\n]*\nhint: what was written is not all of it\n$/;

    it('says so on a full disk, once, and ends with git’s code', () => {
      for (const words of ['-o json', '--help']) {
        const { status, stderr } = run(`${ALL} ${words} > /dev/full`);
        assert.equal(status, 128, words);
        assert.match(stderr, FAILED, words);
      }
    });

    it('does so where a disk takes only the beginning', () => {
      const target = file('short.json');
      // The shell's limit for files stands for a disk that is nearly full: the first write is cut, the next one fails.
      const { status, stderr } = run(`trap '' XFSZ; ulimit -f 256; ${ALL} -o json > ${target}`);
      assert.equal(status, 128, stderr);
      assert.match(stderr, FAILED);
      assert.equal(statSync(target).size, 256 * 1024);
    });

    it('ends without a word where nobody reads on, as git does', () => {
      const { stdout, stderr } = run(`set -o pipefail; ${ALL} -o json | head -c 10; s=$PIPESTATUS; echo; echo $s`);
      assert.match(stdout, /^\{\n {4}"api.?\n141\n$/);
      assert.doesNotMatch(stderr, /EPIPE|error:|^ +at /m);
    });

    it('gives all of stdout and stderr to a reader that is slow', () => {
      const whole = run(`${ALL} -o json 2>/dev/null`).stdout;
      const slow = run(`${ALL} -o json 2>/dev/null | (sleep 0.3; cat)`).stdout;
      assert.equal(slow.length, whole.length);
      // More than a pipe holds, with the quotes and the hint: 64 KiB on Linux.
      const name = 'x'.repeat(70_000);
      const { stdout } = run(`kubectl-blame ${name} 2>&1 >/dev/null | (sleep 0.3; cat)`);
      assert.match(stdout, /^error: no resource type is called "x{70000}"\nhint: .*\n$/);
    });
  });

  describe('with a pager', () => {
    const paged = { PAGER: 'sed s/^/paged:/' };
    before(function () {
      if (isInstalled('python3')) return;
      console.warn('    SKIPPED: the pager is not tried, for want of python3');
      this.skip();
    });

    it('pages what is longer than the terminal, and only that', async () => {
      const long = await program.inTerminal(LONG, paged);
      assert.match(long.shown, /^paged:/m);
      assert.match(long.shown, /hidden: --status shows them[^\n]*\n(?!.*paged:)/s, 'what explains it comes after it');
      assert.equal(long.code, 0);
      const short = await program.inTerminal(SHORT, paged);
      assert.doesNotMatch(short.shown, /paged:/);
      assert.match(short.shown, /statefulset|ID/);
    });

    it('does not in a pipe, nor with --no-pager or a pager that is none', async () => {
      assert.doesNotMatch(program.run('ns shop', paged).stdout, /paged:/);
      for (const env of [{ PAGER: '' }, { PAGER: 'cat' }, { ...paged, KUBEBLAME_PAGER: '' }]) {
        const { shown } = await program.inTerminal(LONG, env);
        assert.doesNotMatch(shown, /paged:/);
        assert.ok(shown.split('\n').length > 24);
      }
      assert.doesNotMatch((await program.inTerminal(`${LONG} --no-pager`, paged)).shown, /paged:/);
    });

    it('takes KUBEBLAME_PAGER before PAGER, and less as git calls it without both', async () => {
      const { shown } = await program.inTerminal(LONG, { ...paged, KUBEBLAME_PAGER: 'sed s/^/mine:/' });
      assert.match(shown, /^mine:/m);
      mkdirSync(file('less'));
      writeFileSync(file('less/less'), '#!/bin/sh\necho "LESS=$LESS"\ncat\n');
      chmodSync(file('less/less'), 0o755);
      const less = await program.inTerminal(LONG, { PATH: `${file('less')}:${program.env.PATH ?? ''}` });
      assert.match(less.shown, /^LESS=FRX\r\n/m);
    });

    it('is not disturbed where the reader leaves early, or there is no such pager', async () => {
      const left = await program.inTerminal(LONG, { PAGER: 'head -n 2' });
      assert.equal(left.code, 0);
      assert.doesNotMatch(left.shown, /EPIPE|error/);
      const none = await program.inTerminal(LONG, { PAGER: 'no-such-pager' });
      assert.equal(none.code, 0);
      assert.ok(none.shown.split('\n').length > 24);
      const pipe = await program.inTerminal(`${LONG} --limit 1000 | head -n 1`);
      assert.match(pipe.shown, /^ID[\t ]+TIME/m);
      assert.doesNotMatch(pipe.shown, /EPIPE|error/);
    });
  });

  describe('completed by a shell', () => {
    const shells = {
      bash: { start: "PS1='READY ' bash --norc -i", load: 'source <(kubectl-blame completion bash)' },
      zsh: {
        start: "PS1='READY ' zsh -f -i",
        load: 'autoload -Uz compinit; compinit -u; source <(kubectl-blame completion zsh)',
      },
      fish: {
        start: `fish --no-config -C 'function fish_prompt; echo -n "READY "; end'`,
        load: 'kubectl-blame completion fish | source',
      },
    };
    /** What is typed before the tab, and what it becomes. */
    const lines = [
      ['deploym', 'deployment'],
      ['statefulset -n shop d', 'statefulset -n shop db'],
      ['-n sho', '-n shop'],
      ['--user alice@e', '--user alice@example.com'],
      ['clusterrole system:controller:statef', 'clusterrole system:controller:statefulset-controller'],
      ['completion zs', 'completion zsh'],
      ['who --unt', 'who --until'],
    ];

    for (const [shell, { start, load }] of Object.entries(shells)) {
      it(`which is ${shell}`, async function () {
        if (![shell, 'python3'].every(isInstalled)) {
          console.warn(`    SKIPPED: completion in ${shell} is not tried, for want of it or of python3`);
          this.skip();
        }
        this.timeout(60_000);
        // After the tab: to the line's start, `printf` before it, and enter. So it is not run, but its words are shown.
        const steps: [string, string][] = [['READY', `${load}; echo load''ed\r`]];
        const expected = lines.map(([, line = '']) => `kubectl-blame+${line.replaceAll(' ', '+')}+`);
        for (const [index, [typed = '']] of lines.entries()) {
          steps.push([expected[index - 1] ?? 'loaded', `kubectl-blame ${typed}\t\u0001printf '%s+' \u0005\r`]);
        }
        steps.push([expected.at(-1) ?? '', 'exit\r']);
        const { shown } = await program.inTerminal(start, {}, steps);
        assert.deepEqual(expected.filter((line) => shown.includes(line)), expected, JSON.stringify(shown)); // prettier-ignore
      });
    }
  });
});
