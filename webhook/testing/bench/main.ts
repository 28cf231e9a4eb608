import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { makeLocalCertificates } from '../../../certs/local-certificates.ts';
import { measureAdmission, type AdmissionRow, type Measured } from './measures/admission.ts';
import { measureBurst } from './measures/burst.ts';
import { measureBytes } from './measures/bytes.ts';
import { measureLive, measureStandIn, type CostRow, type Setting } from './cost/cost.ts';
import { measureFolding } from './measures/folding.ts';
import { observerMemory } from './measures/observer-memory.ts';
import { measureLandscape } from './measures/landscape.ts';
import { measureBaseline, measureEndings } from './measures/much-at-once.ts';
import { measurePauses } from './measures/pause.ts';
import { measureReading } from './measures/reading.ts';
import { RUN_BUNDLED } from './processes/bundled.ts';
import { BenchServer } from './processes/servers.ts';
import { measureAuditLog } from './audit-log.ts';
import { stormTables } from './storm.ts';

/*
 * `make bench`: what is built in dist/, in ratios against a baseline taken in the same run. Nothing is gated.
 */
const folder = mkdtempSync(join(tmpdir(), 'kubeblame-bench-'));
const path = (name: string): string => join(folder, name);
const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const wanted = process.argv.slice(2);

function print(title: string, head: string[], rows: string[][]): void {
  const table = new Table({ head, style: { head: [], border: [] } });
  table.push(...rows);
  console.log(`${title}\n${table.toString()}\n`);
}

async function admission(): Promise<void> {
  const [cert, key] = [path('tls.crt'), path('tls.key')];
  const plain = [RUN_BUNDLED, source('processes/baseline-server.ts'), cert, key];
  const baseline = await BenchServer.start(plain);
  const floor = await BenchServer.start([...plain, path('floor')]);
  const kubeblame = await startKubeblame('bench.db');
  try {
    const rows = await measureAdmission({ baseline, floor, kubeblame }, readFileSync(path('ca.crt'), 'utf8'));
    print(
      'Admission through HTTPS, each answer after its fsync; in brackets the baseline: JSON.parse and allow',
      [
        'connections',
        'requests/s',
        'ratio',
        'of only write and fsync',
        'in the ledger/s',
        'ratio',
        'p50 ms',
        'p99 ms',
        'p99.9 ms',
        'p99 ratio',
        'CPU us a request',
        'CPU ratio',
      ],
      rows.map(admissionCells),
    );
  } finally {
    await kubeblame.stop();
    await floor.stop();
    await baseline.stop();
  }
}

function admissionCells({ connections, baseline, kubeblame, ratio, settledRatio, floorRatio }: AdmissionRow): string[] {
  const pair = (name: keyof Measured, digits: number): string =>
    `${kubeblame[name].toFixed(digits)} (${baseline[name].toFixed(digits)})`;
  return [
    String(connections),
    pair('requestsPerSecond', 0),
    ratio.toFixed(2),
    floorRatio?.toFixed(2) ?? '',
    kubeblame.settledPerSecond.toFixed(0),
    settledRatio.toFixed(2),
    pair('p50Ms', 2),
    pair('p99Ms', 1),
    pair('p999Ms', 1),
    (kubeblame.p99Ms / baseline.p99Ms).toFixed(1),
    pair('cpuUs', 0),
    (kubeblame.cpuUs / baseline.cpuUs).toFixed(2),
  ];
}

function startKubeblame(ledger: string, ...more: string[]): Promise<BenchServer> {
  const addresses = ['--listen', '127.0.0.1:0', '--read-listen', '127.0.0.1:0'];
  const tls = ['--tls-cert', path('tls.crt'), '--tls-key', path('tls.key')];
  return BenchServer.start([
    source('../../../dist/kubeblame-webhook.js'),
    'serve',
    '--db',
    path(ledger),
    ...tls,
    ...addresses,
    ...more,
  ]);
}

async function burst(): Promise<void> {
  const server = await startKubeblame('burst.db');
  try {
    const result = await measureBurst(server, readFileSync(path('ca.crt'), 'utf8'));
    const { before, peak, after } = result.rssMb;
    print(
      `A burst: ${result.reviews} reviews as fast as they are taken`,
      [
        'connections',
        'seconds',
        'p99 ms',
        'lost',
        'recovered after s',
        'in the ledger after s',
        'RSS MB before / peak / after',
      ],
      [
        [
          String(result.connections),
          result.seconds.toFixed(1),
          result.p99Ms.toFixed(0),
          String(result.lost),
          result.recoverySeconds.toFixed(2),
          result.settledSeconds.toFixed(1),
          [before, peak, after].map((mb) => mb.toFixed(0)).join(' / '),
        ],
      ],
    );
  } finally {
    await server.stop();
  }
}

async function reading(): Promise<void> {
  const changes = Number(process.env.BENCH_CHANGES ?? 1_000_000);
  const { rows, bytes: size, generatedSeconds } = await measureReading(path, changes);
  print(
    `Reading, of ${changes} changes in ${size} bytes (made in ${generatedSeconds.toFixed(0)} s), and of a tenth of them`,
    ['question', 'items', 'CPU ms', 'of a tenth', 'growth'],
    rows.map(({ question, items, ms, smallMs }) => [
      question,
      String(items),
      ms.toFixed(2),
      smallMs.toFixed(2),
      (ms / smallMs).toFixed(1),
    ]),
  );
}

async function landscape(): Promise<void> {
  const changes = Number(process.env.BENCH_CHANGES ?? 400_000);
  const { rows, takeInUs, ledgerBytes, factsBytes } = await measureLandscape(path, changes);
  const whole = rows[0]?.ms ?? NaN;
  print(
    `The graph of 10,000 objects, of ${changes} changes: facts ${((factsBytes / ledgerBytes) * 100).toFixed(1)} % of the ledger's bytes, taken in at ${takeInUs.toFixed(0)} us a change`,
    ['question', 'items', 'CPU ms', 'of the whole cluster', 'asked again', 'of a quarter of the changes', 'growth'],
    rows.map(({ question, items, ms, againMs, smallMs }) => [
      question,
      String(items),
      ms.toFixed(1),
      (ms / whole).toFixed(3),
      againMs.toFixed(1),
      smallMs.toFixed(1),
      (ms / smallMs).toFixed(1),
    ]),
  );
}

async function bytes(): Promise<void> {
  const { auditBytes, rows } = await measureBytes(path);
  print(
    `Size, indexes included; the audit log of the same requests has ${auditBytes} bytes`,
    ['ledger', 'changes', 'bytes', 'a change', 'of the audit log'],
    rows.map((row) => [
      row.what,
      String(row.changes),
      String(row.bytes),
      (row.bytes / row.changes).toFixed(0),
      `1/${row.ofAudit.toFixed(1)}`,
    ]),
  );
}

async function pause(): Promise<void> {
  const rows = await measurePauses(path);
  print(
    'How long a question holds up the thread that records, of 200,000 changes',
    ['question', 'asked there, ms', 'in the reading thread, ms'],
    rows.map(({ question, inRecorder, inReading }) => [question, inRecorder.toFixed(0), inReading.toFixed(0)]),
  );
}

async function endings(): Promise<void> {
  const { objects, ...ms } = await measureEndings(path);
  const cells = [ms.endedMs, ms.pauseMs, ms.reviewMs, ms.relistMs, ms.relistPauseMs].map((one) => one.toFixed(0));
  print(
    `A namespace with ${objects} objects ends; then their type is listed, empty: ms`,
    ['all ended', 'longest pause', 'longest wait of a review', 'list taken in', 'longest pause'],
    [cells],
  );
}

async function baseline(): Promise<void> {
  const start = (ledger: string, kubeconfig: string): Promise<BenchServer> =>
    startKubeblame(ledger, '--kubeconfig', kubeconfig, '--cluster', 'bench');
  const rows = await measureBaseline(path, start, readFileSync(path('ca.crt'), 'utf8'));
  print(
    'A cluster is listed for the first time: memory of the server at most',
    ['objects', 'seconds', 'RSS MB'],
    rows.map(({ what, seconds, peakMb }) => [what, seconds.toFixed(1), peakMb.toFixed(0)]),
  );
}

async function folding(): Promise<void> {
  const changes = Number(process.env.BENCH_CHANGES ?? 1_000_000);
  const rows = await measureFolding(path, source('../../../dist/kubeblame-webhook.js'), changes);
  print(
    'Folding, step by step: CPU ms a step; and the start',
    ['changes', 'bytes', 'first steps', 'later', 'longest', 'SIGTERM to end ms', 'start ms', 'after a crash ms'],
    rows.map((row) => [
      String(row.changes),
      String(row.bytes),
      ...[row.firstMs, row.laterMs, row.longestMs, row.stopMs, row.cleanStartMs, row.crashedStartMs].map((ms) =>
        ms.toFixed(0),
      ),
    ]),
  );
}

async function audit(): Promise<void> {
  const megabytes = Number(process.env.BENCH_AUDIT_MB ?? 100);
  const row = await measureAuditLog(path, source('../../../dist/kubeblame-webhook.js'), megabytes * 1e6);
  print(
    'An audit log at RequestResponse is imported',
    ['log, MB', 'requests', 'MB a second', 'requests a second', 'memory at most, MB', 'ledger of the log'],
    [[row.megabytes.toFixed(0), String(row.requests), row.mbPerSecond.toFixed(1), row.perSecond.toFixed(0), row.peakMb.toFixed(0), `1/${(1 / row.ofLog).toFixed(1)}`]], // prettier-ignore
  );
}

async function events(): Promise<void> {
  for (const { title, head, rows } of await stormTables(path)) print(title, head, rows);
}

async function cost(): Promise<void> {
  const built = source('../../../dist/kubeblame-webhook.js');
  // The server of another build, to measure in turns with it.
  const before = process.env.BENCH_BEFORE;
  const setting: Setting = {
    path,
    programs: before === undefined ? { now: built } : { before, now: built },
    baseline: [RUN_BUNDLED, source('processes/baseline-server.ts'), path('tls.crt'), path('tls.key')],
    rounds: Number(process.env.BENCH_ROUNDS ?? 3),
  };
  const assets = process.env.KUBEBUILDER_ASSETS ?? '';
  if (assets !== '') printCost('an API server', await measureLive(setting, assets));
  printCost('a server that parses the reviews and allows them', await measureStandIn(setting));
}

function printCost(baseline: string, rows: readonly CostRow[]): void {
  print(
    `CPU time, microseconds a write, with its watch event and outcome, over 8 connections, against ${baseline}; in brackets least and most`,
    [
      ...['object', 'writes/s', 'build', 'total', 'baseline', 'ratio'],
      ...['main', 'answering', 'writer', 'others', 'of these: garbage'],
    ],
    rows.map(costCells),
  );
}

function costCells(row: CostRow): string[] {
  const range = ([least, most]: [number, number], digits: number): string =>
    `(${least.toFixed(digits)}–${most.toFixed(digits)})`;
  const { total, main, answering, writer, others, garbage } = row.ours;
  return [
    row.shape,
    row.perSecond === null ? 'all' : String(row.perSecond),
    row.program,
    `${total.toFixed(0)} ${range(row.totals, 0)}`,
    row.baseline.toFixed(0),
    `${row.ratio.toFixed(2)} ${range(row.ratios, 2)}`,
    ...[main, answering, writer, others, garbage].map((us) => us.toFixed(0)),
  ];
}

const observer = async (): Promise<void> => console.log(`${await observerMemory(path)}\n`);
const MORE = { folding, observer, endings, baseline, events, audit };
const SECTIONS = { admission, cost, burst, reading, landscape, pause, bytes, ...MORE };

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}\n`);
try {
  await makeLocalCertificates({ directory: folder, now: new Date() });
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (wanted.length === 0 || wanted.includes(name)) await section();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
