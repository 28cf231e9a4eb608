import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { configMap } from '../shared/testing/reviews.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { TestRecorder } from '../webhook/testing/ledgers/recorder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask, type AskOptions, type Answer } from './testing/ask.ts';
import { FakeScreen } from './testing/fake-screen.ts';
import { isInstalled, Program, type Step } from './testing/program.ts';

/** Moves the cursor, hides, reorders. */
const ESCAPES = 'a\u001b[2J\u001b]0;x\u0007\u009b31m\u202e\u200bz\r\n\t';
const OBEYED = /(?!\n)[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

interface Opened {
  screen: FakeScreen;
  ended: Promise<Answer>;
}

async function browsed(words: string, size: [number, number] = [80, 24], options: AskOptions = {}): Promise<Opened> {
  const screen = new FakeScreen(...size);
  const ended = ask(words.split(' '), { columns: size[0], screen, ...options });
  while (screen.painted.length === 0) await sleep(5);
  await screen.settle();
  return { screen, ended };
}

describe('kubectl blame -i', () => {
  const file = useSharedFolder();
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
  });
  const shop = (words: string, size?: [number, number]): Promise<Opened> => browsed(`-i --db ${file('shop.db')} ${words}`, size); // prettier-ignore
  const printed = async (words: string, columns = 80): Promise<Answer> =>
    ask(['--db', file('shop.db'), ...words.split(' ')], { columns });

  it('shows the rows of the story, and of a history, in the same scope', async () => {
    for (const words of [
      '-n shop --limit 100',
      '--user bob@example.com --limit 100',
      '-n shop --since 2026-11-22T05:06 --until 2026-11-22T05:06:30 --humans',
      'deployment web -n shop',
      'configmap -n shop --format table',
      'deployment web -n shop --field spec.replicas',
    ]) {
      const { out } = await printed(words);
      const { screen, ended } = await shop(words, [80, 300]);
      const rows = screen.lines.slice(1, -1).filter((line) => line !== '' && !line.startsWith('#'));
      assert.deepEqual(rows, out.split('\n').filter((line) => line !== ''), words); // prettier-ignore
      await screen.press('q');
      assert.equal((await ended).code, 0);
      assert.equal(screen.closed, true);
    }
  });

  it('ends the list with what it leaves out', async () => {
    const { screen } = await shop('-n shop');
    await screen.press('G');
    assert.match(screen.text, /\n# \d+ changes of status by controllers hidden: --status shows them\n/);
    assert.match(screen.text, /\n# \d+ changes that were never persisted hidden: --attempts shows them\n/);
  });

  it('loads the pages of all changes of a scope as one scrolls, to the first of them', async function () {
    this.timeout(20_000);
    const { screen } = await shop('-n shop --since 2026-11-22T05:07:30 --format table --status', [120, 40]);
    assert.match(screen.lines[0] ?? '', / 1\/100\+$/);
    const { out } = await printed('-n shop --since 2026-11-22T05:07:30 --format jsonl --status --limit 100000');
    for (let page = 0; page < 40 && (screen.lines[0] ?? '').endsWith('+'); page++) await screen.press('G');
    await screen.press('G');
    const all = out.split('\n').length - 1;
    assert.match(screen.lines[0] ?? '', new RegExp(` ${all}/${all}$`));
  });

  it('unfolds an act by Enter, as --expand does', async () => {
    const { screen } = await shop('-n shop --until 2026-11-22T05:08:30', [100, 60]);
    await screen.press('down', 'return');
    const { out } = await printed('-n shop --until 2026-11-22T05:08:30 --expand', 100);
    const expanded = out.split('\n');
    const first = expanded.findIndex((line) => line.startsWith('1662 '));
    const shown = screen.lines.findIndex((line) => line.startsWith('1662 '));
    assert.deepEqual(screen.lines.slice(shown, shown + 10), expanded.slice(first, first + 10).map((line) => line.trimEnd())); // prettier-ignore
    assert.match(screen.lines[shown + 1] ?? '', /→ deleted replicaset\/web-/);
    await screen.press('down', 'return');
    assert.match(screen.lines[0] ?? '', /^diff of change 16\d\d /);
    await screen.press('q', 'up', 'return');
    assert.doesNotMatch(screen.text, /→ deleted replicaset/);
  });

  it('shows the diff, everything, the undo patch and the lines of a change, as their commands do', async () => {
    const { screen } = await shop('deployment web -n shop', [100, 300]);
    // 1448: after the deletion.
    await screen.press('down');
    const body = (): string[] => screen.lines.slice(1, -1).filter((line) => line !== '');
    const lines = ({ out, err }: Answer): string[] => [...err.split('\n'), ...out.split('\n')].filter((line) => line !== '').map((line) => line.trimEnd()); // prettier-ignore
    await screen.press('d');
    assert.ok(body().includes('-        image: registry.example.com/shop/web:24.2.1'), screen.text);
    await screen.press('s');
    assert.deepEqual(body(), lines(await printed('show 1448', 100)));
    await screen.press('l');
    assert.deepEqual(body(), lines(await printed('deployment web -n shop --format lines --at 1448', 100)));
    await screen.press('u');
    assert.deepEqual(body(), [
      'conflict: change 1448: deployment shop/web does not exist any more',
      'error: nothing to undo',
    ]);
    await screen.press('q', 'up', 'u');
    assert.match(screen.text, /\n# nothing has been applied; pipe it into: kubectl create -f -\n/);
  });

  it('says what is wrong without a terminal, and with what is not browsed', async () => {
    const refused = async (words: string, options: AskOptions = {}): Promise<string> => {
      const { code, err } = await ask(['--db', file('shop.db'), '-i', ...words.split(' ')], options);
      assert.equal(code, 2);
      return err.split('\n')[0] ?? '';
    };
    assert.equal(await refused('-n shop'), 'error: -i needs a terminal: it reads keys and fills the screen');
    const screen = new FakeScreen();
    for (const [words, clash] of [
      ['-o json', '-i and -o json'],
      ['--format oneline', '-i and --format oneline'],
      ['--watch', '-i and --watch'],
      ['--reverse', '-i and --reverse'],
      ['--at 2026-11-22T05:07', '--at and --interactive'],
      ['deploy web -n shop --format lines', '--format lines and --interactive'],
    ] as const) {
      assert.equal(await refused(words, { screen }), `error: ${clash} do not go together`);
    }
    assert.deepEqual(screen.painted, []);
  });

  it('explains an empty answer as without -i', async () => {
    const screen = new FakeScreen();
    const words = ['--db', file('shop.db'), '-n', 'shop', '--user', 'nobody'];
    const { code, err } = await ask(['-i', ...words], { screen, columns: 80 });
    assert.equal(code, 0);
    assert.equal(err, (await ask(words, { columns: 80 })).err);
    assert.deepEqual(screen.painted, []);
  });
});

describe('kubectl blame -i, with names and values that hold escape sequences', () => {
  const file = useSharedFolder();
  let test: TestRecorder;
  before(async () => {
    test = await TestRecorder.open(file('ledger.db'));
    const odd = (value: string): ReturnType<typeof configMap> =>
      configMap({ [ESCAPES]: value }, { name: ESCAPES, labels: { [ESCAPES]: ESCAPES }, namespace: 'shop', uid: 'u' });
    const options = { name: ESCAPES, username: ESCAPES, options: { fieldManager: ESCAPES } };
    await test.review({ ...options, object: odd(ESCAPES) });
    await test.review({ ...options, operation: 'UPDATE', oldObject: odd(ESCAPES), object: odd(`${ESCAPES}2`) });
  });
  after(() => test.close());

  it('obeys none of them', async () => {
    for (const words of ['', ' --format table']) {
      const { screen } = await browsed(`-i --db ${file('ledger.db')}${words}`, [80, 24], { now: test.at + 5000 });
      for (const key of ['', 'return', 'q', 'd', 's', 'u', 'l', 'q', '/', ...ESCAPES, 'return', '?']) {
        await screen.press(key);
        assert.doesNotMatch(screen.text, OBEYED, `${key}: ${JSON.stringify(screen.text)}`);
      }
    }
  });
});

/** The alternate screen, and the cursor. */
const TAKEN = '\u001b[?1049h';
const GIVEN_BACK = '\u001b[?25h\u001b[?1049l';

describe('the terminal of kubectl blame -i', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  let program: Program;
  before(async () => {
    await (await importShop(file('shop.db'), true)).close();
    program = new Program(file('program'), { KUBEBLAME_DB: file('shop.db') });
  });

  const AFTER = '; code=$?; stty -a > after.$$; cmp before.$$ after.$$ && echo same settings, code $code';
  const inTerminal = async (command: string, step: Step): Promise<string> => {
    // The signal is for all that run in the terminal: the shell goes on.
    const words = `cd ${file('')}; trap : INT TERM HUP; stty -a > before.$$; ${command}${AFTER}`;
    return (await program.inTerminal(words, {}, [step])).shown;
  };

  it('is given back by q, by Control-C, and by SIGINT, SIGTERM and SIGHUP', async () => {
    const ways = [
      ['q', 0],
      ['\u0003', 0],
      [{ signal: 'SIGINT' }, 130],
      [{ signal: 'SIGTERM' }, 143],
      [{ signal: 'SIGHUP' }, 129],
    ] as const;
    const shown = await Promise.all(ways.map(([act]) => inTerminal('kubectl-blame -i', ['? help', act])));
    for (const [index, [act, code]] of ways.entries()) {
      const [name, all = ''] = [JSON.stringify(act), shown[index]];
      assert.equal(all.split(TAKEN).length, 2, name);
      assert.equal(all.split(GIVEN_BACK).length, 2, name);
      assert.match(all, new RegExp(`same settings, code ${code}\\r\\n$`), name);
    }
  });

  it('is given back where the program crashes, which then says why', async () => {
    const crash = `require('${program.bin}/kubectl-blame-browser.cjs').openScreen(process); throw new Error('a fault')`;
    const shown = await inTerminal(`node -e "${crash}"`, ['never', '']);
    const [, rest = ''] = shown.split(GIVEN_BACK);
    assert.match(rest, /Error: a fault/);
    assert.match(shown, /same settings, code 1\r\n$/);
  });

  it('shows in tmux what it should, also after a change of its size', async function () {
    if (!isInstalled('tmux')) {
      console.warn('      skipped: there is no tmux on this machine');
      this.skip();
    }
    const tmux = (...words: string[]): string => {
      const { stdout, status } = spawnSync('tmux', ['-S', file('tmux'), '-f', '/dev/null', ...words], { env: program.env, encoding: 'utf8' }); // prettier-ignore
      assert.equal(status, 0, words.join(' '));
      return stdout;
    };
    const screen = (): string => tmux('capture-pane', '-t', 'test', '-p');
    const shows = async (pattern: RegExp): Promise<void> => {
      for (let left = 400; !pattern.test(screen()); left--) {
        assert.ok(left > 0, `${String(pattern)} does not come: ${screen()}`);
        await sleep(25);
      }
    };
    tmux('new-session', '-d', '-s', 'test', '-x', '80', '-y', '12', 'sh');
    try {
      tmux('send-keys', '-t', 'test', 'kubectl-blame -i -n shop', 'Enter');
      await shows(/^namespace shop +1\/\d+\n/);
      tmux('send-keys', '-t', 'test', 'Down', 'Enter');
      await shows(/\n1662 .*deleted deployment\/web .*\n\d+ .*→ deleted replicaset\/web-/);
      tmux('resize-window', '-t', 'test', '-x', '100', '-y', '20');
      await shows(/\n1662 {2}05:08:26 {2}bob@example.com .*deleted deployment\/web/);
      tmux('send-keys', '-t', 'test', 'q');
      await shows(/kubectl-blame -i -n shop\n/);
    } finally {
      tmux('kill-server');
    }
  });
});
