import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importShop } from '../../webhook/testing/ledgers/shop-ledger.ts';
import { tableLines } from '../views/table.ts';
import { createStyle } from '../views/style.ts';

/*
 * How long one waits for an answer: the wall time of whole processes, beside that of `node -e 0` and of
 * `kubectl version --client` in the same run. All take turns, so that what else the machine does hits all alike. Nothing
 * is gated. `npm run build` comes first.
 *
 * NODE_EXTRA_CA_CERTS is left out: with it Node 20 reads all those certificates before it starts any program, also
 * `node -e 0`, which takes as long again as that does without it.
 */
const ROUNDS = 30;
const PROGRAM = 'dist/kubectl-blame.cjs';

const folder = mkdtempSync(join(tmpdir(), 'kubeblame-bench-'));
try {
  const ledger = join(folder, 'shop.db');
  await (await importShop(ledger, true)).close();
  const kubectl = kubectlPath();
  const question = [PROGRAM, 'deployment', 'web', '-n', 'shop', '--db', ledger];
  const node = process.execPath;
  const commands: Record<string, [string, ...string[]]> = {
    'node -e 0': [node, '-e', '0'],
    ...(kubectl === null ? {} : { 'kubectl version --client': [kubectl, 'version', '--client'] }),
    'kubectl-blame --help': [node, PROGRAM, '--help'],
    'kubectl-blame deployment web -n shop --db FILE': [node, ...question],
    'kubectl-blame --db FILE': [node, PROGRAM, '--db', ledger],
  };
  const times = measure(commands);
  const of = (name: string, part: number): number => at(times[name] ?? [], part);
  const bars = ['node -e 0', 'kubectl version --client'];
  const rows = Object.keys(commands).map((name) => {
    const ratio = (base: string, part: number): string => (of(name, part) / of(base, part)).toFixed(2);
    const ratios = bars.map((base) => (commands[base] === undefined ? '' : `${ratio(base, 0)} (${ratio(base, 0.5)})`));
    return [name, ms(of(name, 0)), ms(of(name, 0.5)), ...(bars.includes(name) ? [] : ratios)];
  });
  const style = createStyle({ columns: null, colour: 0, unicode: true, timeZone: 'UTC' });
  const heads = ['COMMAND', 'FASTEST', 'MEDIAN', 'TO node -e 0', 'TO kubectl version --client'];
  console.log(
    `${ROUNDS} rounds, wall time; ratios of the fastest (of the medians)\n${tableLines(heads, rows, style).join('\n')}`,
  );
  if (kubectl === null) console.log('no kubectl was found on the PATH or in KUBEBUILDER_ASSETS: its ratio is missing');
} finally {
  rmSync(folder, { recursive: true });
}

function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  return { ...env, XDG_CACHE_HOME: folder };
}

function measure(commands: Record<string, [string, ...string[]]>): Record<string, number[]> {
  const times: Record<string, number[]> = {};
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, [program, ...args]] of Object.entries(commands)) {
      const from = performance.now();
      const { status, stderr } = spawnSync(program, args, { env: environment() });
      if (status !== 0) throw new Error(`${name}: ${stderr.toString()}`);
      // The first round fills caches: of files, and V8's of the program.
      if (round >= 0) (times[name] ??= []).push(performance.now() - from);
    }
  }
  return times;
}

function at(times: readonly number[], part: number): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length * part)] ?? Number.NaN;
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}

function kubectlPath(): string | null {
  const folders = [process.env.KUBEBUILDER_ASSETS ?? '', ...(process.env.PATH ?? '').split(':')];
  const found = folders.filter((each) => each !== '').map((each) => join(each, 'kubectl'));
  return found.find((path) => existsSync(path)) ?? null;
}
