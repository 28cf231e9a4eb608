import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import chalk from 'chalk';
import { makeLocalCertificates } from '../certs/local-certificates.ts';
import { SHOP } from '../shared/testing/shop.ts';
import { replay, replayBar } from './replay.ts';

/*
 * `make demo`: starts the real server, sends it the recorded traffic of a real cluster through HTTPS, and asks it what
 * happened. Then imports the recording as the README has it, and asks the file.
 */

const FOLDER = '.demo';
const LEDGER = join(FOLDER, 'ledger.db');
/** What the server records: the same, at other times. */
const LIVE = join(FOLDER, 'live.db');
const RECORDING = 'shared/fixtures/shop';
const CERTS = join(FOLDER, 'certs');

interface Server {
  child: ChildProcess;
  admission: string;
  read: string;
}

async function startServer(): Promise<Server> {
  const child = spawn(
    process.execPath,
    ['dist/kubeblame-webhook.js', 'serve', '--db', LIVE, '--cluster', 'shop-demo', '--listen', '127.0.0.1:0',
      '--read-listen', '127.0.0.1:0', '--tls-cert', join(CERTS, 'tls.crt'), '--tls-key', join(CERTS, 'tls.key')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  ); // prettier-ignore
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  for await (const line of lines) {
    const entry = JSON.parse(line) as { msg: string; admission: Address; read: Address };
    if (entry.msg !== 'serving') continue;
    child.stdout?.resume();
    return {
      child,
      admission: `https://127.0.0.1:${entry.admission.port}`,
      read: `https://127.0.0.1:${entry.read.port}`,
    };
  }
  throw new Error('the server ended before it served');
}

interface Address {
  port: number;
}

/** Shows a command line, and runs it as a user would: in this terminal, or this pipe. */
async function show(title: string, args: string[], from: string[]): Promise<void> {
  const shown = ['kubectl', 'blame', ...args].map((word) => (/[\s*]/.test(word) ? `'${word}'` : word)).join(' ');
  process.stdout.write(`\n${chalk.dim(`# ${title}`)}\n${chalk.bold(`$ ${shown}`)}\n`);
  const program = ['dist/kubectl-blame.cjs', ...args, ...from];
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${shown} ended with exit code ${String(code)}`);
  const { stdout } = spawnSync(process.execPath, program);
  if (stdout.length === 0) throw new Error(`${shown} printed nothing`);
}

async function stopServer(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`the server ended with exit code ${String(child.exitCode)}`);
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
await makeLocalCertificates({ directory: CERTS, now: new Date() });

// First the way in: what an API server would send, through HTTPS, with today's times.
const server = await startServer();
const from = ['--server', server.read, '--certificate-authority', join(CERTS, 'ca.crt')];
try {
  process.stdout.write('A server records four minutes of a real cluster, replayed through HTTPS:\n');
  const bar = replayBar();
  const started = performance.now();
  const result = await replay({
    url: `${server.admission}/admit`,
    ca: readFileSync(join(CERTS, 'ca.crt')),
    file: `${SHOP}reviews.ndjson.gz`,
    progress: bar.progress,
  });
  bar.stop();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${result.answered} reviews answered in ${seconds} s, each after its fsync.\n`);
  await show('what did bob do last? asked of the server', ['--user', 'bob@example.com', '--limit', '3'], from);
} finally {
  await stopServer(server.child);
}

// Then the same minutes as they were recorded: with their times, what a watch showed, and the ids of the README.
process.stdout.write('\nThe same recording is imported, with the times at which it happened:\n');
const input = [
  ...['--watch', join(RECORDING, 'watch.ndjson.gz'), '--baseline', join(RECORDING, 'truth/00-baseline.ndjson.gz')],
  join(RECORDING, 'reviews.ndjson.gz'),
];
const program = ['dist/kubeblame-webhook.js', 'import', '--db', LEDGER, ...input];
const { status } = spawnSync(process.execPath, program, { stdio: ['ignore', 'inherit', 'inherit'] });
if (status !== 0) throw new Error(`the import ended with exit code ${String(status)}`);

const file = ['--db', LEDGER];
const minute = ['--since', 'Nov 22 2026 05:06', '--until', 'Nov 22 2026 05:06:30'];
const at = ['--at', '2026-11-22T05:07:06Z', '-n', 'shop'];
const bob = ['--user', 'bob@example.com', '--limit', '3'];
await show('what happened?', ['-n', 'shop', ...minute], file);
await show('who changed the deployment?', ['deployment', 'web', '-n', 'shop'], file);
await show('what existed then?', [...at, '--limit', '12'], file);
await show('what did a config map look like then?', ['configmap', 'web-config', ...at], file);
await show('what did bob change in the namespace, as diffs?', ['ns', 'shop', '--format', 'diff', ...bob], file);
await show('is that what was recorded?', ['verify', '--all'], file);

const size = (statSync(LEDGER).size / 1024).toFixed(0);
process.stdout.write(`
The ledger stays in ${LEDGER} (${size} KiB). Explore it:

  node dist/kubectl-blame.cjs --db ${LEDGER}
  node dist/kubectl-blame.cjs --db ${LEDGER} statefulset db -n shop --format diff
  node dist/kubectl-blame.cjs --db ${LEDGER} --user bob@example.com
  node dist/kubectl-blame.cjs --help

Open it in a browser, and drag the time (docs/page.md):

  node dist/kubectl-blame.cjs ui --db ${LEDGER}
`);
